"""Ends what takes too long: first by asking, then by ending the process.

A watcher thread waits for the limit. Then it has the journal say so, and raises the error
in the main thread, which is where readers, engines and Dagster's steps run: what waits
there for a socket or a query is interrupted, and the refresh ends as after any error. A
thread cannot be killed, and a library may swallow the error or wait for a thread of its
own that hangs. So if the block has not ended a little later, the process is ended; at any
moment that is as safe as a power cut, which the tests of landing and release try. The
kernel frees the lock.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.common.errors import CustomerTiersError, SourceUnavailable

log = logging.getLogger("customer_tiers.limits")

# What the main thread has to end in by itself.
GRACE_SECONDS = 30.0
_SIGNAL = signal.SIGUSR2


class TimeLimit(CustomerTiersError):
    """A refresh took longer than it may."""


class SourceTimeLimit(SourceUnavailable):
    """Reading a source took longer than it may."""


class Limit:
    """One limit that is running."""

    def __init__(self, error: CustomerTiersError) -> None:
        self.error = error
        self.is_over = threading.Event()

    def cancel(self) -> None:
        """Lets what is limited take as long as it likes from here on."""
        self.is_over.set()


_DUE: list[Limit] = []


@contextmanager
def limit(
    seconds: float,
    error: CustomerTiersError,
    *,
    at_limit: Callable[[], object],
    last_resort: Callable[[], object],
    grace: float = GRACE_SECONDS,
) -> Iterator[Limit]:
    """Raises the error in the block, if that is the main thread, when it takes longer.

    Args:
        seconds: The limit; 0 for none.
        error: Raised, and what ends the process takes its exit code.
        at_limit: Called by the watcher before anything else: the journal.
        last_resort: Called by the watcher before it ends the process.
        grace: Seconds that the block has to end after the error was raised.
    """
    running = Limit(error)
    if not seconds:
        yield running
        return
    main = threading.main_thread()
    is_main = threading.current_thread() is main
    before = signal.signal(_SIGNAL, _raise_what_is_due) if is_main else None

    def watch() -> None:
        if running.is_over.wait(seconds):
            return
        _quietly(at_limit)
        if is_main and main.ident is not None:
            _DUE.append(running)
            signal.pthread_kill(main.ident, _SIGNAL)
        if running.is_over.wait(grace):
            return
        log.error("%s", error)
        _quietly(last_resort)
        end_process(error)

    threading.Thread(target=watch, name="time-limit", daemon=True).start()
    try:
        yield running
    finally:
        running.is_over.set()
        if is_main:
            signal.signal(_SIGNAL, before)


def _raise_what_is_due(_signal: int, _frame: FrameType | None) -> None:
    while _DUE:
        due = _DUE.pop()
        if not due.is_over.is_set():
            raise due.error


def _quietly(call: Callable[[], object]) -> None:
    """Calls it for as long as it takes, but not for ever, and whatever it raises."""

    def attempt() -> None:
        try:
            call()
        except Exception:
            log.debug("at a limit of time", exc_info=True)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(10)


def end_process(error: CustomerTiersError) -> None:
    """Ends the process as the command line would have with this error."""
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    sys.stderr.flush()
    os._exit(error.exit_code)


def format_minutes(minutes: float) -> str:
    """A limit as a person says it, such as `1 minute`."""
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"
