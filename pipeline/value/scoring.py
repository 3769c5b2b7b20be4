"""The forecasts that are published: those of the champion, or of who stands in for it.

Not here: how the champion was chosen (`champion`), and the money's fit (`gamma_gamma`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.value.baselines import NAIVE, Naive
from pipeline.value.forecasters import implausible_today, learn
from pipeline.value.histories import Floats
from pipeline.value.population import (
    DAYS_PER_WEEK,
    Cells,
    Forecast,
    Forecaster,
    Population,
)
from pipeline.value.priors import WEAK, LogNormal


@dataclass(frozen=True, eq=False)
class Published:
    """What is said about each customer of the population as of today.

    Attributes:
        forecaster: Who says it; `forecaster.name` is published beside every figure.
        forecast: Purchases and P(no purchase) in the horizon, rows of `forecast.basis`.
        weeks: The horizon.
        passed_over: Who was to be published before and failed today, and why.
    """

    forecaster: Forecaster
    forecast: Forecast
    weeks: float
    passed_over: tuple[tuple[str, tuple[str, ...]], ...]


def publish(
    order: Sequence[str],
    population: Population,
    before: Cells | None,
    weeks: float,
    before_weeks: float,
    prior: LogNormal | None = WEAK,
    learn_from: Population | None = None,
    factor: float = float("inf"),
) -> Published:
    """Lets the first of `order` forecast that is sound and plausible today.

    A champion of the past can fail on today's data; then the next one stands in and the
    result says so. Nothing is raised: the naive baseline is tried last and cannot fail.

    Args:
        order: Names, best first (`Choice.order`).
        population: The customers as of today; `holdout` is ignored.
        before: The customers `before_weeks` ago and what they did since.
        weeks: The horizon of the forecast.
        before_weeks: How long ago `before` was, the horizon of the backtest.
        prior: The prior of the models.
        learn_from: The customers to fit the models to, where they are not just those of
            `population`: the same ones on the week grid, since a fit hardly feels it and a
            forecast for a single customer does, or more of them.
        factor: By how much the total of a baseline was ever off (`Choice.factor`).
    """
    days = weeks * DAYS_PER_WEEK
    naive_total = Naive().forecast(population, weeks).total
    passed_over: list[tuple[str, tuple[str, ...]]] = []
    for name in (*order, NAIVE):
        forecaster = learn(name, learn_from or population, before, before_weeks, prior)
        forecast = forecaster.forecast(population, weeks)
        problems = forecaster.problems
        if name != NAIVE:
            problems += implausible_today(forecast, naive_total, days, factor)
        if not problems:
            break
        passed_over.append((name, problems))
    return Published(forecaster, forecast, weeks, tuple(passed_over))


def discounted_purchases(
    forecaster: Forecaster,
    population: Population,
    *,
    weeks: float,
    periods: int,
    rate: float,
) -> Floats:
    """Expected purchases of the next periods, each discounted to today, shape (n,).

    The sum over k = 1 ... periods of (E[Y(k weeks)] - E[Y((k-1) weeks)]) / (1 + rate)^k.
    Times the margin of a purchase day (mean spend times margin rate) this is the
    customer's discounted value over the horizon:

        value = sum of margin E[M] (E[Y(t)] - E[Y(t-1)]) / (1 + d)^t.

    Args:
        forecaster: Who forecasts the purchases.
        population: The customers; the result has the rows of the forecast's basis.
        weeks: Length of a period.
        periods: How many; 12 of 365 / 84 weeks are a year by months.
        rate: Discount rate of a period, at least 0.

    Raises:
        ValueError: The rate is below 0, or there is no period.
    """
    if rate < 0 or periods < 1:
        raise ValueError(
            f"A value over {periods} periods discounted at {rate} makes no sense; give at "
            "least 1 period and a rate of at least 0."
        )
    total: Floats | None = None
    before: Floats | float = 0.0
    for period in range(1, periods + 1):
        until = forecaster.forecast(population, period * weeks).purchases
        gained = (until - before) / (1 + rate) ** period
        total = gained if total is None else total + gained
        before = until
    assert total is not None
    return total


def discounted_value(
    purchases: Floats, mean_spend: Floats, margin: Floats | float = 1.0
) -> Floats:
    """Money of `discounted_purchases`, shape (n,): revenue at a margin of 1, else margin.

    Args:
        purchases: Discounted purchases of each customer.
        mean_spend: What it spends on a purchase day (`gamma_gamma.expected_spend`).
        margin: Share of the spend that is margin, for all or for each.
    """
    return np.asarray(purchases * mean_spend * margin)
