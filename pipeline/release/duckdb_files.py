"""How a DuckDB file of a candidate or a release is opened."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.common import engine


def connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Opens a DuckDB file; never fetches an extension.

    A time with a zone compared with one without is one in UTC, wherever this runs.
    """
    connection = duckdb.connect(
        str(path.resolve()),
        read_only=read_only,
        config=engine.config(),
    )
    connection.execute("set TimeZone = 'UTC'")
    return connection
