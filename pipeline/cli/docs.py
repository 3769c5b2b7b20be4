"""What there is to read about a release, and about the project: `docs`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import (
    home_option,
    json_option,
    language_option,
    sources_option,
)
from pipeline.cli.output import print_json
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue


@click.command()
@click.argument("release_id", required=False)
@language_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file [reports/dictionary.<lang>.html of the release; exports/dbt.html of the "
    "home].",
)
@click.option(
    "--dbt",
    "of_dbt",
    is_flag=True,
    help="dbt's own pages of the project instead: its models as they are now, with their "
    "SQL and lineage.",
)
@sources_option
@home_option
@json_option
def docs(
    release_id: str | None,
    lang: str,
    output: Path | None,
    of_dbt: bool,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Makes the data dictionary of the current (or a kept) release.

    One page that needs no network: tables, columns, keys, joins that are safe, codes in
    both languages, lineage, freshness, and the metrics with their definitions.
    """
    if of_dbt:
        if release_id is not None:
            raise click.UsageError("--dbt is of the project, not of a release.")
        path = _of_dbt(Settings.load(home, sources), output)
        if as_json:
            print_json({"dbt": str(path)})
        else:
            click.echo(path)
        return
    from pipeline.reports import dictionary

    found = catalogue.chosen(Home.open(Settings.load(home).home), release_id)
    path = dictionary.build(found.path, "zh" if lang == "zh" else "en", output=output)
    if as_json:
        print_json({"release": found.refresh_id, "dictionary": str(path)})
    else:
        click.echo(path)


def _of_dbt(settings: Settings, output: Path | None) -> Path:
    from pipeline.sources import load_sources
    from pipeline.transform import dbt

    path = (output or Home.open(settings.home).dbt_docs).resolve()
    dbt.write_docs(load_sources(settings), settings, path)
    return path
