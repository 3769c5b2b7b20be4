"""Renders a trial of the sources, and the rows in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from pipeline.gates.source_trial import Tried
    from pipeline.landing.quarantine import Held


def trials(tried: Sequence[Tried], missing: Sequence[str], console: Console) -> None:
    """Prints what came of each entity, and what is missing for a refresh."""
    table = Table("source", "entity", "sample", "columns", "outcome", box=None)
    for item in tried:
        table.add_row(
            item.source,
            item.entity,
            f"{item.rows:,} rows",
            str(len(item.columns)),
            _outcome(item),
        )
    console.print(table)
    for sentence in missing:
        console.print(f"[yellow]missing[/yellow] {escape(sentence)}", soft_wrap=True)


def quarantined(found: Sequence[Held], console: Console) -> None:
    """Prints each row with its place and why it could not be read."""
    if not found:
        console.print("Nothing is in quarantine.")
    for item in found:
        batch = item.batch
        again = "; read again at the next refresh" if item.asked_again else ""
        console.print(
            f"[bold]{batch.source}.{batch.entity}[/bold] {escape(batch.origin)}: "
            f"{batch.rows_quarantined:,} of {batch.rows_read:,} rows{again}"
        )
        table = Table("line", "reason", "text", box=None)
        for row in item.rows:
            place = "" if row["line"] is None else f"{row['line']:,}"
            table.add_row(place, escape(row["reason"]), escape(row["text"][:200]))
        console.print(table)


def _outcome(item: Tried) -> str:
    if item.problem:
        return f"[red]{escape(item.problem)}[/red]"
    if item.failed:
        sentences = "; ".join(check.sentence() for check in item.failed)
        return f"[red]{escape(sentences)}[/red]"
    if item.unsettled:
        left = "; ".join(item.unsettled)
        return (
            f"[green]good[/green], without what is still being written: {escape(left)}"
        )
    return "[green]good[/green]"
