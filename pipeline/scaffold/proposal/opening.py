"""When a ticket was opened, where no column says it, or not of every ticket.

A ticket without an opening time cannot be counted in any month, so that it is a question
what stands for it. Not here: the rest of a ticket (`service`).
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.profiling.tables import MOMENTS, Column
from pipeline.scaffold.proposal import values
from pipeline.scaffold.proposal.mapping import Answer, Draft, Mapping

# What else is known of a ticket, the nearest to its opening first.
_NEAREST = ("first_response_at", "updated_at", "resolved_at", "closed_at")
_NOTHING = "nothing"
_LEAVE_OUT = "leave_out"


def settle(draft: Draft, mapping: Mapping) -> bool:
    """Sees to it that each ticket has an opening time; False where none can have one.

    Tickets of which nothing says it are left out, and `becomes` counts them so.
    """
    item = mapping.recognised
    column = item.column("opened_at")
    others = _others(mapping, column)
    if column is None or not column.known:
        chosen = draft.questions.decide(
            f"{item.table.name}: opened",
            f"No column of {item.table.title} says when a ticket was opened. Which "
            "moment stands for it?",
            {
                **{one.name: f"{one.low} to {one.high}" for one in others},
                _NOTHING: "no ticket is made of this table",
            },
            others[0].name if others else _NOTHING,
            why="a ticket without an opening time is counted in no month",
            where=f"opened_at in the staging model of {item.table.name}",
        )
        found = {one.name: one for one in others}.get(chosen)
        if found is None:
            mapping.columns.pop("opened_at", None)
            return False
        _take(draft, mapping, found, f"{found.name}, as no column says the opening")
        if found.nulls:
            mapping.where.append(f"{mapping.columns['opened_at'].sql} is not null")
        return True
    if column.nulls:
        chosen = draft.questions.decide(
            f"{item.table.name}: opened",
            f"{column.nulls:,} rows of {item.table.title} have no {column.name}. What "
            "becomes of them?",
            {
                _LEAVE_OUT: "they are left out, and counted as such",
                **{one.name: "stands for it" for one in others},
            },
            _LEAVE_OUT,
            why="a ticket without an opening time is counted in no month",
            where=f"opened_at in the staging model of {item.table.name}",
        )
        own = mapping.columns["opened_at"]
        found = {one.name: one for one in others}.get(chosen)
        if found is not None:
            _take(draft, mapping, found, f"{own.evidence}; else {found.name}", own)
        if found is None or found.nulls:
            mapping.where.append(f"{mapping.columns['opened_at'].sql} is not null")
    return True


def _others(mapping: Mapping, opened: Column | None) -> list[Column]:
    """Other moments of a ticket, the nearest to its opening first."""
    item = mapping.recognised
    named = [column for name in _NEAREST if (column := item.column(name)) is not None]
    rest = [
        column
        for column in item.table.columns.values()
        if column.kind in MOMENTS and column not in named
    ]
    return [column for column in (*named, *rest) if column.known and column != opened]


def _take(
    draft: Draft,
    mapping: Mapping,
    column: Column,
    evidence: str,
    first: Answer | None = None,
) -> None:
    moment = values.timestamp(draft, mapping.table, column)
    expression = f"coalesce({first.sql}, {moment})" if first else moment
    own = mapping.columns.get("first_response_at")
    if own is not None and column.name in own.columns:
        # What stands for the opening does not say how long anybody waited from there. An
        # end stays one, because a ticket without it is open.
        del mapping.columns["first_response_at"]
        if first is not None:
            known = f"case when {first.sql} is not null then {own.sql} end"
            mapping.add("first_response_at", replace(own, sql=known))
    # Types of two columns may differ; both are moments.
    mapping.add("opened_at", Answer(expression, 0.5, evidence, [column.name]))
