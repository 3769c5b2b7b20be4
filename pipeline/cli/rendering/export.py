"""Renders what an export did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from pipeline.serving.excel.export import Written
    from pipeline.serving.postgres.export import Exported


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


def workbooks(release_id: str, written: Sequence[Written], console: Console) -> None:
    """Prints which workbooks there are, and what had no room in them."""
    for book in written:
        rows = ", ".join(f"{name} {count:,}" for name, count in book.sheets.items())
        console.print(
            f"{release_id}: {book.file} ({rows})", soft_wrap=True, markup=False
        )
        for name, count in book.left_out.items():
            console.print(
                f"  {name} has no room for {count:,} more rows: a sheet of Excel ends "
                "after 1,048,576.",
                soft_wrap=True,
                markup=False,
            )
