"""Orders expected, and the probability of none: two figures of one customer that agree.

E / (1 - P0) is the number of purchases expected if there are any. It is at least 1, whatever
the customer (Markov's inequality), and nobody believes that it is more than what the busiest
customers ever did in a year. Where leaving does not depend on buying (Pareto/NBD), purchases
are Poisson given the customer's rate and lifetime, so that by Jensen's inequality P0 is at
least exp(-E) as well. A model keeps the first and the last by itself, up to rounding, and
can break the second for a customer who bought often within its first weeks: its forecast is
then lowered to what the busiest did. Not here: who forecasts (`forecasters`), and how much
the busiest did (`reduction`).
"""

from __future__ import annotations

import numpy as np
from scipy.special import lambertw

from pipeline.value.histories import Booleans, Floats

# Differences of rounding in E, in purchases; also of the checks of published rows.
ROUNDING = 1e-9


def poisson_limit(most: float) -> float:
    """The highest E that can have E / (1 - exp(-E)) <= `most`, purchases.

    The solution of E = most (1 - exp(-E)), by Lambert's W; 0 for `most` <= 1, since who
    buys at random buys more than once on the average, if at all.
    """
    if most <= 1:
        return 0.0
    if most > 500:
        # exp(-500) is nothing beside 1.
        return most
    return float(most + lambertw(-most * np.exp(-most)).real)


def agreeing(
    expected: Floats, no_purchase: Floats, most: float, *, poisson: bool = False
) -> tuple[Floats, Floats]:
    """Expected purchases and P(no purchase) that agree, both of shape (n,).

    Args:
        expected: E of each row. What is no expectation at all (negative, not finite) stays
            as it is, for those who ask for it.
        no_purchase: P0 of each row, same horizon.
        most: What the busiest customer ever did in a year, at least 1; infinity for no
            limit.
        poisson: Whether P0 is at least exp(-E).
    """
    with np.errstate(invalid="ignore", over="ignore"):
        sound = (expected >= 0) & (no_purchase >= 0) & np.isfinite(expected)
        limited = np.minimum(expected, poisson_limit(most) if poisson else most)
        least = np.exp(-limited) if poisson else 1 - limited
        none = np.clip(no_purchase, np.clip(least, 0.0, 1.0), 1.0)
        if np.isfinite(most):
            limited = np.minimum(limited, most * (1 - none))
    return np.where(sound, limited, expected), np.where(sound, none, no_purchase)


def disagreeing(
    expected: Floats, no_purchase: Floats, most: float, *, poisson: bool = False
) -> Booleans:
    """Which rows do not agree, shape (n,); NaN does not.

    Args:
        expected: E of each row.
        no_purchase: P0 of each row.
        most: What the busiest customer ever did in a year.
        poisson: Whether P0 is at least exp(-E).
    """
    some = 1 - no_purchase
    highest = most * some if np.isfinite(most) else np.inf
    agrees = (expected >= some - ROUNDING) & (
        expected <= highest + ROUNDING * np.maximum(1.0, expected)
    )
    if poisson:
        agrees &= no_purchase >= np.exp(-expected) - ROUNDING
    return ~agrees
