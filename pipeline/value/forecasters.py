"""All that forecasts purchases, behind one interface: the fitted models and the baselines.

The backtest cannot tell them apart. Not here: how good they were (`backtest`), and who is
published (`champion`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.value.baselines import BASELINES, NAIVE, RECENCY, Naive, RecencyTable
from pipeline.value.bg_bb import BG_BB
from pipeline.value.bg_nbd import BG_NBD, MBG_NBD
from pipeline.value.fitting import Fit, fit
from pipeline.value.histories import Floats, Triples, weighted
from pipeline.value.kept import unless_kept
from pipeline.value.models import PurchaseModel
from pipeline.value.pareto_nbd import PARETO_NBD
from pipeline.value.population import (
    Cells,
    Forecast,
    Forecaster,
    Population,
)
from pipeline.value.priors import WEAK, LogNormal

MODELS: dict[str, PurchaseModel] = {
    model.name: model for model in (BG_NBD, MBG_NBD, PARETO_NBD, BG_BB)
}
FORECASTERS = (*BASELINES, *MODELS)

# Two forecasts of one year that are further apart than this factor are not both sound.
_ORDINARY = 10.0


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A purchase model with its fitted parameters."""

    model: PurchaseModel
    fitted: Fit
    # What was forecast last: customers one by one have the histories that they have
    # together, and those are what takes time.
    _last: dict[str, tuple[Triples, float, Floats, Floats]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def problems(self) -> tuple[str, ...]:
        """What the fit's diagnosis says against it."""
        return self.fitted.diagnosis.problems

    def forecast(self, population: Population, weeks: float) -> Forecast:
        """E[Y(t) | x, t_x, T] and P(no purchase in t), once for each distinct triple."""
        cells = population.cells
        triples, places = cells.distinct
        purchases, none = self._of_distinct(triples, weeks)
        return Forecast(
            "cells",
            purchases[places],
            none[places],
            cells.holdout,
            cells.triples.count,
            cells.triples.valid,
        ).agreeing(population, weeks, poisson=is_poisson(self.name))

    def keep(self, triples: Triples, weeks: float) -> None:
        """Forecasts histories, unless it is kept what came of that before."""
        purchases, none = unless_kept(
            (self.name, self.fitted.parameters.tolist(), weeks),
            (triples.x, triples.t_x, triples.age),
            lambda: self._of_distinct(triples, weeks),
            _written,
            _read,
        )
        self._last["last"] = triples, weeks, purchases, none

    def _of_distinct(self, triples: Triples, weeks: float) -> tuple[Floats, Floats]:
        if "last" in self._last:
            before, time, purchases, none = self._last["last"]
            if time == weeks and before.are(triples):
                return purchases, none
        parameters = self.fitted.parameters
        purchases = self.model.conditional_expectation(parameters, triples, weeks)
        none = self.model.no_purchase_probability(parameters, triples, weeks)
        self._last["last"] = triples, weeks, purchases, none
        return purchases, none


@dataclass(frozen=True, eq=False)
class FittedOpportunities:
    """BG/BB, which forecasts opportunities with a purchase, converted to purchase days.

    Attributes:
        fitted: The fit.
        days_each: Purchase days per opportunity with a purchase, over all customers. Where
            a rhythm is set by a contract or a season it is near 1.
    """

    fitted: Fit
    days_each: float

    @property
    def name(self) -> str:
        """The model's name."""
        return BG_BB.name

    @property
    def problems(self) -> tuple[str, ...]:
        """What the fit's diagnosis says against it, or that there is nothing to fit."""
        return self.fitted.diagnosis.problems

    def forecast(self, population: Population, weeks: float) -> Forecast:
        """Opportunities with a purchase in the horizon, times the purchase days of one.

        Raises:
            ValueError: The population was not reduced to opportunities.
        """
        rows = population.opportunities
        if rows is None:
            raise ValueError("BG/BB needs the population reduced to opportunities.")
        triples, places = rows.distinct
        ahead = weeks / rows.weeks
        parameters = self.fitted.parameters
        expected = BG_BB.conditional_expectation(parameters, triples, ahead)
        # L is defined for whole opportunities; between two of them P is taken as even, as
        # the expectation is, so that the two go on to agree.
        below, above = np.floor(ahead), np.ceil(ahead)
        fewer = BG_BB.no_purchase_probability(parameters, triples, below)
        more = BG_BB.no_purchase_probability(parameters, triples, above)
        none = fewer + (more - fewer) * (ahead - below)
        return Forecast(
            "opportunities",
            (expected * self.days_each)[places],
            none[places],
            rows.holdout,
            rows.triples.count,
            rows.triples.valid,
        ).agreeing(population, weeks)


def _written(columns: tuple[Floats, Floats]) -> str:
    """Two columns of numbers as a text, to the last bit."""
    return " ".join(base64.b64encode(column.tobytes()).decode() for column in columns)


def _read(text: str) -> tuple[Floats, Floats]:
    """What `_written` wrote.

    Raises:
        ValueError: It is something else.
    """
    purchases, none = (
        np.frombuffer(base64.b64decode(part, validate=True), dtype=np.float64)
        for part in text.split(" ")
    )
    return purchases, none


def is_poisson(name: str) -> bool:
    """Whether a forecaster's purchases are Poisson given the customer's rate and lifetime.

    Pareto/NBD alone: a customer of the others leaves because it bought.
    """
    return name == PARETO_NBD.name


def learn(
    name: str,
    population: Population,
    before: Cells | None,
    weeks: float,
    prior: LogNormal | Sequence[LogNormal] | None = WEAK,
) -> Forecaster:
    """Lets a forecaster learn from what is known at an origin.

    Args:
        name: Of a baseline or of a model.
        population: The customers at the origin; `holdout` is ignored.
        before: The customers one horizon before the origin, and what they did until it.
        weeks: The horizon.
        prior: The prior for the models, None for maximum likelihood.

    Raises:
        KeyError: There is no forecaster of this name.
        ValueError: BG/BB is wanted and the population has no opportunities.
    """
    if name == NAIVE:
        return Naive()
    if name == RECENCY:
        return RecencyTable.learn(before, weeks)
    model = MODELS[name]
    if model is not BG_BB:
        return FittedModel(model, fit(model, population.cells.distinct[0], prior))
    rows = population.opportunities
    if rows is None:
        raise ValueError("BG/BB needs the population reduced to opportunities.")
    sound = rows.triples.sound()
    bought = weighted(sound.x, sound.count)
    valid = rows.triples.valid
    days = weighted(rows.purchase_days[valid], rows.triples.count[valid])
    return FittedOpportunities(
        fit(BG_BB, rows.distinct[0], prior), days / bought if bought else float("nan")
    )


def implausible(values: Floats, days: float) -> tuple[str, ...]:
    """Sentences on why nobody would believe forecasts; empty if one may.

    They must be finite and not negative, and for no customer be more than one purchase day
    a day. Whether their total can be believed only the past can show (`champion`).

    Args:
        values: Purchase days expected of the rows that can be a history.
        days: The horizon.
    """
    if not np.isfinite(values).all():
        return (f"{int((~np.isfinite(values)).sum())} forecasts are not finite",)
    problems = []
    if len(values) and values.min() < 0:
        problems.append(f"the lowest forecast is {values.min():.3g}")
    if len(values) and values.max() > days:
        problems.append(
            f"the highest forecast is {values.max():.3g} purchase days in {days:.0f} days"
        )
    return tuple(problems)


def off_by(total: float, other: float) -> float:
    """The factor between two totals, at least 1; infinity where only one of them is 0."""
    if total == other:
        return 1.0
    lower, higher = sorted((total, other))
    return higher / lower if lower > 0 else float("inf")


def implausible_today(
    forecast: Forecast, naive_total: float, days: float, factor: float
) -> tuple[str, ...]:
    """Sentences on why nobody would believe a forecast of what is still to come.

    What comes is not known yet, so that a total can only be held beside that of the naive
    baseline: to find a fit that went wrong today, not to judge a champion anew. It may be
    away by a factor of ten (on the demonstration a sound champion is by 1.7), or by the
    square of `factor` where that is more: both may be off by it, in opposite directions.

    Args:
        forecast: The forecast.
        naive_total: What the naive baseline expects of the same customers. It measures
            nothing where it is 0, as in the dead season.
        days: The horizon.
        factor: See `champion.Choice.factor`; infinity where that is not known.
    """
    problems = implausible(forecast.purchases[forecast.known], days)
    if problems or naive_total <= 0:
        return problems
    limit = max(_ORDINARY, factor**2)
    if off_by(forecast.total, naive_total) > limit:
        return (
            f"the forecasts add up to {forecast.total:.4g} purchase days, the baseline "
            f"{NAIVE} to {naive_total:.4g}: further apart than a factor of {limit:.3g}",
        )
    return ()
