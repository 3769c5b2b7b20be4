"""The DuckDB copy: one file that everybody may read and nobody may write to.

    DIR/warehouse.duckdb -> <release>/warehouse.duckdb   turned when the file is whole
    DIR/<release>/warehouse.duckdb                       marts and meta of one release

Whoever opens it finds a whole release, and whoever has the old one open keeps it, though
it is gone from the folder. It is a link, because the engine knows an open file by its
path: in the place of an old file a process that still reads that would not see a new one.
It is filled table by table: in a file that was copied and cleared, what was cleared can
still be found.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.common import engine, sql
from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sync_folder
from pipeline.common.home import Home
from pipeline.release.layout import WAREHOUSE
from pipeline.serving.contents import Contents, Table
from pipeline.serving.folder import (
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


def export(home: Home, contents: Contents, folder: Path) -> Path:
    """Puts a release into the place of the copy in the folder.

    Returns:
        The file.

    Raises:
        ConfigurationError: The folder is not one for a copy.
        ExportRunning: Another export writes into it.
        DiskFull: There is no room; the old copy is as it was.
    """
    with exclusive(home, folder):
        remove_partial(folder)
        partial = folder / f"{PARTIAL}.{contents.release_id}"
        try:
            partial.mkdir()
            _write(contents, partial / WAREHOUSE)
            seal_file(partial / WAREHOUSE)
            partial.chmod(FOLDER_MODE)
            sync_folder(partial)
            target = folder / unused(folder, contents.release_id)
            partial.rename(target)
        finally:
            remove(partial)
        sync_folder(folder)
        turn(folder / WAREHOUSE, f"{target.name}/{WAREHOUSE}")
        for old in older(folder, target.name):
            remove(old)
        sync_folder(folder)
        return folder / WAREHOUSE


def _write(contents: Contents, file: Path) -> None:
    config = {
        **engine.config(),
        "memory_limit": engine.limit(engine.COPYING),
        "preserve_insertion_order": "false",
    }
    with duckdb.connect(str(file), config=config) as connection:
        source = sql.literal(contents.file.resolve())
        connection.execute(f"attach {source} as release (read_only)")
        for schema in dict.fromkeys(table.schema for table in contents.tables):
            connection.execute(f"create schema if not exists {sql.quoted(schema)}")
        for table in contents.tables:
            _copy(connection, table)
        connection.execute("detach release")
        connection.execute("checkpoint")


def _copy(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    definitions = [
        f"{sql.quoted(column.name)} {column.type}"
        + ("" if column.is_nullable else " not null")
        for column in table.columns
    ]
    connection.execute(f"create table {table.quoted} ({', '.join(definitions)})")
    names = sql.columns(column.name for column in table.columns)
    (rows,) = connection.execute(
        f"insert into {table.quoted} ({names}) "
        f"select {names} from release.{table.quoted}"
    ).fetchone() or (0,)
    if rows != table.rows:
        raise CustomerTiersError(
            f"{table.full_name} has {table.rows:,} rows and {rows:,} were copied; the old "
            "copy is as it was. The release changed meanwhile: export it again."
        )
    if table.description:
        connection.execute(
            f"comment on table {table.quoted} is {sql.literal(table.description)}"
        )
    for column in table.columns:
        if column.description:
            connection.execute(
                f"comment on column {table.quoted}.{sql.quoted(column.name)} "
                f"is {sql.literal(column.description)}"
            )
