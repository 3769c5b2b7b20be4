"""Why customers have their tiers, and which they would have under another policy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import (
    home_option,
    json_option,
    language_option,
    release_option,
)
from pipeline.cli.output import numbers, print_json
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue


@click.command()
@click.argument("customer")
@release_option
@language_option
@home_option
@json_option
def explain(
    customer: str,
    release_id: str | None,
    lang: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Shows why a customer has its tier, and what would move it up.

    CUSTOMER is a customer_id, a source's key with or without the source, such as
    erp:AW00012345, or a name or a part of it.
    """
    from pipeline.cli.rendering import explanation as rendering
    from pipeline.cli.rendering import language
    from pipeline.tiers import explain as explaining

    at = Home.open(Settings.load(home).home)
    found = explaining.run(catalogue.chosen(at, release_id), customer)
    if as_json:
        print_json(numbers(asdict(found)))
    else:
        rendering.explanation(found, lang, language.console())


@click.command("what-if")
@click.argument("policy")
@click.option("--policy-id", help="Which policy of the files, where they hold several.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write each customer's move to this .csv or .parquet.",
)
@click.option(
    "--capacity",
    type=click.FloatRange(min=0, min_open=True),
    help="Hours a year that there are for serving customers.",
)
@release_option
@language_option
@home_option
@json_option
def what_if(
    policy: str,
    policy_id: str | None,
    output: Path | None,
    capacity: float | None,
    release_id: str | None,
    lang: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Shows who would move, and how much money, under another policy; changes nothing.

    POLICY is a policy_id of the release, or a folder with the CSV files of one
    (policies.csv, tiers.csv, tier_rules.csv and so on), or one such file. What the folder
    leaves out is as it is in the release.
    """
    from pipeline.cli.rendering import language
    from pipeline.cli.rendering import what_if as rendering
    from pipeline.tiers import what_if as supposing

    at = Home.open(Settings.load(home).home)
    found = supposing.run(
        catalogue.chosen(at, release_id),
        policy,
        policy_id=policy_id,
        capacity_hours=capacity,
        output=output,
    )
    if as_json:
        print_json(numbers(asdict(found)))
    else:
        rendering.what_if(found, lang, language.console())
