"""How purchases become the rows that the models and the backtest work on.

The engine does this in SQL: `SNAPSHOT`, `CELLS` and `OPPORTUNITIES` are its queries for
DuckDB, with named parameters. `Purchases` and `Snapshot` do the same in numpy, for tests
and for anything that is no warehouse; a test holds the two together. Not here: any
connection to an engine.

All of it starts from one row per customer and day on which it bought, with the money of
the day summed up: a second order on the same day is the same purchase. `SNAPSHOT` makes
one row per customer of it, as known at an origin, with what came afterwards beside it; the
other two reduce that to distinct rows with counts.

The grid. On the grid of 1 day the reduction loses nothing: two customers are one row only
if they are equal to the day. Where that leaves more than `MOST_ROWS` distinct triples the
grid is 7 days: t_x and T are rounded to whole weeks, to the nearest, so that they are right
on the average. `benchmarks/value_models.py` measures what this changes: the parameters by
less than their standard errors, but the forecast for a single customer by up to some
purchase days, so that fits and backtests may be on the week grid and what is published is
to the day (`scoring.publish`, `learn_from`). The baselines are read off the same rows: on
the week grid their limits of 180 days and the like are those of the nearest week.

Opportunities (for BG/BB) are windows of equal length counted back from the origin; those
that begin on or after a customer's first purchase day count, so n = floor(T / length), and
an incomplete one right after the first purchase does not.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import (
    Floats,
    Integers,
    Triples,
    as_floats,
    distinct,
    totals,
)
from pipeline.value.population import (
    DAYS_PER_WEEK,
    DAYS_PER_YEAR,
    Cells,
    Opportunities,
    Population,
)

# A million customers of three years have 580,000 distinct triples to the day; the whole
# backtest takes 22 s on them and 14 s on their 130,000 to the week (two cores, 2026-11).
MOST_ROWS = 1_000_000

# One row per customer known at $origin. {purchase_days} has customer_id, purchase_date
# and spend, one row per customer and day; further columns are ignored.
SNAPSHOT = """
with first_days as (
    select customer_id, min(purchase_date) as first_date
    from {purchase_days}
    group by customer_id
),

placed as (
    select
        customer_id,
        first_date,
        purchase_date,
        spend,
        purchase_date <= $origin::date as is_known,
        ($origin::date - first_date) // $opportunity_days as opportunities,
        case
            when purchase_date <= $origin::date
                then ($origin::date - purchase_date) // $opportunity_days
        end as windows_back
    from {purchase_days}
    join first_days using (customer_id)
    where
        first_date <= $origin::date
        and purchase_date <= $origin::date + $horizon_days::integer
)

select
    customer_id,
    count(*) filter (is_known) - 1 as x,
    max(purchase_date) filter (is_known) - first_date as t_x_days,
    $origin::date - first_date as age_days,
    count(*) filter (
        is_known and purchase_date > $origin::date - 365
    ) as recent,
    count(*) filter (not is_known) as holdout,
    avg(spend) filter (is_known and purchase_date > first_date) as m,
    coalesce(
        sum(spend) filter (is_known and purchase_date > $origin::date - 365), 0
    ) as recent_spend,
    coalesce(sum(spend) filter (not is_known), 0) as holdout_spend,
    opportunities,
    count(distinct windows_back) filter (
        windows_back < opportunities
    ) as opportunities_used,
    coalesce(
        opportunities - min(windows_back) filter (windows_back < opportunities), 0
    ) as last_opportunity,
    count(*) filter (windows_back < opportunities) as opportunity_purchases
from placed
group by customer_id, first_date, opportunities
order by customer_id
"""

# Distinct rows of a snapshot for all forecasters but BG/BB. {customer_group} is an
# expression, such as customer_type, or '' for one group.
CELLS = """
select
    {customer_group} as customer_group,
    x,
    round(t_x_days / $grid_days) * $grid_days / 7 as t_x,
    round(age_days / $grid_days) * $grid_days / 7 as age,
    recent,
    holdout,
    count(*) as customer_count
from {snapshot}
group by all
order by all
"""

# The same for BG/BB.
OPPORTUNITIES = """
select
    {customer_group} as customer_group,
    opportunities_used as x,
    last_opportunity as t_x,
    opportunities as age,
    opportunity_purchases,
    holdout,
    count(*) as customer_count
from {snapshot}
group by all
order by all
"""


# What the busiest customer of each type had done within 365 days, by the day on which it
# had: purchase days and orders. {purchase_days} has customer_no, customer_type,
# purchase_date and orders, one row per customer and day.
BUSIEST = """
with numbered as (
    select
        cast(customer_no as integer) as customer_no,
        customer_type,
        purchase_date,
        purchase_date - date '1970-01-01' as day_number,
        orders
    from {purchase_days}
),

years as (
    select
        customer_type,
        purchase_date,
        count(*) over one_year as purchase_days,
        sum(orders) over one_year as orders
    from numbered
    window one_year as (
        partition by customer_no order by day_number
        range between 364 preceding and current row
    )
)

select
    customer_type,
    purchase_date,
    max(purchase_days) as most_purchase_days,
    cast(max(orders) as bigint) as most_orders
from years
group by all
"""


def in_a_year(most: float, observed_days: float) -> float:
    """What the busiest would do in a year, seen for so many days.

    Customers seen for less than a year are taken to go on like that, and to buy on no
    more than every day.

    Args:
        most: The most that any customer ever did within 365 days.
        observed_days: Days from the first purchase of all to the last day that is known.
    """
    return most * max(1.0, DAYS_PER_YEAR / max(observed_days, 1.0))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Customers as known at an origin, one row each, and what they did afterwards.

    The columns of `SNAPSHOT`, each of shape (n,): days and purchase days as numbers, money
    in any currency, `m` NaN where there is no repeat purchase.

    Attributes:
        origin: The day until the end of which things are known.
        horizon_days: Length of the horizon after it.
        opportunity_days: Length of an opportunity.
        customer: What the customers are called in `Purchases`.
        x: Purchase days after the first one.
        t_x_days: Days from the first to the last purchase day.
        age_days: Days from the first purchase day to the origin.
        recent: Purchase days in the 365 days up to the origin.
        holdout: Purchase days in the horizon.
        m: Mean spend of the repeat purchase days.
        recent_spend: Spend in the 365 days up to the origin.
        holdout_spend: Spend in the horizon.
        opportunities: Opportunities that the customer had.
        opportunities_used: Those at which it bought.
        last_opportunity: The last of these, 0 if there is none.
        opportunity_purchases: Purchase days at opportunities.
        busiest: The most purchase days of any customer within 365 days up to the origin
            (`in_a_year`); no column of `SNAPSHOT`, but of `BUSIEST`.
    """

    origin: dt.date
    horizon_days: int
    opportunity_days: int
    customer: Integers
    x: Floats
    t_x_days: Floats
    age_days: Floats
    recent: Floats
    holdout: Floats
    m: Floats
    recent_spend: Floats
    holdout_spend: Floats
    opportunities: Floats
    opportunities_used: Floats
    last_opportunity: Floats
    opportunity_purchases: Floats
    busiest: float = math.inf

    def population(self, grid_days: int = 1, *, each: bool = False) -> Population:
        """The rows for the forecasters.

        Args:
            grid_days: The grid of t_x and T.
            each: One row per customer in the order of the snapshot instead of distinct
                rows with counts; the forecasts are the same.
        """
        step = float(grid_days)
        columns = [
            self.x,
            np.rint(self.t_x_days / step) * step / DAYS_PER_WEEK,
            np.rint(self.age_days / step) * step / DAYS_PER_WEEK,
            self.recent,
            self.holdout,
        ]
        by_opportunity = [
            self.opportunities_used,
            self.last_opportunity,
            self.opportunities,
            self.opportunity_purchases,
            self.holdout,
        ]
        x, t_x, age, recent, holdout, count = _rows(columns, each=each)
        cells = Cells(Triples(x, t_x, age, count), recent, holdout)
        x, t_x, age, purchase_days, holdout, count = _rows(by_opportunity, each=each)
        opportunities = Opportunities(
            Triples(x, t_x, age, count),
            purchase_days,
            holdout,
            self.opportunity_days / DAYS_PER_WEEK,
        )
        return Population(cells, opportunities, self.busiest)

    def spend(self) -> Spend:
        """What each customer spends."""
        return Spend(self.x, self.m, np.ones(len(self.x)))


def _rows(columns: list[Floats], *, each: bool) -> list[Floats]:
    """Distinct rows and their counts; or all rows and ones."""
    if each:
        return [*columns, np.ones(len(columns[0]))]
    order, starts, places = distinct(*columns)
    first = order[starts]
    count = np.bincount(places, minlength=len(first)).astype(np.float64)
    return [*(column[first] for column in columns), count]


def opportunity_days(median_gap: float) -> int:
    """The length of an opportunity for customers who buy about every `median_gap` days.

    A week, four weeks or thirteen, whichever is nearest as a ratio. BG/BB sees at most one
    purchase an opportunity, and loses the rhythm where there are many opportunities to
    one: on quarterly resellers its error was 0.69 with 91 days and 1.00 with 28.

    Args:
        median_gap: The median over customers with repeat purchases of t_x / x in days; 0
            or NaN (nobody bought twice) gives four weeks.
    """
    if not median_gap > 0:
        return 28
    return min((7, 28, 91), key=lambda days: abs(math.log(median_gap / days)))


def grid_days(day_rows: int) -> int:
    """The grid for a reduction that has so many distinct triples on the day grid."""
    return 1 if day_rows <= MOST_ROWS else 7


@dataclass(frozen=True, eq=False)
class Purchases:
    """Purchase days of customers: one row per customer and day, in this order.

    Attributes:
        customer: Number of the customer.
        day: Day as a number, 1970-01-01 is 0.
        spend: Money spent on it.
    """

    customer: Integers
    day: Floats
    spend: Floats

    @classmethod
    def of(
        cls, customer: npt.ArrayLike, day: npt.ArrayLike, spend: npt.ArrayLike
    ) -> Purchases:
        """Merges the purchases of a customer on one day; the spend is summed up.

        Args:
            customer: Any whole numbers.
            day: Dates (datetime64), or days since 1970-01-01.
            spend: Money of each purchase.
        """
        days = np.asarray(day)
        if np.issubdtype(days.dtype, np.datetime64):
            days = days.astype("datetime64[D]").astype(np.int64)
        numbers = np.asarray(customer)
        order, starts, places = distinct(as_floats(numbers), as_floats(days))
        first = order[starts]
        return cls(
            numbers[first].astype(np.intp),
            days[first].astype(np.float64),
            totals(places, as_floats(spend), len(first)),
        )

    def median_gap(self, origin: dt.date) -> float:
        """Median over customers of their mean days between purchase days, or NaN."""
        known = self.snapshot(origin, 1)
        repeaters = known.x > 0
        if not repeaters.any():
            return float("nan")
        return float(np.median(known.t_x_days[repeaters] / known.x[repeaters]))

    def snapshot(
        self, origin: dt.date, horizon_days: int, opportunity_days: int = 28
    ) -> Snapshot:
        """What `SNAPSHOT` makes of the same purchases."""
        today = float((origin - dt.date(1970, 1, 1)).days)
        rows = self.day <= today + horizon_days
        names, at = np.unique(self.customer[rows], return_inverse=True)
        day, spend = self.day[rows], self.spend[rows]
        size = len(names)
        first = np.full(size, np.inf)
        np.minimum.at(first, at, day)
        last = np.full(size, -np.inf)
        is_known = day <= today
        np.maximum.at(last, at[is_known], day[is_known])

        def total(of: npt.NDArray[np.bool_], values: Floats | None = None) -> Floats:
            weights = None if values is None else values[of]
            sums = np.bincount(at[of], weights=weights, minlength=size)
            return sums.astype(np.float64)

        opportunities = (today - first) // opportunity_days
        back = (today - day) // opportunity_days
        in_window = is_known & (back < opportunities[at])
        repeat = is_known & (day > first[at])
        recent = is_known & (day > today - 365)
        nearest = np.full(size, np.inf)
        np.minimum.at(nearest, at[in_window], back[in_window])
        order, starts, _ = distinct(at[in_window].astype(np.float64), back[in_window])
        used = np.bincount(at[in_window][order[starts]], minlength=size)
        with np.errstate(invalid="ignore"):
            m = total(repeat, spend) / total(repeat)
        known = first <= today
        return Snapshot(
            origin=origin,
            horizon_days=horizon_days,
            opportunity_days=opportunity_days,
            customer=names[known],
            x=(total(is_known) - 1)[known],
            t_x_days=(last - first)[known],
            age_days=(today - first)[known],
            recent=total(recent)[known],
            holdout=total(~is_known)[known],
            m=m[known],
            recent_spend=total(recent, spend)[known],
            holdout_spend=total(~is_known, spend)[known],
            opportunities=opportunities[known],
            opportunities_used=used.astype(np.float64)[known],
            last_opportunity=np.where(
                np.isfinite(nearest), opportunities - nearest, 0.0
            )[known],
            opportunity_purchases=total(in_window)[known],
            busiest=self.busiest(today),
        )

    def busiest(self, today: float) -> float:
        """What `BUSIEST` says of the purchase days up to a day, as those of a year."""
        known = self.day <= today
        if not known.any():
            return math.inf
        day, (_, at) = (
            self.day[known],
            np.unique(self.customer[known], return_inverse=True),
        )
        # Customers one after the other on one axis, further apart than any year.
        place = at * (float(np.ptp(day)) + 2 * DAYS_PER_YEAR) + day
        place.sort()
        before = np.searchsorted(place, place - DAYS_PER_YEAR, side="right")
        most = float((np.arange(len(place)) - before).max() + 1)
        return min(in_a_year(most, today - float(day.min()) + 1), DAYS_PER_YEAR)
