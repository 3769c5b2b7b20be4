"""Where commands write: results to standard output, the rest to standard error.

How facts are printed is `rendering`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
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


def pastable(text: str, options: Mapping[str, Path]) -> str:
    """The text with the options in every command that stands in it between backticks.

    The rooms below do not know how a person named the home and the sources. Without them
    a command that is copied from what they say would work elsewhere. A command gets
    those of them that it knows.

    Args:
        text: Such as "Make room: `customer-tiers prune --dry-run` says what may go."
        options: What the command line named: `home` and `sources`.
    """

    def with_options(found: re.Match[str]) -> str:
        known = _options_of(found[1].split()[1:])
        wanted = {name: path for name, path in options.items() if name in known}
        return f"`{found[1]}{options_given(**{**_NOTHING, **wanted})}`"

    return _COMMAND.sub(with_options, text)


_NOTHING: Mapping[str, Path | None] = {"home": None, "sources": None}


def _options_of(words: Sequence[str]) -> set[str]:
    """The options of a command of ours that begins with these words."""
    context = click.get_current_context(silent=True)
    command = context.find_root().command if context else None
    for word in words:
        if not isinstance(command, click.Group) or word not in command.commands:
            break
        command = command.commands[word]
    return {str(option.name) for option in command.params} if command else set()
