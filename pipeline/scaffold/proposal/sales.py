"""Order lines: which rows are lines, of which order and day, and whose they are.

Not here: what a line is worth (`money`).
"""

from __future__ import annotations

import duckdb

from pipeline.common import sql
from pipeline.profiling import wide
from pipeline.profiling.columns import identity
from pipeline.profiling.tables import MOMENTS, Column, Table
from pipeline.scaffold.proposal import (
    adjustments,
    distilling,
    header,
    joins,
    money,
    people,
    values,
)
from pipeline.scaffold.proposal.mapping import Answer, Draft, Mapping, alias, of
from pipeline.scaffold.proposal.recognition import (
    Meaning,
    Recognised,
    column_meanings,
    title_words,
)

# Words in the status of an order that was never one, is none yet, or none any more.
CANCELLED = (
    "cancel", "void", "failed", "unavailable", "expired", "abandon", "declined", "draft",
    "uncollectible", "reject", "no-show", "no show", "storn", "annul", "anulad", "entwurf",
    "取消", "作废", "关闭", "退款成功", "无效", "未生效", "审核中", "草稿", "キャンセル",
)  # fmt: skip


# What each line has of its own, however few rows say it.
_OF_THE_LINE = {
    "order_id", "line_number", "source_product_id", "quantity", "net_amount", "cost_amount",
    "freight_amount", "is_return",
}  # fmt: skip


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
    mapping.add(
        "quantity",
        values.answer(draft, item, "quantity")
        or Answer("1", 0.7, "no column says how many: one of each line"),
    )
    worth = _signed(item, worth)
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
    _leave_out_cancelled(connection, draft, mapping)
    _leave_out_empty(mapping, worth)
    if item.table.wide is not None:
        value = f"{alias(item.table)}.{sql.quoted(item.table.wide.value)}"
        mapping.where.append(wide.has_amount(value))
    _fill_within_orders(connection, mapping, order)
    return mapping


def billed(item: Recognised) -> Recognised | None:
    """A table of invoices or payments as one of sales; None where it says not whose or when.

    For those who have no other record of sales, such as a subscription's.
    """
    own = column_meanings(item.table, "order_lines", frozenset(title_words(item.table)))
    for meaning, names in {
        "order_id": ("order_id", "payment_id"),
        "source_customer_id": ("source_customer_id",),
        "ordered_at": ("invoiced_on", "paid_at", "due_date"),
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
            if column.kind in MOMENTS and column.name not in used and column.known
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


def _leave_out_cancelled(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping
) -> None:
    """Orders whose status says that they were cancelled, where a person agrees."""
    item = mapping.recognised
    owner, status = item, item.column("order_status")
    if status is None:
        other = joins.from_elsewhere(draft, mapping, "order_status", "order_lines")
        if other is None or other[0].role != "orders":
            return
        owner = other[0]
        status = owner.column("order_status")
    if status is None or status.kind != "text":
        return
    found = connection.execute(
        f"select {status.reading}, count(*) from {sql.quoted(owner.table.relation)} "
        "where 1 = 1 group by 1 order by 2 desc limit 40"
    ).fetchall()
    dead = [(word, rows) for word, rows in found if word and _is_dead(status, word)]
    # An order may be cancelled after the first files came.
    known = [word for word in status.options if _is_dead(status, word)]
    known += owner.preset.cancelled if owner.preset else ()
    there = {word for word, _ in dead}
    dead += [(word, 0) for word in dict.fromkeys(known) if word not in there]
    if not dead:
        return
    displayed = ", ".join(f"{word} ({rows:,} rows)" for word, rows in dead)
    chosen = draft.questions.decide(
        f"{owner.table.name}.{status.name}",
        f"Do orders count whose {status.name} is {displayed}?",
        {"no": "they are left out, and counted as such", "yes": "they are sales"},
        "no",
        why="their status says that they came to nothing, or have not come to anything yet",
        where=f"`where` in the staging model of {item.table.name}, and `becomes` in "
        "sources.yaml",
    )
    if chosen == "yes":
        return
    listed = ", ".join(sql.literal(word) for word, _ in dead)
    if owner is item and status.name in header.of_the_header(connection, item):
        _leave_out_orders(draft, mapping, status, listed)
        return
    test = f"coalesce({of(owner.table, status.reading)} not in ({listed}), true)"
    mapping.where.append(test)
    if owner is item:
        return
    reference = next(
        one
        for one in draft.profile.from_table(item.table.name)
        if one.to_table == owner.table.name
    )
    own = of(item.table, identity(item.table.columns[reference.column]))
    theirs = identity(owner.table.columns[reference.to_column])
    view = f"landing.{draft.source}__{owner.table.name}"
    mapping.landed_where = [
        f"{own} not in (select {theirs} from {view} "
        f"where {status.reading} in ({listed}) and {theirs} is not null)"
    ]


def _is_dead(status: Column, word: str) -> bool:
    return any(mark in status.said(word) for mark in CANCELLED)


def _leave_out_orders(
    draft: Draft, mapping: Mapping, status: Column, listed: str
) -> None:
    """Leaves out all rows of an order whose first row alone says its status."""
    item = mapping.recognised
    order = item.column("order_id")
    assert order is not None
    key = identity(order)
    test = (
        f"{of(item.table, key)} not in (select {key} from {{table}} "
        f"where {status.reading} in ({listed}) and {key} is not null)"
    )
    mapping.where.append(test.format(table=alias(item.table)))
    view = f"landing.{draft.source}__{item.table.name}"
    mapping.landed_where = [test.format(table=view)]


def _leave_out_empty(mapping: Mapping, worth: money.Money) -> None:
    """Rows without an amount are no lines, such as the header in a table of both."""
    item = mapping.recognised
    column = item.column("net_amount") or item.column("unit_price")
    if column is not None and column.nulls:
        test = f"{worth.sql} is not null"
        mapping.where.append(test)
        if mapping.landed_where is not None:
            mapping.landed_where.append(test)


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
