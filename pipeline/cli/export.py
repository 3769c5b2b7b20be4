"""`customer-tiers export`: copies of a release for those who read it elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import (
    given,
    home_option,
    json_option,
    release_option,
    sources_option,
)
from pipeline.cli.output import options_given, out, print_json
from pipeline.cli.rendering import export as rendering
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue
from pipeline.release.catalogue import Release
from pipeline.release.layout import WAREHOUSE

if TYPE_CHECKING:
    from pipeline.serving.excel.columns import Lang
    from pipeline.serving.superset.labels import Language
    from pipeline.sources import SourcesFile

_folder = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False)
)


@click.group()
def export() -> None:
    """Makes a copy of a release for others: a DuckDB file, Parquet, PostgreSQL, Excel.

    Copies hold marts and meta without what is private. Each is replaced at once or not at
    all, and `status` says which release it has, but for workbooks, which people keep.
    `superset` writes what Superset needs to read one of them.
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
@click.argument(
    "file",
    metavar="[FILE]",
    required=False,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh", "both"]),
    default="en",
    show_default=True,
    help="Language of the workbook; `both` writes two.",
)
@release_option
@home_option
@json_option
def excel(
    file: Path | None,
    lang: str,
    release_id: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Writes a workbook: overview, customers, actions by owner, movement, matrix.

    FILE is customers-RELEASE-LANG.xlsx in this folder if none is given; of two languages
    the name of each file ends in its language.
    """
    from pipeline.serving.excel.export import export as write

    release = catalogue.chosen(Home.open(Settings.load(home).home), release_id)
    if file is not None and file.suffix.lower() != ".xlsx":
        raise ConfigurationError(f"{file}: give a name that ends in .xlsx.")
    written = []
    languages: tuple[Lang, ...] = ("en", "zh")
    for each in languages:
        if lang in (each, "both"):
            target = file or Path(f"customers-{release.refresh_id}-{each}.xlsx")
            if file is not None and lang == "both":
                target = file.with_stem(f"{file.stem}-{each}")
            written.append(write(release, target, each))
    if as_json:
        print_json([asdict(each) for each in written])
    else:
        rendering.workbooks(release.refresh_id, written, out)


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
@click.argument(
    "folder",
    metavar="[DIR]",
    required=False,
    default=Path(),
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option("--source", help="Only this CRM of sources.yaml.")
@click.option("--all", "whole", is_flag=True, help="All accounts, not what changed.")
@click.option("--confirm", metavar="ID", help="This export was imported.")
@click.option("--send", is_flag=True, help="Write through the API, without a file.")
@click.option(
    "--dry-run", is_flag=True, help="Say what --send would write; send nothing."
)
@release_option
@sources_option
@home_option
@json_option
def crm(
    folder: Path,
    source: str | None,
    whole: bool,
    confirm: str | None,
    send: bool,
    dry_run: bool,
    release_id: str | None,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Gives tier, score, verdict and next action back to the CRM, account by account.

    Without --send into DIR: a CSV file for Zoho CRM, a workbook for Fxiaoke, with what
    changed since the last export that was confirmed by --confirm.
    """
    from pipeline.serving.crm import export as exporting
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    at = Home.open(settings.home)
    if confirm is not None:
        count = exporting.confirm(at, confirm)
        if as_json:
            print_json({"id": confirm, "accounts": count})
        else:
            out.print(f"{confirm} is confirmed: {count:,} accounts.", markup=False)
        return
    _to_crm(
        at,
        load_sources(settings),
        catalogue.chosen(at, release_id),
        folder,
        source=source,
        whole=whole,
        is_sent=send or dry_run,
        is_dry=dry_run,
        as_json=as_json,
    )


def _to_crm(
    home: Home,
    described: SourcesFile,
    release: Release,
    folder: Path,
    *,
    source: str | None,
    whole: bool,
    is_sent: bool,
    is_dry: bool,
    as_json: bool,
) -> None:
    from pipeline.serving.crm import accounts, sending
    from pipeline.serving.crm import export as exporting

    targets = accounts.targets(described.sources, source)
    if not is_sent:
        made = [
            exporting.export(home, release, target, folder, whole=whole)
            for target in targets
        ]
        if as_json:
            print_json([asdict(each) for each in made])
        else:
            options = given(click.get_current_context())
            again = options_given(options.get("home"), options.get("sources"))
            rendering.for_crm(release.refresh_id, made, again, out)
        return
    by_name = {each.name: each for each in described.sources}
    done = []
    for target in targets:
        if is_dry:
            done.append(sending.dry(home, release, target, whole=whole))
        else:
            done.append(
                sending.send(home, release, by_name[target.source], whole=whole)
            )
    if as_json:
        print_json([asdict(each) for each in done])
    else:
        rendering.sent(release.refresh_id, done, out)
    if any(each.refused for each in done):
        click.get_current_context().exit(1)


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
