"""What is believed of a parameter before any customer is seen.

Not here: what is done with it (`search`, `fitting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LogNormal:
    """A prior: the logarithm of the parameter is normal around ln(median).

    Attributes:
        median: In the units of a fit: the customers' mean age is the unit of time, their
            median spend the unit of money, so that one prior serves every business.
        deviation: Standard deviation of the logarithm. 2 holds the parameter between a
            fiftieth and fifty times the median with a probability of 95 %.
    """

    median: float = 1.0
    deviation: float = 2.0


# Weak: on the 2,357 customers of CDNOW it moves no parameter of any model by more than a
# fifth of its standard error, and yet it keeps those from running away that the data say
# nothing of.
WEAK = LogNormal()


def each_prior(
    prior: LogNormal | Sequence[LogNormal] | None, count: int
) -> tuple[LogNormal, ...] | None:
    """One prior for each of `count` parameters, or None."""
    if prior is None:
        return None
    if isinstance(prior, LogNormal):
        return (prior,) * count
    if len(prior) != count:
        raise ValueError(f"{len(prior)} priors were given for {count} parameters.")
    return tuple(prior)
