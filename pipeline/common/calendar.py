"""Days of the business: which one a refresh is as of, and when that day ends in UTC.

Not here: months and windows of figures, which are SQL of the dbt project, but for
`months_before`, by which reports and what-ifs cut what they read from a release, and
`last_day_from`, until which data are known that come as sums of months or years.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from zoneinfo import ZoneInfo

from pipeline.common.errors import ConfigurationError


def today(time_zone: str, now: dt.datetime | None = None) -> dt.date:
    """The present day, in the business's own time zone."""
    present = now or dt.datetime.now(dt.UTC)
    return present.astimezone(ZoneInfo(time_zone)).date()


def default_as_of(time_zone: str, now: dt.datetime | None = None) -> dt.date:
    """Yesterday, in the business's own time zone."""
    return today(time_zone, now) - dt.timedelta(days=1)


def refuse_future(
    as_of_date: dt.date, time_zone: str, now: dt.datetime | None = None
) -> None:
    """Refuses an as-of date after the business's today.

    A release of a later day would be current until that day had come, for none is
    replaced by an older one.

    Raises:
        ConfigurationError: The day lies in the future.
    """
    present = today(time_zone, now)
    if as_of_date > present:
        raise ConfigurationError(
            f"The as-of date {as_of_date} lies in the future: today is {present} in "
            f"{time_zone}. Give an earlier day, with --as-of, as as_of in the launchpad "
            "or as business.as_of in sources.yaml; or none, for yesterday."
        )


def known_until(as_of_date: dt.date, time_zone: str) -> dt.datetime:
    """The end of the as-of day as a UTC moment, exclusive and without a zone."""
    end = dt.datetime.combine(
        as_of_date + dt.timedelta(days=1), dt.time(), ZoneInfo(time_zone)
    )
    return end.astimezone(dt.UTC).replace(tzinfo=None)


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month, as the macro `months_before` of the dbt project.

    The last day of a month stays the last, so that the 12 months before a month end are
    12 whole months: 28 February 2013 gives 29 February 2012. A day that the earlier month
    does not have becomes its last: 30 March gives 28 February.

    Args:
        day: The day to count from.
        months: How many months; negative ones lead to a later day.
    """
    year, month = divmod(12 * day.year + day.month - 1 - months, 12)
    last = monthrange(year, month + 1)[1]
    is_last = day.day == monthrange(day.year, day.month)[1]
    return dt.date(year, month + 1, last if is_last else min(day.day, last))


def last_day_from(first: dt.date, months: int) -> dt.date:
    """The last day of so many months, of which the first day is given.

    By which a sum of a month or year is known, where its first day stands for all of it.
    """
    return months_before(first, -months) - dt.timedelta(days=1)
