"""`customer-tiers alerts`: who is sent what, and a test of the channels."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.cli.options import home_option, json_option, language_option
from pipeline.cli.output import out, print_json
from pipeline.common.home import Home
from pipeline.common.settings import Settings


@click.group(invoke_without_command=True)
@language_option
@home_option
@json_option
@click.pass_context
def alerts(context: click.Context, lang: str, home: Path | None, as_json: bool) -> None:
    """Shows who is sent which alerts, what was sent, and what could not be."""
    if context.invoked_subcommand is not None:
        return
    from pipeline.cli.rendering import alerts as rendering
    from pipeline.operations.alerts import ledger
    from pipeline.operations.alerts import run as alerting

    settings = Settings.load(home)
    described = alerting.configured(settings)
    state = ledger.read(Home.open(settings.home))
    if as_json:
        print_json(rendering.as_values(described, state))
    else:
        rendering.overview(described, state, out, lang)


@alerts.command("test")
@click.argument("channel", required=False)
@home_option
@json_option
def alerts_test(channel: str | None, home: Path | None, as_json: bool) -> None:
    """Sends a test message to one channel, or to all."""
    from pipeline.operations.alerts import run as alerting

    settings = Settings.load(home)
    found = alerting.test(settings, Home.open(settings.home), channel)
    if as_json:
        print_json(found)
    else:
        for name, problem in found.items():
            out.print(f"{name}: {problem or 'sent'}", markup=False, soft_wrap=True)
    if any(found.values()):
        sys.exit(1)
