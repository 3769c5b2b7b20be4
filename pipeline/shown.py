"""How a refusal and the acceptances look on a terminal; the facts come from elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.acceptances import Acceptance, Use
from pipeline.advice import Finding, Refusal


def refusal(found: Refusal, console: Console) -> None:
    """Prints the block of a refused attempt."""
    parts: list[RenderableType] = []
    for finding in found.findings:
        parts += _finding(finding)
    if found.more:
        parts += [Text(), Text(f"{found.more:,} more did not pass; see the Data Docs.")]
    parts += [Text(other, style="red") for other in found.others]
    if parts:
        parts.append(Text())
    kept = found.unchanged or "nothing, as before: there is no release yet"
    parts.append(Text(f"Nothing changed. Readers keep {kept}."))
    if found.data_docs:
        parts.append(Text(f"Data Docs  {found.data_docs}", overflow="fold"))
    title = (
        f"[bold red]{found.refresh_id} was refused[/bold red], as of {found.as_of_date}"
    )
    if console.is_terminal:
        console.print(
            Panel(Group(*parts), title=title, title_align="left", border_style="red")
        )
        return
    # A frame would only be in the way of whoever greps a log; a command stays one line.
    console.print(title)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text | Padding))


def _finding(finding: Finding) -> list[RenderableType]:
    colour = "magenta" if finding.outcome == "crashed" else "red"
    heading = Text.assemble(
        (finding.outcome, f"bold {colour}"), "  ", (finding.check, "bold")
    )
    if finding.failing_rows is not None and finding.outcome == "failed":
        of = "" if finding.rows is None else f" of {finding.rows:,}"
        noun = "row" if finding.failing_rows == 1 and not of else "rows"
        heading.append(f"  {finding.failing_rows:,}{of} {noun}")
    parts: list[RenderableType] = [Text(), heading]
    if finding.demand:
        parts.append(_line("must", finding.demand))
    if finding.why:
        parts.append(_line("why", finding.why))
    if finding.observed:
        parts.append(_line("seen", finding.observed))
    if finding.examples:
        parts.append(Padding(_examples(finding.examples), (0, 0, 0, 2)))
    parts += [_line("do", step) for step in finding.next_steps]
    if finding.accept_command:
        parts.append(_line("", finding.accept_command))
    return parts


def _line(word: str, text: str) -> RenderableType:
    return Text.assemble((f"  {word:<5}", "dim"), text, overflow="fold")


def _examples(examples: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for example in examples for name in example))
    table = Table(*map(escape, names), box=None, pad_edge=False, header_style="dim")
    for example in examples:
        table.add_row(*(escape(str(example.get(name, ""))) for name in names))
    return table


def uses(found: Sequence[Use], console: Console) -> None:
    """Prints what the acceptances did in the release that readers see."""
    for use in found:
        told = {
            "used": "[blue]accepted[/blue]",
            "unused": "[yellow]unused acceptance[/yellow]",
            "void": "[yellow]void acceptance[/yellow]",
        }.get(use.state, "[dim]acceptance[/dim]")
        by = use.accepted
        console.print(
            f"  {told} {escape(use.check)}, by {escape(by.by)} until {by.until}: "
            f"{escape(by.reason)}",
            soft_wrap=True,
        )
        if use.state == "unused":
            console.print(
                "    The check passes. Withdraw it: customer-tiers acceptances "
                f"--withdraw {escape(use.check)}",
                soft_wrap=True,
            )
        if use.state == "void":
            console.print(
                "    It crashed, or is not acceptable any more; it counts as not passed.",
                soft_wrap=True,
            )


def journal(entries: Sequence[Acceptance], day: dt.date, console: Console) -> None:
    """Prints the acceptances that there are and were."""
    if not entries:
        console.print("Nobody has accepted anything.")
        return
    table = Table("", "check", "by", "since", "until", "reason", box=None)
    for item in entries:
        if item.withdrawn_at is not None:
            state = "[dim]withdrawn[/dim]"
        else:
            state = "[green]holds[/green]" if item.holds(day) else "[dim]over[/dim]"
        table.add_row(
            state,
            escape(item.check),
            escape(item.by),
            item.at[:10],
            item.until,
            escape(item.reason),
        )
    console.print(table)
