"""The message of an event for people, in English or Chinese.

Each message says what happened, since when, what readers see now, the first failing
checks, what to do next and where. Not here: the sentences of each language
(english, chinese), and what a channel makes of a message (mail, webhooks).
"""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.operations.alerts.chinese import Chinese
from pipeline.operations.alerts.config import Language
from pipeline.operations.alerts.english import English
from pipeline.operations.alerts.ledger import Delivery, Event
from pipeline.operations.alerts.sentences import Place, format_moment
from pipeline.operations.freshness import Freshness

# A message that is sent so much later than its event was found says so.
DELAY_MENTIONED = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Message:
    """One event in one language.

    Attributes:
        id: The same at every try, so that a receiver can recognise a repeat.
        sections: A heading and its lines, in the order in which they are read.
        facts: The same as plain values, for machines.
    """

    id: str
    kind: str
    language: Language
    title: str
    sections: Sequence[tuple[str, Sequence[str]]]
    raised_at: str
    is_repeat: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The message as plain text, title left out."""
        parts = []
        for heading, lines in self.sections:
            parts.append("\n".join([heading, *(f"  {line}" for line in lines)]))
        return "\n\n".join(parts) + "\n"


HEADINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "What happened",
        "Since when",
        "What readers see now",
        "Checks that failed first",
        "What to do next",
        "Where to look",
    ),
    "zh": (
        "发生了什么",
        "从何时起",
        "读者现在看到的",
        "最先失败的检查",
        "下一步",
        "在哪里查看",
    ),
}


def compose(
    event: Event,
    delivery: Delivery,
    language: Language,
    place: Place,
    seen: Freshness,
) -> Message:
    """The message of an event as it is to be sent now.

    Args:
        event: What happened.
        delivery: How earlier tries went.
        language: English or Chinese.
        place: Which installation it comes from.
        seen: What readers see at this moment, which may be later than the event.
    """
    words = English(event, place) if language == "en" else Chinese(event, place)
    happened, since, todo = words.happened(), words.since(), words.todo()
    now = dt.datetime.fromisoformat(seen.looked_at)
    if now - dt.datetime.fromisoformat(event.raised_at) > DELAY_MENTIONED:
        happened.append(words.delayed())
    if delivery.is_uncertain:
        happened.append(words.repeated())
    bodies = [
        happened,
        since,
        [words.readers(seen)],
        words.checks(),
        todo,
        words.where(),
    ]
    sections = [
        (heading, lines)
        for heading, lines in zip(HEADINGS[language], bodies, strict=True)
        if lines
    ]
    return Message(
        id=event.id,
        kind=event.kind,
        language=language,
        title=f"{place.sender} {words.title()}",
        sections=sections,
        raised_at=event.raised_at,
        is_repeat=delivery.is_uncertain,
        facts=event.facts,
    )


def test_message(language: Language, place: Place, now: dt.datetime) -> Message:
    """The message of `customer-tiers alerts test`."""
    moment = format_moment(now.isoformat(), place.time_zone)
    if language == "en":
        title, heading = "Test message", "What happened"
        line = (
            f"Somebody ran `customer-tiers alerts test` at {moment}. Nothing is wrong."
        )
    else:
        title, heading = "测试消息", "发生了什么"
        line = f"有人在 {moment} 执行了 `customer-tiers alerts test`。一切正常。"
    where = f"{socket.gethostname()}: {place.home}"
    return Message(
        id=f"test-{now:%Y%m%dT%H%M%S%f}",
        kind="test",
        language=language,
        title=f"{place.sender} {title}",
        sections=[(heading, [line]), (HEADINGS[language][-1], [where])],
        raised_at=now.isoformat(),
    )
