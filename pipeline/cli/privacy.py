"""`customer-tiers forget`: a customer is taken out of the home."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import home_option, json_option, sources_option
from pipeline.cli.output import options_given, out, print_json
from pipeline.cli.rendering import copies as copies_rendering
from pipeline.cli.rendering import forgetting as rendering
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.serving import copies


@click.command()
@click.argument("customer")
@click.option("--yes", is_flag=True, help="Do not ask; it cannot be undone.")
@click.option("--reason", help="Why, for meta.identity_log; without personal data.")
@sources_option
@home_option
@json_option
def forget(
    customer: str,
    yes: bool,
    reason: str | None,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Takes a customer out of the home and every kept release, and proves it.

    CUSTOMER is a customer_id or a source with its key, such as erp:AW00012345. Orders and
    amounts stay, under a customer without attributes.
    """
    from pipeline.forget import run as forgetting
    from pipeline.sources import load_sources
    from pipeline.transform import project

    if as_json and not yes:
        raise ConfigurationError("With --json nobody can be asked: give --yes too.")
    settings = Settings.load(home, sources)
    described = load_sources(settings)
    seeds = project.seeds(described, settings)
    at = Home.open(settings.home)
    why = reason or forgetting.REASON
    if not yes:
        rendering.plan(forgetting.plan(at, described, customer, why, seeds=seeds), out)
        click.confirm("Forget this customer? It cannot be undone.", abort=True)
    receipt = forgetting.forget(at, described, customer, why, seeds=seeds)
    if as_json:
        print_json(asdict(receipt))
    else:
        rendering.receipt(at, receipt, out)
        copies_rendering.not_forgotten(copies.known(at), options_given(home), out)
    if problem := forgetting.problem_of(receipt):
        raise problem
