"""Renders a refusal and the acceptances; the facts come from elsewhere."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.cli.rendering.language import Language
from pipeline.common.language import said
from pipeline.gates import data_docs
from pipeline.gates.advice import Finding, Refusal
from pipeline.journal.acceptances import Acceptance, Use

INDENT = 7


def refusal(found: Refusal, console: Console, language: str = "en") -> None:
    """Prints the block of a refused attempt."""
    words = Language(language)
    title = words.marked(
        "[bold red]{refresh} was refused[/bold red], as of {day}",
        refresh=found.refresh_id,
        day=found.as_of_date,
    )
    if console.is_terminal:
        console.rule(title, align="left", style="red")
    else:
        console.print(title)
    for finding in found.findings:
        _finding(finding, console, words)
    if found.more:
        more = words.say(
            "{count:,} more did not pass; see the Data Docs.", count=found.more
        )
        console.print(f"\n{more}")
    for other in found.others:
        console.print(
            Text(words.text(other), style="red"), soft_wrap=not console.is_terminal
        )
    kept = found.unchanged or said("nothing, as before: there is no release yet")
    readers = words.say("Nothing changed. Readers keep {kept}.", kept=kept)
    console.print(f"\n{readers}", soft_wrap=True)
    if found.data_docs:
        pages = data_docs.in_words(Path(found.data_docs), language)
        console.print(Text(f"{words.text('Data Docs')}  {pages}"), soft_wrap=True)
    if console.is_terminal:
        console.rule(style="red")


def _finding(finding: Finding, console: Console, words: Language) -> None:
    colour = "magenta" if finding.outcome == "crashed" else "red"
    heading = Text.assemble(
        (words.text(finding.outcome), f"bold {colour}"), "  ", (finding.check, "bold")
    )
    if finding.failing_rows is not None and finding.outcome == "failed":
        heading.append("  " + _rows(finding.failing_rows, finding.rows, words))
    console.print()
    console.print(heading, soft_wrap=True)
    # What nobody has said in Chinese is said in English.
    in_chinese = words.language == "zh"
    demand = (in_chinese and finding.demand_zh) or finding.demand
    _line(words.text("must"), demand, console)
    _line(words.text("why"), (in_chinese and finding.why_zh) or finding.why, console)
    _line(words.text("seen"), words.text(finding.observed), console)
    if finding.examples:
        console.print(Padding(_examples(finding.examples), (0, 0, 0, INDENT)))
    for step in finding.next_steps:
        _line(words.text("do"), words.text(step), console)
    if finding.accept_command:
        # On one line whatever the width, so that it can be copied as it stands.
        console.print(Text(" " * INDENT + finding.accept_command), soft_wrap=True)


def _rows(failing: int, of: int | None, words: Language) -> str:
    if of is not None:
        return words.say("{failing:,} of {rows:,} rows", failing=failing, rows=of)
    if failing == 1:
        return words.text("1 row")
    return words.say("{failing:,} rows", failing=failing)


def _line(label: str, text: str, console: Console) -> None:
    if not text:
        return
    if not console.is_terminal:
        # A Chinese character is as wide as two letters.
        console.print(
            Text(f"  {label}{' ' * (INDENT - 2 - cell_len(label))}{text}"),
            soft_wrap=True,
        )
        return
    grid = Table.grid()
    grid.add_column(width=INDENT, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(f"  {label}", Text(text))
    console.print(grid)


def _examples(examples: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for example in examples for name in example))
    table = Table(*map(escape, names), box=None, pad_edge=False, header_style="dim")
    for example in examples:
        table.add_row(*(escape(str(example.get(name, ""))) for name in names))
    return table


def uses(
    found: Sequence[Use], options: str, console: Console, language: str = "en"
) -> None:
    """Prints what the acceptances did in the release that readers see.

    Args:
        options: What commands must repeat to work in the same home.
        language: English or Chinese.
    """
    words = Language(language)
    for use in found:
        by = use.accepted
        label = {
            "used": words.marked("[blue]accepted[/blue]"),
            "unused": words.marked("[yellow]unused acceptance[/yellow]"),
            "void": words.marked("[yellow]void acceptance[/yellow]"),
        }.get(use.state, words.marked("[dim]acceptance[/dim]"))
        sentence = words.marked(
            "{check}, by {by} until {until}: {reason}",
            check=use.check,
            by=by.by,
            until=by.until,
            reason=by.reason,
        )
        console.print(f"  {label} {sentence}", soft_wrap=True)
        if use.state == "unused":
            sentence = words.marked(
                "The check passes. Withdraw it: customer-tiers acceptances --withdraw "
                "{check}",
                check=shlex.quote(use.check) + options,
            )
            console.print(f"    {sentence}", soft_wrap=True)
        if use.state == "void":
            sentence = words.marked(
                "It crashed, or is not acceptable any more; it counts as not passed."
            )
            console.print(f"    {sentence}", soft_wrap=True)


def withdrawn(item: Acceptance, console: Console, language: str = "en") -> None:
    """Prints that an acceptance was taken back."""
    sentence = Language(language).say(
        "{check} is not accepted any more.", check=item.check
    )
    console.print(sentence, markup=False)


def journal(
    entries: Sequence[Acceptance],
    day: dt.date,
    console: Console,
    language: str = "en",
) -> None:
    """Prints the acceptances that there are and were."""
    words = Language(language)
    if not entries:
        console.print(words.text("Nobody has accepted anything."))
        return
    headings = ("", "check", "by", "since", "until", "reason")
    table = Table(*map(words.text, headings), box=None)
    for item in entries:
        if item.withdrawn_at is not None:
            state = words.marked("[dim]withdrawn[/dim]")
        elif item.holds(day):
            state = words.marked("[green]holds[/green]")
        else:
            state = words.marked("[dim]over[/dim]")
        table.add_row(
            state,
            escape(item.check),
            escape(item.by),
            item.at[:10],
            item.until,
            escape(item.reason),
        )
    console.print(table)
