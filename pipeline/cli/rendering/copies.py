"""Renders what the copies of releases have, and how they get what they should."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from pipeline.release.catalogue import Release
from pipeline.serving.copies import Copy

_KINDS = {"duckdb": "DuckDB", "parquet": "Parquet", "postgres": "PostgreSQL"}


def state(copy: Copy, current: Release | None, options: str, console: Console) -> None:
    """Prints what a copy has, and what to do where that is not the current release.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
    """
    command = escape(_command(copy, options))
    if copy.release_id is None:
        has = "has no release of ours"
    else:
        has = f"has {copy.release_id}, exported {(copy.exported_at or '')[:16]}"
    console.print(f"  {_KINDS[copy.kind]} {escape(copy.target)} {has}", soft_wrap=True)
    if copy.failed_at is not None:
        console.print(
            f"    [yellow]The export of {copy.failed_at[:16]} failed[/yellow]: "
            f"{escape(copy.problem)} {command} tries again.",
            soft_wrap=True,
        )
    elif copy.problem:
        console.print(
            f"    [yellow]{escape(copy.problem)}[/yellow]: {command} puts it there.",
            soft_wrap=True,
        )
    elif current is not None and copy.release_id != current.refresh_id:
        console.print(f"    not the current release: {command}", soft_wrap=True)


def not_forgotten(found: Sequence[Copy], options: str, console: Console) -> None:
    """Prints the copies that hold a customer who was forgotten, until they are made again.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
    """
    for copy in found:
        if copy.release_id is not None:
            # Older releases beside it hold him, too.
            more = " --keep 1" if copy.kind == "parquet" else ""
            console.print(
                f"  {_KINDS[copy.kind]} {copy.target}, until you run "
                f"{_command(copy, more + options)}",
                soft_wrap=True,
                markup=False,
            )


def _command(copy: Copy, options: str) -> str:
    folder = "" if copy.kind == "postgres" else f" {shlex.quote(copy.target)}"
    return f"`customer-tiers export {copy.kind}{folder}{options}`"
