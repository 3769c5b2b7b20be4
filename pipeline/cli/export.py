"""`customer-tiers export`: copies of a release for those who read it elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import home_option, json_option, release_option
from pipeline.cli.output import out, print_json
from pipeline.cli.rendering import export as rendering
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue

_folder = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False)
)


@click.group()
def export() -> None:
    """Makes a copy of a release for others: a DuckDB file, Parquet, PostgreSQL.

    Copies hold marts and meta without what is private. Each is replaced at once or not at
    all, and `status` says which release it has.
    """


@export.command()
@_folder
@release_option
@home_option
@json_option
def duckdb(
    folder: Path, release_id: str | None, home: Path | None, as_json: bool
) -> None:
    """Puts DIR/warehouse.duckdb there, readable for everybody, writable for nobody."""
    from pipeline.serving import contents, copies, duckdb_copy

    settings = Settings.load(home)
    at = Home.open(settings.home)
    found = contents.read(catalogue.chosen(at, release_id))
    with copies.noted(at, "duckdb", str(folder.resolve()), found):
        file = duckdb_copy.export(at, found, folder)
    if as_json:
        print_json({"release": found.release_id, "file": str(file)})
    else:
        out.print(
            f"{found.release_id}, as of {found.as_of_date}: {file}",
            markup=False,
            soft_wrap=True,
        )


@export.command()
@_folder
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="So many releases stay in DIR [CUSTOMER_TIERS_KEEP_PARQUET].",
)
@release_option
@home_option
@json_option
def parquet(
    folder: Path,
    keep: int | None,
    release_id: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Adds a folder of Parquet files with a manifest to DIR, and turns DIR/current."""
    from pipeline.serving import contents, copies, parquet_copy

    settings = Settings.load(home)
    at = Home.open(settings.home)
    found = contents.read(catalogue.chosen(at, release_id))
    with copies.noted(at, "parquet", str(folder.resolve()), found):
        target = parquet_copy.export(
            at, found, folder, keep=keep or settings.serving.keep_parquet
        )
    if as_json:
        print_json({"release": found.release_id, "folder": str(target)})
    else:
        out.print(
            f"{found.release_id}, as of {found.as_of_date}: {target}",
            markup=False,
            soft_wrap=True,
        )


@export.command()
@release_option
@home_option
@json_option
def postgres(release_id: str | None, home: Path | None, as_json: bool) -> None:
    """Loads the release into the PostgreSQL of CUSTOMER_TIERS_POSTGRES_URL.

    Readers see the old release until the new one is whole, then the new one at once;
    whoever is in a transaction stays with the one it began with.
    """
    from pipeline.serving import contents, copies
    from pipeline.serving.postgres.connection import Database
    from pipeline.serving.postgres.export import export as load

    settings = Settings.load(home)
    at = Home.open(settings.home)
    database = Database.of(settings.serving.postgres)
    found = contents.read(catalogue.chosen(at, release_id))
    with copies.noted(at, "postgres", database.address, found):
        done = load(database, found)
    if as_json:
        print_json(asdict(done))
    else:
        rendering.exported(done, out)
