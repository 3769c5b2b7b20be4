"""Two baselines that know nothing of models; what does not beat both is not published.

"The same as in the last 12 months, and nothing if silent for 180 days" is what a sales team
without a model writes into its plan. The recency table is what an analyst without a model
would make: customers who, one horizon ago, had been silent for as long and had bought as
often as this one has now; what did they buy on the average since, and how many of them
bought nothing? It supposes nothing about the shape of a customer's life and goes only by
the past. It is the recency baseline of P(no purchase) as well. A rate x/T was the other
candidate: it needs no past origin, but goes on for ever for those who left, which the
first baseline already shows to matter.

Both say how likely no purchase is, and mean the same by it as by their expectation: the
first as many purchases as last year at a steady rate, the second what its table counted.

Not here: the fitted models (`forecasters`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.value.histories import Floats, Integers
from pipeline.value.population import (
    DAYS_PER_WEEK,
    DAYS_PER_YEAR,
    Cells,
    Forecast,
    Population,
)

NAIVE = "naive_last_12_months"
RECENCY = "recency_table"
BASELINES = (NAIVE, RECENCY)

SILENT = 180.0

# Upper edges, in days since the last purchase and in purchase days, of the recency table.
_SILENCE = np.array([30.0, 90.0, 180.0, 365.0])
_BOUGHT = np.array([1.0, 2.0, 5.0])

# A cell of the recency table with fewer customers says what its row says.
_ENOUGH = 30.0


@dataclass(frozen=True)
class Naive:
    """The same as in the last 12 months, nothing if silent for 180 days or more."""

    name: str = NAIVE
    fitted: None = None
    problems: tuple[str, ...] = ()

    def forecast(self, population: Population, weeks: float) -> Forecast:
        """Recent purchase days, in proportion to the horizon's length.

        With as many occasions as the busiest customer used in a year, each used with the
        same chance, none is used with (1 - E / most)^most: exp(-E) where there are many.
        """
        cells = population.cells
        same = cells.recent * (weeks * DAYS_PER_WEEK / DAYS_PER_YEAR)
        purchases = np.where(cells.silent < SILENT, same, 0.0)
        valid = cells.triples.valid
        return Forecast(
            "cells",
            np.where(valid, purchases, np.nan),
            np.where(valid, steady_rate(purchases, population.most(weeks)), np.nan),
            cells.holdout,
            cells.triples.count,
            valid,
        ).agreeing(population, weeks)


def steady_rate(purchases: Floats, most: float) -> Floats:
    """P(no purchase) of who buys at a steady rate on at most so many days, shape (n,).

    Args:
        purchases: Purchase days expected.
        most: The most that anybody had; infinity makes it Poisson's exp(-E).
    """
    if not np.isfinite(most):
        return np.exp(-purchases)
    result: Floats = (1 - np.minimum(purchases / most, 1.0)) ** most
    return result


def naive_revenue(population: Population, recent: Floats, weeks: float) -> Floats:
    """The naive baseline for money: the spend of the last 365 days, shape (n,).

    Args:
        population: The customers, one row each.
        recent: Their spend in the 365 days up to the origin, same rows.
        weeks: Length of the horizon.
    """
    same = recent * (weeks * DAYS_PER_WEEK / DAYS_PER_YEAR)
    return np.where(population.cells.silent < SILENT, same, 0.0)


@dataclass(frozen=True, eq=False)
class RecencyTable:
    """What customers of the same recency and frequency did in the last horizon.

    Attributes:
        weeks: Length of the horizon that was learnt from.
        purchases: Purchase days by days silent (30, 90, 180, 365, more) and purchase days
            so far (1, 2, 5, more), shape (5, 4).
        no_purchase: Share of customers who bought nothing, shape (5, 4).
    """

    weeks: float
    purchases: Floats
    no_purchase: Floats
    name: str = RECENCY
    fitted: None = None
    problems: tuple[str, ...] = ()

    @classmethod
    def learn(cls, before: Cells | None, weeks: float) -> RecencyTable:
        """Learns from the customers one horizon ago and what they did since.

        Args:
            before: They, with `holdout`; None or nobody makes a table of NaN that says so.
            weeks: Length of that horizon.
        """
        shape = (len(_SILENCE) + 1, len(_BOUGHT) + 1)
        if before is None or before.triples.customers == 0:
            nothing = np.full(shape, np.nan)
            missing = ("there is no customer whose last horizon could be learnt from",)
            return cls(weeks, nothing, nothing, problems=missing)
        valid = before.triples.valid
        count = before.triples.count[valid]
        flat = np.ravel_multi_index(_cell(before), shape)[valid]

        def means(values: Floats) -> Floats:
            sizes = np.bincount(flat, count, minlength=shape[0] * shape[1])
            totals = np.bincount(flat, count * values, minlength=len(sizes))
            sizes, totals = sizes.reshape(shape), totals.reshape(shape)
            with np.errstate(invalid="ignore"):
                row = totals.sum(axis=1) / sizes.sum(axis=1)
                row = np.where(
                    sizes.sum(axis=1) >= _ENOUGH, row, totals.sum() / sizes.sum()
                )
                return np.where(sizes >= _ENOUGH, totals / sizes, row[:, None])

        holdout = before.holdout[valid]
        return cls(weeks, means(holdout), means((holdout == 0).astype(np.float64)))

    def forecast(self, population: Population, weeks: float) -> Forecast:
        """The table's means, in proportion to the horizon's length.

        P(no purchase) over another horizon is that of a constant rate.
        """
        cells = population.cells
        cell = _cell(cells)
        valid = cells.triples.valid
        longer = weeks / self.weeks
        return Forecast(
            "cells",
            np.where(valid, self.purchases[cell] * longer, np.nan),
            np.where(valid, self.no_purchase[cell] ** longer, np.nan),
            cells.holdout,
            cells.triples.count,
            cells.triples.valid,
        ).agreeing(population, weeks)


def _cell(cells: Cells) -> tuple[Integers, Integers]:
    # An edge belongs to the band below it.
    silent = np.searchsorted(_SILENCE, cells.silent).astype(np.intp)
    bought = np.searchsorted(_BOUGHT, cells.triples.x + 1).astype(np.intp)
    return silent, bought
