"""At most so many calls in so many seconds, whichever seconds one takes."""

from __future__ import annotations

import threading
from collections import deque

from pipeline.sources.http.clock import SYSTEM_CLOCK, Clock


class RateLimiter:
    """A sliding window: a call waits until the oldest of the window has left it.

    A bucket that refills would let twice the number through around its edge, and the
    services count any window.

    Attributes:
        calls: The most in a window.
        seconds: The length of the window.
    """

    def __init__(self, calls: int, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.calls = calls
        self.seconds = seconds
        self._clock = clock
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def acquire(self) -> float:
        """Waits for a place in the window, and takes it.

        Returns:
            The seconds waited.
        """
        waited = 0.0
        # The lock is held while waiting: who came first goes first.
        with self._lock:
            while (wait := self._seconds_to_wait()) > 0:
                self._clock.sleep(wait)
                waited += wait
            self._recent.append(self._clock.monotonic())
        return waited

    def _seconds_to_wait(self) -> float:
        now = self._clock.monotonic()
        while self._recent and now - self._recent[0] >= self.seconds:
            self._recent.popleft()
        if len(self._recent) < self.calls:
            return 0.0
        # Never nothing, or rounding would make the loop spin.
        return max(self._recent[0] + self.seconds - now, 0.001)
