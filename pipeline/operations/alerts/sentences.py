"""What the sentences of both languages are made from: moments, durations, places.

Not here: the sentences themselves (english, chinese).
"""

from __future__ import annotations

import datetime as dt
import math
import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.operations.alerts.ledger import Event

BAD_STATES = {"refused", "failed", "died"}


@dataclass(frozen=True)
class Place:
    """The installation: what a message needs to know besides its event."""

    home: str
    time_zone: str
    installation: str = ""
    link: str = ""

    @property
    def sender(self) -> str:
        """How every title begins; robots that ask for a keyword find it there."""
        return f"[customer-tiers {self.installation}]".replace(" ]", "]")


def format_moment(moment: str | None, time_zone: str) -> str:
    """A moment for a person, in the time zone of the installation."""
    if moment is None:
        return "?"
    local = dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(time_zone))
    return f"{local:%Y-%m-%d %H:%M} ({time_zone})"


class Sentences:
    """What both languages need; each sentence is a language's own."""

    units: Sequence[tuple[int, str]]

    def __init__(self, event: Event, place: Place) -> None:
        self.event = event
        self.facts = event.facts
        self.place = place

    def at(self, name: str) -> str:
        """A moment of the event's facts."""
        return format_moment(self.facts.get(name), self.place.time_zone)

    def raised(self) -> str:
        """When the event was found."""
        return format_moment(self.event.raised_at, self.place.time_zone)

    def length(self, seconds: float | None) -> str:
        """A duration in its largest unit of which there are two."""
        left = max(seconds or 0, 0)
        for size, name in self.units:
            if left >= 2 * size or size == 1:
                return f"{math.floor(left / size)}{name}"
        raise AssertionError("the last unit is the second")

    @staticmethod
    def check_id(check: dict[str, Any]) -> str:
        """As `refresh --accept` takes it."""
        return f"{check['subject']}:{check['name']}"

    @property
    def refresh(self) -> str:
        """The refresh that it is about."""
        return str(self.facts.get("refresh_id") or "")

    @property
    def export(self) -> str:
        """The command that makes a copy again."""
        kind, target = self.facts["copy_kind"], self.facts["target"]
        folder = "" if kind == "postgres" else f" {shlex.quote(target)}"
        return f"customer-tiers export {kind}{folder}"

    @property
    def late_since(self) -> str:
        """When the release became older than is allowed."""
        if self.facts.get("sealed_at") is None:
            return "?"
        sealed = dt.datetime.fromisoformat(self.facts["sealed_at"])
        allowed = dt.timedelta(seconds=self.facts["max_age_seconds"])
        return format_moment((sealed + allowed).isoformat(), self.place.time_zone)

    def where(self) -> list[str]:
        """Where to read on."""
        lines = [f"{socket.gethostname()}: {self.place.home}"]
        if self.event.kind in {"refused", "failed"}:
            lines.append(f"customer-tiers logs {self.refresh}")
        lines.append("customer-tiers status")
        if self.place.link:
            lines.append(self.place.link)
        return lines
