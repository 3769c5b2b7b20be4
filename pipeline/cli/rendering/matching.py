"""Renders who may be who, and what holds a customer together.

Nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pipeline.cli.rendering.language import format_money
from pipeline.identity.asking import Decision, Row
from pipeline.identity.held import Held


def listed(asked: Sequence[Row], to: Console) -> None:
    """Prints pairs, one a line."""
    if not asked:
        to.print("Nobody has to be asked.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("left", "right", "probability", "why", "revenue"):
        table.add_column(name, justify="right" if name in _RIGHT else "left")
    for row in asked:
        table.add_row(
            _side(row, "left"),
            _side(row, "right"),
            f"{row['probability']:.3f}",
            Text(row.get("reason") or row["match_rule"]),
            format_money(row.get("revenue_at_stake")),
        )
    to.print(table)


_RIGHT = frozenset({"probability", "revenue"})


def pair(row: Row, place: int, count: int, to: Console) -> None:
    """Prints one pair with all that speaks for and against it."""
    to.print()
    to.print(Text(f"{place} of {count}", style="bold"))
    for side in ("left", "right"):
        to.print(_side(row, side))
    for name, words in (
        ("why asked", row.get("reason")),
        ("found by", f"{row['match_rule']}, {row['probability']:.3f}"),
        ("for", row.get("evidence_for")),
        ("against", row.get("evidence_against")),
        ("record pairs", row.get("record_pairs")),
    ):
        if words is not None:
            to.print(Text(f"  {name}: {words}"))
    if row.get("revenue_at_stake") is not None:
        to.print(
            Text(f"  revenue of 12 months: {format_money(row['revenue_at_stake'])}")
        )


def moved(made: Sequence[Decision], rows: Sequence[Row], to: Console) -> None:
    """Prints what decisions would move, a sentence each."""
    for row in rows:
        revenue = format_money(row["revenue"])
        name = f"{row['customer_id']} {row['customer_name']}"
        if row["other_customer_id"] is None:
            words = f"{name} would be two customers; revenue {revenue}."
        else:
            words = (
                f"{row['other_customer_id']} {row['other_customer_name']} "
                f"({row['other_tier'] or 'no tier'}) would become {name} "
                f"({row['tier'] or 'no tier'}); revenue of both {revenue}."
            )
        to.print(Text(words), soft_wrap=True)
    if quiet := len(made) - len(rows):
        to.print(Text(f"{quiet} decisions keep customers as they are."))


def held(found: Held, to: Console) -> None:
    """Prints the records of a customer as a tree of what joined them."""
    links: dict[str, list[tuple[str, str]]] = {}
    for link in found.links:
        words = f"{link['match_rule']}, {link['probability']:.3f}"
        links.setdefault(link["one"], []).append((link["other"], words))
        links.setdefault(link["other"], []).append((link["one"], words))
    names = [f"{row['source']}:{row['source_customer_id']}" for row in found.records]
    root = max(names, key=lambda name: len(links.get(name, ())))
    tree = Tree(Text(root))
    waiting = [(root, tree)]
    there = {root}
    while waiting:
        name, branch = waiting.pop(0)
        for other, words in sorted(links.get(name, ())):
            if other not in there:
                there.add(other)
                twig = branch.add(Text(f"{other}  ({words})"))
                waiting.append((other, twig))
    to.print(Text(f"{found.customer_id}: {len(names)} records", style="bold"))
    to.print(tree)
    if found.candidates:
        to.print(Text("It may be, or was kept apart from:", style="bold"))
        for row in found.candidates:
            is_left = row["customer_id"] == found.customer_id
            other = "right" if is_left else "left"
            key = row["other_customer_id"] if is_left else row["customer_id"]
            to.print(
                Text.assemble(f"  {key}: ", _side(row, other), f"; {row['reason']}")
            )


def _side(row: Row, side: str) -> Text:
    city = row[f"{side}_city"]
    return Text(
        f"{row[f'{side}_source']}:{row[f'{side}_customer_id']} "
        f"{row[f'{side}_name'] or '-'}{f', {city}' if city else ''}"
    )
