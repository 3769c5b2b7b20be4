"""The Parquet copy: a folder a release, and a link to the one that counts.

    DIR/current -> <release>         turned when all of a release is there
    DIR/<release>/manifest.json      what it holds: tables, columns, rows, hashes
    DIR/<release>/marts/<table>.parquet, meta/<table>.parquet

Who reads several tables resolves `current` once, and stays in the folder that it names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql
from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sha256, sync_folder, write_json
from pipeline.common.home import Home
from pipeline.serving.contents import Column, Contents, Table, opened
from pipeline.serving.folder import (
    FILE_MODE,
    FOLDER_MODE,
    PARTIAL,
    exclusive,
    older,
    remove,
    remove_partial,
    seal_file,
    turn,
    unused,
)

FORMAT = 1
MANIFEST = "manifest.json"
CURRENT = "current"


def export(home: Home, contents: Contents, folder: Path, *, keep: int) -> Path:
    """Adds a release to the folder, turns `current`, and removes the oldest.

    Args:
        home: Where the release comes from.
        contents: The release.
        folder: Where the copies are.
        keep: How many stay, this one included; who reads an older one can finish.

    Returns:
        The folder of the release.

    Raises:
        ConfigurationError: The folder is not one for a copy.
        ExportRunning: Another export writes into it.
        DiskFull: There is no room; `current` is what it was.
    """
    with exclusive(home, folder):
        remove_partial(folder)
        partial = folder / f"{PARTIAL}.{contents.release_id}"
        try:
            partial.mkdir()
            tables = _write(contents, partial)
            write_json(partial / MANIFEST, _manifest(contents, tables))
            _protect(partial)
            target = folder / unused(folder, contents.release_id)
            partial.rename(target)
        finally:
            remove(partial)
        sync_folder(folder)
        turn(folder / CURRENT, target.name)
        for old in older(folder, target.name)[max(keep, 1) - 1 :]:
            remove(old)
        sync_folder(folder)
        return target


def _write(contents: Contents, folder: Path) -> list[dict[str, Any]]:
    tables = []
    with opened(contents.file, copying=True) as connection:
        # Tables have no order; keeping one costs memory.
        connection.execute("set preserve_insertion_order = false")
        for table in contents.tables:
            (folder / table.schema).mkdir(exist_ok=True)
            tables.append(_write_table(connection, contents, table, folder))
    return tables


def _write_table(
    connection: duckdb.DuckDBPyConnection,
    contents: Contents,
    table: Table,
    folder: Path,
) -> dict[str, Any]:
    place = Path(table.schema) / f"{table.name}.parquet"
    file = folder / place
    columns = ", ".join(map(_expression, table.columns))
    (rows,) = connection.execute(
        f"copy (select {columns} from {table.quoted}) to {sql.literal(file)} "
        "(format parquet, compression zstd, kv_metadata {"
        f"release: {sql.literal(contents.release_id)}, "
        f"description: {sql.literal(table.description)}}})"
    ).fetchone() or (0,)
    if rows != table.rows:
        raise CustomerTiersError(
            f"{table.full_name} has {table.rows:,} rows and {rows:,} were written; "
            "`current` is what it was. The release changed meanwhile: export it again."
        )
    seal_file(file)
    return {
        "schema": table.schema,
        "name": table.name,
        "description": table.description,
        "file": place.as_posix(),
        "rows": rows,
        "bytes": file.stat().st_size,
        "sha256": sha256(file),
        "key": list(table.key),
        "references": dict(table.references or {}),
        "columns": [
            {
                "name": column.name,
                "type": _type(column),
                "nullable": column.is_nullable,
                "description": column.description,
            }
            for column in table.columns
        ],
    }


def _expression(column: Column) -> str:
    name = sql.quoted(column.name)
    if _type(column) == column.type:
        return name
    return f"cast({name} as {_type(column)}) as {name}"


def _type(column: Column) -> str:
    # Parquet has no such integers: DuckDB would write doubles, which lose digits.
    is_huge = column.type in {"HUGEINT", "UHUGEINT"}
    return "DECIMAL(38,0)" if is_huge else column.type


def _manifest(contents: Contents, tables: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "release": contents.release_id,
        "as_of": contents.as_of_date,
        "sealed_at": contents.sealed_at.isoformat(),
        "exported_at": dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat(),
        "time_zone": contents.time_zone,
        "reporting_currency": contents.reporting_currency,
        "tables": list(tables),
    }


def _protect(folder: Path) -> None:
    """Makes the folder readable for everybody, and durable."""
    (folder / MANIFEST).chmod(FILE_MODE)
    for inside in [*filter(Path.is_dir, folder.iterdir()), folder]:
        inside.chmod(FOLDER_MODE)
        sync_folder(inside)
