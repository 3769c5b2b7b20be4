"""`customer-tiers refresh`: from the sources to a new release."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from pipeline.cli.options import (
    home_option,
    json_option,
    language_option,
    sources_option,
)
from pipeline.cli.output import err, options_given, out, print_json
from pipeline.cli.rendering import refusals
from pipeline.cli.rendering import releases as rendering
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.gates import advice
from pipeline.journal import acceptances
from pipeline.release import catalogue

if TYPE_CHECKING:
    from pipeline.orchestration.refresh import RefreshFailed


@click.command()
@click.option("--as-of", help="Last business day to know of, YYYY-MM-DD [yesterday].")
@sources_option
@click.option(
    "--full",
    is_flag=True,
    help="Ignore cursors, read everything again; what is read now counts.",
)
@click.option(
    "--no-publish", is_flag=True, help="Build and check, leave readers alone."
)
@click.option(
    "--no-report",
    is_flag=True,
    help="Leave the report out; `customer-tiers report` makes it at any time.",
)
@click.option(
    "--accept",
    "accepted",
    metavar="CHECK",
    multiple=True,
    help="Let this check fail, on the record; for drift and warnings, not for integrity. "
    "Can be given several times.",
)
@click.option("--reason", help="Why what was accepted is right.")
@click.option("--until", help="The last day on which it is, YYYY-MM-DD.")
@language_option
@home_option
@json_option
def refresh(
    as_of: str | None,
    sources: Path | None,
    full: bool,
    no_publish: bool,
    no_report: bool,
    accepted: tuple[str, ...],
    reason: str | None,
    until: str | None,
    lang: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Goes the whole way from the sources to a new release and its report."""
    from pipeline.cli.rendering.progress import progress
    from pipeline.orchestration import refresh as refreshing

    settings = Settings.load(home, sources)
    request = refreshing.Request(
        as_of=refreshing.parse_day(as_of) if as_of else None,
        full=full,
        publish=not no_publish,
        report=not no_report,
        accept=acceptances.wish(accepted, reason, until),
    )
    try:
        with progress():
            attempt = refreshing.run(settings, request)
    except refreshing.RefreshFailed as failed:
        _print_refusal(
            settings, failed, options_given(home, sources), lang, as_json=as_json
        )
    at = Home.open(settings.home)
    if as_json:
        found = catalogue.current(at) if not no_publish else None
        print_json({**asdict(attempt), "release": str(found.path) if found else None})
    elif no_publish:
        rendering.not_published(attempt, out, lang)
    else:
        rendering.summary(at, out, lang)
        if len(catalogue.releases(at)) == 1:
            rendering.knowledge(at, out, lang)


def _print_refusal(
    settings: Settings,
    failed: RefreshFailed,
    options: str,
    language: str,
    *,
    as_json: bool,
) -> NoReturn:
    """Prints what a gate refused and ends; raises what failed otherwise."""
    found = advice.refusal(Home(settings.home), failed.attempt, options)
    if found is None:
        raise failed
    if as_json:
        print_json({**asdict(failed.attempt), "refusal": asdict(found)})
    refusals.refusal(found, err, language)
    sys.exit(failed.exit_code)
