"""The value models on a company's own purchases: backtest, champion, forecast.

The engine reduces purchase days to one row a customer at each origin
(`pipeline.value.reduction`); the models see arrays of these. Two steps, as dbt's Python
models call them:

    tested      every forecaster at every origin of the past, and who is to be published
    forecasts   the next 12 months of each customer, by that champion

Not here: the models themselves (`pipeline.value`), and what a tier makes of a forecast.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.value import champion, gamma_gamma, reduction, scoring
from pipeline.value.agreement import agreeing
from pipeline.value.backtest import Backtest, Money, Window, backtest, fit_figures
from pipeline.value.baselines import NAIVE
from pipeline.value.champion import Choice
from pipeline.value.fitting import Fit
from pipeline.value.forecasters import MODELS, is_poisson, learn
from pipeline.value.histories import Floats
from pipeline.value.kept import keeping
from pipeline.value.population import Cells
from pipeline.value.priors import WEAK
from pipeline.value.session import (
    EVERYBODY,
    YEAR,
    Plan,
    busiest,
    customer_types,
    grid_days,
    mean_of_days,
    orders_a_day,
    plan,
    purchase_days,
    snapshot,
)

log = logging.getLogger("customer_tiers.forecasts")

MONTHS: Final = 12

# Stands for "any number of times as large" where a baseline made no error at all, so that
# it is a figure that a bound sees.
MANY_TIMES: Final = 1e6

TESTED: Final = pa.schema(
    [
        ("customer_group", pa.string()),
        ("origin", pa.date32()),
        ("forecaster", pa.string()),
        ("target", pa.string()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("reason", pa.string()),
    ]
)


TOO_COARSE: Final = (
    "Purchases stand more than half a year apart, as sums of years do, so that nothing is "
    "said of the next 12 months."
)


def _windows(
    connection: duckdb.DuckDBPyConnection, group: str, planned: Plan
) -> Iterator[Window]:
    horizon, opportunity = planned.horizon_days, planned.opportunity_days
    for origin in planned.origins:
        _, now = snapshot(connection, group, origin, horizon, opportunity)
        _, before = snapshot(
            connection, group, origin - dt.timedelta(days=horizon), horizon, opportunity
        )
        grid = grid_days(now)
        yield Window(
            origin=origin,
            weeks=horizon / 7,
            population=now.population(grid),
            before=before.population(grid).cells if len(before.x) else None,
            money=Money(
                now.population(grid, each=True),
                now.spend(),
                now.recent_spend,
                now.holdout_spend,
            ),
        )


def tested(
    connection: duckdb.DuckDBPyConnection,
    days: str,
    customers: str,
    as_of: dt.date,
    former: str | None = None,
) -> pa.Table:
    """Every forecaster at every origin, for each group of customers.

    For all customers together as well, where a group is too small for a champion of its
    own.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`purchase_days`).
        customers: Relation of customers.
        as_of: The last day that is known.
        former: What was made here before, if it is there still: a fit to data that are
            the same is taken from it. What is returned is the same without it.

    Returns:
        One row per figure (`TESTED`), those of a fit at the as-of day beside those of the
        origins. With target `choice`: measure `champion` and why in `reason`; `factor`, by
        which the total of a baseline was off at most; `order`, in which forecasters are to
        be tried; `error` of each and what speaks against it; `error_to_baseline`, its
        error over that of the better baseline for this very group; by origin whether
        it was `usable`; and `tested_until`, the end of the past that was tested. With
        target `kept`: the fits, so that they need not be made again (`kept`).
    """
    purchase_days(connection, days, customers)
    with keeping(known_fits(connection, former)) as fits:
        rows = list(_tested_rows(connection, as_of))
    log.info("forecasts: %d of %d fits were made anew", fits.made, len(fits.texts))
    rows += [
        (None, None, None, "kept", key, None, text)
        for key, text in sorted(fits.texts.items())
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(TESTED)
    return pa.table(
        [
            pa.array(values, kind, from_pandas=True)
            for values, kind in zip(columns, TESTED.types, strict=True)
        ],
        schema=TESTED,
    )


def known_fits(
    connection: duckdb.DuckDBPyConnection, tested_before: str | None
) -> dict[str, str]:
    """The fits that a relation of `TESTED` keeps; none where it is not there."""
    if tested_before is None:
        return {}
    with suppress(duckdb.CatalogException, duckdb.BinderException):
        return dict(
            connection.execute(
                f"select measure, reason from {tested_before} where target = 'kept'"
            ).fetchall()
        )
    return {}


def _tested_rows(
    connection: duckdb.DuckDBPyConnection, as_of: dt.date
) -> Iterator[tuple[Any, ...]]:
    """The rows of `TESTED` without the fits."""
    plans = {
        group: plan(connection, group, as_of)
        for group in [*customer_types(connection), EVERYBODY]
    }

    def test(group: str) -> Backtest:
        return backtest(_windows(connection, group, plans[group]))

    found = {}
    for group in customer_types(connection):
        if not plans[group].is_too_coarse:
            found[group] = test(group)
            continue
        # Nor does a champion of all customers speak for it, who buy otherwise.
        log.info("forecasts of %s: %s", group, TOO_COARSE)
        yield group, None, None, "choice", "champion", None, TOO_COARSE
    if all(champion.has_enough(result) for result in found.values()):
        choices = {group: champion.choose(result) for group, result in found.items()}
    else:
        # A group that is too small is forecast as all customers are.
        everybody = test(EVERYBODY)
        choices = champion.choose_by_group(found, everybody)
        found[EVERYBODY], choices[EVERYBODY] = everybody, champion.choose(everybody)
    for group, result in found.items():
        choice = choices[group]
        own = group == EVERYBODY or champion.has_enough(result)
        yield from ((group, *row, None) for row in result.rows())
        yield from _choice_rows(group, choice, result, own=own)
        until = plans[group if own else EVERYBODY].until
        yield (
            *(group, until, choice.champion, "choice", "tested_until"),
            *(float(len(result.origins)), None),
        )
        if own:
            for fitted in _final_fits(connection, group, choice.order, as_of):
                for measure, value in fit_figures(fitted):
                    yield group, as_of, fitted.model, "fit", measure, value, None
        log.info("forecasts of %s: %s", group, choice.reason)


def _choice_rows(
    group: str, choice: Choice, result: Backtest, *, own: bool
) -> Iterator[tuple[Any, ...]]:
    """What was decided for a group, as rows of `TESTED`.

    `own` is false where the champion is that of all customers; how it did for the group
    itself is measured all the same.
    """

    def row(
        forecaster: str,
        measure: str,
        value: float,
        reason: str | None = None,
        origin: dt.date | None = None,
    ) -> tuple[Any, ...]:
        known = value if math.isfinite(value) else None
        return group, origin, forecaster, "choice", measure, known, reason

    yield row(choice.champion, "champion", float(own), choice.reason)
    yield row(choice.champion, "factor", choice.factor)
    for place, name in enumerate(choice.order):
        yield row(name, "order", float(place))
    for standing in choice.standings:
        against = "; ".join(standing.problems) or None
        yield row(standing.forecaster, "error", standing.error, against)
    for standing in (choice if own else champion.choose(result)).standings:
        name = standing.forecaster
        yield row(name, "error_to_baseline", min(standing.to_baseline, MANY_TIMES))
        unusable = dict(standing.unusable)
        for origin in result.origins:
            why = unusable.get(origin)
            yield row(name, "usable", float(why is None), why, origin)


@dataclass(frozen=True, eq=False)
class _Today:
    """What the forecasters of a group learn from at the as-of day.

    Attributes:
        horizon_days: The horizon of its backtest.
        opportunity_days: The length of an opportunity.
        known: The customers as of today.
        before: Those of one horizon ago, and what they did since.
        grid: The grid to learn on, in days.
    """

    horizon_days: int
    opportunity_days: int
    known: reduction.Snapshot
    before: Cells | None
    grid: int

    @classmethod
    def of(
        cls, connection: duckdb.DuckDBPyConnection, group: str, as_of: dt.date
    ) -> _Today:
        planned = plan(connection, group, as_of)
        horizon, opportunity = planned.horizon_days, planned.opportunity_days
        _, known = snapshot(connection, group, as_of, YEAR, opportunity)
        earlier = as_of - dt.timedelta(days=horizon)
        _, before = snapshot(connection, group, earlier, horizon, opportunity)
        grid = grid_days(known)
        cells = before.population(grid).cells if len(before.x) else None
        return cls(horizon, opportunity, known, cells, grid)

    def spend_fit(self) -> tuple[gamma_gamma.Spend, Fit]:
        """What the customers spend, and Gamma-Gamma fitted to it."""
        spend = self.known.spend().winsorised()
        return spend, gamma_gamma.fit(spend, WEAK)


def _final_fits(
    connection: duckdb.DuckDBPyConnection,
    group: str,
    order: tuple[str, ...],
    as_of: dt.date,
) -> Iterator[Fit]:
    """The fits at the as-of day: the champion's and, where it is not sound, the next's."""
    today = _Today.of(connection, group, as_of)
    population = today.known.population(today.grid)
    for name in order:
        if name not in MODELS:
            break  # a baseline, which needs none
        made = learn(name, population, today.before, today.horizon_days / 7)
        assert made.fitted is not None
        yield made.fitted
        if not made.problems:
            break
    yield today.spend_fit()[1]


FORECASTS: Final = pa.schema(
    [
        ("customer_id", pa.string()),
        ("value_model", pa.string()),
        ("predicted_orders_12m", pa.float64()),
        ("predicted_spend_12m", pa.float64()),
        ("discounted_spend_12m", pa.float64()),
        ("no_purchase_probability_12m", pa.float64()),
        ("no_purchase_model", pa.string()),
        ("passed_over", pa.string()),
    ]
)


def forecasts(
    connection: duckdb.DuckDBPyConnection,
    days: str,
    customers: str,
    choices: str,
    as_of: dt.date,
    yearly_discount: float,
) -> pa.Table:
    """What each customer that ever bought will buy in the next 12 months.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (`purchase_days`).
        customers: Relation of customers.
        choices: Relation that `tested` made.
        as_of: The last day that is known.
        yearly_discount: Discount rate of a year, 0.1 for ten per cent.

    Returns:
        One row per customer (`FORECASTS`): expected orders, spend at the prices of the
        customer's own purchases, the same discounted month by month, and the probability
        that it buys nothing, all by one forecaster and agreeing with each other
        (`agreement`); and who was to forecast before, with why it could not. Returns are
        not taken off. What is not known is null. No row of a type of customers whose
        purchases stand too far apart (`is_too_coarse`).
    """
    purchase_days(connection, days, customers)
    # What was tested was fitted to this day as well.
    with keeping(known_fits(connection, choices)):
        parts = [
            _forecast_group(connection, group, choices, as_of, yearly_discount)
            for group in customer_types(connection)
            if not plan(connection, group, as_of).is_too_coarse
        ]
    return pa.concat_tables(parts) if parts else FORECASTS.empty_table()


def chosen(
    connection: duckdb.DuckDBPyConnection, group: str, choices: str
) -> tuple[list[str], str, float]:
    """Who is to forecast a group, best first, and the customers that they learn from.

    The third is the factor by which a believable total may be off (`Choice.factor`).
    """
    order = [
        str(name)
        for (name,) in connection.execute(
            f"select forecaster from {choices} where customer_group = ? "
            "and target = 'choice' and measure = 'order' order by value",
            [group],
        ).fetchall()
    ]
    own, factor = connection.execute(
        f"select max(value) filter (measure = 'champion'), "
        f"max(value) filter (measure = 'factor') from {choices} "
        "where customer_group = ? and target = 'choice'",
        [group],
    ).fetchone() or (None, None)
    return (
        order or [NAIVE],
        group if own else EVERYBODY,
        math.inf if factor is None else float(factor),
    )


def _forecast_group(
    connection: duckdb.DuckDBPyConnection,
    group: str,
    choices: str,
    as_of: dt.date,
    yearly_discount: float,
) -> pa.Table:
    order, learn_group, factor = chosen(connection, group, choices)
    today = _Today.of(connection, learn_group, as_of)
    names, now = snapshot(connection, group, as_of, YEAR, today.opportunity_days)
    each = now.population(each=True)
    published = scoring.publish(
        order,
        each,
        today.before,
        YEAR / 7,
        today.horizon_days / 7,
        learn_from=today.known.population(today.grid),
        factor=factor,
    )
    for name, problems in published.passed_over:
        log.warning("forecasts of %s: %s failed: %s", group, name, "; ".join(problems))
    model, forecast = published.forecaster.name, published.forecast
    orders, none = agreeing(
        forecast.purchases * orders_a_day(connection, group),
        forecast.no_purchase,
        busiest(connection, group, as_of)[1],
        poisson=is_poisson(model),
    )
    mean_spend = _mean_spend(connection, learn_group, as_of, today, now)
    discounted = scoring.discounted_purchases(
        published.forecaster,
        each,
        weeks=YEAR / 7 / MONTHS,
        periods=MONTHS,
        rate=(1 + yearly_discount) ** (1 / MONTHS) - 1,
    )
    passed_over = "; ".join(
        f"{name}: {', '.join(problems)}" for name, problems in published.passed_over
    )
    return pa.table(
        [
            pa.array(values, kind, from_pandas=True)
            for values, kind in zip(
                (
                    names,
                    [model] * len(names),
                    orders,
                    forecast.purchases * mean_spend,
                    scoring.discounted_value(discounted, mean_spend),
                    none,
                    [model] * len(names),
                    [passed_over or None] * len(names),
                ),
                FORECASTS.types,
                strict=True,
            )
        ],
        schema=FORECASTS,
    )


def _mean_spend(
    connection: duckdb.DuckDBPyConnection,
    learn_group: str,
    as_of: dt.date,
    today: _Today,
    now: reduction.Snapshot,
) -> Floats:
    """What each customer spends on a purchase day, learnt from the same customers."""
    known, fitted = today.spend_fit()
    low, high, unknown = -math.inf, math.inf, None
    if known.valid.any():
        low, high = known.quantiles(0.0, 1.0)
    else:
        unknown = mean_of_days(connection, learn_group, as_of)
    mine = now.spend()
    spend = gamma_gamma.Spend(mine.x, np.clip(mine.m, low, high), mine.count)
    return gamma_gamma.expected_spend(fitted, spend, unknown)
