"""The progress of a refresh, as the rooms log it: on a terminal or in plain lines."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status

LOGGER = "customer_tiers"


class _Progress(Console):
    """A console whose reader may go away, which is no reason to end a refresh."""

    def on_broken_pipe(self) -> None:
        """Prints nothing from here on, what is buffered included."""
        self.quiet = True
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), self.file.fileno())


class _Lines(logging.Handler):
    """One line a message; on a terminal with a spinner for what is going on now."""

    def __init__(self, console: Console, status: Status | None) -> None:
        super().__init__(logging.DEBUG)
        self._console = console
        self._status = status
        self._started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the message; a debug message only names what is going on."""
        text = escape(record.getMessage())
        if record.levelno < logging.INFO:
            if self._status is not None:
                self._status.update(text)
            return
        room = record.name.removeprefix(f"{LOGGER}.")
        colour = "yellow" if record.levelno >= logging.WARNING else "default"
        elapsed = time.monotonic() - self._started
        self._console.print(
            f"[dim]{elapsed:6.1f} s[/dim]  [bold]{room:<9}[/bold]  "
            f"[{colour}]{text}[/{colour}]",
            soft_wrap=not self._console.is_terminal,
        )


@contextmanager
def progress() -> Iterator[None]:
    """Shows the refresh's messages on standard error while the block runs."""
    logger = logging.getLogger(LOGGER)
    # A copy of the descriptor: Dagster points the original at a file of the run while a
    # step runs, and plays it back late.
    with os.fdopen(os.dup(sys.__stderr__.fileno()), "w", encoding="utf-8") as stream:  # type: ignore[union-attr]
        console = _Progress(file=stream, highlight=False)
        status = console.status("starting") if console.is_terminal else None
        handler = _Lines(console, status)
        level, propagate = logger.level, logger.propagate
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        if status is not None:
            status.start()
        try:
            yield
        finally:
            if status is not None:
                status.stop()
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
