"""The past month ends of a company, and what could be learnt at each of them.

Not here: the queries (`history_sql`), and whose forecast is taken
(`forecast_history`).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from pipeline.value import gamma_gamma, reduction
from pipeline.value.backtest import is_too_coarse, plan_origins
from pipeline.value.baselines import BASELINES, RECENCY, SILENT
from pipeline.value.bg_bb import BG_BB
from pipeline.value.champion import ENOUGH_BUYERS
from pipeline.value.forecasters import learn
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Triples
from pipeline.value.history_sql import (
    BANDS,
    DAY_BITS,
    DAYS_SINCE_LAST,
    HISTORIES,
    SPEND,
    triple,
)
from pipeline.value.population import DAYS_PER_WEEK, Cells, Forecaster, Population
from pipeline.value.priors import WEAK
from pipeline.value.session import (
    EVERYBODY,
    busiest,
    mean_of_days,
    of_group,
    purchase_days,
    snapshot,
)

# More customers than these, and their histories are rounded to the week and learnt from once
# a year: a million of them would take twice as long else (43 s), and what is published
# today is learnt today and to the day.
MANY: Final = 100_000
# The spend of so many customers says how the spend of all is spread.
MOSTSPENDERS: Final = 100_000

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Histories:
    """Distinct histories at month ends, one row per month end and history."""

    moment_no: Whole
    history: Whole
    customers: Whole

    def cells(self) -> Cells:
        """The rows for the forecasters; those that need more are not asked here."""
        days = 2**DAY_BITS - 1
        nothing = np.zeros(len(self.history))
        triples = Triples(
            (self.history >> 2 * DAY_BITS).astype(np.float64),
            (self.history >> DAY_BITS & days) / DAYS_PER_WEEK,
            (self.history & days) / DAYS_PER_WEEK,
            self.customers.astype(np.float64),
        )
        return Cells(triples, nothing, nothing)


@dataclass(frozen=True)
class Moment:
    """A month end of the past."""

    number: int
    day: dt.date

    @property
    def quarter(self) -> int:
        """The calendar quarter, counted through the years."""
        return 4 * self.day.year + (self.day.month - 1) // 3


@dataclass(frozen=True)
class Tally:
    """What a group of customers had bought by each day, from its daily totals."""

    days: Whole
    purchase_days: Whole
    orders: Whole

    def until(self, day: dt.date) -> tuple[int, int]:
        """Purchase days and orders up to the end of a day."""
        place = int(np.searchsorted(self.days, day.toordinal(), side="right")) - 1
        if place < 0:
            return 0, 0
        return int(self.purchase_days[place]), int(self.orders[place])

    def gap(self, day: dt.date) -> float:
        """Mean days between two days with purchases, by the end of a day; 0 for fewer."""
        known = np.unique(self.days[self.days <= day.toordinal()])
        return float(known[-1] - known[0]) / (len(known) - 1) if len(known) > 1 else 0.0

    @property
    def first(self) -> dt.date:
        """The first day on which anything was bought."""
        return dt.date.fromordinal(int(self.days[0]))


class Replay:
    """The month ends of one dbt session, and what has been learnt at some of them."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        days: str,
        customers: str,
        known: str,
    ) -> None:
        self._connection = connection
        self._days = days
        self._customers = customers
        self._known = known
        self._learners: dict[tuple[str, int], Learner] = {}
        self._tallies: dict[str, Tally] = {}

    @cached_property
    def groups(self) -> list[str]:
        """The types of customers that ever bought."""
        return sorted({group for group, *_ in self._totals})

    @cached_property
    def _totals(self) -> list[tuple[str, dt.date, int, int]]:
        return self._connection.execute(
            f"""
            select
                customers.customer_type, days.order_date, count(*),
                cast(sum(days.orders) as bigint)
            from {self._days} as days
            inner join {self._customers} as customers using (customer_no)
            where days.is_purchase_day = 1
            group by all order by all
            """
        ).fetchall()

    def tally(self, group: str) -> Tally:
        """What a group had bought by each day."""
        if group not in self._tallies:
            rows = sorted(
                (day.toordinal(), purchases, orders)
                for kind, day, purchases, orders in self._totals
                if group in (kind, EVERYBODY)
            )
            columns = np.array(rows, dtype=np.int64)
            self._tallies[group] = Tally(
                columns[:, 0], np.cumsum(columns[:, 1]), np.cumsum(columns[:, 2])
            )
        return self._tallies[group]

    def is_too_coarse(self, group: str, moment: Moment) -> bool:
        """Whether purchases stood too far apart by then for a forecast of the next year."""
        return is_too_coarse(self.tally(group).gap(moment.day))

    @cached_property
    def _buyers(self) -> dict[tuple[str, int], tuple[int, int]]:
        found = self._connection.execute(
            f"""
            select customer_type, moment_no, count(*), count_if(order_days > 1)
            from {self._known} where order_days > 0 group by all
            """
        ).fetchall()
        return {(kind, number): (all_, twice) for kind, number, all_, twice in found}

    def buyers(self, group: str, moment: Moment) -> tuple[int, int]:
        """Customers that had bought, and those that had on more than one day."""
        found = [
            self._buyers.get((kind, moment.number), (0, 0))
            for kind in self.groups
            if group in (kind, EVERYBODY)
        ]
        return sum(each[0] for each in found), sum(each[1] for each in found)

    def busiest(self, group: str, day: dt.date) -> tuple[float, float]:
        """The most purchase days and orders within a year, by the end of a day."""
        return busiest(self._purchase_days, group, day)

    @cached_property
    def _naive(self) -> dict[tuple[str, int], int]:
        found = self._connection.execute(
            f"""
            select customer_type, moment_no, cast(sum(order_days_12m) as bigint)
            from {self._known}
            where order_days > 0 and {DAYS_SINCE_LAST} < {SILENT}
            group by all
            """
        ).fetchall()
        return {(kind, number): total for kind, number, total in found}

    def naive_total(self, group: str, moment: Moment) -> int:
        """About what the naive baseline expects of a group: its last twelve months.

        To the calendar month, where the baseline itself takes 365 days: it is the measure
        of what is off by a factor.
        """
        return sum(
            self._naive.get((kind, moment.number), 0)
            for kind in self.groups
            if group in (kind, EVERYBODY)
        )

    @cached_property
    def _purchase_days(self) -> duckdb.DuckDBPyConnection:
        """Where the purchase days themselves are, and what the busiest did."""
        purchase_days(self._connection, self._days, self._customers)
        return self._connection

    def learner(self, group: str, moment: Moment) -> Learner:
        """What can be learnt of a group at a month end; made once."""
        key = group, moment.number
        if key not in self._learners:
            self._learners[key] = Learner(self, group, moment)
        return self._learners[key]

    def histories(
        self,
        group: str,
        moments: Sequence[Moment],
        grid_days: int = 1,
        *,
        bands: bool = False,
    ) -> Histories:
        """The distinct histories of a group from the first of month ends to the last.

        With `bands` they are what the recency table distinguishes.
        """
        found = self._connection.execute(
            HISTORIES.format(
                known=self._known,
                some=of_group(group),
                history=BANDS if bands else triple(grid_days),
            ),
            {"first_no": moments[0].number, "last_no": moments[-1].number},
        ).to_arrow_table()
        return Histories(
            *(
                found.column(name).to_numpy().astype(np.int64)
                for name in ("moment_no", "history", "customers")
            )
        )

    def mean_of_days(self, group: str, day: dt.date) -> float:
        """The mean spend of its purchase days (`session.mean_of_days`)."""
        return mean_of_days(self._purchase_days, group, day)

    def spend(self, group: str, moment: Moment) -> Spend:
        """What its customers had spent by a month end."""
        found = self._connection.execute(
            SPEND.format(known=self._known, some=of_group(group)),
            {"moment_no": moment.number},
        ).to_arrow_table()
        x, m, count = (
            found.column(name).to_numpy().astype(np.float64)
            for name in ("x", "m", "customers")
        )
        # In the order of x and m, so that rows at even distances stand for all.
        every = -(-len(x) // MOSTSPENDERS) or 1
        return Spend(x[::every], m[::every], count[::every])

    def median_gap(self, group: str, moment: Moment) -> float:
        """The median over its customers of their mean days between purchase days."""
        row = self._connection.execute(
            f"""
            select
                median(
                    (last_order_date - first_order_date) / nullif(order_days - 1, 0)
                )
            from {self._known}
            where order_days > 0 and moment_no = ? and {of_group(group)}
            """,
            [moment.number],
        ).fetchone()
        return float(row[0]) if row and row[0] else math.nan

    def snapshot(
        self, group: str, day: dt.date, horizon_days: int, opportunity_days: int
    ) -> tuple[list[str], reduction.Snapshot]:
        """The customers of a group as known at a day (`session.snapshot`)."""
        return snapshot(self._purchase_days, group, day, horizon_days, opportunity_days)


class Learner:
    """What can be learnt of a group of customers at one month end, each when asked for."""

    def __init__(self, replay: Replay, group: str, moment: Moment) -> None:
        self._replay = replay
        self._group = group
        self.moment = moment
        self._forecasters: dict[str, Forecaster] = {}

    @cached_property
    def grid_days(self) -> int:
        """The grid of the histories, in days."""
        customers, _ = self._replay.buyers(self._group, self.moment)
        return 7 if customers > MANY else 1

    @cached_property
    def opportunity_days(self) -> int:
        """The length of an opportunity for BG/BB."""
        gap = self._replay.median_gap(self._group, self.moment)
        return reduction.opportunity_days(gap)

    def able(self, order: Sequence[str]) -> tuple[str, ...]:
        """Who of an order a refresh of that day could have published.

        Nobody where it could have tested nothing; where too few customers had bought twice
        for a model to be learnt, the baselines.
        """
        tally, day = self._replay.tally(self._group), self.moment.day
        _, origins = plan_origins(tally.first, day, gap=tally.gap(day))
        _, repeaters = self._replay.buyers(self._group, self.moment)
        if not origins:
            return ()
        if repeaters >= ENOUGH_BUYERS:
            return tuple(order)
        return tuple(name for name in order if name in BASELINES)

    def forecaster(self, name: str) -> Forecaster:
        """A forecaster that has learnt here; it learns once."""
        if name not in self._forecasters:
            self._forecasters[name] = self._learn(name)
        return self._forecasters[name]

    def _learn(self, name: str) -> Forecaster:
        first = self._replay.tally(self._group).first
        horizon, _ = plan_origins(first, self.moment.day)
        histories = self._replay.histories(self._group, [self.moment], self.grid_days)
        population, before = Population(histories.cells()), None
        if name == BG_BB.name:
            population = self._replay.snapshot(
                self._group, self.moment.day, 0, self.opportunity_days
            )[1].population()
        elif name == RECENCY:
            earlier = self.moment.day - dt.timedelta(days=horizon)
            _, known = self._replay.snapshot(self._group, earlier, horizon, 28)
            before = known.population().cells if len(known.x) else None
        return learn(name, population, before, horizon / DAYS_PER_WEEK)

    @cached_property
    def spend(self) -> dict[str, float | bool | None]:
        """The closed form of the spend of a purchase day, as columns of `PARAMETERS`."""
        known = self._replay.spend(self._group, self.moment).winsorised()
        fitted = gamma_gamma.fit(known, WEAK)
        low, high = (
            known.quantiles(0.0, 1.0) if known.valid.any() else (-math.inf, math.inf)
        )
        sound = fitted.diagnosis.sound
        p, q, gamma = fitted.parameters.tolist() if sound else (None, None, None)
        if sound:
            unknown = gamma_gamma.population_mean(fitted.parameters)
        elif known.valid.any():
            unknown = gamma_gamma.overall_mean(known)
        else:
            unknown = self._replay.mean_of_days(self._group, self.moment.day)
        return {
            "spend_is_fitted": sound,
            "p": p,
            "q": q,
            "gamma": gamma,
            "lowest": low,
            "highest": high,
            "unknown_spend": unknown,
        }
