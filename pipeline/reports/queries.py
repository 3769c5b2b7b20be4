"""Asks a release in SQL: at most a few hundred rows come to Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

Row = dict[str, Any]


def rows(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[Row]:
    """What a query finds, by the names of its columns."""
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def one(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> Row:
    """The one row that a query finds."""
    return rows(connection, query, parameters)[0]


def has_column(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str
) -> bool:
    """Whether the release is young enough to have the column."""
    return bool(
        rows(
            connection,
            "select 1 from duckdb_columns() "
            "where schema_name = ? and table_name = ? and column_name = ?",
            [schema, table, column],
        )
    )


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the release is young enough to have the table."""
    return bool(
        rows(
            connection,
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?",
            [schema, table],
        )
    )


def has(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, *names: str
) -> bool:
    """Whether the release is young enough to have the table with these columns."""
    there = connection.execute(
        "select column_name from duckdb_columns() "
        "where schema_name = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    return bool(there) and set(names) <= {name for (name,) in there}
