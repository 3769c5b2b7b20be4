"""What a table lacks and another that it refers to has: looked up by the reference.

An order's customer and day stand in the order's header, a customer's country in a table
of places: whatever has the column and can be reached from row to row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.profiling.columns import identity
from pipeline.profiling.tables import Reference, Table
from pipeline.scaffold.proposal import values
from pipeline.scaffold.proposal.mapping import Answer, Draft, Join, Mapping, of
from pipeline.scaffold.proposal.recognition import Recognised, column_meanings

# Further away than this, what is found belongs to something else.
FURTHEST = 3


# Where employees live is not where customers do.
_PEOPLE = {"given_name", "family_name", "email", "phone"}


@dataclass(frozen=True)
class Reached:
    """A table, and the joins by which each row finds its row there."""

    item: Recognised
    joins: Sequence[Join]


def reachable(draft: Draft, item: Recognised) -> Iterator[Reached]:
    """The tables that each row of a table has one row of, the nearest first."""
    level = [Reached(item, ())]
    seen = {item.table.name}
    for _ in range(FURTHEST):
        further: list[Reached] = []
        for at in level:
            for reference in _in_order(draft, at.item.table):
                if reference.to_table in seen:
                    continue
                other = draft.found[reference.to_table]
                if reference.containment < 0.5:
                    continue
                seen.add(reference.to_table)
                join = Join(
                    other.table, condition(at.item.table, other.table, reference)
                )
                further.append(Reached(other, (*at.joins, join)))
        yield from further
        level = further


def _in_order(draft: Draft, table: Table) -> list[Reference]:
    """A table's references, headers of orders before what merely has the same key."""
    ranks = {"orders": 0, "customers": 1, "products": 2}
    return sorted(
        draft.profile.from_table(table.name),
        key=lambda item: ranks.get(draft.found[item.to_table].role or "", 3),
    )


def condition(table: Table, other: Table, reference: Reference) -> str:
    """SQL of which row of the other table belongs to a row of ours."""
    own = of(table, identity(table.columns[reference.column]))
    theirs = of(other, identity(other.columns[reference.to_column]))
    return f"{own} = {theirs}"


def from_elsewhere(
    draft: Draft, mapping: Mapping, meaning: str, role: str
) -> tuple[Recognised, Answer] | None:
    """A column that the table itself lacks, from the nearest table that has it.

    Args:
        draft: The proposal.
        mapping: What it is for; it gets the joins.
        meaning: What the column must mean.
        role: In whose vocabulary; tables that have a role of their own are asked in that.
    """
    for reached in reachable(draft, mapping.recognised):
        item = seen_as(reached.item, role)
        if meaning not in item.meanings or (
            reached.item.role is None and _PEOPLE & set(item.meanings)
        ):
            continue
        found = values.answer(draft, item, meaning)
        if found is None:
            continue
        for join in reached.joins:
            mapping.join(join)
        table = reached.item.table
        return reached.item, Answer(
            found.sql,
            found.confidence * 0.95,
            f"{table.name}.{found.evidence}",
            [f"{table.name}.{name}" for name in found.columns],
        )
    return None


def seen_as(item: Recognised, role: str) -> Recognised:
    """A table as one of another role: what its columns would mean there.

    Its own key and name are those of something else and mean nothing there.
    """
    same = {role, "orders" if role == "order_lines" else role}
    if item.role in same:
        return item
    own = column_meanings(item.table, role, frozenset())
    if item.role is not None:
        own = {
            meaning: found
            for meaning, found in own.items()
            if meaning in item.meanings
            and item.meanings[meaning].column == found.column
        }
    return Recognised(item.table, item.role, item.confidence, item.evidence, own)
