"""How the home is: `status` with its check for monitoring, and `logs`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import click

from pipeline.cli.options import home_option, json_option, language_option
from pipeline.cli.output import err, options_given, out, print_json
from pipeline.cli.rendering import status as rendering
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.language import in_language
from pipeline.common.settings import Settings
from pipeline.gates import advice, data_docs
from pipeline.journal import acceptances, attempts, removal
from pipeline.release import catalogue
from pipeline.serving import copies


@click.command()
@click.option(
    "--check", is_flag=True, help="One line and an exit code, for monitoring."
)
@click.option("--max-age", help="With --check: older is too old [26h].")
@click.option(
    "--notify", is_flag=True, help="With --check: also send alerts that are due."
)
@language_option
@home_option
@json_option
def status(
    check: bool,
    max_age: str | None,
    notify: bool,
    lang: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Shows the current release, its age, the last attempts and why any failed.

    Exit codes of --check: 0 the release is young enough, 1 it is too old or there is
    none, 3 and the newest attempt was refused, 4 and a refresh is running, 5 and a source
    could not be reached. It also writes the metrics.
    """
    settings = Settings.load(home)
    if check:
        _check(
            settings,
            max_age,
            options_given(home),
            lang,
            notify=notify,
            as_json=as_json,
        )
    if notify or max_age:
        raise ConfigurationError("--max-age and --notify go with --check.")
    at = Home.open(settings.home)
    current = catalogue.current(at)
    problem = current.damage if current else catalogue.pointer_problem(at)
    recent = attempts.history(at)[:10]
    options = options_given(home)
    refused, again = None, options
    if recent:
        tried = recent[0].sources_file
        is_same = tried in (None, str(settings.sources_file))
        again = options_given(home, None if is_same else Path(str(tried)))
        refused = advice.refusal(at, recent[0], again)
    unfinished = [path.stem for path in sorted(at.forgotten.glob("f*.json"))]
    stuck = removal.not_removed(at)
    served = copies.known(at)
    if as_json:
        print_json(
            {
                "home": str(at.root),
                "current": asdict(current) if current else None,
                "problem": problem,
                "attempts": [asdict(attempt) for attempt in recent],
                "refusal": asdict(refused) if refused else None,
                "acceptances": [asdict(item) for item in acceptances.holding(at)],
                "unfinished_forgettings": unfinished,
                "not_removed": [asdict(item) for item in stuck],
                "copies": [asdict(item) for item in served],
            }
        )
        return
    rendering.overview(
        rendering.Overview(
            current=current,
            problem=problem,
            pages=data_docs.address(at, current.refresh_id) if current else None,
            unfinished=unfinished,
            not_removed=stuck,
            copies=served,
            attempts=recent,
            refusal=refused,
        ),
        options,
        again,
        out,
        lang,
    )


def _check(
    settings: Settings,
    max_age: str | None,
    options: str,
    language: str,
    *,
    notify: bool,
    as_json: bool,
) -> NoReturn:
    from pipeline.common.settings import duration
    from pipeline.operations import freshness, metrics
    from pipeline.operations.alerts import run as alerting

    if max_age is not None:
        settings = replace(settings, max_age=duration(max_age, "--max-age"))
    at = Home.open(settings.home)
    found = freshness.assess(settings, at)
    sent = None
    if notify:
        alerting.configured(settings)
        sent = alerting.dispatch(settings, at, found)
    try:
        metrics.write(settings, at)
    except OSError as error:
        err.print(f"The metrics were not written: {error}", markup=False)
    if as_json:
        print_json({**asdict(found), "alerts": asdict(sent) if sent else None})
    else:
        click.echo(in_language(found.sentence, language))
        if sent and sent.pending:
            rendering.not_sent(sent.pending, options, err, language)
    sys.exit(found.exit_code)


@click.command()
@click.argument("refresh_id", required=False)
@click.option("--follow", is_flag=True, help="Go on printing while the refresh runs.")
@home_option
@json_option
def logs(
    refresh_id: str | None, follow: bool, home: Path | None, as_json: bool
) -> None:
    """Prints the log of a refresh; by default of the newest."""
    from pipeline.journal import log_reading

    at = Home.open(Settings.load(home).home)
    for line in log_reading.lines(at, refresh_id, follow=follow):
        if as_json:
            click.echo(json.dumps(line, ensure_ascii=False))
        else:
            out.print(log_reading.format_line(line), markup=False, soft_wrap=True)
