"""What the dictionary says: the tables of a release, its metrics and its sources.

Not here: how it is placed on a page (the template) and what it is called there (`words`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from pipeline import metrics
from pipeline.common import sql
from pipeline.metrics import Dataset, Figure
from pipeline.metrics.codes import Code, Codes
from pipeline.reports import queries
from pipeline.reports.dictionary.joins import Join, joins, referred
from pipeline.reports.dictionary.words import Language
from pipeline.reports.queries import Row

SCHEMAS: Final = ("marts", "meta")
# What an analyst opens first, in this order; the others follow by name.
FIRST: Final = (
    "customer_360",
    "customers",
    "customer_value",
    "customer_tiers",
    "customer_tier_history",
    "order_lines",
    "revenue_by_month",
    "tier_summary",
    "customer_actions",
)
_GRAIN = re.compile(r"\bOne row per ([^.]+)\.\s*$")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        known: The share of the rows in which it is not null; None without a row.
        is_key: Whether it is part of the first key.
        refers_to: The table whose key it holds.
    """

    name: str
    type: str
    description: str
    known: float | None
    is_key: bool
    refers_to: str | None
    codes: Sequence[Code]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: What it is called in the language of the page; None where it has no name.
        description: Without its grain.
        grain: What one row is; None where the release does not say.
        key: The columns that no two rows share; empty where none is declared.
        reads: What it is made of, directly, and of which kind each is.
        sources: The landed entities that it comes from in the end.
        read_by: The tables of the release that are made of it.
    """

    schema: str
    name: str
    title: str | None
    description: str
    grain: str | None
    rows: int
    columns: Sequence[Column]
    key: Sequence[str]
    joins: Sequence[Join]
    reads: Sequence[tuple[str, str]]
    sources: Sequence[str]
    read_by: Sequence[str]

    @property
    def full_name(self) -> str:
        """Schema and name."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Dictionary:
    """All of the page.

    Attributes:
        has_keys: Whether the release says which keys its tables have.
        has_lineage: Whether it says what they are made of.
        freshness: What each source gave, and when; empty where nobody noted it.
    """

    release: Row
    tables: Sequence[Table]
    metrics: Sequence[Figure]
    datasets: Mapping[str, Dataset]
    freshness: Sequence[Row]
    has_keys: bool
    has_lineage: bool


def collect(
    connection: duckdb.DuckDBPyConnection,
    record: Mapping[str, Any],
    language: Language,
) -> Dictionary:
    """Reads everything that the page says.

    Args:
        connection: To the release's `warehouse.duckdb`.
        record: Its `release.json`.
        language: In which tables have their titles.
    """
    relations: Mapping[str, Any] = record.get("relations") or {}
    edges = _edges(connection)
    freshness = (
        queries.rows(
            connection,
            "select source, entity, rows_landed, last_loaded_at "
            "from meta.source_freshness order by source, entity",
        )
        if queries.has_table(connection, "meta", "source_freshness")
        else []
    )
    figures = metrics.ask(connection)
    return Dictionary(
        release={
            "refresh_id": record["refresh_id"],
            "as_of_date": dt.date.fromisoformat(record["as_of_date"]),
            "sealed_at": dt.datetime.fromisoformat(record["sealed_at"]),
            "time_zone": record.get("time_zone", "UTC"),
            "currency": record.get("reporting_currency"),
        },
        tables=_in_order(_tables(connection, relations, edges, language)),
        metrics=list(figures.values()),
        datasets=metrics.load().datasets,
        freshness=freshness,
        has_keys=bool(relations),
        has_lineage=bool(edges),
    )


def _in_order(tables: Iterator[Table]) -> list[Table]:
    def place(table: Table) -> tuple[int, int, str]:
        first = FIRST.index(table.name) if table.name in FIRST else len(FIRST)
        return SCHEMAS.index(table.schema), first, table.name

    return sorted(tables, key=place)


def _edges(connection: duckdb.DuckDBPyConnection) -> Mapping[str, list[Row]]:
    """What each table reads; empty in a release of before that was noted."""
    found: dict[str, list[Row]] = {}
    if queries.has_table(connection, "meta", "lineage"):
        for row in queries.rows(
            connection,
            "select * from meta.lineage order by table_name, reads_name",
        ):
            found.setdefault(row["table_name"], []).append(row)
    return found


def _tables(
    connection: duckdb.DuckDBPyConnection,
    relations: Mapping[str, Any],
    edges: Mapping[str, list[Row]],
    language: Language,
) -> Iterator[Table]:
    columns: dict[str, list[Row]] = {}
    for row in queries.rows(
        connection,
        "select schema_name || '.' || table_name as table_name, column_name, data_type, "
        "trim(coalesce(comment, ''), e' \\n') as description from duckdb_columns() "
        "where database_name = current_database() and schema_name in ('marts', 'meta') "
        "order by table_name, column_index",
    ):
        columns.setdefault(row["table_name"], []).append(row)
    names = {
        table: [row["column_name"] for row in rows] for table, rows in columns.items()
    }
    possible = joins(names, relations)
    codes = Codes(connection)
    read_by: dict[str, list[str]] = {}
    for table, rows in edges.items():
        for row in rows:
            if table.split(".")[0] in SCHEMAS:
                read_by.setdefault(row["reads_name"], []).append(table)
    for row in queries.rows(
        connection,
        "select schema_name, table_name, trim(coalesce(comment, ''), e' \\n') as comment "
        "from duckdb_tables() where database_name = current_database() "
        "and schema_name in ('marts', 'meta')",
    ):
        schema, name = row["schema_name"], row["table_name"]
        full_name = f"{schema}.{name}"
        rows_in, known = _counted(connection, schema, name, names[full_name])
        keys: Sequence[Sequence[str]] = relations.get(full_name, {}).get("keys", ())
        key = keys[0] if keys else ()
        refers_to = referred(full_name, names[full_name], relations)
        description, grain = _split(row["comment"])
        title = codes.title(name) if schema == "marts" else None
        yield Table(
            schema=schema,
            name=name,
            title=(title.label_zh if language == "zh" else title.label_en)
            if title
            else None,
            description=description,
            grain=grain,
            rows=rows_in,
            columns=[
                Column(
                    name=column["column_name"],
                    type=column["data_type"].lower(),
                    description=column["description"],
                    known=known[column["column_name"]],
                    is_key=column["column_name"] in key,
                    refers_to=refers_to.get(column["column_name"]),
                    codes=codes.of(name, column["column_name"])
                    if schema == "marts"
                    else [],
                )
                for column in columns[full_name]
            ],
            key=key,
            joins=possible[full_name],
            reads=[
                (r["reads_name"], r["reads_kind"]) for r in edges.get(full_name, [])
            ],
            sources=_sources(full_name, edges),
            read_by=sorted(read_by.get(full_name, [])),
        )


def _split(comment: str) -> tuple[str, str | None]:
    """A table's description, and what one row is, which it ends with."""
    text = " ".join(comment.split())
    found = _GRAIN.search(text)
    return (text[: found.start()].strip(), found.group(1)) if found else (text, None)


def _counted(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, names: Sequence[str]
) -> tuple[int, dict[str, float | None]]:
    """The rows of a table, and the share of them in which each column is not null."""
    counts = ", ".join(f"count({sql.quoted(column)})" for column in names)
    counted = connection.execute(
        f"select count(*), {counts} from {sql.quoted(schema)}.{sql.quoted(name)}"
    ).fetchone() or (0,)
    rows, filled = int(counted[0]), counted[1:]
    return rows, {
        column: count / rows if rows else None
        for column, count in zip(names, filled, strict=True)
    }


def _sources(table: str, edges: Mapping[str, list[Row]]) -> list[str]:
    """The landed entities that a table comes from, through whatever lies between."""
    found: set[str] = set()
    seen = {table}
    waiting = [table]
    while waiting:
        for row in edges.get(waiting.pop(), []):
            if row["reads_kind"] == "landed":
                found.add(row["reads_name"].removeprefix("landing."))
            elif row["reads_name"] not in seen:
                seen.add(row["reads_name"])
                waiting.append(row["reads_name"])
    return sorted(found)
