"""Renders a refusal and the acceptances; the facts come from elsewhere."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.gates.advice import Finding, Refusal
from pipeline.journal.acceptances import Acceptance, Use

INDENT = 7


def refusal(found: Refusal, console: Console) -> None:
    """Prints the block of a refused attempt."""
    title = (
        f"[bold red]{found.refresh_id} was refused[/bold red], as of {found.as_of_date}"
    )
    if console.is_terminal:
        console.rule(title, align="left", style="red")
    else:
        console.print(title)
    for finding in found.findings:
        _finding(finding, console)
    if found.more:
        console.print(f"\n{found.more:,} more did not pass; see the Data Docs.")
    for other in found.others:
        console.print(Text(other, style="red"), soft_wrap=not console.is_terminal)
    kept = found.unchanged or "nothing, as before: there is no release yet"
    console.print(f"\nNothing changed. Readers keep {kept}.", soft_wrap=True)
    if found.data_docs:
        console.print(Text(f"Data Docs  {found.data_docs}"), soft_wrap=True)
    if console.is_terminal:
        console.rule(style="red")


def _finding(finding: Finding, console: Console) -> None:
    colour = "magenta" if finding.outcome == "crashed" else "red"
    heading = Text.assemble(
        (finding.outcome, f"bold {colour}"), "  ", (finding.check, "bold")
    )
    if finding.failing_rows is not None and finding.outcome == "failed":
        of = "" if finding.rows is None else f" of {finding.rows:,}"
        noun = "row" if finding.failing_rows == 1 and not of else "rows"
        heading.append(f"  {finding.failing_rows:,}{of} {noun}")
    console.print()
    console.print(heading, soft_wrap=True)
    _line("must", finding.demand, console)
    _line("why", finding.why, console)
    _line("seen", finding.observed, console)
    if finding.examples:
        console.print(Padding(_examples(finding.examples), (0, 0, 0, INDENT)))
    for step in finding.next_steps:
        _line("do", step, console)
    if finding.accept_command:
        # On one line whatever the width, so that it can be copied as it stands.
        console.print(Text(" " * INDENT + finding.accept_command), soft_wrap=True)


def _line(word: str, text: str, console: Console) -> None:
    if not text:
        return
    if not console.is_terminal:
        console.print(Text(f"  {word:<{INDENT - 2}}{text}"), soft_wrap=True)
        return
    grid = Table.grid()
    grid.add_column(width=INDENT, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(f"  {word}", Text(text))
    console.print(grid)


def _examples(examples: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for example in examples for name in example))
    table = Table(*map(escape, names), box=None, pad_edge=False, header_style="dim")
    for example in examples:
        table.add_row(*(escape(str(example.get(name, ""))) for name in names))
    return table


def uses(found: Sequence[Use], options: str, console: Console) -> None:
    """Prints what the acceptances did in the release that readers see.

    Args:
        options: What commands must repeat to work in the same home.
    """
    for use in found:
        label = {
            "used": "[blue]accepted[/blue]",
            "unused": "[yellow]unused acceptance[/yellow]",
            "void": "[yellow]void acceptance[/yellow]",
        }.get(use.state, "[dim]acceptance[/dim]")
        by = use.accepted
        console.print(
            f"  {label} {escape(use.check)}, by {escape(by.by)} until {by.until}: "
            f"{escape(by.reason)}",
            soft_wrap=True,
        )
        if use.state == "unused":
            console.print(
                "    The check passes. Withdraw it: customer-tiers acceptances "
                f"--withdraw {escape(shlex.quote(use.check) + options)}",
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
