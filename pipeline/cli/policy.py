"""Why customers have their tiers, and which they would have under another policy.

Also the policy's anchors, as the company's own figures propose them.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import (
    given,
    home_option,
    json_option,
    language_option,
    release_option,
    sources_option,
)
from pipeline.cli.output import numbers, out, print_json
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue
from pipeline.release.catalogue import Release


@click.command()
@click.argument("customer")
@click.option(
    "--identity",
    is_flag=True,
    help="Show which records it is made of and what joined them, not its tier.",
)
@release_option
@language_option
@home_option
@json_option
def explain(
    customer: str,
    identity: bool,
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
    if identity:
        _explain_identity(catalogue.chosen(at, release_id), customer, as_json)
        return
    found = explaining.run(catalogue.chosen(at, release_id), customer)
    if as_json:
        print_json(numbers(asdict(found)))
    else:
        rendering.explanation(found, lang, language.console())


def _explain_identity(release: Release, customer: str, as_json: bool) -> None:
    from pipeline.cli.rendering import matching as rendering
    from pipeline.identity import held
    from pipeline.tiers import released, search

    with released.reading(release) as connection:
        found = held.run(connection, search.find(connection, customer))
    if as_json:
        print_json(numbers(asdict(found)))
    else:
        rendering.held(found, out)


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


@click.command()
@click.option("--policy-id", help="Which policy [the one in force].")
@click.option(
    "--write", is_flag=True, help="Write the proposal into the policy's files."
)
@release_option
@language_option
@sources_option
@home_option
@json_option
def calibrate(
    policy_id: str | None,
    write: bool,
    release_id: str | None,
    lang: str,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Proposes anchors and weights from the company's own figures of the last two years.

    Shows what would change in score_factors.csv and score_anchors.csv, and who would move;
    writes them only with --write.
    """
    from pipeline.cli.rendering import calibration as rendering
    from pipeline.cli.rendering import language
    from pipeline.sources import load_sources
    from pipeline.tiers import calibrate as calibrating
    from pipeline.transform import project
    from pipeline.transform.package import PACKAGE

    settings = Settings.load(home, sources)
    described = load_sources(settings)
    own = described.applied_to(settings).dbt_project
    if write and own.resolve() == PACKAGE:
        raise ConfigurationError(
            f"{own} is the product's own policy, and an upgrade would undo what is "
            "written there. Make a project of your own with `customer-tiers init`, or "
            "leave out --write."
        )
    at = Home.open(settings.home)
    found = calibrating.run(
        catalogue.chosen(at, release_id),
        project.seeds(described, settings),
        policy_id,
    )
    written = calibrating.write(found, own / "seeds") if write else []
    if as_json:
        print_json(numbers({**asdict(found), "written": list(map(str, written))}))
    else:
        options = given(click.get_current_context())
        rendering.calibration(found, written, lang, language.console(), options)
