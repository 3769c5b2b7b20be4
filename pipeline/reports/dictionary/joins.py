"""Which joins between the tables of a release keep the rows, and which multiply them.

A join is safe where the other table has at most one row for each value: it adds columns
and neither adds nor hides a row. Read from the keys and references that the gates prove
of every release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# Columns that mean the same wherever they stand, and the mart that each is the key of.
_SHARED: Final[Mapping[str, str]] = {
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

    def is_key(table: str, column: str) -> bool:
        return [column] in [
            list(key) for key in relations.get(table, {}).get("keys", ())
        ]

    found: dict[str, set[Join]] = {table: set() for table in columns}
    for table, column, other, other_column in _pairs(columns, relations):
        found[table].add(
            Join(table, column, other, other_column, is_key(other, other_column))
        )
    return {
        table: sorted(
            listed, key=lambda join: (not join.is_safe, join.other, join.column)
        )
        for table, listed in found.items()
    }


def _pairs(
    columns: Mapping[str, Sequence[str]], relations: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str]]:
    """Table, column, other table and its column, of all that may be equal."""
    for table, names in columns.items():
        for column, (other, other_column) in (
            relations.get(table, {}).get("references", {}).items()
        ):
            if column in names and other_column in columns.get(other, ()):
                yield table, column, other, other_column
                yield other, other_column, table, column
    for column, owner in _SHARED.items():
        if not relations.get(owner, {}).get("keys"):
            continue
        sharing = [
            table
            for table, names in columns.items()
            if column in names and table.startswith("marts.")
        ]
        for table in sharing:
            yield from (
                (table, column, other, column) for other in sharing if other != table
            )


def referred(
    table: str, columns: Sequence[str], relations: Mapping[str, Any]
) -> dict[str, str]:
    """Column → the table whose key it holds; not of a table's own key.

    Args:
        table: With its schema.
        columns: Its columns.
        relations: As in `joins`.
    """
    found = {
        column: _SHARED[column]
        for column in columns
        if column in _SHARED
        and _SHARED[column] != table
        and relations.get(_SHARED[column], {}).get("keys")
    }
    stated = relations.get(table, {}).get("references", {})
    return found | {
        column: other for column, (other, _) in stated.items() if column in columns
    }
