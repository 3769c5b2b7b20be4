"""The present moment and waiting, as one thing that a test can put its own in place of."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Clock:
    """Where time comes from.

    Attributes:
        now: The present moment, aware; may jump when the machine's clock is set.
        monotonic: Seconds that never go back; for distances only.
        sleep: Waits so many seconds.
    """

    now: Callable[[], dt.datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()
