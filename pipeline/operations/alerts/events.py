"""Finds what to notify of: what ended badly, is too old or was not copied, and its end.

Reads the journal, the release and the ledger; sends nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.common.discretion import discreet
from pipeline.common.home import Home
from pipeline.journal import attempts
from pipeline.journal.attempts import Attempt
from pipeline.operations.alerts.config import AlertsFile, Kind
from pipeline.operations.alerts.ledger import Delivery, Event, Ledger
from pipeline.operations.freshness import Freshness, numbered
from pipeline.release import catalogue, layout
from pipeline.serving import copies

MAX_CHECKS = 5
BAD: dict[str, Kind] = {"refused": "refused", "failed": "failed", "died": "failed"}


def find(
    home: Home, ledger: Ledger, seen: Freshness, described: AlertsFile
) -> list[Event]:
    """Raises what is new since the last dispatch, with the channels that are to be notified.

    Returns:
        The new events, which are in the ledger now.
    """
    found = _bad_attempts(home, ledger, seen)
    if late := _late(home, ledger, seen):
        found.append(late)
    found += _failed_copies(home, ledger, seen)
    for event in found:
        ledger.troubles.append(event.id)
        _address(event, described)
    if recovered := _recovered(ledger, seen, described):
        found.append(recovered)
    return found


def _address(event: Event, described: AlertsFile) -> None:
    event.deliveries = {
        channel.name: Delivery()
        for channel in described.channels
        if event.kind in channel.events
    }


def _bad_attempts(home: Home, ledger: Ledger, seen: Freshness) -> list[Event]:
    tried = list(reversed(numbered(attempts.history(home))))
    if ledger.seen_through is None:
        # The first dispatch of all: what is long over is nobody's alarm.
        older = [layout.sequence(attempt.refresh_id) for attempt in tried[:-1]]
        ledger.seen_through = max(older, default=0)
    found = []
    for at, attempt in enumerate(tried):
        number = layout.sequence(attempt.refresh_id)
        if number <= ledger.seen_through:
            continue
        if attempt.state == "running":
            break
        ledger.seen_through = number
        if kind := BAD.get(attempt.state):
            facts = {
                **_facts_of(seen),
                **_attempt_facts(home, attempt),
                **_row(tried[: at + 1]),
            }
            found.append(
                ledger.raise_event(kind, attempt.refresh_id, seen.looked_at, facts)
            )
    return found


def _late(home: Home, ledger: Ledger, seen: Freshness) -> Event | None:
    if seen.trouble == "none" or seen.trouble in ledger.late:
        return None
    if seen.trouble == "no release" and not _is_overdue(home, seen):
        return None
    ledger.late.append(seen.trouble)
    facts = {**_facts_of(seen), **_newest(seen)}
    return ledger.raise_event("late", seen.release_id or "none", seen.looked_at, facts)


def _failed_copies(home: Home, ledger: Ledger, seen: Freshness) -> list[Event]:
    """Copies of the release that the newest export did not make; each is told of once.

    The ledger forgets those that are well again, or are made no more.
    """
    failed = {f"{copy.kind} {copy.target}": copy for copy in copies.known(home)}
    failed = {name: copy for name, copy in failed.items() if copy.failed_at}
    found = [
        ledger.raise_event(
            "copy",
            copy.kind,
            seen.looked_at,
            {
                **_facts_of(seen),
                "copy": name,
                "copy_kind": copy.kind,
                "target": copy.target,
                "has": copy.release_id,
                "since": copy.failed_at,
                "reason": _shortened(discreet(copy.problem)),
            },
        )
        for name, copy in failed.items()
        if name not in ledger.copies
    ]
    ledger.copies = sorted(failed)
    return found


def _is_overdue(home: Home, seen: Freshness) -> bool:
    """Whether a home without a release should have one: it tried long enough ago."""
    tried = numbered(attempts.history(home))
    if not tried:
        return False
    first = dt.datetime.fromisoformat(tried[-1].started_at)
    age = dt.datetime.fromisoformat(seen.looked_at) - first
    return age.total_seconds() > seen.max_age_seconds


def _recovered(ledger: Ledger, seen: Freshness, described: AlertsFile) -> Event | None:
    if not ledger.troubles or seen.trouble != "none" or seen.release_id is None:
        return None
    # A copy that is still old is no trouble of the release, which may be well again.
    lasting = [
        event.id
        for event in ledger.open_troubles()
        if event.kind == "copy" and event.facts["copy"] in ledger.copies
    ]
    over = [event for event in ledger.open_troubles() if event.id not in lasting]
    if not over:
        return None
    current = layout.sequence(seen.release_id)
    if any(event.facts.get("sequence", 0) > current for event in over):
        return None
    event = ledger.raise_event(
        "recovered",
        seen.release_id,
        seen.looked_at,
        {
            **_facts_of(seen),
            "over": [
                {
                    "kind": item.kind,
                    "refresh_id": item.facts.get(
                        "refresh_id", item.facts.get("target")
                    ),
                }
                for item in over
            ],
            "since": min((item.raised_at for item in over), default=None),
        },
    )
    _address(event, described)
    # Who never heard of a trouble need not hear that it is over.
    concerned = {name for item in over for name in item.deliveries}
    event.deliveries = {
        name: item for name, item in event.deliveries.items() if name in concerned
    }
    ledger.troubles = lasting
    ledger.late = []
    return event


def _facts_of(seen: Freshness) -> dict[str, Any]:
    return {
        "trouble": seen.trouble,
        "problem": seen.problem,
        "release_id": seen.release_id,
        "release_as_of": seen.as_of_date,
        "sealed_at": seen.sealed_at,
        "age_seconds": seen.age_seconds,
        "lag_days": seen.lag_days,
        "max_age_seconds": seen.max_age_seconds,
        "clock_behind_seconds": seen.clock_behind_seconds,
    }


def _newest(seen: Freshness) -> dict[str, Any]:
    return {"newest_id": seen.attempt_id, "newest_state": seen.attempt_state}


def _attempt_facts(home: Home, attempt: Attempt) -> dict[str, Any]:
    broken = [
        check
        for check in catalogue.checks_of(home, attempt.refresh_id)
        if check.get("outcome") != "passed"
        and check.get("severity") == "critical"
        and not check.get("accepted")
    ]
    return {
        "refresh_id": attempt.refresh_id,
        "sequence": layout.sequence(attempt.refresh_id),
        "run_id": attempt.run_id,
        "as_of": attempt.as_of_date,
        "state": attempt.state,
        "stage": attempt.stage,
        "exit_code": attempt.exit_code,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        # The reason of a refusal is made of its checks, which are listed by themselves.
        "reason": ""
        if broken and attempt.state == "refused"
        else _shortened(discreet((attempt.reason or "").partition("\n")[0])),
        "checks": [
            {
                "subject": check["subject"],
                "name": check["name"],
                "outcome": check["outcome"],
                "failing_rows": check.get("failing_rows"),
            }
            for check in broken[:MAX_CHECKS]
        ],
        "more_checks": max(len(broken) - MAX_CHECKS, 0),
    }


def _row(tried: list[Attempt]) -> dict[str, Any]:
    """Since when nothing was published, the last of these attempts included."""
    row = []
    for attempt in reversed(tried):
        if attempt.state in {"published", "built"}:
            break
        row.append(attempt)
    return {"in_a_row": len(row), "since": row[-1].started_at}


def _shortened(text: str, most: int = 500) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
