"""What people have decided about pairs of records, and whether it can all be true.

Not here: how a decision enters the links (`sql/links.sql`) and how a person is asked
(`asking`).
"""

from __future__ import annotations

from typing import Any

import duckdb

from pipeline.common import spreadsheets
from pipeline.common.errors import ConfigurationError

Record = tuple[str, str]


# The columns of the seed `match_decisions` that hold words of people or of sources.
_WRITTEN = (
    "left_source",
    "left_customer_id",
    "right_source",
    "right_customer_id",
    "decided_by",
    "reason",
)


def meant(decisions: str) -> str:
    """The decisions as they were meant: a file for people guards what looks like a formula.

    Args:
        decisions: Relation of the seed `match_decisions`.
    """
    columns = ", ".join(
        f"{spreadsheets.meant_sql(name)} as {name}" for name in _WRITTEN
    )
    return f"(select * replace ({columns}) from {decisions})"


def check(connection: duckdb.DuckDBPyConnection, decisions: str) -> None:
    """Refuses decisions that contradict each other.

    Args:
        connection: Where they are.
        decisions: Relation of the seed `match_decisions`.

    Raises:
        ConfigurationError: Two records are called the same, by one row or through others,
            and different by another row; the message has all of them.
    """
    rows = connection.execute(
        "select left_source, left_customer_id, right_source, right_customer_id, decision, "
        f"decided_by, decided_on from {decisions} order by all"
    ).fetchall()
    if problems := contradictions(rows):
        raise ConfigurationError(" ".join(problems))


def contradictions(rows: list[tuple[Any, ...]]) -> list[str]:
    """A sentence for each row that others contradict.

    Args:
        rows: Source and key of both records, the decision, who and when.
    """
    same: dict[Record, list[tuple[Record, tuple[Any, ...]]]] = {}
    for row in rows:
        if row[4] == "same":
            left, right = (row[0], row[1]), (row[2], row[3])
            same.setdefault(left, []).append((right, row))
            same.setdefault(right, []).append((left, row))
    found = []
    for row in rows:
        if row[4] != "different":
            continue
        against = _way(same, (row[0], row[1]), (row[2], row[3]))
        if against:
            found.append(
                f"match_decisions contradicts itself: {_said(row)} But "
                f"{' '.join(map(_said, against))} Take one of these rows out."
            )
    return found


def _way(
    same: dict[Record, list[tuple[Record, tuple[Any, ...]]]],
    start: Record,
    end: Record,
) -> list[tuple[Any, ...]]:
    """The fewest rows by which two records are the same; none where they are not."""
    came: dict[Record, tuple[Record, tuple[Any, ...]] | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop(0)
        if here == end:
            rows = []
            while (step := came[here]) is not None:
                here, row = step
                rows.append(row)
            return rows[::-1]
        for there, row in same.get(here, ()):
            if there not in came:
                came[there] = (here, row)
                waiting.append(there)
    return []


def _said(row: tuple[Any, ...]) -> str:
    return f"{row[0]} {row[1]} and {row[2]} {row[3]} are {row[4]} ({row[5]}, {row[6]})."
