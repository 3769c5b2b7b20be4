"""How much of a service's daily allowance is used: counted in the home, across refreshes.

    <home>/calls/<source>/2026-11-29T19     one byte for each call of that hour (UTC)

A byte is appended before the call is made. So a refresh that is killed has counted what
it used, and two processes at once (a refresh and a trial of the sources) count both.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.http.clock import SYSTEM_CLOCK, Clock

_HOUR = "%Y-%m-%dT%H"

Window = Callable[[dt.datetime], dt.datetime]


def rolling_day(now: dt.datetime) -> dt.datetime:
    """The beginning of the 24 hours that end now."""
    return now - dt.timedelta(days=1)


def calendar_day(zone: str) -> Window:
    """The window that begins at midnight in the zone, for allowances that do."""

    def begin(now: dt.datetime) -> dt.datetime:
        local = now.astimezone(ZoneInfo(zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    return begin


class CallBudget:
    """The calls of one source in its present window, and the most that there may be.

    Attributes:
        most: The limit that sources.yaml sets; None for no limit.
    """

    def __init__(
        self,
        source: str,
        folder: Path | None,
        *,
        most: int | None = None,
        window: Window = rolling_day,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Opens the count.

        Args:
            source: The name of the source, for messages.
            folder: Where its hours are kept; without one only this process's are known.
            most: The most calls (or credits) in a window.
            window: Gives the beginning of the window that a moment is in.
            clock: Where the time comes from.
        """
        self.most = most
        self._source = source
        self._folder = folder
        self._window = window
        self._clock = clock
        self._own: dict[str, int] = {}
        self.spent_here = 0

    def spend(self, weight: int = 1) -> None:
        """Counts a call that is about to be made.

        Raises:
            SourceUnavailable: The limit would be passed; nothing is counted then.
        """
        if self.most is not None and (used := self.used()) + weight > self.most:
            raise SourceUnavailable(
                f"{self._source}: {used:,} of the {self.most:,} calls that sources.yaml "
                "allows in a day (connection.calls_per_day) are used, and the source is "
                "not read to its end. What was read before stays in force. Raise the "
                "limit if the service allows more, or let the next refresh come later."
            )
        hour = self._clock.now().astimezone(dt.UTC).strftime(_HOUR)
        self.spent_here += weight
        if self._folder is None:
            self._own[hour] = self._own.get(hour, 0) + weight
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._folder / hour, flags, 0o600)
        try:
            os.write(descriptor, b"." * weight)
        finally:
            os.close(descriptor)

    def used(self) -> int:
        """The calls of the present window; the hour in which it begins counts whole."""
        begin = self._window(self._clock.now()).astimezone(dt.UTC).strftime(_HOUR)
        return sum(count for hour, count in self._hours().items() if hour >= begin)

    def summary(self) -> str:
        """What was used by this reading and in the window, and what is left of it."""
        used = self.used()
        text = f"{self.spent_here:,} calls, {used:,} within a day"
        if self.most is None:
            return f"{text}; no limit is set (connection.calls_per_day)"
        return f"{text}; {max(self.most - used, 0):,} of {self.most:,} left"

    def tidy(self) -> None:
        """Removes the hours that no window reaches any more."""
        if self._folder is None:
            return
        old = (self._clock.now() - dt.timedelta(days=3)).astimezone(dt.UTC)
        for hour in self._hours():
            if hour < old.strftime(_HOUR):
                with suppress(OSError):
                    (self._folder / hour).unlink()

    def _hours(self) -> dict[str, int]:
        if self._folder is None or not self._folder.is_dir():
            return dict(self._own)
        found = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    found[entry.name] = entry.stat().st_size
        return found
