"""Gamma-Gamma: what a customer spends on a purchase day, apart from how often it buys.

Each purchase day's spend is Gamma(p, nu) with nu ~ Gamma(q, gamma), so that the mean m of
x of them says how far a customer's own mean is to be believed. The model supposes that
spend and frequency are independent; `correlation` says how far that holds. Not here: the
purchases themselves.

Sources: Colombo and Jiang, A stochastic RFM model, Journal of Interactive Marketing 13(3),
1999; Fader and Hardie, The Gamma-Gamma Model of Monetary Value (note 025 of Hardie's site,
2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from pipeline.value import metrics
from pipeline.value.fitting import (
    COARSE_ROWS,
    Diagnosis,
    Fit,
    failed,
    maximise,
    unless_made,
)
from pipeline.value.histories import (
    Booleans,
    Floats,
    Integers,
    as_floats,
    distinct,
    totals,
    weighted,
)
from pipeline.value.priors import LogNormal, each_prior

NAME = "gamma_gamma"
NAMES = ("p", "q", "gamma")
_STARTS = ((5.0, 4.0, 0.5), (1.0, 2.0, 1.0), (20.0, 3.0, 0.1), (1.0, 10.0, 10.0))


@dataclass(frozen=True, eq=False)
class Spend:
    """What customers spend, one row per customer or per distinct (x, m).

    Attributes:
        x: Repeat purchase days.
        m: Mean spend of the repeat purchase days; anything where x is 0.
        count: Customers with these.

    A row without repeat purchases or with a mean spend that is not above 0 is no error: it
    takes no part in a fit.

    Raises:
        ValueError: The arrays differ in length.
    """

    x: Floats
    m: Floats
    count: Floats

    @classmethod
    def of(
        cls, x: npt.ArrayLike, m: npt.ArrayLike, count: npt.ArrayLike | None = None
    ) -> Spend:
        """Spend of anything that numpy takes for arrays."""
        frequency = as_floats(x)
        ones = np.ones(len(frequency)) if count is None else as_floats(count)
        return cls(frequency, as_floats(m), ones)

    def __post_init__(self) -> None:
        if not len(self.x) == len(self.m) == len(self.count):
            raise ValueError(
                "x, m and count describe the same rows; their lengths differ."
            )

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def valid(self) -> Booleans:
        """Which rows can take part in a fit: x > 0, m > 0, all finite."""
        with np.errstate(invalid="ignore"):
            result: Booleans = (
                np.isfinite(self.x + self.m + self.count)
                & (self.x > 0)
                & (self.m > 0)
                & (self.count > 0)
            )
        return result

    @cached_property
    def frequencies(self) -> tuple[Floats, Integers]:
        """The distinct x, and for each row its place among them."""
        values, places = np.unique(self.x, return_inverse=True)
        return values, places

    def sound(self) -> Spend:
        """The valid rows only."""
        rows = self.valid
        return Spend(self.x[rows], self.m[rows], self.count[rows])

    def collapsed(self) -> Spend:
        """Equal rows as one with the sum of their counts, in ascending order."""
        order, starts, places = distinct(self.x, self.m)
        first = order[starts]
        counts = totals(places, self.count, len(first))
        return Spend(self.x[first], self.m[first], counts)

    def winsorised(self, lower: float = 0.005, upper: float = 0.995) -> Spend:
        """Mean spends outside two quantiles of the valid rows pulled to these.

        A few orders of a million among ordinary ones draw q down, below 1 in the end,
        where the mean spend of the population is infinite. Quantiles count customers.
        """
        if not self.valid.any():
            return self
        low, high = self.quantiles(lower, upper)
        return Spend(self.x, np.clip(self.m, low, high), self.count)

    def quantiles(self, *shares: float) -> list[float]:
        """For each share the smallest m that at least this share of customers is up to.

        Of the valid rows, of which there must be one.
        """
        rows = np.flatnonzero(self.valid)
        order = rows[np.argsort(self.m[rows], kind="stable")]
        reached = np.cumsum(self.count[order])
        places = np.searchsorted(reached, np.array(shares) * reached[-1])
        return [float(self.m[order[place]]) for place in places]


def log_likelihood(parameters: Floats, spend: Spend) -> tuple[Floats, Floats]:
    """The log-likelihood of each row, shape (n,), and its derivatives, shape (3, n).

    The density of m given x (note 025); every row must be valid.
    """
    p, q, gamma = parameters
    values, places = spend.frequencies
    shape = p * values
    total = shape[places]
    log_m = np.log(spend.m)
    log_sum = np.log(gamma + spend.m * spend.x)
    value = (gammaln(shape + q) - gammaln(shape) - gammaln(q) + shape * np.log(values))[
        places
    ]
    value += q * np.log(gamma) + (total - 1) * log_m - (total + q) * log_sum
    gradient = np.empty((3, len(spend)))
    by_shape = digamma(shape + q) - digamma(shape) + np.log(values)
    gradient[0] = spend.x * (by_shape[places] + log_m - log_sum)
    gradient[1] = (digamma(shape + q) - digamma(q))[places] + np.log(gamma) - log_sum
    gradient[2] = q / gamma - (total + q) / (gamma + spend.m * spend.x)
    return value, gradient


def fit(spend: Spend, prior: LogNormal | Sequence[LogNormal] | None = None) -> Fit:
    """Fits the model; see `fitting.fit`. The unit of money is the median m.

    A mean spend of the population that is infinite (q <= 1) is a problem in the diagnosis:
    nothing can be multiplied with it.
    """
    sound = spend.sound().collapsed()
    customers = float(sound.count.sum())
    with np.errstate(invalid="ignore"):
        left_out = int(((spend.x > 0) & ~spend.valid).sum())
    about = Diagnosis(customers, len(sound), left_out)
    priors = each_prior(prior, len(NAMES))
    return unless_made(
        (NAME, priors, left_out),
        (sound.x, sound.m, sound.count),
        lambda: _fitted(sound, about, priors),
    )


def _fitted(
    sound: Spend, about: Diagnosis, priors: tuple[LogNormal, ...] | None
) -> Fit:
    """Fits the model to distinct rows that all can be a spend."""
    if not len(sound):
        return failed(
            NAME, NAMES, about, "no customer has repeat purchases with a spend"
        )
    # Not the mean, which one enormous order moves as far as it likes.
    unit = sound.quantiles(0.5)[0]
    scaled = Spend(sound.x, sound.m / unit, sound.count)

    # Rows at even distances in the order of x and m are as good as all of them for the
    # search from the starting points.
    every = -(-len(scaled) // COARSE_ROWS)
    thinned = Spend(scaled.x[::every], scaled.m[::every], scaled.count[::every] * every)
    result = maximise(
        NAME,
        NAMES,
        objective=lambda logs: _by_logarithms(scaled, logs),
        coarser=[partial(_by_logarithms, thinned)] if every > 1 else [],
        starts=_STARTS,
        scale=np.array([1.0, 1.0, unit]),
        log_likelihood_shift=-about.customers * float(np.log(unit)),
        prior=priors,
        about=about,
    )
    if result["q"] <= 1:
        return result.with_problem(
            f"the mean spend of the population is infinite: q is {result['q']:.3f}"
        )
    return result


def _by_logarithms(spend: Spend, logs: Floats) -> tuple[float, Floats]:
    parameters = np.exp(logs)
    values, gradient = log_likelihood(parameters, spend)
    total = np.array([weighted(each, spend.count) for each in gradient])
    return weighted(values, spend.count), total * parameters


def population_mean(parameters: Floats) -> float:
    """Mean spend of a customer of whom nothing is known: p gamma / (q - 1).

    Infinite when q <= 1.
    """
    p, q, gamma = parameters
    return float(p * gamma / (q - 1)) if q > 1 else float("inf")


def conditional_mean(parameters: Floats, spend: Spend) -> Floats:
    """E[M | x, m], shape (n,): a weighted mean of the customer's own and all customers'.

    p (gamma + x m) / (p x + q - 1) (note 025). The population's mean where
    there is no repeat purchase or no usable spend; infinite where p x + q <= 1.
    """
    p, q, gamma = parameters
    known = spend.valid
    x = np.where(known, spend.x, 0.0)
    money = np.where(known, spend.x * np.where(known, spend.m, 0.0), 0.0)
    below = p * x + q - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = np.where(below > 0, p * (gamma + money) / below, np.inf)
    return result


def expected_spend(fitted: Fit, spend: Spend, unknown: float | None = None) -> Floats:
    """The spend to expect on a purchase day, shape (n,), whether the fit is sound or not.

    E[M | x, m] of a sound fit. Else the customer's own mean, and for those who have none
    the mean of the customers who have one, or `unknown`.
    """
    if fitted.diagnosis.sound:
        return conditional_mean(fitted.parameters, spend)
    otherwise = overall_mean(spend) if unknown is None else unknown
    return np.where(spend.valid, spend.m, otherwise)


def overall_mean(spend: Spend) -> float:
    """The mean of the customers' mean spends, 0 where there is none."""
    known = spend.valid
    customers = float(spend.count[known].sum())
    return (
        weighted(spend.m[known], spend.count[known]) / customers if customers else 0.0
    )


@dataclass(frozen=True)
class Correlation:
    """How far spend depends on frequency, among customers with repeat purchases.

    Attributes:
        pearson: Of x and m; 0.11 for CDNOW. The papers take "near 0" for independence.
        spearman: Of their ranks; one large customer does not decide it.
        customers: Customers that it is about.
    """

    pearson: float
    spearman: float
    customers: float


def correlation(spend: Spend) -> Correlation:
    """The correlation of frequency and mean spend that the model supposes to be 0."""
    sound = spend.sound()
    return Correlation(
        pearson=metrics.pearson(sound.x, sound.m, sound.count),
        spearman=metrics.spearman(sound.x, sound.m, sound.count),
        customers=float(sound.count.sum()),
    )
