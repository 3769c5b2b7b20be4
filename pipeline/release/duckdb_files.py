"""How the DuckDB files of a candidate or a release are opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipeline.common import engine, sql
from pipeline.release.layout import DATABASES, WAREHOUSE


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


def databases(folder: Path) -> Mapping[str, Path]:
    """Catalog → file, of the files that a release or one in the making has."""
    files = {name: folder / file for name, file in DATABASES.items()}
    return {name: path for name, path in files.items() if path.exists()}


def attach(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Path],
    *,
    prefix: str = "",
    read_only: bool = True,
) -> None:
    """Attaches files under the names of their catalogs.

    Args:
        connection: To which they are attached; those that it has already stay.
        files: Catalog → file.
        prefix: Before the name of each catalog.
        read_only: Whether nothing is written to them.
    """
    for name, path in files.items():
        connection.execute(
            f"attach if not exists {sql.literal(path.resolve())} "
            f"as {sql.quoted(f'{prefix}{name}')}{' (read_only)' if read_only else ''}"
        )


def open_release(folder: Path) -> duckdb.DuckDBPyConnection:
    """Opens all that a release has, for those who may read what is private too.

    Bare names are those of the warehouse; what is private is the catalog `private`, where
    the release has such a file.
    """
    files = databases(folder)
    connection = connect(folder / WAREHOUSE, read_only=True)
    attach(connection, {k: path for k, path in files.items() if k != "warehouse"})
    return connection
