"""`customer-tiers match`: who is who, decided by a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.cli.options import (
    home_option,
    json_option,
    release_option,
    sources_option,
)
from pipeline.cli.output import numbers, out, print_json
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.identity import asking
from pipeline.release import catalogue


@click.command("match")
@click.option("--by", default="", help="Who decides; stands beside each decision.")
@click.option(
    "--list", "only_list", is_flag=True, help="Show the pairs; ask about none."
)
@click.option(
    "--sample",
    is_flag=True,
    help="Judge a sample of what was linked, by which its precision is estimated.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Ask about so many only.")
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the pairs to this .csv or .xlsx, to be filled in.",
)
@click.option(
    "--read",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the decisions of a file that was written and filled in.",
)
@click.option(
    "--decisions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of decisions [match_decisions.csv in the project's seeds].",
)
@click.option("--yes", is_flag=True, help="Keep the decisions without asking again.")
@release_option
@sources_option
@home_option
@json_option
def match(
    by: str,
    only_list: bool,
    sample: bool,
    limit: int | None,
    write: Path | None,
    read: Path | None,
    decisions: Path | None,
    yes: bool,
    release_id: str | None,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Asks which customers are the same, the most valuable pairs first.

    An answer is kept in match_decisions.csv and holds from the next refresh on; before
    that it is shown what would move. Nothing is asked twice.
    """
    from pipeline.cli.rendering import matching as rendering
    from pipeline.tiers import released

    settings = Settings.load(home, sources)
    at = Home.open(settings.home)
    with released.reading(catalogue.chosen(at, release_id)) as connection:
        file = decisions or _own_file(settings)
        held = asking.read(file)
        known = {each.pair for each in held}
        found = asking.sample(connection) if sample else asking.candidates(connection)
        asked = [row for row in found if asking.pair(row) not in known][:limit]
        if as_json:
            print_json(numbers(asked))
            return
        if write:
            asking.to_spreadsheet(write, asked)
            out.print(
                f"{len(asked)} pairs are in {write}.", markup=False, soft_wrap=True
            )
            return
        if only_list:
            rendering.listed(asked, out)
            return
        today = dt.date.today()
        made = (
            asking.from_spreadsheet(read, by, today)
            if read
            else _answers(asked, by, today)
        )
        kept = asking.added(held, made)
        if len(kept) == len(held):
            out.print("Nothing new was decided.")
            return
        new = kept[len(held) :]
        rendering.moved(new, asking.moved(connection, new), out)
    if yes or click.confirm(f"Keep {len(new)} decisions in {file}?"):
        asking.write(file, kept)
        out.print(
            f"{len(new)} decisions are in {file}; the next refresh follows them.",
            markup=False,
            soft_wrap=True,
        )


def _answers(
    asked: Sequence[asking.Row], by: str, today: dt.date
) -> list[asking.Decision]:
    from pipeline.cli.rendering import matching as rendering

    made = []
    for place, row in enumerate(asked, start=1):
        rendering.pair(row, place, len(asked), out)
        answer = click.prompt(
            "[s]ame, [d]ifferent, [l]ater or [q]uit",
            type=click.Choice(["s", "d", "l", "q"]),
            show_choices=False,
        )
        if answer == "q":
            break
        if answer == "l":
            continue
        by = by or click.prompt("Who decides")
        reason = click.prompt("Why", default="reviewed")
        word = {"s": "same", "d": "different"}[answer]
        made.append(asking.decision(row, word, by, reason, today))
    return made


def _own_file(settings: Settings) -> Path:
    """`match_decisions.csv` of the project's own seeds."""
    from pipeline.sources import load_sources
    from pipeline.transform.package import PACKAGE

    own = load_sources(settings).applied_to(settings).dbt_project
    if own.resolve() == PACKAGE:
        raise ConfigurationError(
            f"{own} is the product's own project, and an upgrade would undo what is "
            "written there. Make a project of your own with `customer-tiers init`, or "
            "name a file with --decisions."
        )
    name = "match_decisions.csv"
    return min((own / "seeds").rglob(name), default=own / "seeds" / name)
