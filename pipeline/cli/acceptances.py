"""`customer-tiers acceptances`: which failed checks people let pass."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import home_option, json_option, language_option
from pipeline.cli.output import out, print_json
from pipeline.cli.rendering import refusals
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import acceptances


@click.command("acceptances")
@click.option(
    "--withdraw", metavar="CHECK", multiple=True, help="Take back what was accepted."
)
@language_option
@home_option
@json_option
def acceptances_command(
    withdraw: tuple[str, ...], lang: str, home: Path | None, as_json: bool
) -> None:
    """Lists what people accepted, and why and until when; takes it back.

    A check that failed is accepted with `refresh --accept`.
    """
    at = Home.open(Settings.load(home).home)
    for check in withdraw:
        item = acceptances.withdraw(at, check)
        if not as_json:
            refusals.withdrawn(item, out, lang)
    entries = acceptances.journal(at)
    day = acceptances.today()
    if as_json:
        print_json([{**asdict(item), "holds": item.holds(day)} for item in entries])
    elif not withdraw:
        refusals.journal(entries, day, out, lang)
