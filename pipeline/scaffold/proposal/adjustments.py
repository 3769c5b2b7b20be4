"""What a whole order is more or less than its lines, as known exports say it.

A discount, an adjustment or freight of the order goes into its lines, and what the order
comes to becomes a test of the project. Not here: what a line is worth by itself (`money`).
"""

from __future__ import annotations

from pipeline.profiling.columns import identity
from pipeline.scaffold.proposal import joins, money, values
from pipeline.scaffold.proposal.mapping import (
    Answer,
    Draft,
    Mapping,
    OrderTotal,
    alias,
    of,
)


def adjusted(
    draft: Draft, mapping: Mapping, order: Answer, worth: money.Money
) -> Answer:
    """A line's amount with its part of what the whole order is more or less.

    The parts are in proportion to the lines, rounded along the order, so that they sum to
    the order's discount and adjustment to the cent.
    """
    plain = Answer(worth.sql, worth.confidence, worth.evidence)
    if mapping.recognised.role != "order_lines":
        return plain
    header_of = _adjusting(draft, mapping)
    if header_of is None:
        return plain
    mapping.order_total = _order_total(draft, header_of)
    found = _adjustment(draft, mapping, header_of)
    if found is None:
        return plain
    amount, evidence = found
    own = alias(mapping.table)
    arguments = ", ".join(
        values.in_jinja(text)
        for text in (
            *(amount, worth.sql, order.sql),
            f"{own}._batch_id, {own}._row_number",
        )
    )
    return Answer(
        f"cast({worth.sql} + {{{{ part_of_order({arguments}) }}}} as decimal(18, 4))",
        worth.confidence,
        f"{worth.evidence}; and its part of {evidence} of the order",
    )


def _adjusting(draft: Draft, mapping: Mapping) -> joins.Reached | None:
    """The known export that says what an order is more or less than its lines.

    It is the table of the lines itself, or that of the orders to which they refer.
    """
    own = mapping.recognised
    if own.preset and own.preset.adjusts:
        return joins.Reached(own, ())
    for reached in joins.reachable(draft, own):
        preset = reached.item.preset
        if reached.item.role == "orders" and preset and not preset.is_return:
            return reached
    return None


def _adjustment(
    draft: Draft, mapping: Mapping, reached: joins.Reached
) -> tuple[str, str] | None:
    """What an order is more or less than its lines: SQL, and the names of its columns."""
    table, preset = reached.item.table, reached.item.preset
    assert preset is not None
    stated = {
        name: of(table, values.typed(draft, table, table.columns[name]))
        for name in (*preset.adjustment, *preset.difference)
        if table.columns[name].known
    }
    if not stated:
        return None
    for join in reached.joins:
        mapping.join(join)
    if preset.difference:
        if len(stated) < 2:
            return None
        return " - ".join(stated.values()), " less ".join(stated)
    amount = " ".join(
        f"{'-' if preset.adjustment[name] < 0 else '+'} coalesce({value}, 0)"
        for name, value in stated.items()
    ).removeprefix("+ ")
    # Null, and not 0, in rows that leave out what the order's first one says.
    known = f"coalesce({', '.join(stated.values())})"
    return f"case when {known} is not null then {amount} end", ", ".join(stated)


def _order_total(draft: Draft, reached: joins.Reached) -> OrderTotal | None:
    """What the known export says that an order comes to, by which its lines are checked."""
    item = reached.item
    order = item.column("order_id")
    total = item.column("order_total") or (
        item.column("net_amount") if item.role == "orders" else None
    )
    if order is None or total is None or item.preset is None:
        return None
    amount = values.typed(draft, item.table, total)
    for meaning in item.preset.less:
        if (column := item.column(meaning)) is not None:
            amount += f" - coalesce({values.typed(draft, item.table, column)}, 0)"
    return OrderTotal(item.table, identity(order), amount)
