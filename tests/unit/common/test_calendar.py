"""Days of the business: its today, and months back as the marts count them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import calendar
from pipeline.common.errors import ConfigurationError


@pytest.mark.parametrize(
    ("zone", "moment", "today"),
    [
        ("Asia/Shanghai", "2026-01-01T23:30+00:00", "2026-01-02"),
        ("Pacific/Honolulu", "2026-01-02T05:00+00:00", "2026-01-01"),
        ("UTC", "2026-01-01T23:59+00:00", "2026-01-01"),
    ],
)
def test_today_is_the_last_day_that_may_be_asked_for(
    zone: str, moment: str, today: str
) -> None:
    now, day = dt.datetime.fromisoformat(moment), dt.date.fromisoformat(today)
    assert calendar.today(zone, now) == day
    calendar.refuse_future(day, zone, now)
    with pytest.raises(ConfigurationError, match=f"today is {today} in {zone}"):
        calendar.refuse_future(day + dt.timedelta(days=1), zone, now)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        ("2013-02-28", 12, "2012-02-29"),
        ("2012-02-29", 12, "2011-02-28"),
        ("2012-02-28", 12, "2011-02-28"),
        ("2013-03-31", 1, "2013-02-28"),
        ("2013-03-30", 1, "2013-02-28"),
        ("2013-04-30", 1, "2013-03-31"),
        ("2013-01-15", 13, "2011-12-15"),
        ("2013-01-31", -1, "2013-02-28"),
        ("2013-06-30", 0, "2013-06-30"),
    ],
)
def test_the_last_day_of_a_month_stays_the_last(
    day: str, months: int, before: str
) -> None:
    found = calendar.months_before(dt.date.fromisoformat(day), months)
    assert found == dt.date.fromisoformat(before)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)), st.integers(0, 60))
def test_later_days_never_come_before_earlier_ones(day: dt.date, months: int) -> None:
    """So that the windows of two days that follow one another never overlap wrongly."""
    next_day = day + dt.timedelta(days=1)
    assert calendar.months_before(day, months) <= calendar.months_before(
        next_day, months
    )
