"""All that forecasts purchases, behind one interface: the fitted models and the baselines.

The backtest cannot tell them apart. Not here: how good they were (`backtest`), and who is
published (`champion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.value.baselines import BASELINES, NAIVE, RECENCY, Naive, RecencyTable
from pipeline.value.bg_bb import BG_BB
from pipeline.value.bg_nbd import BG_NBD, MBG_NBD
from pipeline.value.fitting import Fit, fit
from pipeline.value.histories import Floats, weighted
from pipeline.value.models import PurchaseModel
from pipeline.value.pareto_nbd import PARETO_NBD
from pipeline.value.population import (
    DAYS_PER_WEEK,
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

# Total forecast over the recent total of the same length: outside of this a business has
# not changed, the forecast is wrong.
_LOWEST_RATIO, _HIGHEST_RATIO = 0.1, 5.0


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A purchase model with its fitted parameters."""

    model: PurchaseModel
    fitted: Fit

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
        parameters = self.fitted.parameters
        return Forecast(
            "cells",
            self.model.conditional_expectation(parameters, triples, weeks)[places],
            self.model.no_purchase_probability(parameters, triples, weeks)[places],
            cells.holdout,
            cells.triples.count,
            cells.triples.valid,
        )


@dataclass(frozen=True, eq=False)
class FittedOpportunities:
    """BG/BB, which forecasts opportunities with a purchase, told in purchase days.

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
        # L is defined for whole opportunities; between two of them ln P is taken as even.
        below, above = np.floor(ahead), np.ceil(ahead)
        fewer = BG_BB.no_purchase_probability(parameters, triples, below)
        more = BG_BB.no_purchase_probability(parameters, triples, above)
        with np.errstate(divide="ignore", invalid="ignore"):
            none = fewer * (more / fewer) ** (ahead - below)
        return Forecast(
            "opportunities",
            (expected * self.days_each)[places],
            none[places],
            rows.holdout,
            rows.triples.count,
            rows.triples.valid,
        )


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
        population: The customers at the origin; `holdout` is not looked at.
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


def implausible(
    forecast: Forecast, population: Population, weeks: float
) -> tuple[str, ...]:
    """Sentences on why nobody would believe a forecast; empty if one may.

    It must be finite and not negative, for no customer be more than one purchase day a
    day, and in total be between a tenth and five times of what the same customers bought
    recently in the same time (their purchase days of the last 365 days, or of as long as
    there have been customers).
    """
    triples = population.cells.triples
    return implausible_total(
        forecast.purchases[forecast.known],
        forecast.count[forecast.known],
        recent=float((population.cells.recent * triples.count)[triples.valid].sum()),
        observed_days=float(triples.age[triples.valid].max(initial=0.0))
        * DAYS_PER_WEEK,
        days=weeks * DAYS_PER_WEEK,
    )


def implausible_total(
    values: Floats, count: Floats, *, recent: float, observed_days: float, days: float
) -> tuple[str, ...]:
    """The same of forecasts whose recent past is known in total only.

    Args:
        values: The forecasts of the rows that can be a history.
        count: Customers of each.
        recent: Purchase days of all of them in the last 365 days.
        observed_days: How long there have been customers.
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
    usual = recent * days / np.clip(observed_days, 1.0, 365.0)
    total = weighted(values, count)
    if usual > 0 and not _LOWEST_RATIO <= total / usual <= _HIGHEST_RATIO:
        problems.append(
            f"the forecasts add up to {total:.4g} purchase days, the recent past to "
            f"{usual:.4g}"
        )
    return tuple(problems)
