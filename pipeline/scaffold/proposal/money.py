"""What a line is worth: the column that says it, or quantity, price and discount.

It is checked on the sample: that an amount is quantity times price less discount is
evidence, and whether tax is in it can be seen where tax has a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.common import sql
from pipeline.profiling.columns import identity
from pipeline.profiling.tables import Column
from pipeline.scaffold.proposal import values
from pipeline.scaffold.proposal.mapping import Draft, of
from pipeline.scaffold.proposal.recognition import Meaning, Recognised
from pipeline.scaffold.proposal.recognition import values as describe


@dataclass(frozen=True)
class Money:
    """What a line is worth: its SQL, how sure, and why."""

    sql: str
    confidence: float
    evidence: str


def choose(
    draft: Draft,
    item: Recognised,
    meaning: str,
    columns: Sequence[Column],
    question: str,
) -> Meaning | None:
    """The column that a person chooses among those that could be it by their values."""
    if not columns:
        return None
    options = {column.name: describe(column) for column in columns}
    chosen = draft.questions.decide(
        f"{item.table.name}: {meaning}",
        f"{question} No column of {item.table.title} has a name that says it.",
        {**options, "none": "no column says it"},
        columns[0].name,
        why="it is the first whose values could be it",
        where=f"the staging model of {item.table.name}",
    )
    if chosen not in item.table.columns:
        return None
    found = Meaning(chosen, 0.5, "its values alone")
    item.meanings[meaning] = found
    return found


def worth(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> Money | None:
    """What a line is worth without tax, as far as the columns can say it.

    None where no column says anything of money.
    """
    _see_counts(connection, draft, item)
    quantity = values.number(draft, item, "quantity")
    price = values.number(draft, item, "unit_price")
    discount = item.column("discount")
    amount = item.column("net_amount")
    product = None
    if price is not None:
        is_whole = amount is None and _is_of_the_line(connection, draft, item)
        product = f"{quantity} * {price}" if quantity and not is_whole else price
    if amount is not None:
        return _stated(connection, draft, item, amount)
    if product is None:
        used = {one.column for one in item.meanings.values()}
        decimals = [
            column
            for column in item.table.columns.values()
            if column.kind == "decimal" and column.name not in used and column.known
        ]
        if not choose(draft, item, "net_amount", decimals, "What is a line worth?"):
            return None
        found = values.answer(draft, item, "net_amount")
        return Money(_money(found.sql), 0.5, found.evidence) if found else None
    if off := values.number(draft, item, "discount_amount"):
        return Money(
            _money(f"{product} - coalesce({off}, 0)"),
            0.9,
            "quantity times price less the line's discount",
        )
    if discount is not None and discount.known:
        return _discounted(draft, item, product, discount)
    how = "price, which is the line's" if product == price else "quantity times price"
    return Money(_money(product), 0.85, f"no column is the amount of a line: {how}")


# What a line is worth is seldom less than a piece of it: below that it is how many.
MOST_OF_A_COUNT = 1000
# Of so many products at least it is seen whether a price grows with the quantity.
LEAST_PRODUCTS = 5


def _see_counts(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> None:
    """A column called amount may say how many, where another says the price."""
    amount, price = item.column("net_amount"), item.column("unit_price")
    if amount is None or price is None or "quantity" in item.meanings:
        return
    if amount.kind != "integer" or int(amount.high) > MOST_OF_A_COUNT:
        return
    row = connection.execute(
        f"select avg(case when abs({amount.reading}) < abs({price.reading}) then 1.0 "
        f"else 0 end) from {sql.quoted(item.table.relation)} "
        f"where {amount.reading} <> 0 and {price.reading} <> 0"
    ).fetchone()
    share = float(row[0] or 0) if row else 0.0
    if share <= 0.5:
        return
    chosen = draft.questions.decide(
        f"{item.table.name}.{amount.name}",
        f"Is {amount.name} of {item.table.title} how many, or what a line is worth?",
        {"how many": "a quantity", "worth": "an amount of money"},
        "how many",
        why=f"it is less than {price.name} in {share:.0%} of the rows",
        where=f"the staging model of {item.table.name}",
    )
    if chosen == "how many":
        item.meanings["quantity"] = item.meanings.pop("net_amount")


def _is_of_the_line(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> bool:
    """Whether what is called a price is that of all pieces: it grows with their number."""
    quantity, price = item.column("quantity"), item.column("unit_price")
    product = item.column("source_product_id")
    if quantity is None or price is None or product is None:
        return False
    many, each = quantity.reading, price.reading
    row = connection.execute(
        f"""
        with products as (
            select
                avg({each}) filter (where {many} = 1) as of_one,
                avg({each}) filter (where {many} > 1) as of_many,
                avg({each} / {many}) filter (where {many} > 1) as of_each
            from {sql.quoted(item.table.relation)}
            where {many} > 0 and {each} > 0
            group by {identity(product)}
        )

        select
            count(*),
            avg(case when abs(of_each - of_one) < abs(of_many - of_one)
                then 1.0 else 0 end)
        from products
        where of_one is not null and of_many is not null
        """
    ).fetchone()
    products, share = (int(row[0]), float(row[1] or 0)) if row else (0, 0.0)
    if products < LEAST_PRODUCTS or share < 0.9:
        return False
    chosen = draft.questions.decide(
        f"{item.table.name}.{price.name}",
        f"Is {price.name} of {item.table.title} the price of a piece, or of all pieces "
        "of a line?",
        {"a line": "it is what the line is worth", "a piece": "it is multiplied"},
        "a line",
        why=f"of {share:.0%} of the products it grows with the quantity",
        where=f"net_amount in the staging model of {item.table.name}",
    )
    return chosen == "a line"


def _money(expression: str) -> str:
    return f"cast({expression} as decimal(18, 4))"


def _discounted(
    draft: Draft, item: Recognised, product: str, discount: Column
) -> Money:
    high = float(discount.high or 0)
    if high <= 1:
        proposed = "a fraction"
    elif (
        high <= 100
        and "amount" not in discount.name.lower()
        and "额" not in discount.name
    ):
        proposed = "percent"
    else:
        proposed = "money"
    chosen = draft.questions.decide(
        f"{item.table.name}.{discount.name}",
        f"What is {discount.name} in {item.table.title}?",
        {
            "a fraction": "0.1 is ten percent off",
            "percent": "10 is ten percent off",
            "money": "it is taken off the line as it is",
            "nothing": "the price is after it",
        },
        proposed,
        why=f"its values go from {discount.low} to {discount.high}",
        where=f"net_amount in the staging model of {item.table.name}",
    )
    value = f"coalesce({of(item.table, values.typed(draft, item.table, discount))}, 0)"
    formulas = {
        "a fraction": f"{product} * (1 - {value})",
        "percent": f"{product} * (1 - {value} / 100)",
        "money": f"{product} - {value}",
    }
    return Money(
        _money(formulas.get(chosen, product)),
        0.8,
        f"quantity times price, {discount.name} taken for {chosen}",
    )


def _stated(
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    item: Recognised,
    amount: Column,
) -> Money:
    """A column that says the amount, checked against quantity, price, discount and tax."""
    found = values.answer(draft, item, "net_amount")
    assert found is not None
    amount = item.table.columns[item.meanings["net_amount"].column]
    formulas = _formulas(item)
    best, share = "", 0.0
    for name, formula in formulas.items():
        agrees = _agrees(connection, item, amount, formula)
        if agrees > share:
            best, share = name, agrees
    expression = _money(found.sql)
    if off := values.number(draft, item, "refunded_amount"):
        expression = _money(f"{found.sql} - coalesce({off}, 0)")
    if item.preset and item.preset.less:
        return _less(draft, item, expression, found.evidence)
    if share < 0.9:
        return Money(expression, found.confidence, f"{amount.name}: {found.evidence}")
    evidence = f"{amount.name}: it is {best} in {share:.1%} of the rows"
    tax = item.column("tax_amount")
    if "tax" in best and tax is not None:
        net = draft.questions.decide(
            f"{item.table.name}: tax",
            f"{amount.name} of {item.table.title} holds the tax. Is revenue without it?",
            {"yes": "the tax is taken off", "no": "revenue is with tax"},
            "yes",
            why=evidence,
            where=f"net_amount in the staging model of {item.table.name}",
        )
        if net == "yes":
            taken = of(item.table, values.typed(draft, item.table, tax))
            expression = _money(f"{found.sql} - coalesce({taken}, 0)")
    return Money(expression, max(found.confidence, 0.95), evidence)


def _less(draft: Draft, item: Recognised, expression: str, evidence: str) -> Money:
    """An amount without what the known export says that it holds besides, such as tax."""
    assert item.preset is not None
    for meaning in item.preset.less:
        column = item.column(meaning)
        if column is not None:
            off = of(item.table, values.typed(draft, item.table, column))
            expression = f"{expression} - coalesce({off}, 0)"
            evidence = f"{evidence}, less {column.name}"
    return Money(_money(expression), 1.0, evidence)


def _formulas(item: Recognised) -> dict[str, str]:
    quantity, price = item.column("quantity"), item.column("unit_price")
    discount, tax = item.column("discount"), item.column("tax_amount")
    if quantity is None or price is None:
        return {}
    plain = f"{quantity.reading} * {price.reading}"
    found = {"quantity times price": plain}
    if discount is not None:
        off = f"coalesce({discount.reading}, 0)"
        found["quantity times price less the discount"] = f"{plain} - {off}"
        if float(discount.high or 0) <= 1:
            found["quantity times price less the share of the discount"] = (
                f"{plain} * (1 - {off})"
            )
    if tax is not None:
        found["quantity times price and tax"] = f"{plain} + coalesce({tax.reading}, 0)"
    return found


def _agrees(
    connection: duckdb.DuckDBPyConnection,
    item: Recognised,
    amount: Column,
    formula: str,
) -> float:
    """The share of the sample's rows in which the amount is what a formula gives."""
    row = connection.execute(
        f"select avg(case when abs({amount.reading} - ({formula})) "
        f"<= 0.011 + 0.001 * abs({amount.reading}) then 1.0 else 0 end) "
        f"from {sql.quoted(item.table.relation)} where {amount.reading} is not null"
    ).fetchone()
    return float(row[0] or 0) if row else 0.0
