"""The months and years of a report are those of the marts, on every kind of day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from pipeline.common import calendar
from pipeline.reports import periods, sales
from pipeline.reports.periods import Seal
from pipeline.reports.sales import Month
from tests.models import Warehouse
from tests.unit.transform.test_value_history import world

DAYS = [
    dt.date(2021, 2, 28),  # the year before holds 29 February
    dt.date(2020, 2, 29),
    dt.date(2020, 2, 28),  # no month end
    dt.date(2022, 2, 28),
    dt.date(2021, 4, 30),
    dt.date(2021, 3, 30),  # the February before has no such day
    dt.date(2021, 1, 31),
    dt.date(2021, 6, 17),
]


def seal(as_of: dt.date) -> Seal:
    return Seal(
        refresh_id="r000001-20210228",
        as_of_date=as_of,
        sealed_at=dt.datetime(2021, 3, 1, tzinfo=dt.UTC),
        time_zone="UTC",
        currency="USD",
        checks=1,
        passed=1,
        warnings=0,
        accepted=0,
        problems=(),
    )


def sold_at_the_turns(as_of: dt.date) -> Warehouse:
    """A line of a sum of its own on each of the days at which a month may be cut."""
    days = sorted(
        {
            dt.date(year, month, 1) + dt.timedelta(days)
            for year in range(as_of.year - 4, as_of.year + 1)
            for month in range(1, 13)
            for days in (-4, -3, -2, -1, 0, as_of.day - 1, as_of.day)
        }
    )
    rows = [
        (number, "a", "p", day, number, False)
        for number, day in enumerate(days, start=1)
        if day <= as_of
    ]
    found = world(as_of, rows)
    found.connection.execute(
        "create table warehouse.marts.order_lines as from work.core.core_order_lines; "
        "use warehouse"
    )
    return found


def total(months: list[Month]) -> Decimal:
    return sum((month.revenue for month in months), Decimal(0))


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_the_bars_sum_to_the_headline(as_of: dt.date) -> None:
    warehouse = sold_at_the_turns(as_of)
    (marts,) = warehouse.rows(
        """
        select revenue_12m, revenue_previous_12m
        from {core_customer_moments}
        where is_present and customer_id = 'a'
        """
    )
    months = sales.months(warehouse.connection, seal(as_of))
    last, before = months[12:], months[:12]
    assert all(month.is_last_12 for month in last)
    assert not any(month.is_last_12 for month in before)
    assert total(last) == marts["revenue_12m"]
    assert total(before) == marts["revenue_previous_12m"]
    assert [month.last_day for month in months][-1] == as_of


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_periods_begin_where_the_marts_begin_them(as_of: dt.date) -> None:
    warehouse = sold_at_the_turns(as_of)
    (marts,) = warehouse.rows(
        "select twelve_months_ago, twenty_four_months_ago from {core_moments} "
        "where is_present"
    )
    one_day = dt.timedelta(days=1)
    period = periods.period(seal(as_of))
    assert period.first_day == marts["twelve_months_ago"] + one_day
    assert period.previous_first_day == marts["twenty_four_months_ago"] + one_day
    assert calendar.months_before(as_of, 12) == marts["twelve_months_ago"]
    assert period.tickets_from == dt.datetime.combine(period.first_day, dt.time())
