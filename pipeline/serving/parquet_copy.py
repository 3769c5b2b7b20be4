"""The Parquet copy: a folder a release, and a link to the one that counts.

    DIR/current -> <release>         turned when all of a release is there
    DIR/<release>/manifest.json      what it holds: tables, columns, rows, hashes
    DIR/<release>/marts/<table>.parquet, meta/<table>.parquet

Who reads several tables resolves `current` once, and stays in the folder that it names.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
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
    seal_file,
)

FORMAT = 1
MANIFEST = "manifest.json"
CURRENT = "current"
# A release, and of one that was exported again how often.
_FOLDER = re.compile(r"(r\d{6,}-\d{8})(?:\.(\d+))?")


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
        for left in folder.glob(f"{PARTIAL}.*"):
            _remove(left)
        partial = folder / f"{PARTIAL}.{contents.release_id}"
        try:
            partial.mkdir()
            tables = _write(contents, partial)
            write_json(partial / MANIFEST, _manifest(contents, tables))
            _protect(partial)
            target = folder / _unused(folder, contents.release_id)
            partial.rename(target)
        finally:
            _remove(partial)
        sync_folder(folder)
        _turn(folder, target.name)
        for old in _oldest(folder, target.name)[max(keep, 1) - 1 :]:
            _remove(old)
        sync_folder(folder)
        return target


def release_of(name: str) -> str | None:
    """The release that a folder's name is of, if it is one of a release."""
    match = _FOLDER.fullmatch(name)
    return match[1] if match else None


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


def _unused(folder: Path, release_id: str) -> str:
    """A name for the release: a folder that readers may be in is never written to."""
    # Above all that there were: an older name must not come to mean something newer.
    taken = [
        int(match[2] or 1)
        for path in folder.iterdir()
        if (match := _FOLDER.fullmatch(path.name)) and match[1] == release_id
    ]
    return f"{release_id}.{max(taken) + 1}" if taken else release_id


def _turn(folder: Path, name: str) -> None:
    provisional = folder / f"{PARTIAL}.{CURRENT}"
    provisional.unlink(missing_ok=True)
    provisional.symlink_to(name, target_is_directory=True)
    provisional.replace(folder / CURRENT)
    sync_folder(folder)


def _oldest(folder: Path, current: str) -> list[Path]:
    """The other copies, newest first by when they were made."""
    others = [
        path
        for path in folder.iterdir()
        if path.name != current and path.is_dir() and release_of(path.name)
    ]
    return sorted(
        (path for path in others if not path.is_symlink()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
