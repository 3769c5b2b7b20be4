"""What a person is asked about who is who, and what becomes of the answers.

Reads the candidates of a release, says what an answer would move before it counts, and
keeps the answers in `match_decisions.csv`. A spreadsheet that goes to somebody and comes
back is the same list. Not here: how candidates are found (`resolve`) and how they are
shown (`cli`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.common import spreadsheets
from pipeline.common.errors import ConfigurationError
from pipeline.identity import decided

Row = dict[str, Any]
ANSWERS: Final = ("same", "different")
# Columns of the spreadsheet that a person fills in.
FILLED: Final = ("decision", "reason")
_KEYS: Final = ("left_source", "left_customer_id", "right_source", "right_customer_id")


@dataclass(frozen=True)
class Decision:
    """A row of the seed `match_decisions`; the fields are its columns."""

    left_source: str
    left_customer_id: str
    right_source: str
    right_customer_id: str
    decision: str
    decided_by: str
    decided_on: str
    reason: str

    @property
    def pair(self) -> frozenset[tuple[str, str]]:
        """The two records, whichever is named first."""
        return frozenset(
            {
                (self.left_source, self.left_customer_id),
                (self.right_source, self.right_customer_id),
            }
        )


COLUMNS: Final = tuple(field.name for field in fields(Decision))


def candidates(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The pairs of customers that a person is asked about, the most valuable first.

    Args:
        connection: One in which the release is the catalog `warehouse`.

    Raises:
        ConfigurationError: The release is of before pairs of customers were listed.
    """
    _holds(connection, "match_candidates", "revenue_at_stake")
    return rows(
        connection,
        "select * from warehouse.meta.match_candidates where is_doubt "
        "order by revenue_at_stake desc, probability desc, customer_id, "
        "other_customer_id",
    )


def sample(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Links to confirm or to refute, by which their precision is estimated."""
    _holds(connection, "match_sample", "left_source")
    return rows(connection, "select * from warehouse.meta.match_sample order by all")


def pair(row: Row) -> frozenset[tuple[str, str]]:
    """The two records of a row, whichever is named first."""
    left_source, left, right_source, right = (str(row[key]) for key in _KEYS)
    return frozenset({(left_source, left), (right_source, right)})


def decision(asked: Row, answer: str, by: str, reason: str, on: dt.date) -> Decision:
    """The row that an answer is kept as.

    Raises:
        ConfigurationError: The answer is neither same nor different, or nobody gave it.
    """
    if answer not in ANSWERS:
        raise ConfigurationError(
            f"The decision about {asked['left_source']} {asked['left_customer_id']} and "
            f"{asked['right_source']} {asked['right_customer_id']} is {answer!r}; it must "
            "be same or different, or empty."
        )
    if not by.strip():
        raise ConfigurationError("Say who decides: --by NAME.")
    left_source, left, right_source, right = (str(asked[key]) for key in _KEYS)
    return Decision(
        left_source,
        left,
        right_source,
        right,
        answer,
        by.strip(),
        on.isoformat(),
        reason.strip() or "reviewed",
    )


def moved(
    connection: duckdb.DuckDBPyConnection, decisions: Iterable[Decision]
) -> list[Row]:
    """What would move: one row for each decision that changes a customer.

    Returns:
        decision, customer_id that would stay and other_customer_id that would become it
        (none for a split), customer_name, other_customer_name, tier, other_tier, revenue:
        of both in all time.
    """
    return [row for each in decisions for row in _moved_by(connection, each)]


def _moved_by(connection: duckdb.DuckDBPyConnection, made: Decision) -> list[Row]:
    found = rows(
        connection,
        """
        select
            keys.customer_id,
            case when customers.customer_type = 'person'
                then regexp_replace(customers.customer_name, '(\\S)\\S*', '\\1.', 'g')
                else customers.customer_name end as customer_name,
            ids.minted_no,
            tiers.tier_name_en as tier,
            value.revenue
        from warehouse.marts.customer_source_keys as keys
        inner join warehouse.marts.customers as customers
            on keys.customer_id = customers.customer_id
        left join warehouse.meta.customer_ids as ids
            on keys.customer_id = ids.customer_id
        left join warehouse.marts.customer_tiers as tiers
            on keys.customer_id = tiers.customer_id
        left join warehouse.marts.customer_value as value
            on keys.customer_id = value.customer_id
        where (keys.source, keys.source_customer_id) in ((?, ?), (?, ?))
        order by ids.minted_no, keys.customer_id
        """,
        [getattr(made, key) for key in _KEYS],
    )
    ids = {row["customer_id"] for row in found}
    if len(found) < 2 or (made.decision == "same") == (len(ids) == 1):
        return []
    stays, other = found[0], found[-1]
    return [
        {
            "decision": made.decision,
            "customer_id": stays["customer_id"],
            "other_customer_id": other["customer_id"] if len(ids) == 2 else None,
            "customer_name": stays["customer_name"],
            "other_customer_name": other["customer_name"],
            "tier": stays["tier"],
            "other_tier": other["tier"],
            "revenue": sum(
                row["revenue"] or 0
                for row in {row["customer_id"]: row for row in found}.values()
            ),
        }
    ]


def read(path: Path) -> list[Decision]:
    """The decisions of a `match_decisions.csv`; none where there is no file.

    Raises:
        ConfigurationError: It lacks a column.
    """
    if not path.exists():
        return []
    columns, held = spreadsheets.read(path)
    if missing := [name for name in COLUMNS if name not in columns]:
        raise ConfigurationError(f"{path} lacks the column {missing[0]}.")
    return [Decision(*(row[name] for name in COLUMNS)) for row in held]


def added(held: Sequence[Decision], new: Sequence[Decision]) -> list[Decision]:
    """All decisions, those that are there already once.

    Raises:
        ConfigurationError: Two contradict each other; the message has all rows of it.
    """
    known = {(each.pair, each.decision) for each in held}
    found = list(held)
    for each in new:
        if (each.pair, each.decision) not in known:
            known.add((each.pair, each.decision))
            found.append(each)
    if problems := decided.contradictions([astuple(each)[:7] for each in found]):
        raise ConfigurationError(" ".join(problems))
    return found


def write(path: Path, decisions: Iterable[Decision]) -> None:
    """Writes `match_decisions.csv`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    spreadsheets.write(path, COLUMNS, map(astuple, decisions))


def to_spreadsheet(path: Path, asked: Sequence[Row]) -> None:
    """Writes the list for somebody to fill in the columns `decision` and `reason`.

    Args:
        path: A .csv or .xlsx file.
        asked: Rows of `candidates` or `sample`.

    Raises:
        ConfigurationError: It is neither.
    """
    columns = [*FILLED, *(asked[0] if asked else _KEYS)]
    rows = [
        [
            *("" for _ in FILLED),
            *(_cell(row.get(name)) for name in columns[len(FILLED) :]),
        ]
        for row in asked
    ]
    if path.suffix == ".csv":
        spreadsheets.write(path, columns, rows)
    elif path.suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook()
        sheet = book.active
        sheet.append(columns)
        for row in rows:
            sheet.append(row)
            # A name that begins with = is a name.
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
        sheet.freeze_panes = "A2"
        partial = path.with_name(f".{path.name}.partial")
        book.save(partial)
        partial.replace(path)
    else:
        raise ConfigurationError(f"{path} must end in .csv or .xlsx.")


def from_spreadsheet(path: Path, by: str, on: dt.date) -> list[Decision]:
    """The decisions in a list that was filled in; rows without one are left out.

    Raises:
        ConfigurationError: It cannot be read, or a row says neither same nor different.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} is not there.")
    if path.suffix == ".csv":
        rows: list[Row] = list(spreadsheets.read(path)[1])
    elif path.suffix == ".xlsx":
        from openpyxl import load_workbook

        lines = list(load_workbook(path, read_only=True).active.values)
        names = [str(name) for name in lines[0]] if lines else []
        rows = [dict(zip(names, line, strict=False)) for line in lines[1:]]
    else:
        raise ConfigurationError(f"{path} must end in .csv or .xlsx.")
    if rows and (missing := [n for n in (*_KEYS, *FILLED) if n not in rows[0]]):
        raise ConfigurationError(f"{path} lacks the column {missing[0]}.")
    return [
        decision(row, str(answer).strip().lower(), by, str(row["reason"] or ""), on)
        for row in rows
        if (answer := row["decision"]) not in (None, "")
    ]


def _cell(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool)) else _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _holds(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
    found = connection.execute(
        "select count(*) from duckdb_columns() where database_name = 'warehouse' "
        "and schema_name = 'meta' and table_name = ? and column_name = ?",
        [table, column],
    ).fetchone()
    if not found or not found[0]:
        raise ConfigurationError(
            f"The release has no meta.{table} with {column}: it was made by an earlier "
            "version. Refresh once."
        )


def rows(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[object] = (),
) -> list[Row]:
    """What a query finds, by the names of its columns."""
    found = connection.execute(query, list(parameters))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
