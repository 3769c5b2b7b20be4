"""Upkeep of a home: `prune`, `backup` and `restore`."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.options import home_option, json_option, sources_option
from pipeline.cli.output import options_given, out, print_json
from pipeline.cli.rendering import operations as rendering
from pipeline.common.home import Home
from pipeline.common.settings import Settings


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@home_option
@json_option
def prune(dry_run: bool, home: Path | None, as_json: bool) -> None:
    """Removes what need not be kept, and puts many small files of landing into one.

    Every published refresh does it too. How much is kept are settings
    (CUSTOMER_TIERS_KEEP_...); every landed row stays.
    """
    from pipeline.common.lock import refresh_lock
    from pipeline.operations import retention
    from pipeline.orchestration import runs

    settings = Settings.load(home)
    at = Home.open(settings.home)
    now = dt.datetime.now(dt.UTC)
    if dry_run:
        found = retention.plan(at, settings, now=now)
    else:
        with refresh_lock(at):
            found = retention.prune(at, settings, now=now)
    old_runs = runs.prune_home(at, settings.keeping.runs_days, now=now, dry_run=dry_run)
    if as_json:
        print_json({**asdict(found), "runs": old_runs, "dry_run": dry_run})
        return
    rendering.pruned(found, old_runs, at, options_given(home), out, dry_run=dry_run)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--wait",
    default=120,
    show_default=True,
    help="Minutes to wait for a refresh that is running.",
)
@home_option
@json_option
def backup(file: Path, wait: int, home: Path | None, as_json: bool) -> None:
    """Writes the home into one FILE (.tar or .tar.gz), while readers go on reading.

    It holds what cannot be made again, personal data among it, and is readable by its
    owner alone. Candidates, exports and Dagster's runs are left out.
    """
    from pipeline.operations import backup as backing

    at = Home.open(Settings.load(home).home)
    made = backing.backup(at, file, wait_seconds=60 * wait)
    if as_json:
        print_json(asdict(made))
    else:
        out.print(
            f"{made.files:,} files ({made.bytes / 1e6:,.0f} MB) in {made.path}, "
            f"current release {made.current or 'none'}.",
            soft_wrap=True,
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--home",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The new home: a folder that is empty or not there.",
)
@click.option(
    "--forgotten-from",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The home left behind: who was forgotten there is forgotten here as well.",
)
@sources_option
@json_option
def restore(
    file: Path,
    home: Path,
    forgotten_from: Path | None,
    sources: Path | None,
    as_json: bool,
) -> None:
    """Makes a new home of a backup FILE, when every file of it is what it was."""
    from pipeline.operations import backup as backing
    from pipeline.sources import load_sources
    from pipeline.transform import project

    described = seeds = None
    if forgotten_from is not None:
        settings = Settings.load(home, sources)
        described = load_sources(settings)
        seeds = project.seeds(described, settings)
    found = backing.restore(
        file, home, forgotten_from=forgotten_from, sources=described, seeds=seeds
    )
    if as_json:
        print_json(asdict(found))
        return
    out.print(
        f"{found.home} is as it was at {found.backup.made_at}; current release "
        f"{found.backup.current or 'none'}.",
        soft_wrap=True,
    )
    if forgotten_from is None:
        out.print(
            "[yellow]Customers who were forgotten after that are back.[/yellow] Forget "
            "them again before anybody reads this home, or restore with "
            "--forgotten-from and the home that was left behind (docs/privacy.md).",
            soft_wrap=True,
        )
    else:
        out.print(f"{found.forgotten_again:,} customers were forgotten again.")
