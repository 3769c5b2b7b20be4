"""Renders a trial of the sources, and the rows in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cli.rendering.language import Language
from pipeline.common.language import joined, said

if TYPE_CHECKING:
    from pipeline.gates.source_trial import Tried
    from pipeline.gates.trial_findings import Finding
    from pipeline.landing.batches import Batch
    from pipeline.landing.quarantine import Held


def trials(
    tried: Sequence[Tried],
    findings: Sequence[Finding],
    console: Console,
    language: str = "en",
) -> None:
    """Prints what came of each entity, then every finding with its place."""
    words = Language(language)
    headings = ("source", "entity", "sample", "columns", "outcome")
    table = Table(*map(words.text, headings), box=None)
    for item in tried:
        pattern = "{rows:,} rows" if item.is_whole else "first {rows:,} rows"
        table.add_row(
            item.source,
            item.entity,
            words.say(pattern, rows=item.rows),
            str(len(item.columns)),
            _outcome(item, words),
        )
    console.print(table)
    for finding in findings:
        pattern = (
            "[red]stops[/red] {message}"
            if finding.exit_code
            else "[yellow]note[/yellow] {message}"
        )
        sentence = words.marked(pattern, message=finding.message)
        console.print(f"\n{sentence}", soft_wrap=True)
        if finding.file is not None:
            place = (
                words.say("{file}, line {line}", file=finding.file, line=finding.line)
                if finding.line
                else str(finding.file)
            )
            console.print(f"      {escape(place)}", soft_wrap=True)


def read_again(
    batches: Sequence[Batch], console: Console, language: str = "en"
) -> None:
    """Prints what the next refresh reads again."""
    words = Language(language)
    for batch in batches:
        console.print(f"{batch.source}.{batch.entity} {batch.origin}", markup=False)
    console.print(
        words.text("will be read again by the next refresh.")
        if batches
        else words.text("Nothing is in quarantine.")
    )


def quarantined(found: Sequence[Held], console: Console, language: str = "en") -> None:
    """Prints each row with its place and why it could not be read."""
    words = Language(language)
    if not found:
        console.print(words.text("Nothing is in quarantine."))
    for item in found:
        batch = item.batch
        console.print(
            words.marked(
                "[bold]{source}.{entity}[/bold] {file}: {failed:,} of {rows:,} rows{again}",
                source=batch.source,
                entity=batch.entity,
                file=batch.origin,
                failed=batch.rows_quarantined,
                rows=batch.rows_read,
                again=said("; read again at the next refresh")
                if item.asked_again
                else "",
            )
        )
        headings = ("line", "reason", "text")
        table = Table(*map(words.text, headings), box=None)
        for row in item.rows:
            place = "" if row["line"] is None else f"{row['line']:,}"
            table.add_row(place, escape(row["reason"]), escape(row["text"][:200]))
        console.print(table)


def _outcome(item: Tried, words: Language) -> str:
    stops = sum(1 for finding in item.findings if finding.exit_code)
    if item.problem:
        return words.marked("[red]could not be read[/red]")
    if stops == 1:
        return words.marked("[red]1 thing to mend[/red]")
    if stops:
        return words.marked("[red]{count} things to mend[/red]", count=stops)
    if item.unsettled:
        return words.marked(
            "[green]good[/green], without what is still being written: {left}",
            left=joined(item.unsettled, "; "),
        )
    return words.marked("[green]good[/green]")
