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
from pipeline.cli.rendering.language import Language
from pipeline.cli.rendering.releases import NO_RELEASE
from pipeline.common.language import Sentence, in_language, said
from pipeline.gates import data_docs
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


def overview(
    found: Overview, options: str, again: str, console: Console, language: str = "en"
) -> None:
    """Prints it.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
        again: What `refresh` must repeat to read the same sources, too.
        language: English or Chinese.
    """
    words = Language(language)
    _current(found, options, again, console, words)
    for copy in found.copies:
        copies.state(copy, found.current, options, console, language)
    for receipt in found.unfinished:
        console.print(
            words.marked(
                "[red]Forgetting {receipt} is not finished[/red]: run `customer-tiers "
                "forget CUSTOMER{options}` again, with the same customer; until then "
                "the home holds what it looks for.",
                receipt=receipt,
                options=options,
            ),
            soft_wrap=True,
        )
    for item in found.not_removed:
        console.print(
            words.marked(
                "[yellow]{path} cannot be removed[/yellow], since {since}: {problem}. It "
                "is tried again after every refresh, and by `customer-tiers "
                "prune{options}`.",
                path=item.path,
                since=item.since[:10],
                problem=item.problem,
                options=options,
            ),
            soft_wrap=True,
        )
    if found.attempts:
        headings = ("attempt", "state", "started", "took", "reason")
        table = Table(*map(words.text, headings), box=None)
        for attempt in found.attempts:
            reason = attempt.reason or ""
            table.add_row(
                attempt.refresh_id,
                _coloured(attempt.state, words),
                attempt.started_at[:16].replace("T", " "),
                _duration(attempt, words),
                escape(_shortened(reason) if found.refusal else reason),
            )
        console.print(table)
    if found.refusal:
        console.print()
        refusals.refusal(found.refusal, console, language)


def not_sent(alerts: int, options: str, console: Console, language: str) -> None:
    """Prints that alerts are due and could not be sent."""
    sentence = Language(language).say(
        "{alerts} alerts could not be sent: `customer-tiers alerts{options}`.",
        alerts=alerts,
        options=options,
    )
    console.print(sentence, markup=False, soft_wrap=True)


def _current(
    found: Overview, options: str, again: str, console: Console, words: Language
) -> None:
    current = found.current
    if found.problem:
        console.print(
            words.marked(
                "[red]Readers find no whole release[/red]: {problem}. `customer-tiers "
                "rollback{options}` goes back to an older one; `customer-tiers "
                "refresh{again}` makes a new one.",
                problem=found.problem,
                options=options,
                again=again,
            ),
            soft_wrap=True,
        )
    elif current is None:
        console.print(words.marked(NO_RELEASE, options=again), soft_wrap=True)
    if current is None:
        return
    console.print(
        words.marked(
            "Current release [bold]{release}[/bold], as of {day}, sealed {ago} ago; "
            "{checks} checks, {warnings} warnings{accepted}.",
            release=current.refresh_id,
            day=current.as_of_date,
            ago=_ago(current.sealed_at),
            checks=current.checks,
            warnings=current.warnings,
            accepted=said(", {count} accepted", count=current.accepted)
            if current.accepted
            else "",
        ),
        soft_wrap=True,
    )
    console.print(f"  {current.path}", soft_wrap=True, markup=False)
    if found.pages:
        pages = data_docs.in_words(found.pages, words.language)
        console.print(
            f"  {words.text('Data Docs')} {pages}", soft_wrap=True, markup=False
        )
    refusals.uses(current.acceptances, options, console, words.language)


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"


def _coloured(state: str, words: Language) -> str:
    colour = {"published": "green", "built": "green", "running": "blue"}.get(
        state, "red"
    )
    # Not `words.text`: of a past tier, `published` says something else.
    return f"[{colour}]{in_language(state, words.language)}[/{colour}]"


def _duration(attempt: Attempt, words: Language) -> str:
    if attempt.ended_at is None:
        return ""
    started = dt.datetime.fromisoformat(attempt.started_at)
    seconds = (dt.datetime.fromisoformat(attempt.ended_at) - started).total_seconds()
    return words.say("{seconds:.0f} s", seconds=seconds)


def _ago(moment: dt.datetime) -> Sentence:
    seconds = (dt.datetime.now(dt.UTC) - moment).total_seconds()
    for size, pattern in (
        (86_400, "{number} days"),
        (3_600, "{number} hours"),
        (60, "{number} minutes"),
    ):
        if seconds >= 2 * size:
            return said(pattern, number=f"{seconds / size:.0f}")
    return said("{number} seconds", number=f"{seconds:.0f}")
