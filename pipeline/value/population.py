"""The customers that are forecast, and what a forecast of them is.

The rows that every forecaster, the backtest and the scoring work on. Not here: how they are
made (`reduction`), and who forecasts (`baselines`, `forecasters`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from pipeline.value import agreement
from pipeline.value.fitting import Fit
from pipeline.value.histories import Booleans, Floats, Integers, Triples, weighted

DAYS_PER_WEEK = 7.0
DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, eq=False)
class Cells:
    """Customers at an origin as rows of equal ones, with what they did afterwards.

    Attributes:
        triples: Their histories, in weeks.
        recent: Purchase days in the 365 days up to the origin, the first one included.
        holdout: Purchase days in the horizon after the origin; zeros if not known yet.
    """

    triples: Triples
    recent: Floats
    holdout: Floats

    def __post_init__(self) -> None:
        if not len(self.triples) == len(self.recent) == len(self.holdout):
            raise ValueError("triples, recent and holdout describe the same rows.")

    @cached_property
    def distinct(self) -> tuple[Triples, Integers]:
        """The distinct triples, and for each row its place among them."""
        return self.triples.collapsed()

    @property
    def silent(self) -> Floats:
        """Whole days since the last purchase day, shape (n,).

        Days as sevenths of a week are no whole numbers after all, and 180 is a limit.
        """
        days: Floats = np.rint(self.triples.since_last * DAYS_PER_WEEK)
        return days


@dataclass(frozen=True, eq=False)
class Opportunities:
    """The same customers as BG/BB sees them.

    Attributes:
        triples: x opportunities with a purchase, t_x the last of them, T all of them.
        purchase_days: Purchase days at these opportunities, per customer of the row.
        holdout: Purchase days in the horizon after the origin, per customer of the row.
        weeks: Length of an opportunity.
    """

    triples: Triples
    purchase_days: Floats
    holdout: Floats
    weeks: float

    @cached_property
    def distinct(self) -> tuple[Triples, Integers]:
        """The distinct triples, and for each row its place among them."""
        return self.triples.collapsed()


@dataclass(frozen=True, eq=False)
class Population:
    """The customers that are forecast, in one or two reductions of the same customers.

    Attributes:
        cells: By (x, t_x, T) and what the baselines need.
        opportunities: By opportunities, for BG/BB; None leaves BG/BB out.
        busiest: The most purchase days that any of these customers ever had within 365
            days; infinity where that is not known. No forecast of a customer, if it buys
            at all, is above it (`agreement`).
    """

    cells: Cells
    opportunities: Opportunities | None = None
    busiest: float = float("inf")

    def most(self, weeks: float) -> float:
        """The most purchase days to expect of anybody within so many weeks."""
        return self.busiest * max(1.0, weeks * DAYS_PER_WEEK / DAYS_PER_YEAR)


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast for each row of the population's reduction that its maker works on.

    Attributes:
        basis: Which reduction the rows are those of.
        purchases: Expected purchase days in the horizon, shape (n,); NaN for rows that
            cannot be a history.
        no_purchase: P(no purchase in the horizon), shape (n,); it agrees with `purchases`.
        holdout: What the rows then did, shape (n,).
        count: Customers of each row, shape (n,).
        known: Rows that can be a history, shape (n,).
    """

    basis: Literal["cells", "opportunities"]
    purchases: Floats
    no_purchase: Floats
    holdout: Floats
    count: Floats
    known: Booleans

    def agreeing(self, population: Population, weeks: float, **law: bool) -> Forecast:
        """The same with E and P0 that agree (`agreement.agreeing`).

        More than a purchase day a day is believed of nobody: such rows stay, for
        `forecasters.implausible` to see.
        """
        purchases, none = agreement.agreeing(
            self.purchases, self.no_purchase, population.most(weeks), **law
        )
        with np.errstate(invalid="ignore"):
            too_many = self.purchases > weeks * DAYS_PER_WEEK
        return replace(
            self,
            purchases=np.where(too_many, self.purchases, purchases),
            no_purchase=np.where(too_many, self.no_purchase, none),
        )

    def select(self, rows: Booleans) -> Forecast:
        """Some of the rows."""
        return replace(
            self,
            **{
                name: getattr(self, name)[rows]
                for name in ("purchases", "no_purchase", "holdout", "count", "known")
            },
        )

    @property
    def total(self) -> float:
        """Purchase days expected of all customers."""
        return weighted(self.purchases[self.known], self.count[self.known])


class Forecaster(Protocol):
    """Something that has learnt and can forecast.

    Attributes:
        name: Its name in every table.
        fitted: The fit behind it, or None for a baseline.
        problems: Why it must not be used; empty if it may.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def fitted(self) -> Fit | None: ...  # noqa: D102

    @property
    def problems(self) -> tuple[str, ...]: ...  # noqa: D102

    def forecast(self, population: Population, weeks: float) -> Forecast:
        """Forecasts the next `weeks` for each row of the population."""
        ...
