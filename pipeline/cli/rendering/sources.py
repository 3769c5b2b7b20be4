"""Renders a trial of the sources, and the rows in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.common.yaml_places import at

if TYPE_CHECKING:
    from pipeline.gates.source_trial import Tried
    from pipeline.gates.trial_findings import Finding
    from pipeline.landing.quarantine import Held


def trials(
    tried: Sequence[Tried], findings: Sequence[Finding], console: Console
) -> None:
    """Prints what came of each entity, then every finding with its place."""
    table = Table("source", "entity", "sample", "columns", "outcome", box=None)
    for item in tried:
        cut = "" if item.is_whole else "first "
        table.add_row(
            item.source,
            item.entity,
            f"{cut}{item.rows:,} rows",
            str(len(item.columns)),
            _outcome(item),
        )
    console.print(table)
    for finding in findings:
        mark = "[red]stops[/red]" if finding.exit_code else "[yellow]note[/yellow]"
        console.print(f"\n{mark} {escape(finding.message)}", soft_wrap=True)
        if finding.file is not None:
            place = at(finding.file, finding.line)
            console.print(f"      {escape(place)}", soft_wrap=True)


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
    stops = sum(1 for finding in item.findings if finding.exit_code)
    if item.problem:
        return "[red]could not be read[/red]"
    if stops:
        return f"[red]{stops} thing{'s' if stops > 1 else ''} to mend[/red]"
    if item.unsettled:
        left = "; ".join(item.unsettled)
        return (
            f"[green]good[/green], without what is still being written: {escape(left)}"
        )
    return "[green]good[/green]"
