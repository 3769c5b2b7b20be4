"""Days of the business: which one a refresh is as of, and when that day ends in UTC.

Not here: months and windows of figures, which are SQL of the dbt project.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def default_as_of(time_zone: str, now: dt.datetime | None = None) -> dt.date:
    """Yesterday, in the business's own time zone."""
    present = now or dt.datetime.now(dt.UTC)
    return present.astimezone(ZoneInfo(time_zone)).date() - dt.timedelta(days=1)


def known_until(as_of_date: dt.date, time_zone: str) -> dt.datetime:
    """The end of the as-of day as a UTC moment, exclusive and without a zone."""
    end = dt.datetime.combine(
        as_of_date + dt.timedelta(days=1), dt.time(), ZoneInfo(time_zone)
    )
    return end.astimezone(dt.UTC).replace(tzinfo=None)
