"""Renders the state of a home; every command in it can be pasted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cli.rendering import copies, refusals
from pipeline.gates.advice import Refusal
from pipeline.journal.attempts import Attempt
from pipeline.journal.removal import NotRemoved
from pipeline.release.catalogue import Release
from pipeline.serving.copies import Copy


@dataclass(frozen=True)
class Overview:
    """What `status` found.

    Attributes:
        problem: Why readers find no whole release; empty when they do.
        pages: Where the Data Docs of the current release begin.
        unfinished: Receipts of forgettings that were interrupted.
        not_removed: What should be gone and could not be removed.
        copies: Copies of releases elsewhere.
        attempts: The newest first.
        refusal: Of the newest attempt, if a gate refused it.
    """

    current: Release | None
    problem: str
    pages: Path | None
    unfinished: Sequence[str]
    not_removed: Sequence[NotRemoved]
    copies: Sequence[Copy]
    attempts: Sequence[Attempt]
    refusal: Refusal | None


def overview(found: Overview, options: str, again: str, console: Console) -> None:
    """Prints it.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
        again: What `refresh` must repeat to read the same sources, too.
    """
    _current(found, options, again, console)
    for copy in found.copies:
        copies.state(copy, found.current, options, console)
    for receipt in found.unfinished:
        console.print(
            f"[red]Forgetting {receipt} is not finished[/red]: run `customer-tiers "
            f"forget CUSTOMER{escape(options)}` again, with the same customer; until then "
            "the home holds what it looks for.",
            soft_wrap=True,
        )
    for item in found.not_removed:
        console.print(
            f"[yellow]{escape(item.path)} cannot be removed[/yellow], since "
            f"{item.since[:10]}: {escape(item.problem)}. It is tried again after every "
            f"refresh, and by `customer-tiers prune{escape(options)}`.",
            soft_wrap=True,
        )
    if found.attempts:
        table = Table("attempt", "state", "started", "took", "reason", box=None)
        for attempt in found.attempts:
            reason = attempt.reason or ""
            table.add_row(
                attempt.refresh_id,
                _coloured(attempt.state),
                attempt.started_at[:16].replace("T", " "),
                _duration(attempt),
                escape(_shortened(reason) if found.refusal else reason),
            )
        console.print(table)
    if found.refusal:
        console.print()
        refusals.refusal(found.refusal, console)


def _current(found: Overview, options: str, again: str, console: Console) -> None:
    current = found.current
    if found.problem:
        console.print(
            f"[red]Readers find no whole release[/red]: {escape(found.problem)}. "
            f"`customer-tiers rollback{escape(options)}` goes back to an older one; "
            f"`customer-tiers refresh{escape(again)}` makes a new one.",
            soft_wrap=True,
        )
    elif current is None:
        console.print(
            "There is no release yet; run "
            f"[bold]customer-tiers refresh{escape(again)}[/bold].",
            soft_wrap=True,
        )
    if current is None:
        return
    console.print(
        f"Current release [bold]{current.refresh_id}[/bold], as of "
        f"{current.as_of_date}, sealed {_ago(current.sealed_at)} ago; "
        f"{current.checks} checks, {current.warnings} warnings"
        + (f", {current.accepted} accepted." if current.accepted else ".")
    )
    console.print(f"  {current.path}", soft_wrap=True, markup=False)
    if found.pages:
        console.print(f"  Data Docs {found.pages}", soft_wrap=True, markup=False)
    refusals.uses(current.acceptances, options, console)


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"


def _coloured(state: str) -> str:
    colour = {"published": "green", "built": "green", "running": "blue"}.get(
        state, "red"
    )
    return f"[{colour}]{state}[/{colour}]"


def _duration(attempt: Attempt) -> str:
    if attempt.ended_at is None:
        return ""
    started = dt.datetime.fromisoformat(attempt.started_at)
    seconds = (dt.datetime.fromisoformat(attempt.ended_at) - started).total_seconds()
    return f"{seconds:.0f} s"


def _ago(moment: dt.datetime) -> str:
    seconds = (dt.datetime.now(dt.UTC) - moment).total_seconds()
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
