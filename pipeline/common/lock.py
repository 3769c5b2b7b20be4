"""The lock of a home: one refresh at a time, across processes.

Not here: what is done under it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.common.errors import RefreshRunning
from pipeline.common.home import Home

# Locks that this process holds, by home, with how often they were taken: the command
# line takes the lock before Dagster starts, and the run takes it again inside.
_HELD: dict[Path, tuple[int, int]] = {}


@contextmanager
def refresh_lock(home: Home, *, wait_seconds: float = 0) -> Iterator[None]:
    """Holds the home's refresh lock; the kernel frees it however the process ends.

    Re-entrant within a process. Dagster's pool does not hold for in-process runs, and
    knows nothing of a second machine's or shell's command, so the lock is ours.

    Args:
        wait_seconds: How long to wait for another process to let it go.

    Raises:
        RefreshRunning: Another process holds it.
    """
    path = _lock_file(home)
    deadline = time.monotonic() + wait_seconds
    if path in _HELD:
        descriptor, count = _HELD[path]
        _HELD[path] = (descriptor, count + 1)
    else:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        # Whoever asks `is_locked` shares the lock for a moment, which is no refresh.
        while not _take(descriptor, fcntl.LOCK_EX):
            if not _take(descriptor, fcntl.LOCK_SH):
                if time.monotonic() < deadline:
                    time.sleep(0.2)
                    continue
                holder = os.read(descriptor, 200).decode(errors="replace").strip()
                os.close(descriptor)
                raise RefreshRunning(
                    f"Another refresh of {home.root} is running "
                    f"({holder or 'unknown'}). Wait for it, or look at "
                    "`customer-tiers status`."
                )
        os.truncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()}\n".encode())
        _HELD[path] = (descriptor, 1)
    try:
        yield
    finally:
        descriptor, count = _HELD[path]
        if count > 1:
            _HELD[path] = (descriptor, count - 1)
        else:
            del _HELD[path]
            os.close(descriptor)


def is_locked(home: Home) -> bool:
    """Whether a refresh holds the lock now, in this process or another."""
    path = _lock_file(home)
    if path in _HELD:
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared: two that ask at once do not take each other for a refresh.
        return not _take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock_file(home: Home) -> Path:
    return home.root.resolve() / "refresh.lock"


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
