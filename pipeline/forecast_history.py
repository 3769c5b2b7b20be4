"""What would have been forecast at each past month end, from what was known then.

The present champion of each type of customer speaks at every month end, with parameters
that it learnt no later than that: at the first month end of each calendar quarter (of each
year, where there are many customers), and wherever the purchase days have doubled since, so
that the first quarter is not judged by its first month. On the demonstration this is 3 %
away from what a refresh of each month end would have said with the same champion (sum of
the differences to sum of the spend, 2026-11-22); it would be 13 % with the parameters of
each January, and nothing with those of each month end, for twice the time.

Where a refresh of that day could have tested nothing the naive baseline speaks. A fit that
is not sound, or a month end at which a forecast is not plausible, goes to the next in the
order, as in `scoring.publish`. The present is not replayed: its forecasts are there.

The work is on distinct histories. A customer at a month end is (x, t_x, T), which
core_customer_moments gives for all of them, and the month ends that share a fit share the
histories. The engine counts these, numpy forecasts each once, and the engine joins them
back, with the spend of a purchase day in closed form.

Not here: the forecast of the present, and who is champion (`pipeline.forecasts`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline import forecasts
from pipeline.value import gamma_gamma, reduction
from pipeline.value.backtest import plan_origins
from pipeline.value.baselines import NAIVE, RECENCY, SILENT
from pipeline.value.bg_bb import BG_BB
from pipeline.value.champion import ENOUGH_BUYERS
from pipeline.value.forecasters import implausible_total, learn
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Floats, Triples
from pipeline.value.population import DAYS_PER_WEEK, Cells, Forecaster, Population
from pipeline.value.priors import WEAK

log = logging.getLogger("customer_tiers.forecasts")

# More customers than these, and their histories are told to the week and learnt from once
# a year: a million of them would take twice as long else (43 s), and what is published
# today is learnt today and to the day.
MANY: Final = 100_000
# The spend of so many customers tells how the spend of all is spread.
MOST_SPENDERS: Final = 100_000

# x, t_x and T as one whole number, which the engine groups and joins by: 16 bits for each
# number of days, the rest for x and, above it, for who speaks.
_DAY_BITS, _X_BITS = 16, 20
_PLACE: Final = 2 ** (_X_BITS + 2 * _DAY_BITS)

Whole = npt.NDArray[np.int64]

_PARAMETERS: Final = pa.schema(
    [
        ("customer_type", pa.string()),
        ("moment_no", pa.int32()),
        ("value_model", pa.string()),
        ("score_no", pa.int32()),
        ("grid_days", pa.int32()),
        ("orders_a_day", pa.float64()),
        ("spend_is_fitted", pa.bool_()),
        ("p", pa.float64()),
        ("q", pa.float64()),
        ("gamma", pa.float64()),
        ("lowest", pa.float64()),
        ("highest", pa.float64()),
        ("unknown_spend", pa.float64()),
    ]
)
_SCORES: Final = pa.schema(
    [
        ("history", pa.int64()),
        ("purchases", pa.float64()),
    ]
)
_OPPORTUNITIES: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("moment_no", pa.int32()),
        ("purchases", pa.float64()),
    ]
)

# The histories of the customers of {some} at month ends; {history} packs one of them.
_HISTORIES: Final = """
with known as (
    select
        moment_no,
        order_days - 1 as x,
        last_order_date - first_order_date as t_x_days,
        as_of_date - first_order_date as age_days
    from {known}
    where
        order_days > 0
        and moment_no between $first_no and $last_no
        and {some}
)

select
    moment_no,
    {history} as history,
    count(*) as customers
from known
group by all
order by all
"""

_SPEND: Final = """
select
    order_days - 1 as x,
    cast(spend - first_day_spend as double) / (order_days - 1) as m,
    count(*) as customers
from {known}
where order_days > 1 and moment_no = $moment_no and {some}
group by all
order by all
"""

_REPLAYED: Final = """
with known as (
    select
        known.customer_id,
        known.customer_type,
        known.moment_no,
        known.order_days - 1 as x,
        known.last_order_date - known.first_order_date as t_x_days,
        known.as_of_date - known.first_order_date as age_days,
        known.as_of_date - known.last_order_date as silent_days,
        known.order_days_12m,
        cast(known.spend - known.first_day_spend as double)
        / nullif(known.order_days - 1, 0) as m
    from {known} as known
    where known.is_month_end and not known.is_present and known.order_days > 0
),

believed as (
    select
        known.*,
        parameters.* exclude (customer_type, moment_no),
        least(greatest(known.m, parameters.lowest), parameters.highest)
            as believed_m
    from known
    inner join _history_parameters as parameters
        on
            known.customer_type = parameters.customer_type
            and known.moment_no = parameters.moment_no
),

forecast as (
{forecast}
)

select
    customer_id,
    moment_no,
    value_model,
    purchases * case
        when x = 0 or not coalesce(believed_m > 0, false) then unknown_spend
        when spend_is_fitted then p * (gamma + x * believed_m) / (p * x + q - 1)
        else believed_m
    end as predicted_spend_12m,
    purchases * orders_a_day as predicted_orders_12m
from forecast
union all
select
    known.customer_id,
    known.moment_no,
    forecasts.value_model,
    forecasts.predicted_spend_12m,
    forecasts.predicted_orders_12m
from {known} as known
inner join {forecasts} as forecasts on known.customer_id = forecasts.customer_id
where known.is_month_end and known.is_present
"""

# Each kind of forecaster has a part of its own: the large ones then join nothing that
# they have no use for.
_BY_HISTORY: Final = """
    select
        believed.*,
        scores.purchases
    from believed
    inner join _history_scores as scores
        on
            believed.score_no * {place}
            + case
                when believed.value_model = '{recency}' then {bands}
                else {triple}
            end = scores.history
    where believed.score_no is not null
"""

_BY_OPPORTUNITY: Final = """
    select
        believed.*,
        scores.purchases
    from believed
    inner join _history_opportunities as scores
        on
            believed.customer_id = scores.customer_id
            and believed.moment_no = scores.moment_no
    where believed.value_model = '{opportunities}'
"""

# The 12 months up to a month end begin on the same day of the month, the 365 days of the
# naive baseline a day later where there is a 29 February between.
_BY_LAST_YEAR: Final = """
    select
        believed.*,
        case
            when believed.silent_days >= {silent} then 0.0
            else believed.order_days_12m
                - case when a_day_too_many.customer_id is null then 0.0 else 1.0 end
        end as purchases
    from believed
    left join (
        select
            customers.customer_id,
            moments.moment_no
        from {days} as days
        inner join {moments} as moments
            on days.order_date = moments.as_of_date - 365
        inner join {customers} as customers using (customer_no)
        where
            days.is_purchase_day = 1
            and moments.as_of_date - 365 > moments.twelve_months_ago
    ) as a_day_too_many
        on
            believed.customer_id = a_day_too_many.customer_id
            and believed.moment_no = a_day_too_many.moment_no
    where believed.value_model = '{naive}'
"""

# Beyond these the recency table knows no difference. Its bands have no t_x: the silence is
# told as the age of somebody with t_x = 0.
_BAND_X, _BAND_SILENT = 5, 366


def _packed(x: str, t_x_days: str, age_days: str) -> str:
    return (
        f"((cast({x} as bigint) << {_DAY_BITS}) + cast({t_x_days} as bigint) "
        f"<< {_DAY_BITS}) + cast({age_days} as bigint)"
    )


_BANDS: Final = _packed(
    f"least(x, {_BAND_X})", "0", f"least(age_days - t_x_days, {_BAND_SILENT})"
)


def _triple(grid_days: int | str) -> str:
    return _packed(
        "x",
        *(
            f"round({days} / {grid_days}) * {grid_days}"
            for days in ("t_x_days", "age_days")
        ),
    )


@dataclass(frozen=True, eq=False)
class _Histories:
    """Distinct histories at month ends, one row per month end and history."""

    moment_no: Whole
    history: Whole
    customers: Whole

    def cells(self) -> Cells:
        """The rows for the forecasters; those that look at more are not asked here."""
        days = 2**_DAY_BITS - 1
        nothing = np.zeros(len(self.history))
        triples = Triples(
            (self.history >> 2 * _DAY_BITS).astype(np.float64),
            (self.history >> _DAY_BITS & days) / DAYS_PER_WEEK,
            (self.history & days) / DAYS_PER_WEEK,
            self.customers.astype(np.float64),
        )
        return Cells(triples, nothing, nothing)


@dataclass(frozen=True)
class _Moment:
    """A month end of the past."""

    number: int
    day: dt.date

    @property
    def quarter(self) -> int:
        """The calendar quarter, counted through the years."""
        return 4 * self.day.year + (self.day.month - 1) // 3


@dataclass(frozen=True)
class _Tally:
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

    def of_the_year_before(self, day: dt.date) -> int:
        """Purchase days of the 365 days up to the end of a day."""
        earlier = day - dt.timedelta(days=forecasts.YEAR)
        return self.until(day)[0] - self.until(earlier)[0]

    @property
    def first(self) -> dt.date:
        """The first day on which anything was bought."""
        return dt.date.fromordinal(int(self.days[0]))


class _Replay:
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
        self._learners: dict[tuple[str, int], _Learner] = {}
        self._tallies: dict[str, _Tally] = {}

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

    def tally(self, group: str) -> _Tally:
        if group not in self._tallies:
            rows = sorted(
                (day.toordinal(), purchases, orders)
                for kind, day, purchases, orders in self._totals
                if group in (kind, forecasts.EVERYBODY)
            )
            columns = np.array(rows, dtype=np.int64)
            self._tallies[group] = _Tally(
                columns[:, 0], np.cumsum(columns[:, 1]), np.cumsum(columns[:, 2])
            )
        return self._tallies[group]

    @cached_property
    def _buyers(self) -> dict[tuple[str, int], tuple[int, int]]:
        found = self._connection.execute(
            f"""
            select customer_type, moment_no, count(*), count_if(order_days > 1)
            from {self._known} where order_days > 0 group by all
            """
        ).fetchall()
        return {(kind, number): (all_, twice) for kind, number, all_, twice in found}

    def buyers(self, group: str, moment: _Moment) -> tuple[int, int]:
        """Customers that had bought, and those that had on more than one day."""
        found = [
            self._buyers.get((kind, moment.number), (0, 0))
            for kind in self.groups
            if group in (kind, forecasts.EVERYBODY)
        ]
        return sum(each[0] for each in found), sum(each[1] for each in found)

    @cached_property
    def _purchase_days(self) -> duckdb.DuckDBPyConnection:
        """Where the purchase days themselves are; few forecasters need them."""
        forecasts.purchase_days(self._connection, self._days, self._customers)
        return self._connection

    def learner(self, group: str, moment: _Moment) -> _Learner:
        key = group, moment.number
        if key not in self._learners:
            self._learners[key] = _Learner(self, group, moment)
        return self._learners[key]

    def histories(
        self,
        group: str,
        moments: Sequence[_Moment],
        grid_days: int = 1,
        *,
        bands: bool = False,
    ) -> _Histories:
        """The distinct histories of a group from the first of month ends to the last.

        With `bands` they are what the recency table tells apart.
        """
        found = self._connection.execute(
            _HISTORIES.format(
                known=self._known,
                some=_some(group),
                history=_BANDS if bands else _triple(grid_days),
            ),
            {"first_no": moments[0].number, "last_no": moments[-1].number},
        ).to_arrow_table()
        return _Histories(
            *(
                found.column(name).to_numpy().astype(np.int64)
                for name in ("moment_no", "history", "customers")
            )
        )

    def mean_of_days(self, group: str, day: dt.date) -> float:
        return forecasts.mean_of_days(self._purchase_days, group, day)

    def spend(self, group: str, moment: _Moment) -> Spend:
        found = self._connection.execute(
            _SPEND.format(known=self._known, some=_some(group)),
            {"moment_no": moment.number},
        ).to_arrow_table()
        x, m, count = (
            found.column(name).to_numpy().astype(np.float64)
            for name in ("x", "m", "customers")
        )
        # In the order of x and m, so that rows at even distances stand for all.
        every = -(-len(x) // MOST_SPENDERS) or 1
        return Spend(x[::every], m[::every], count[::every])

    def median_gap(self, group: str, moment: _Moment) -> float:
        row = self._connection.execute(
            f"""
            select
                median(
                    (last_order_date - first_order_date) / nullif(order_days - 1, 0)
                )
            from {self._known}
            where order_days > 0 and moment_no = ? and {_some(group)}
            """,
            [moment.number],
        ).fetchone()
        return float(row[0]) if row and row[0] else math.nan

    def snapshot(
        self, group: str, day: dt.date, horizon_days: int, opportunity_days: int
    ) -> tuple[list[str], reduction.Snapshot]:
        return forecasts.snapshot(
            self._purchase_days, group, day, horizon_days, opportunity_days
        )


class _Learner:
    """What can be learnt of a group of customers at one month end, each when asked for."""

    def __init__(self, replay: _Replay, group: str, moment: _Moment) -> None:
        self._replay = replay
        self._group = group
        self._moment = moment
        self._forecasters: dict[str, Forecaster] = {}

    @cached_property
    def grid_days(self) -> int:
        customers, _ = self._replay.buyers(self._group, self._moment)
        return 7 if customers > MANY else 1

    @cached_property
    def opportunity_days(self) -> int:
        gap = self._replay.median_gap(self._group, self._moment)
        return reduction.opportunity_days(gap)

    @cached_property
    def can_learn(self) -> bool:
        """Whether a refresh of that day could have tested anything on enough customers."""
        first = self._replay.tally(self._group).first
        _, origins = plan_origins(first, self._moment.day)
        _, repeaters = self._replay.buyers(self._group, self._moment)
        return bool(origins) and repeaters >= ENOUGH_BUYERS

    def forecaster(self, name: str) -> Forecaster:
        if name not in self._forecasters:
            self._forecasters[name] = self._learn(name)
        return self._forecasters[name]

    def _learn(self, name: str) -> Forecaster:
        first = self._replay.tally(self._group).first
        horizon, _ = plan_origins(first, self._moment.day)
        histories = self._replay.histories(self._group, [self._moment], self.grid_days)
        population, before = Population(histories.cells()), None
        if name == BG_BB.name:
            population = self._replay.snapshot(
                self._group, self._moment.day, 0, self.opportunity_days
            )[1].population()
        elif name == RECENCY:
            earlier = self._moment.day - dt.timedelta(days=horizon)
            _, known = self._replay.snapshot(self._group, earlier, horizon, 28)
            before = known.population().cells if len(known.x) else None
        return learn(name, population, before, horizon / DAYS_PER_WEEK)

    @cached_property
    def spend(self) -> dict[str, float | bool | None]:
        """The closed form of the spend of a purchase day, as columns of `_PARAMETERS`."""
        known = self._replay.spend(self._group, self._moment).winsorised()
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
            unknown = self._replay.mean_of_days(self._group, self._moment.day)
        return {
            "spend_is_fitted": sound,
            "p": p,
            "q": q,
            "gamma": gamma,
            "lowest": low,
            "highest": high,
            "unknown_spend": unknown,
        }


def replayed(
    connection: duckdb.DuckDBPyConnection,
    days: str,
    customers: str,
    moments: str,
    known: str,
    choices: str,
    present: str,
) -> duckdb.DuckDBPyRelation:
    """The forecast of every customer that had ever bought, at every month end.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`forecasts.purchase_days`).
        customers: Relation of customers.
        moments: Relation of the moments (core_moments).
        known: Relation of the customers at each moment (core_customer_moments).
        choices: Relation that `forecasts.tested` made.
        present: Relation that `forecasts.forecasts` made; what it says is said of the
            as-of day, where that is a month end.

    Returns:
        One row per customer and month end: customer_id, moment_no, value_model,
        predicted_spend_12m, predicted_orders_12m. Nothing of it knows of anything after
        the month end, but for who is champion.
    """
    past = [
        _Moment(*row)
        for row in connection.execute(
            f"select moment_no, as_of_date from {moments} "
            "where is_month_end and not is_present order by all"
        ).fetchall()
    ]
    replay = _Replay(connection, days, customers, known)
    said = _Said()
    for group in replay.groups:
        order, learn_group = forecasts.chosen(connection, group, choices)
        for learner, span in _spans(replay, learn_group, past):
            _speak(replay, said, learner, group, order, span)
    said.lay(connection)
    parts = {
        "scores": _BY_HISTORY.format(
            place=_PLACE, recency=RECENCY, bands=_BANDS, triple=_triple("grid_days")
        ),
        "opportunities": _BY_OPPORTUNITY.format(opportunities=BG_BB.name),
        "naive": _BY_LAST_YEAR.format(
            silent=SILENT, days=days, moments=moments, customers=customers, naive=NAIVE
        ),
    }
    return connection.sql(
        _REPLAYED.format(
            known=known,
            forecasts=present,
            forecast="    union all".join(
                part for kind, part in parts.items() if kind in said.kinds
            )
            or parts["naive"],
        )
    )


def _some(group: str) -> str:
    return "true" if group == forecasts.EVERYBODY else f"customer_type = '{group}'"


def _spans(
    replay: _Replay, group: str, past: Sequence[_Moment]
) -> Iterator[tuple[_Learner, list[_Moment]]]:
    """The month ends at which parameters are learnt, each with those that it speaks for."""
    tally = replay.tally(group)
    bought = {moment: tally.until(moment.day)[0] for moment in past}
    starts: dict[_Moment, _Moment] = {}
    latest: _Moment | None = None
    for moment in past:
        if not bought[moment]:
            continue
        if (
            latest is None
            or moment.day.year > latest.day.year
            or (
                moment.quarter > latest.quarter
                and replay.buyers(group, moment)[0] <= MANY
            )
            or bought[moment] >= 2 * bought[latest]
        ):
            latest = moment
        starts[moment] = latest
    for start, span in itertools.groupby(starts, key=lambda moment: starts[moment]):
        yield replay.learner(group, start), list(span)


class _Said:
    """The forecasts as the engine takes them, in three tables."""

    def __init__(self) -> None:
        self.parameters: list[dict[str, object]] = []
        self.scores: list[pa.Table] = []
        self.opportunities: list[pa.Table] = []
        self.kinds: set[str] = set()

    def lay(self, connection: duckdb.DuckDBPyConnection) -> None:
        for name, schema, parts in (
            (
                "parameters",
                _PARAMETERS,
                [pa.Table.from_pylist(self.parameters, _PARAMETERS)],
            ),
            ("scores", _SCORES, self.scores),
            ("opportunities", _OPPORTUNITIES, self.opportunities),
        ):
            connection.register(
                "_laid", pa.concat_tables([schema.empty_table(), *parts])
            )
            connection.execute(
                f"create or replace temp table _history_{name} as from _laid"
            )
            connection.unregister("_laid")


def _speak(
    replay: _Replay,
    said: _Said,
    learner: _Learner,
    group: str,
    order: Sequence[str],
    span: Sequence[_Moment],
) -> None:
    """Lets the first of the order that is sound speak for each month end of a span."""
    tally = replay.tally(group)
    left = [moment for moment in span if tally.until(moment.day)[0]]
    for name in (*(order if learner.can_learn else ()), NAIVE):
        if not left:
            break
        taken, kind = left, "naive"
        if name != NAIVE:
            forecaster = learner.forecaster(name)
            if forecaster.problems:
                log.info(
                    "history of %s, %s: %s failed: %s",
                    group,
                    left[0].day,
                    name,
                    "; ".join(forecaster.problems),
                )
                continue
            speak, kind = (
                (_by_opportunities, "opportunities")
                if name == BG_BB.name
                else (_by_histories, "scores")
            )
            taken = speak(replay, said, learner, group, name, left)
        if taken:
            said.kinds.add(kind)
        for moment in taken:
            purchase_days, orders = tally.until(moment.day)
            said.parameters.append(
                {
                    "customer_type": group,
                    "moment_no": moment.number,
                    "value_model": name,
                    "score_no": len(said.scores) if kind == "scores" else None,
                    "grid_days": learner.grid_days,
                    "orders_a_day": orders / purchase_days,
                    **learner.spend,
                }
            )
        left = [moment for moment in left if moment not in taken]


def _is_plausible(
    replay: _Replay, group: str, moment: _Moment, values: Floats, count: Floats
) -> bool:
    tally = replay.tally(group)
    return not implausible_total(
        values,
        count,
        recent=tally.of_the_year_before(moment.day),
        observed_days=(moment.day - tally.first).days,
        days=forecasts.YEAR,
    )


def _by_histories(
    replay: _Replay,
    said: _Said,
    learner: _Learner,
    group: str,
    name: str,
    span: Sequence[_Moment],
) -> list[_Moment]:
    """Forecasts distinct histories, and returns the month ends where it is plausible."""
    rows = replay.histories(group, span, learner.grid_days, bands=name == RECENCY)
    cells = rows.cells()
    purchases = (
        learner.forecaster(name)
        .forecast(Population(cells), forecasts.YEAR / DAYS_PER_WEEK)
        .purchases
    )
    taken = []
    for moment in span:
        there = rows.moment_no == moment.number
        if _is_plausible(
            replay, group, moment, purchases[there], cells.triples.count[there]
        ):
            taken.append(moment)
    histories, first = np.unique(rows.history, return_index=True)
    said.scores.append(
        pa.table(
            [(len(said.scores) + 1) * _PLACE + histories, purchases[first]],
            names=_SCORES.names,
        ).cast(_SCORES)
    )
    return taken


def _by_opportunities(
    replay: _Replay,
    said: _Said,
    learner: _Learner,
    group: str,
    name: str,
    span: Sequence[_Moment],
) -> list[_Moment]:
    """The same for BG/BB, which counts windows back from each month end."""
    taken = []
    for moment in span:
        names, known = replay.snapshot(group, moment.day, 0, learner.opportunity_days)
        forecast = learner.forecaster(name).forecast(
            known.population(each=True), forecasts.YEAR / DAYS_PER_WEEK
        )
        if not _is_plausible(replay, group, moment, forecast.purchases, forecast.count):
            continue
        taken.append(moment)
        said.opportunities.append(
            pa.table(
                [names, np.full(len(names), moment.number), forecast.purchases],
                names=_OPPORTUNITIES.names,
            ).cast(_OPPORTUNITIES)
        )
    return taken
