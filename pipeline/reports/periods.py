"""What `release.json` says of a release, and the periods that a report on it covers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.common import calendar
from pipeline.journal import evidence

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Seal:
    """What `release.json` says of the release, and whether it still holds.

    Attributes:
        time_zone: The business's own, where the record names it, else UTC.
        currency: The reporting currency, where the record names it.
        accepted: Checks that failed and were accepted by a person; no warnings.
        problems: Why this release could not be published as it lies there.
    """

    refresh_id: str
    as_of_date: dt.date
    sealed_at: dt.datetime
    time_zone: str
    currency: str | None
    checks: int
    passed: int
    warnings: int
    accepted: int
    problems: Sequence[str]


@dataclass(frozen=True)
class Period:
    """The 12 months that end on the as-of day; the first days of them and before."""

    first_day: dt.date
    last_day: dt.date
    previous_first_day: dt.date
    tickets_from: dt.datetime


def seal_of(record: Mapping[str, Any], *, problems: Sequence[str]) -> Seal:
    """The record of a release in the words of the report."""
    checks = [
        check
        for item in record["evidence"]
        for check in evidence.from_json(item).checks
    ]
    passed = sum(check.outcome == "passed" for check in checks)
    return Seal(
        refresh_id=record["refresh_id"],
        as_of_date=dt.date.fromisoformat(record["as_of_date"]),
        sealed_at=dt.datetime.fromisoformat(record["sealed_at"]),
        time_zone=record.get("time_zone", "UTC"),
        currency=record.get("reporting_currency"),
        checks=len(checks),
        passed=passed,
        warnings=sum(
            c.outcome != "passed" and not c.blocks and not c.is_accepted for c in checks
        ),
        accepted=sum(c.is_accepted for c in checks),
        problems=problems,
    )


def period(seal: Seal) -> Period:
    """The periods of a report on a release."""
    year_ago = calendar.months_before(seal.as_of_date, 12)
    two_years_ago = calendar.months_before(seal.as_of_date, 24)
    return Period(
        first_day=year_ago + ONE_DAY,
        last_day=seal.as_of_date,
        previous_first_day=two_years_ago + ONE_DAY,
        tickets_from=calendar.known_until(year_ago, seal.time_zone),
    )
