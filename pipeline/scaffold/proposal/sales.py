"""Order lines: which rows are lines, of which order and day, and whose they are.

Not here: what a line is worth (`money`).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling import wide
from pipeline.profiling.columns import identity
from pipeline.profiling.tables import MOMENTS, Table
from pipeline.scaffold.proposal import (
    adjustments,
    deals,
    distilling,
    header,
    joins,
    money,
    people,
    unsold,
    values,
    vocabulary,
)
from pipeline.scaffold.proposal.mapping import Answer, Draft, Mapping, alias, of
from pipeline.scaffold.proposal.recognition import (
    Meaning,
    Recognised,
    column_meanings,
    title_words,
)

# What each line has of its own, however few rows say it.
_OF_THE_LINE = {
    "order_id", "line_number", "source_product_id", "quantity", "net_amount", "cost_amount",
    "freight_amount", "is_return",
}  # fmt: skip


# When a table says that something was sold which is none of sales. Until a deal is won,
# the day of its closing is the expected one; then it is that day.
_BILLED = ("invoiced_on", "paid_at", "due_date", "occurred_at")
_CLOSED = ("closed_on", "expected_close_date")


def lines(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> Mapping | None:
    """The order lines that a table gives; None where it has no amounts or days."""
    mapping = Mapping("order_lines", item)
    worth = money.worth(connection, draft, item)
    when = _when(draft, mapping)
    if worth is None or when is None:
        lacks = "what a line is worth" if worth is None else "when anything was bought"
        draft.left_out[item.table.name] = (
            f"{item.table.title} is taken for {item.role}, and no column says {lacks}: no "
            "order lines are made of it"
        )
        return None
    order = _order(draft, mapping, when)
    mapping.add("order_id", order)
    mapping.add("line_number", _line_number(connection, draft, item, order))
    people.add_customer(draft, mapping)
    mapping.add("source_product_id", _product(draft, item))
    for name, answer in when.items():
        mapping.add(name, answer)
    mapping.add("channel", values.answer(draft, item, "channel"))
    quantity = values.number(draft, item, "quantity")
    worth = _signed(item, worth)
    mapping.add(
        "quantity",
        values.answer(draft, item, "quantity")
        or Answer(
            f"case when {worth.sql} < 0 then -1 else 1 end",
            0.7,
            "no column says how many: one of each line, or one back",
        ),
    )
    mapping.add("net_amount", adjustments.adjusted(draft, mapping, order, worth))
    mapping.add("cost_amount", _cost(connection, draft, mapping, worth, quantity))
    mapping.add("freight_amount", _freight(draft, mapping, order))
    if item.preset and item.preset.is_return:
        back = Answer("-1", 1.0, f"{item.preset.name}: what came back, as one line")
        mapping.add("quantity", back)
    sold = quantity or worth.sql
    mapping.add(
        "is_return",
        Answer(f"coalesce({sold} < 0, false)", 0.9, "what is negative came back"),
    )
    mapping.add("currency", _currency(draft, mapping))
    if mapping.columns["net_amount"].sql == worth.sql:
        mapping.amount = worth.sql
    unsold.leave_out_cancelled(connection, draft, mapping)
    unsold.leave_out_payments(connection, draft, mapping)
    unsold.leave_out_sums(draft, mapping)
    unsold.leave_out_empty(mapping, worth)
    if item.role == "leads":
        deals.take_won(draft, mapping)
    if item.table.wide is not None:
        value = f"{alias(item.table)}.{sql.quoted(item.table.wide.value)}"
        mapping.take_where(wide.has_amount(value))
    _fill_within_orders(connection, mapping, order)
    return mapping


def bills(draft: Draft) -> list[Recognised]:
    """The tables that say what was sold where none is one of sales, each sale once."""
    for kind in ("payments", "interactions", "leads"):
        found = {
            item.table.name: bill
            for item in draft.of_role(kind)
            if (bill := billed(item)) is not None
        }
        invoices = [
            found[item.table.name]
            for item in draft.of_role(kind)
            if item.table.name in found and "invoiced_on" in item.meanings
        ]
        chosen = invoices or [*found.values()]
        if chosen and _stand_for_sales(draft, kind, chosen):
            return chosen
    return []


def _stand_for_sales(draft: Draft, kind: str, tables: Sequence[Recognised]) -> bool:
    """Whether what these tables say was paid, billed or won is what was sold."""
    said = " and ".join(
        f"{item.meanings[name].column} of {item.table.title}{_if_won(item)}"
        for item in tables
        for name in ("net_amount", "unit_price")
        if name in item.meanings
    )
    chosen = draft.questions.decide(
        f"sales: {kind}",
        f"No table lists orders. Is {said} what was sold?",
        {
            "yes": "each row is an order",
            "no": "sales are not known, and nobody is graded",
        },
        "yes",
        why="it is the only amount that names a customer and a day",
        where="the staging model of order_lines",
    )
    return chosen == "yes"


def _if_won(item: Recognised) -> str:
    column = deals.outcome(item) if item.role == "leads" else None
    return f", where {column.name} is {', '.join(deals.won(column))}," if column else ""


def billed(item: Recognised) -> Recognised | None:
    """A table of invoices, payments, visits or deals as one of sales.

    For those who have no other record of sales, such as a subscription's, a clinic's or
    that of a CRM which knows deals alone: of these, what was won when they were closed.

    Returns:
        None where the table does not say of whom, when, or how much.
    """
    is_deal = item.role == "leads"
    if is_deal and not (
        deals.won(deals.outcome(item)) and set(_CLOSED) & set(item.meanings)
    ):
        return None
    own = column_meanings(item.table, "order_lines", frozenset(title_words(item.table)))
    for meaning, names in {
        "order_id": ("order_id", "payment_id", "interaction_id", "lead_id"),
        "source_customer_id": ("source_customer_id",),
        "ordered_at": _CLOSED if is_deal else _BILLED,
        "net_amount": ("amount",),
        "currency": ("currency",),
    }.items():
        for name in names:
            column = item.column(name)
            # Who has not paid yet has bought as well.
            if column is not None and (name != "paid_at" or not column.nulls):
                own[meaning] = item.meanings[name]
                break
    if {"source_customer_id", "ordered_at", "net_amount"} - own.keys():
        return None
    if is_deal:
        # How it ended says which deals count, and is no status of an order.
        own.pop("order_status", None)
        ended = {"stage", "outcome"} & set(item.meanings)
        own |= {meaning: item.meanings[meaning] for meaning in ended}
    return Recognised(item.table, item.role, item.confidence, item.evidence, own)


def _when(draft: Draft, mapping: Mapping) -> dict[str, Answer] | None:
    """The moment and the day of the order, from the line or its header."""
    item = mapping.recognised
    meaning = item.meanings.get("ordered_at")
    table, found = item.table, meaning
    if meaning is None:
        other = joins.from_elsewhere(draft, mapping, "ordered_at", "order_lines")
        if other is not None:
            table = other[0].table
            found = joins.seen_as(other[0], "order_lines").meanings["ordered_at"]
        else:
            table, found = _only_moment(draft, mapping)
        if found is None:
            return None
    assert found is not None
    if table is item.table:
        found = values.asked(draft, item, "ordered_at", found)
    column = table.columns[found.column]
    evidence = f"{table.name}.{found.column}: {found.evidence}"
    return {
        "ordered_at": Answer(
            values.timestamp(draft, table, column),
            found.confidence,
            evidence,
            [column.name],
        ),
        "order_date": Answer(
            values.day(draft, table, column),
            found.confidence,
            "the day of it",
            [column.name],
        ),
    }


def _only_moment(draft: Draft, mapping: Mapping) -> tuple[Table, Meaning | None]:
    """A day or time whose name says nothing, of the line or its header, if one agrees."""
    item = mapping.recognised
    headers = [one for one in joins.reachable(draft, item) if one.item.role == "orders"]
    for owner, needed in ((item, ()), *((one.item, one.joins) for one in headers)):
        used = {one.column for one in owner.meanings.values()}
        columns = [
            column
            for column in owner.table.columns.values()
            if column.kind in MOMENTS
            and column.name not in used
            and column.known
            and not vocabulary.is_one_of_several(vocabulary.stems(column.name))
        ]
        found = money.choose(
            draft, owner, "ordered_at", columns, "When was it ordered?"
        )
        if found is not None:
            for join in needed:
                mapping.join(join)
            return owner.table, found
    return item.table, None


def _order(draft: Draft, mapping: Mapping, when: dict[str, Answer]) -> Answer:
    """The number of the order; without one, who bought on one day bought once."""
    item = mapping.recognised
    if found := values.answer(draft, item, "order_id"):
        return found
    customer = item.column("source_customer_id")
    chosen = draft.questions.decide(
        f"{item.table.name}: order",
        f"No column of {item.table.title} is the number of an order. What is one order?",
        {
            "customer and moment": "what one customer bought at one moment",
            "each row": "each row is an order of its own",
        },
        "customer and moment" if customer else "each row",
        why="lines of one purchase share their customer and moment",
        where=f"order_id in the staging model of {item.table.name}",
    )
    moment = f"cast({when['ordered_at'].sql} as varchar)"
    if chosen == "customer and moment" and customer is not None:
        who = of(item.table, identity(customer))
        expression = f"concat_ws('/', {who}, {moment})"
    else:
        place = f"{alias(item.table)}._row_number"
        expression = f"concat_ws('/', {alias(item.table)}._source_file, {place})"
    return Answer(expression, 0.5, f"no column numbers orders: {chosen}")


def _line_number(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised, order: Answer
) -> Answer:
    """The column that numbers the lines, or the row's place in its order."""
    table = item.table
    column = item.column("line_number")
    own = item.column("order_id")
    if column is not None and own is not None and column.kind == "integer":
        row = connection.execute(
            f"select count(distinct ({identity(own)}, {column.reading})) "
            f"from {sql.quoted(table.relation)}"
        ).fetchone()
        if row == (table.rows,):
            return Answer(
                of(table, values.typed(draft, table, column)),
                0.95,
                f"{column.name}: with the order it tells all rows apart",
            )
    places = f"{alias(table)}._batch_id, {alias(table)}._row_number"
    return Answer(
        f"row_number() over (partition by {order.sql} order by {places})",
        0.9,
        "no column numbers the lines: the row's place in its order",
    )


def _product(draft: Draft, item: Recognised) -> Answer:
    found = values.answer(draft, item, "source_product_id")
    if found is None:
        found = values.answer(draft, item, "product_name")
    if found is None and (
        name := distilling.distilled(item, "products").get("product_name")
    ):
        column = item.table.columns[name.column]
        found = Answer(
            of(item.table, values.text(column)),
            name.confidence * 0.9,
            f"{column.name}: its name, as no column numbers products",
        )
    return found or Answer(
        "cast(null as varchar)", 0.3, "no column says what was bought"
    )


def _cost(
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    mapping: Mapping,
    worth: money.Money,
    quantity: str | None,
) -> Answer | None:
    """What a line cost: stated, per piece, or what the profit leaves."""
    item = mapping.recognised
    if found := values.answer(draft, item, "cost_amount"):
        return found
    each = values.answer(draft, item, "unit_cost")
    if each is not None:
        return Answer(
            f"{quantity} * {each.sql}" if quantity else each.sql,
            each.confidence,
            f"{each.evidence}, times the quantity",
        )
    profit = values.answer(draft, item, "profit_amount")
    if profit is not None:
        return Answer(
            f"{worth.sql} - {profit.sql}",
            profit.confidence,
            f"the amount less {profit.evidence}",
        )
    product = joins.from_elsewhere(draft, mapping, "unit_cost", "products")
    if product is None:
        return None
    answer = product[1]
    chosen = draft.questions.decide(
        f"{item.table.name}: cost",
        "No line says what it cost. Is it the cost of its product as it is today?",
        {"yes": "quantity times that cost", "no": "the cost of lines is not known"},
        "yes",
        why=f"{answer.evidence}",
        where=f"cost_amount in the staging model of {item.table.name}",
    )
    if chosen == "no":
        return None
    return Answer(
        f"{quantity} * {answer.sql}" if quantity else answer.sql,
        0.7,
        f"quantity times {answer.evidence}, as it is today",
    )


def _signed(item: Recognised, worth: money.Money) -> money.Money:
    """What came back is less than nothing."""
    if not (item.preset and item.preset.is_return):
        return worth
    return money.Money(
        f"cast(-({worth.sql}) as decimal(18, 4))",
        worth.confidence,
        f"{worth.evidence}; it came back",
    )


def _freight(draft: Draft, mapping: Mapping, order: Answer) -> Answer | None:
    """Freight of the line, or the line's part of the order's."""
    if found := values.answer(draft, mapping.recognised, "freight_amount"):
        return found
    found_there = joins.from_elsewhere(draft, mapping, "freight_amount", "orders")
    if found_there is None or found_there[0].role != "orders":
        return None
    own = alias(mapping.table)
    whole, lines = found_there[1].sql, f"count(*) over (partition by {order.sql})"
    part = f"cast({whole} / {lines} as decimal(18, 4))"
    place = (
        f"row_number() over (partition by {order.sql} "
        f"order by {own}._batch_id, {own}._row_number)"
    )
    # The first line takes what rounding leaves, so that the sum is the order's.
    return Answer(
        f"case when {place} = 1 then {whole} - ({lines} - 1) * {part} else {part} end",
        0.8,
        f"{found_there[1].evidence}, in equal parts to the order's lines",
    )


def _currency(draft: Draft, mapping: Mapping) -> Answer | None:
    if found := values.answer(draft, mapping.recognised, "currency"):
        return found
    other = joins.from_elsewhere(draft, mapping, "currency", "order_lines")
    return other[1] if other else None


def _fill_within_orders(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, order: Answer
) -> None:
    """What stands in the first row of an order only holds for all of its rows."""
    filled = header.of_the_header(connection, mapping.recognised)
    for name, answer in list(mapping.columns.items()):
        if name not in _OF_THE_LINE and filled & set(answer.columns):
            mapping.columns[name] = Answer(
                f"max({answer.sql}) over (partition by {order.sql})",
                answer.confidence,
                f"{answer.evidence}; it stands in one row of an order and holds for all",
                answer.columns,
            )
