"""Renders what an export did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from pipeline.serving.postgres.export import Exported
    from pipeline.serving.superset import Bundle


def exported(done: Exported, console: Console) -> None:
    """Prints what PostgreSQL has now, and what an administrator may want to know."""
    console.print(
        f"{escape(done.database)} has [bold]{done.release_id}[/bold]: {done.tables} "
        f"tables, {done.rows:,} rows, in {done.seconds:.0f} s.",
        soft_wrap=True,
    )
    for note in done.notes:
        console.print(f"  {note}", soft_wrap=True, markup=False)
    if done.missing_roles:
        console.print(
            f"  The account may not make the roles {', '.join(done.missing_roles)}: have "
            "deploy/postgresql/roles.sql run by somebody who may, then export again.",
            soft_wrap=True,
            markup=False,
        )


def bundled(done: Bundle, console: Console) -> None:
    """Prints what the bundle holds, and how it comes into Superset."""
    console.print(
        f"{done.file}: {done.charts} charts on {done.datasets} datasets, made of "
        f"{done.release_id}. Import it in Superset under Dashboards, or as docs/bi.md says.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
    if done.asks_for_password:
        console.print(
            "  The password is not in it: Superset asks for it.", highlight=False
        )
    for chart, absent in done.left_out.items():
        console.print(
            f"  Left out, because the release has no {absent}: {chart}",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )
