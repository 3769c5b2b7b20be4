"""Where commands write: results to standard output, the rest to standard error.

How facts are printed is `rendering`.
"""

from __future__ import annotations

import json
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console


class Printer(Console):
    """A console whose reader may go away; the command line ends quietly then."""

    def on_broken_pipe(self) -> None:
        """Raises what rich would end the process for, with an exit code of its own."""
        raise BrokenPipeError


out = Printer(highlight=False)
err = Printer(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Prints a value as JSON; what JSON does not know as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def numbers(value: Any) -> Any:
    """Decimals as numbers: fifteen digits hold every amount to the cent."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


_COMMAND = re.compile(r"`(customer-tiers [^`]+)`")


def options_given(home: Path | None, sources: Path | None = None) -> str:
    """The options that a command must repeat to work in the same home, quoted.

    With a space before each, so that it can follow the name of a command.
    """
    options = {"--home": home, "--sources": sources}
    return "".join(
        f" {name} {shlex.quote(str(path))}" for name, path in options.items() if path
    )


def pastable(text: str, options: str) -> str:
    """The text with the options in every command that stands in it between backticks.

    The rooms below do not know how a person named the home. Without the options a
    command that is copied from what they say would work in another home.

    Args:
        text: Such as "Make room: `customer-tiers prune --dry-run` says what may go."
        options: From `options_given`.
    """
    return _COMMAND.sub(lambda found: f"`{found[1]}{options}`", text)
