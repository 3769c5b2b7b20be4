"""What of a release may leave the home: its tables, without those that are private.

Every copy asks `read` and copies what it names, so that one place decides. Not here: how
a copy is written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import engine, sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json
from pipeline.release import duckdb_files
from pipeline.release.catalogue import Release
from pipeline.release.layout import WAREHOUSE

SCHEMAS = ("marts", "meta")

# What the warehouse of a release held before its private data had a file of its own:
# schema and table → the column by which such a table is known, or none for always.
_FORMERLY_PRIVATE: Mapping[tuple[str, str], str | None] = {
    ("marts", "customers_private"): None,
    ("meta", "quarantine"): "text",
}


@dataclass(frozen=True)
class Column:
    """A column of a table, as the release describes it; `type` is DuckDB's."""

    name: str
    type: str
    is_nullable: bool
    description: str


@dataclass(frozen=True)
class Table:
    """A table that a copy may hold.

    Attributes:
        key: Columns that no two rows share and that are never null; the primary key.
        unique: Columns that no two rows share, where there is no such key.
        references: Column → `[table, column]` that it is of.
    """

    schema: str
    name: str
    description: str
    columns: Sequence[Column]
    rows: int
    key: Sequence[str] = ()
    unique: Sequence[str] = ()
    references: Mapping[str, Sequence[str]] | None = None

    @property
    def full_name(self) -> str:
        """Schema and name, as they stand in SQL that needs no quotes."""
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """Schema and name, in quotes."""
        return f"{sql.quoted(self.schema)}.{sql.quoted(self.name)}"


@dataclass(frozen=True)
class Contents:
    """A release as its copies hold it.

    Attributes:
        file: The warehouse that is copied.
        tables: By schema and name.
    """

    release_id: str
    as_of_date: dt.date
    sealed_at: dt.datetime
    time_zone: str
    reporting_currency: str
    file: Path
    tables: Sequence[Table]


def read(release: Release) -> Contents:
    """What of a release its copies hold.

    Raises:
        ConfigurationError: Its record or its file cannot be read.
    """
    try:
        record = read_json(release.path / "release.json")
        with opened(release.path / WAREHOUSE) as connection:
            tables = [*_tables(connection, record.get("relations", {}))]
    except (OSError, ValueError, duckdb.Error) as error:
        raise ConfigurationError(
            f"Release {release.refresh_id} cannot be read ({error}); `customer-tiers "
            "releases` lists the others."
        ) from error
    return Contents(
        release_id=release.refresh_id,
        as_of_date=release.as_of_date,
        sealed_at=release.sealed_at,
        time_zone=str(record.get("time_zone", "UTC")),
        reporting_currency=str(record.get("reporting_currency", "")),
        file=release.path / WAREHOUSE,
        tables=tables,
    )


@contextmanager
def opened(file: Path, *, copying: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a release, to be read; it stays whole if the release is pruned.

    Args:
        file: The warehouse.
        copying: Rows are passed on as they are, for which a share of the memory is enough.
    """
    with duckdb_files.connect(file, read_only=True) as connection:
        if copying:
            connection.execute(f"set memory_limit = '{engine.limit(engine.COPYING)}'")
        yield connection


def _tables(
    connection: duckdb.DuckDBPyConnection, relations: Mapping[str, Any]
) -> Iterator[Table]:
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, table, name, kind, is_nullable, comment in connection.execute(
        "select schema_name, table_name, column_name, data_type, is_nullable, "
        "coalesce(comment, '') from duckdb_columns() "
        "where database_name = current_database() and not internal "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        described = Column(name, kind, is_nullable, comment.strip())
        columns.setdefault((schema, table), []).append(described)
    for schema, name, comment in connection.execute(
        "select schema_name, table_name, coalesce(comment, '') from duckdb_tables() "
        "where database_name = current_database() and not internal "
        "order by schema_name, table_name"
    ).fetchall():
        its = columns[schema, name]
        if schema not in SCHEMAS or _is_private(schema, name, its):
            continue
        table = f"{sql.quoted(schema)}.{sql.quoted(name)}"
        (rows,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
        related = relations.get(f"{schema}.{name}", {})
        known = {column.name for column in its}
        keys = [key for key in related.get("keys", ()) if known.issuperset(key)]
        key = next((key for key in keys if not _nulls(connection, table, key)), ())
        yield Table(
            schema=schema,
            name=name,
            description=comment.strip(),
            columns=its,
            rows=int(rows),
            key=key,
            unique=() if key or not keys else keys[0],
            references={
                column: other
                for column, other in related.get("references", {}).items()
                if column in known
            },
        )


def _is_private(schema: str, name: str, columns: Sequence[Column]) -> bool:
    if (schema, name) not in _FORMERLY_PRIVATE:
        return False
    sign = _FORMERLY_PRIVATE[schema, name]
    return sign is None or any(column.name == sign for column in columns)


def _nulls(
    connection: duckdb.DuckDBPyConnection, table: str, key: Sequence[str]
) -> bool:
    """Whether a column of the key is null in any row."""
    condition = " or ".join(f"{sql.quoted(column)} is null" for column in key)
    query = f"select 1 from {table} where {condition} limit 1"
    return connection.execute(query).fetchone() is not None
