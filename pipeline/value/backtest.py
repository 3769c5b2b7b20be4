"""The rolling-origin backtest: what each forecaster would have said, and what came.

At each of several past days (origins) every forecaster learns from what was known on that
day only, forecasts the horizon after it, and is measured against what then happened. Not
here: who wins (`champion`), and where the rows come from (`reduction`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from pipeline.value import gamma_gamma
from pipeline.value.baselines import NAIVE, RecencyTable, naive_revenue
from pipeline.value.bg_bb import BG_BB
from pipeline.value.fitting import Fit
from pipeline.value.forecasters import FORECASTERS, implausible, learn
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Floats
from pipeline.value.metrics import (
    Measures,
    NoPurchaseMeasures,
    measure,
    measure_no_purchase,
)
from pipeline.value.population import (
    DAYS_PER_WEEK,
    Cells,
    Forecast,
    Forecaster,
    Population,
)
from pipeline.value.priors import WEAK, LogNormal

_HORIZONS = (365, 182, 91)
# Days with purchases of anybody that a horizon must hold, at the mean.
LEAST_SALES_DAYS = 2


@dataclass(frozen=True, eq=False)
class Money:
    """The customers of a window one by one, with what they spent.

    Spend hardly ever repeats, so these rows are customers; the forecasts of purchases
    behind them are made once for each distinct triple all the same.

    Attributes:
        population: One row per customer (`Snapshot.population(each=True)`).
        spend: Mean spend of the same rows.
        recent: Spend in the 365 days up to the origin, same rows.
        holdout: Spend in the horizon, same rows.
    """

    population: Population
    spend: Spend
    recent: Floats
    holdout: Floats


@dataclass(frozen=True, eq=False)
class Window:
    """One origin: what was known then, and what came in the horizon after it.

    Attributes:
        origin: The day until the end of which things are known.
        weeks: Length of the horizon.
        population: The customers known at the origin, with their purchases in the horizon.
        before: The customers known one horizon before the origin, with their purchases
            between; None where there were none.
        money: The same customers with their spend; None leaves revenue out.
    """

    origin: dt.date
    weeks: float
    population: Population
    before: Cells | None = None
    money: Money | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """One forecaster at one origin.

    Attributes:
        forecaster: Its name.
        origin: The origin.
        weeks: Length of the horizon.
        fitted: The fit, None for a baseline.
        problems: Why its fit or its forecasts could not be trusted at this origin; empty
            if they could. Its total is judged later, beside those of the baselines
            (`champion`).
        purchases: Its measures, None where it could not forecast.
        no_purchase: Measures of its P(no purchase), None where there is no forecast.
        revenue: Measures of its forecast of spend, None where spend was not given.
    """

    forecaster: str
    origin: dt.date
    weeks: float
    fitted: Fit | None
    problems: tuple[str, ...]
    purchases: Measures | None = None
    no_purchase: NoPurchaseMeasures | None = None
    revenue: Measures | None = None


@dataclass(frozen=True, eq=False)
class Backtest:
    """All forecasters at all origins, for one group of customers.

    Attributes:
        results: One per origin and forecaster, origins ascending.
        spend_fits: The Gamma-Gamma fit of each origin that had spend.
        correlations: Frequency against mean spend at the same origins.
    """

    results: tuple[Result, ...]
    spend_fits: dict[dt.date, Fit]
    correlations: dict[dt.date, gamma_gamma.Correlation]

    @property
    def origins(self) -> tuple[dt.date, ...]:
        """The origins, ascending."""
        return tuple(sorted({result.origin for result in self.results}))

    def of(self, forecaster: str) -> tuple[Result, ...]:
        """The results of one forecaster, origins ascending."""
        found = (each for each in self.results if each.forecaster == forecaster)
        return tuple(sorted(found, key=lambda each: each.origin))

    def rows(self) -> Iterator[tuple[dt.date, str, str, str, float]]:
        """Every figure as (origin, forecaster, target, measure, value), for a table.

        The target is `purchases`, `no_purchase`, `revenue` or `fit`; figures of a tenth
        are called `calibration_forecast_01` and so on, those of a fit as `fit_figures` has
        them.
        """
        for result in self.results:
            for target in ("purchases", "no_purchase", "revenue"):
                for name, value in _figures(getattr(result, target)):
                    yield result.origin, result.forecaster, target, name, value
            if result.fitted is not None:
                for name, value in fit_figures(result.fitted):
                    yield result.origin, result.forecaster, "fit", name, value
        for origin, fitted in self.spend_fits.items():
            for name, value in fit_figures(fitted):
                yield origin, fitted.model, "fit", name, value


def fit_figures(fitted: Fit) -> Iterator[tuple[str, float]]:
    """What is kept of a fit: its parameters in the units of the data, and if it is sound.

    The parameters under their own names, `standard_error_` and the name of each,
    `log_likelihood` (without the prior), `customers`, `gradient_norm`, and `sound`, which
    is 1 or 0. NaN is what a failed fit does not have.
    """
    for name, value, error in zip(
        fitted.names, fitted.parameters, fitted.standard_errors, strict=True
    ):
        yield name, float(value)
        yield f"standard_error_{name}", float(error)
    yield "log_likelihood", fitted.log_likelihood
    yield "customers", fitted.diagnosis.customers
    yield "gradient_norm", fitted.diagnosis.gradient_norm
    yield "sound", float(fitted.diagnosis.sound)


def _figures(
    measures: Measures | NoPurchaseMeasures | None,
) -> Iterator[tuple[str, float]]:
    if measures is None:
        return
    for each in fields(measures):
        value = getattr(measures, each.name)
        if isinstance(value, float):
            yield each.name, value
    calibration = measures.calibration
    yield "calibration_error", calibration.error
    for name in ("customers", "forecast", "actual", "baseline"):
        values = getattr(calibration, name)
        for tenth, value in enumerate(() if values is None else values, start=1):
            yield f"calibration_{name}_{tenth:02}", float(value)


def is_too_coarse(gap: float) -> bool:
    """Whether nothing can be said of the next year, because purchases stand too far apart.

    Args:
        gap: Mean days between two days on which anybody bought.
    """
    return _HORIZONS[0] < LEAST_SALES_DAYS * gap


def plan_origins(
    first: dt.date, as_of: dt.date, *, gap: float = 0, most: int = 4
) -> tuple[int, tuple[dt.date, ...]]:
    """Which horizon and origins a history is long enough for.

    The horizon is 365 days where three of them fit into the history, else 182, else 91.
    The last origin is one horizon before the as-of day, the others each a quarter of a
    horizon earlier, as long as there is one horizon and a half of history before them: one
    that the recency table learns from, and half of one before that. Where anybody buys on
    fewer than two days of a horizon, as in sums of years, what a horizon holds hangs on
    the day on which it begins, and nothing can be tested.

    Args:
        first: Day of the first purchase of all.
        as_of: The last day that is known.
        gap: Mean days between two days on which anybody bought.
        most: The most origins to plan.

    Returns:
        The horizon in days, and the origins, ascending; none if the history is too short
        to test anything on it.
    """
    history = (as_of - first).days
    horizon = next((days for days in _HORIZONS if history >= 3 * days), _HORIZONS[-1])
    latest = history - horizon
    if horizon < LEAST_SALES_DAYS * gap:
        return horizon, ()
    starts = (latest - number * (horizon // 4) for number in range(most))
    origins = [day for day in starts if day >= 1.5 * horizon]
    return horizon, tuple(sorted(first + dt.timedelta(days=day) for day in origins))


def backtest(
    windows: Iterable[Window],
    names: Sequence[str] = FORECASTERS,
    prior: LogNormal | None = WEAK,
) -> Backtest:
    """Lets every forecaster forecast every window, and measures it.

    Args:
        windows: The origins with their customers, in any order; read one at a time.
        names: The forecasters; BG/BB is left out where a window has no opportunities.
        prior: The prior of all models, None for maximum likelihood.

    Returns:
        The results. A forecaster that fails has a result that says why.
    """
    results: list[Result] = []
    spend_fits: dict[dt.date, Fit] = {}
    correlations: dict[dt.date, gamma_gamma.Correlation] = {}
    for window in windows:
        table = RecencyTable.learn(window.before, window.weeks)
        mean_spend: Floats | None = None
        if window.money is not None:
            spend = window.money.spend.winsorised()
            fitted = gamma_gamma.fit(spend, prior)
            spend_fits[window.origin] = fitted
            correlations[window.origin] = gamma_gamma.correlation(spend)
            mean_spend = gamma_gamma.expected_spend(fitted, spend)
        for name in names:
            if name == BG_BB.name and window.population.opportunities is None:
                continue
            forecaster = learn(
                name, window.population, window.before, window.weeks, prior
            )
            results.append(_result(forecaster, window, table, mean_spend))
    results.sort(key=lambda each: each.origin)
    return Backtest(tuple(results), spend_fits, correlations)


def _result(
    forecaster: Forecaster,
    window: Window,
    table: RecencyTable,
    mean_spend: Floats | None,
) -> Result:
    """Forecasts the window and measures the forecast, as far as there is one."""
    weeks = window.weeks
    nothing = Result(
        forecaster.name, window.origin, weeks, forecaster.fitted, forecaster.problems
    )
    forecast = forecaster.forecast(window.population, weeks)
    known = forecast.known
    doubts = implausible(forecast.purchases[known], weeks * DAYS_PER_WEEK)
    if not known.any() or not np.isfinite(forecast.purchases[known]).all():
        problems = forecaster.problems or doubts or ("there are no customers",)
        return replace(nothing, problems=problems)
    revenue = None
    money = window.money
    if money is not None and mean_spend is not None:
        if forecaster.name == NAIVE:
            spent = naive_revenue(money.population, money.recent, weeks)
        else:
            spent = forecaster.forecast(money.population, weeks).purchases * mean_spend
        usable = np.isfinite(spent + money.holdout)
        revenue = measure(
            spent[usable], money.holdout[usable], np.ones(int(usable.sum()))
        )
    return replace(
        nothing,
        problems=(*forecaster.problems, *doubts),
        purchases=measure(
            forecast.purchases[known], forecast.holdout[known], forecast.count[known]
        ),
        no_purchase=_no_purchase(forecast, window, table),
        revenue=revenue,
    )


def _no_purchase(
    forecast: Forecast, window: Window, table: RecencyTable
) -> NoPurchaseMeasures | None:
    known = forecast.known
    probability = forecast.no_purchase
    if not np.isfinite(probability[known]).all():
        return None
    baseline: Floats | None = None
    if forecast.basis == "cells":
        silent = window.population.cells.silent
        baseline = table.forecast(window.population, window.weeks).no_purchase
    else:
        # The rows of BG/BB do not hold the days, only the opportunities since.
        rows = window.population.opportunities
        assert rows is not None
        silent = rows.triples.since_last
    if baseline is not None and not np.isfinite(baseline[known]).all():
        baseline = None
    return measure_no_purchase(
        probability[known],
        silent[known],
        None if baseline is None else baseline[known],
        forecast.holdout[known] > 0,
        forecast.count[known],
    )
