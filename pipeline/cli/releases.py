"""The kept releases: listing them, going back to one, making its report again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import home_option, json_option, language_option
from pipeline.cli.output import options_given, out, print_json
from pipeline.cli.rendering import releases as rendering
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue, permissions, promotion


@click.command()
@language_option
@home_option
@json_option
def releases(lang: str, home: Path | None, as_json: bool) -> None:
    """Lists the kept releases, newest first."""
    kept = catalogue.releases(Home.open(Settings.load(home).home))
    if as_json:
        print_json([asdict(item) for item in kept])
        return
    rendering.kept(kept, options_given(home), out, lang)


@click.command()
@click.argument("release_id", required=False)
@language_option
@home_option
@json_option
def rollback(
    release_id: str | None, lang: str, home: Path | None, as_json: bool
) -> None:
    """Makes a kept release current again; by default the one before the current."""
    settings = Settings.load(home)
    opened = Home.open(settings.home)
    now_current = promotion.rollback(opened, release_id)
    if settings.spark is not None:
        # It imports dbt, which those who have no Spark need not wait for.
        from pipeline.transform.spark import refresh as refresh_on_spark

        refresh_on_spark.follow(opened, settings)
    if as_json:
        print_json(asdict(now_current))
    else:
        rendering.current_again(now_current, out, lang)


@click.command()
@click.argument("release_id", required=False)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh", "both"]),
    default="both",
    show_default=True,
    help="Language of the pages; each page is in one.",
)
@home_option
@json_option
def report(release_id: str | None, lang: str, home: Path | None, as_json: bool) -> None:
    """Makes the report of the current (or a kept) release again.

    Pages that need no network: reports/index.html of the release leads to all of them,
    reports/zh/index.html to those in Chinese.
    """
    from pipeline.reports import LANGUAGES, build_report

    found = catalogue.chosen(Home.open(Settings.load(home).home), release_id)
    path = build_report(
        found.path, [each for each in LANGUAGES if lang in (each, "both")]
    )
    permissions.protect(found.path)
    if as_json:
        print_json({"release": found.refresh_id, "report": str(path)})
    else:
        click.echo(path)
