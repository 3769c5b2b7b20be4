"""Renders the upkeep of a home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.common.home import Home

if TYPE_CHECKING:
    from pipeline.operations.retention import Pruned


def pruned(
    found: Pruned,
    old_runs: int,
    at: Home,
    options: str,
    console: Console,
    *,
    dry_run: bool,
) -> None:
    """Prints what went, or would go, and what was put together.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
    """
    table = Table("what", "where", "MB", "why", box=None)
    for item in found.gone:
        path = item.path.relative_to(at.root) if at.root in item.path.parents else ""
        table.add_row(
            item.what, escape(str(path)), f"{item.bytes / 1e6:,.1f}", item.why
        )
    for packing in found.packed:
        table.add_row(
            "small files",
            f"landing/{packing.source}/{packing.entity}",
            f"{packing.bytes / 1e6:,.1f}",
            f"{len(packing.files):,} files are put into one; {packing.rows:,} rows stay",
        )
    if found.gone or found.packed:
        console.print(table)
    for item in found.not_removed:
        console.print(
            f"[yellow]{escape(str(item.path))} could not be removed[/yellow]; "
            f"`customer-tiers status{escape(options)}` says why.",
            soft_wrap=True,
        )
    done = "Would remove" if dry_run else "Removed"
    console.print(
        f"{done} {len(found.gone):,} things ({found.bytes / 1e6:,.1f} MB) and "
        f"{old_runs:,} runs of Dagster."
    )
