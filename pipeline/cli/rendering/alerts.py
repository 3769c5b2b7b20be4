"""Renders the state of alerts, on a terminal or as plain values; without any secret."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cli.rendering.language import Language
from pipeline.operations.alerts.config import AlertsFile, Email, Webhook
from pipeline.operations.alerts.ledger import Event, Ledger

EVENTS_LISTED = 10


def as_values(described: AlertsFile, state: Ledger) -> dict[str, Any]:
    """Channels and events as plain values."""
    return {
        "channels": [
            {
                "name": channel.name,
                "kind": channel.kind,
                "host": channel.host,
                "language": channel.language,
                "events": channel.events,
                **_counts(channel, state),
            }
            for channel in described.channels
        ],
        "troubles": state.troubles,
        "events": [asdict(event) for event in reversed(state.events)],
    }


def overview(
    described: AlertsFile, state: Ledger, console: Console, language: str = "en"
) -> None:
    """The channels, and the newest events with how they were delivered."""
    words = Language(language)
    headings = ("channel", "kind", "to", "language", "events", "sent", "pending")
    table = Table(*map(words.text, headings), box=None)
    problems = []
    for channel in described.channels:
        counts = _counts(channel, state)
        table.add_row(
            channel.name,
            channel.kind,
            escape(channel.host),
            channel.language,
            ", ".join(map(words.text, channel.events)),
            str(counts["sent"]),
            str(counts["pending"]),
        )
        if counts["error"]:
            problems.append(f"{channel.name}: {counts['error']}")
    console.print(table)
    for problem in problems:  # below, so that a narrow terminal does not cut it off
        console.print(problem, style="red", markup=False, soft_wrap=True)
    if not state.events:
        console.print(words.text("No alert was due yet."))
        return
    console.print()
    headings_of_events = ("event", "found (UTC)", "notified", "pending")
    events = Table(*map(words.text, headings_of_events), box=None)
    for event in list(reversed(state.events))[:EVENTS_LISTED]:
        events.add_row(
            event.id,
            event.raised_at[:16].replace("T", " "),
            ", ".join(_names(event, sent=True)),
            ", ".join(_names(event, sent=False)),
        )
    console.print(events)


def _names(event: Event, *, sent: bool) -> list[str]:
    return [
        name
        for name, delivery in event.deliveries.items()
        if (delivery.state == "sent") is sent
    ]


def _counts(channel: Webhook | Email, state: Ledger) -> dict[str, Any]:
    found = [
        event.deliveries[channel.name]
        for event in state.events
        if channel.name in event.deliveries
    ]
    errors = [item.error for item in found if item.state != "sent" and item.error]
    return {
        "sent": sum(item.state == "sent" for item in found),
        "pending": sum(item.state != "sent" for item in found),
        "error": errors[-1] if errors else None,
    }
