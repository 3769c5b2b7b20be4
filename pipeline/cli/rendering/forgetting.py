"""Renders a forgetting: what it would do, and its receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pipeline.common.home import Home

if TYPE_CHECKING:
    from pipeline.forget.run import Plan, Receipt
    from pipeline.forget.subject import Place, Unsought


def plan(found: Plan, console: Console) -> None:
    """Prints what forgetting a customer would do."""
    kind = "company" if found.customer_type == "company" else "person"
    counted = ", ".join(f"{count} in {name}" for name, count in found.records.items())
    console.print(
        f"{found.customer} is a {kind}; source records: {counted}.", markup=False
    )
    if kind == "company":
        console.print(
            "Its name, addresses and contacts go, as those of a person would."
        )
    _places(found.places, console)
    console.print(f"Releases to be rewritten: {', '.join(found.releases) or 'none'}.")
    _unsought(found.unsought, console)
    _sources_in_home(found.sources_in_home, console)


def receipt(at: Home, found: Receipt, console: Console) -> None:
    """Prints what was done and proved, and where the receipt is."""
    _places(found.places, console)
    console.print(f"Releases rewritten: {', '.join(found.releases) or 'none'}.")
    for name in found.exports_removed:
        console.print(f"Export removed: {name}; make it again.", markup=False)
    values = sum(found.looked_for.values())
    console.print(
        f"Looked for {values} values in {found.files:,} files "
        f"({found.bytes / 1e6:,.0f} MB): {found.found} found."
    )
    for label, count in found.looked_for.items():
        console.print(f"  {label}: {count}", markup=False)
    _unsought(found.not_looked_for, console)
    _sources_in_home(found.sources_in_home, console)
    console.print("Not in our hand:")
    for item in found.not_in_our_hand:
        console.print(f"  {item}", soft_wrap=True)
    path = at.receipts / f"{found.receipt}.json"
    console.print(f"Receipt  {path}", soft_wrap=True, markup=False)


def _places(places: Sequence[Place], console: Console) -> None:
    table = Table(
        "landed", "rows", "what becomes of them", "others with texts", box=None
    )
    for place in places:
        table.add_row(
            f"{place.source}.{place.entity}",
            f"{place.rows:,}",
            place.action,
            f"{place.texts:,}" if place.texts else "",
        )
    console.print(table)


def _unsought(unsought: Sequence[Unsought], console: Console) -> None:
    if unsought:
        console.print("Not looked for, because it would prove nothing:")
    for item in unsought:
        console.print(f"  {item.label}: {item.why}", markup=False, soft_wrap=True)


def _sources_in_home(names: Sequence[str], console: Console) -> None:
    for name in names:
        console.print(
            f"A source lies in the home and is not changed: {name}", markup=False
        )
