"""The one place that makes Great Expectations work on DuckDB.

Great Expectations hands its connection back to the pool before it reads the result. A
DuckDB cursor is empty by then, and every expectation, true ones too, would come back as
not met with an exception beside it. Buffering each result at execution removes the
cause. Only public extension points of SQLAlchemy are used; a test fails when Great
Expectations, SQLAlchemy or the dialect changes under us.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duckdb_sqlalchemy import Dialect
from sqlalchemy import URL
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from pipeline.common import engine

DRIVER = "duckdb.customer_tiers"


class BufferedExecutionContext(Dialect.execution_ctx_cls):  # type: ignore[misc]
    """Takes the whole result at execution; what we ask for is a few rows at most."""

    def post_exec(self) -> None:
        """Reads the result while the connection is still ours."""
        super().post_exec()
        if self.cursor is not None and self.cursor.description is not None:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor)


class BufferedDuckDBDialect(Dialect):  # type: ignore[misc]
    """DuckDB's dialect with buffered results, as `duckdb+customer_tiers://`."""

    execution_ctx_cls = BufferedExecutionContext
    supports_statement_cache = True

    def create_connect_args(self, url: URL) -> Any:
        """Keeps `schema` of the URL for ourselves: it is a setting of the session."""
        bare = url.difference_update_query(["schema"])
        arguments, keywords = super().create_connect_args(bare)
        return arguments, {**keywords, "schema": url.query.get("schema", "main")}

    def connect(self, *arguments: Any, schema: str = "main", **keywords: Any) -> Any:
        """Opens a connection whose bare names are tables of the schema.

        Each is remembered, so that `close_connections` can close it.
        """
        connection = super().connect(*arguments, **keywords)
        _open_connections.append(connection)
        cursor = connection.cursor()
        cursor.execute(f"set schema = '{schema}'")
        cursor.close()
        return connection


# Great Expectations makes engines that it never closes. While one of them holds a file
# open read-only, nobody in this process can write to that file.
_open_connections: list[Any] = []


def close_connections() -> None:
    """Closes every connection that was made through this dialect."""
    while _open_connections:
        _open_connections.pop().close()


def url(database: Path, schema: str) -> str:
    """The SQLAlchemy URL that reads the file's tables of one schema by bare name."""
    query = {"access_mode": "read_only", "schema": schema, **engine.config()}
    return URL.create(
        DRIVER.replace(".", "+"), database=str(database), query=query
    ).render_as_string()


def register() -> None:
    """Makes the dialect known to SQLAlchemy; again does no harm."""
    registry.register(DRIVER, __name__, BufferedDuckDBDialect.__name__)
