"""Renders what the copies of releases have, and how they get what they should."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console

from pipeline.cli.rendering.language import Language
from pipeline.common.language import said
from pipeline.release.catalogue import Release
from pipeline.serving.copies import Copy

_KINDS = {"duckdb": "DuckDB", "parquet": "Parquet", "postgres": "PostgreSQL"}


def state(
    copy: Copy,
    current: Release | None,
    options: str,
    console: Console,
    language: str = "en",
) -> None:
    """Prints what a copy has, and what to do where that is not the current release.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
        language: English or Chinese.
    """
    words = Language(language)
    command = _command(copy, options)
    console.print(
        words.marked(
            "  {kind} {target} {has}",
            kind=_KINDS[copy.kind],
            target=copy.target,
            has=said("has no release of ours")
            if copy.release_id is None
            else said(
                "has {release}, exported {moment}",
                release=copy.release_id,
                moment=(copy.exported_at or "")[:16],
            ),
        ),
        soft_wrap=True,
    )
    if copy.failed_at is not None:
        console.print(
            "    "
            + words.marked(
                "[yellow]The export of {moment} failed[/yellow]: {problem} {command} "
                "tries again.",
                moment=copy.failed_at[:16],
                problem=copy.problem,
                command=command,
            ),
            soft_wrap=True,
        )
    elif copy.problem:
        console.print(
            "    "
            + words.marked(
                "[yellow]{problem}[/yellow]: {command} puts it there.",
                problem=copy.problem,
                command=command,
            ),
            soft_wrap=True,
        )
    elif current is not None and copy.release_id != current.refresh_id:
        console.print(
            "    "
            + words.marked("not the current release: {command}", command=command),
            soft_wrap=True,
        )


def not_forgotten(
    found: Sequence[Copy], options: str, console: Console, language: str = "en"
) -> None:
    """Prints the copies that hold a customer who was forgotten, until they are made again.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
        language: English or Chinese.
    """
    for copy in found:
        if copy.release_id is not None:
            # Older releases beside it hold him, too.
            more = " --keep 1" if copy.kind == "parquet" else ""
            sentence = Language(language).say(
                "  {kind} {target}, until you run {command}",
                kind=_KINDS[copy.kind],
                target=copy.target,
                command=_command(copy, more + options),
            )
            console.print(sentence, soft_wrap=True, markup=False)


def _command(copy: Copy, options: str) -> str:
    folder = "" if copy.kind == "postgres" else f" {shlex.quote(copy.target)}"
    return f"`customer-tiers export {copy.kind}{folder}{options}`"
