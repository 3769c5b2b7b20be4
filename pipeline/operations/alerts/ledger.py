"""Who was notified of what, and what is still to be sent: one file, and a lock beside it.

    alerts/state.json

An event gets its id and its list of channels before anything is sent, and each sending
is noted before and after. So an event is neither forgotten nor raised twice, whatever
becomes of the process. One question stays open by nature: a process that died between
sending and noting may have sent or not. Then it is sent again, with the same id, and the
message says that it may be a repeat.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.operations.alerts.config import Kind

log = logging.getLogger("customer_tiers.alerts")

# So many events that everybody was notified of are kept for `customer-tiers alerts`.
KEPT = 50
# Another dispatch that is sending is waited for as long; sending has limits of its own.
PATIENCE_SECONDS = 120


@dataclass
class Delivery:
    """One event on its way to one channel.

    `sending` on disk means that a process began and did not say how it went.

    Attributes:
        is_uncertain: An earlier try may have reached the channel.
        not_before: The channel asked to be left alone until then.
        remark: What a delivery that counts as sent did not do for everybody.
    """

    state: Literal["pending", "sending", "sent"] = "pending"
    tries: int = 0
    is_uncertain: bool = False
    tried_at: str | None = None
    sent_at: str | None = None
    error: str | None = None
    not_before: str | None = None
    remark: str | None = None


@dataclass
class Event:
    """Something that people are notified of, with all that was known when it was found.

    Attributes:
        facts: Plain values for the message; no values of rows.
    """

    id: str
    kind: Kind
    raised_at: str
    facts: dict[str, Any]
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether every channel was notified."""
        return all(item.state == "sent" for item in self.deliveries.values())


@dataclass
class Ledger:
    """The state of alerts in a home.

    Attributes:
        number: How many events there were; part of their ids.
        seen_through: Attempts up to this sequence have been judged.
        troubles: Ids of events that have not been followed by a recovery.
        late: Why the release was said to be late since the last recovery.
        copies: Copies of the release that people were told of, and that are as they were.
    """

    number: int = 0
    seen_through: int | None = None
    troubles: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def raise_event(
        self, kind: Kind, subject: str, raised_at: str, facts: dict[str, Any]
    ) -> Event:
        """Adds an event with an id of its own."""
        self.number += 1
        event = Event(f"{kind}-{self.number:06d}-{subject}", kind, raised_at, facts)
        self.events.append(event)
        return event

    def pending(self) -> int:
        """Deliveries that are still to be made."""
        return sum(
            item.state != "sent"
            for event in self.events
            for item in event.deliveries.values()
        )

    def open_troubles(self) -> list[Event]:
        """The events of troubles that are not over."""
        return [event for event in self.events if event.id in self.troubles]


def read(home: Home) -> Ledger:
    """The state as it was last written; a new one where there is none.

    A damaged one counts as none: an alarm too many is better than none ever again.
    """
    path = home.alerts / "state.json"
    if not path.exists():
        return Ledger()
    try:
        return _from_json(read_json(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("alerts: %s is damaged and begun anew: %s", path, error)
        return Ledger()


def _from_json(value: dict[str, Any]) -> Ledger:
    events = [
        Event(
            **{
                **event,
                "deliveries": {
                    name: Delivery(**delivery)
                    for name, delivery in event["deliveries"].items()
                },
            }
        )
        for event in value["events"]
    ]
    return Ledger(**{**value, "events": events})


def write(home: Home, ledger: Ledger) -> None:
    """Writes the state, whole or not at all; old events that are done are left out."""
    done = [
        event.id
        for event in ledger.events
        if event.is_done and event.id not in ledger.troubles
    ]
    old = set(done[:-KEPT])
    ledger.events = [event for event in ledger.events if event.id not in old]
    write_json(home.alerts / "state.json", asdict(ledger))


@contextmanager
def held(home: Home, patience: float = PATIENCE_SECONDS) -> Iterator[bool]:
    """Holds the lock of alerts, so that two dispatches at once send nothing twice.

    Yields:
        Whether it was to be had; the kernel frees it however the process ends.
    """
    home.alerts.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(home.alerts / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _locked(descriptor, time.monotonic() + patience)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True
