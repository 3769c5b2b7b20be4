"""Makes a copy of a release and notes what became of it: for commands and for refreshes.

Not here: the copies themselves, and when they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.common.home import Home
from pipeline.common.settings import Serving
from pipeline.release.catalogue import Release
from pipeline.serving import contents, copies, duckdb_copy, parquet_copy
from pipeline.serving.copies import Kind
from pipeline.serving.postgres.connection import Database
from pipeline.serving.postgres.export import Exported
from pipeline.serving.postgres.export import export as load


def to_duckdb(home: Home, release: Release, folder: Path) -> Path:
    """Puts the release into the folder as one file; see `duckdb_copy.export`."""
    found = contents.read(release)
    with copies.noted(home, "duckdb", str(folder.resolve()), found):
        return duckdb_copy.export(home, found, folder)


def to_parquet(home: Home, release: Release, folder: Path, *, keep: int) -> Path:
    """Adds the release to the folder as Parquet; see `parquet_copy.export`."""
    found = contents.read(release)
    with copies.noted(home, "parquet", str(folder.resolve()), found):
        return parquet_copy.export(home, found, folder, keep=keep)


def to_postgres(home: Home, release: Release, url: str) -> Exported:
    """Loads the release into the database of a URL; see `postgres.export`.

    Raises:
        ConfigurationError: There is no URL, or it is none.
    """
    database = Database.of(url)
    found = contents.read(release)
    with copies.noted(home, "postgres", database.address, found):
        return load(database, found)


def configured(serving: Serving) -> Mapping[Kind, str]:
    """The copies that every refresh makes, each with its target.

    Raises:
        ConfigurationError: The URL of the database is none.
    """
    found: dict[Kind, str] = {}
    if serving.duckdb:
        found["duckdb"] = str(serving.duckdb)
    if serving.parquet:
        found["parquet"] = str(serving.parquet)
    if serving.postgres:
        found["postgres"] = Database.of(serving.postgres).address
    return found


def make(home: Home, release: Release, kind: Kind, serving: Serving) -> None:
    """Makes a copy that is configured."""
    match kind:
        case "duckdb" if serving.duckdb:
            to_duckdb(home, release, serving.duckdb)
        case "parquet" if serving.parquet:
            to_parquet(home, release, serving.parquet, keep=serving.keep_parquet)
        case "postgres":
            to_postgres(home, release, serving.postgres)
