"""Which joins between the tables of a release keep the rows, and which multiply them.

A join is safe where the other table has at most one row for each value: it adds columns
and neither adds nor hides a row. Read from the keys and references that the gates prove
of every release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# Columns that refer to a mart wherever they stand, also where no test says so.
_OWNERS: Final[Mapping[str, str]] = {
    "customer_id": "marts.customers",
    "product_id": "marts.products",
    "lead_id": "marts.leads",
}


@dataclass(frozen=True)
class Join:
    """A left join from one table to another.

    Attributes:
        column: Of the table that is joined from.
        other: The other table, with its schema.
        other_column: What is equal.
        is_safe: Whether it keeps the number of rows.
    """

    table: str
    column: str
    other: str
    other_column: str
    is_safe: bool


def joins(
    columns: Mapping[str, Sequence[str]], relations: Mapping[str, Any]
) -> Mapping[str, list[Join]]:
    """Table → its joins, the safe ones first.

    Args:
        columns: The columns of each table, by schema and name.
        relations: `relations` of `release.json`: keys and references of each table.
    """
    found: dict[str, list[Join]] = {table: [] for table in columns}
    for table, column, other, other_column in _references(columns, relations):
        keys = [list(key) for key in relations.get(other, {}).get("keys", ())]
        if [other_column] not in keys:
            continue
        found[table].append(Join(table, column, other, other_column, is_safe=True))
        mine = [list(key) for key in relations.get(table, {}).get("keys", ())]
        found[other].append(
            Join(other, other_column, table, column, is_safe=[column] in mine)
        )
    for listed in found.values():
        listed.sort(key=lambda join: (not join.is_safe, join.other, join.column))
    return found


def _references(
    columns: Mapping[str, Sequence[str]], relations: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str]]:
    for table, names in columns.items():
        references = relations.get(table, {}).get("references", {})
        for column in names:
            if column in references:
                other, other_column = references[column]
            else:
                other, other_column = _OWNERS.get(column, ""), column
            # A table may refer to itself by another column, as a parent does.
            is_itself = (other, other_column) == (table, column)
            if other in columns and other_column in columns[other] and not is_itself:
                yield table, column, other, other_column
