"""`customer-tiers export`: copies of a release for those who read it elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import home_option, json_option, release_option
from pipeline.cli.output import out, print_json
from pipeline.cli.rendering import export as rendering
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue
from pipeline.release.catalogue import Release
from pipeline.release.layout import WAREHOUSE

if TYPE_CHECKING:
    from pipeline.serving.superset.labels import Language

_folder = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False)
)


@click.group()
def export() -> None:
    """Makes a copy of a release for others: a DuckDB file, Parquet, PostgreSQL.

    Copies hold marts and meta without what is private. Each is replaced at once or not at
    all, and `status` says which release it has. `superset` writes what Superset needs to
    read one of them.
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
    from pipeline.serving import serve

    at = Home.open(Settings.load(home).home)
    release = catalogue.chosen(at, release_id)
    file = serve.to_duckdb(at, release, folder)
    _print(release, file, "file", as_json=as_json)


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
    from pipeline.serving import serve

    settings = Settings.load(home)
    at = Home.open(settings.home)
    release = catalogue.chosen(at, release_id)
    kept = keep or settings.serving.keep_parquet
    target = serve.to_parquet(at, release, folder, keep=kept)
    _print(release, target, "folder", as_json=as_json)


def _print(release: Release, target: Path, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"release": release.refresh_id, what: str(target)})
    else:
        out.print(
            f"{release.refresh_id}, as of {release.as_of_date}: {target}",
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
    from pipeline.serving import serve

    settings = Settings.load(home)
    at = Home.open(settings.home)
    release = catalogue.chosen(at, release_id)
    done = serve.to_postgres(at, release, settings.serving.postgres)
    if as_json:
        print_json(asdict(done))
    else:
        rendering.exported(done, out)


@export.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--uri",
    help="The database as Superset sees it: duckdb:////FOLDER/warehouse.duckdb or "
    "postgresql://USER@HOST/DATABASE [the DuckDB copy of every refresh, or the home's "
    "own release].",
)
@click.option(
    "--name",
    default="Customer tiers",
    show_default=True,
    help="What Superset calls the database; a bundle of the same name replaces it.",
)
@click.option(
    "--lang",
    "language",
    type=click.Choice(["both", "en", "zh"]),
    default="both",
    show_default=True,
    help="Of names and labels.",
)
@release_option
@home_option
@json_option
def superset(
    file: Path,
    uri: str | None,
    name: str,
    language: Language,
    release_id: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Writes FILE, a zip that Apache Superset imports: datasets, charts, dashboard."""
    from pipeline.serving import superset as bundles

    settings = Settings.load(home)
    at = Home.open(settings.home)
    release = catalogue.chosen(at, release_id)
    if uri is None:
        folder = settings.serving.duckdb or at.current
        uri = f"duckdb:///{folder / WAREHOUSE}"
    target = bundles.Target.of(uri, name)
    done = bundles.build(release, target, file.resolve(), language)
    if as_json:
        print_json({**asdict(done), "file": str(done.file)})
    else:
        rendering.bundled(done, out)
