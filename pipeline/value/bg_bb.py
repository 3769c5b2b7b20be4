"""BG/BB: purchases at discrete opportunities, for rhythms that a contract or a season sets.

At each opportunity a customer who is alive buys with probability p ~ Beta(alpha, beta);
before each it stops with probability theta ~ Beta(gamma, delta). x counts opportunities
with a purchase, t_x is the last of them, T is the number n of opportunities. Not here: how
purchases become opportunities (`reduction`).

Source: Fader, Hardie and Shang, Customer-Base Analysis in a Discrete-Time Noncontractual
Setting, Marketing Science 29(6), 2010.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, digamma

from pipeline.value.histories import Floats, Triples
from pipeline.value.models import PurchaseModel


class BetaGeometricBetaBernoulli(PurchaseModel):
    """The BG/BB model; time is a whole number of opportunities."""

    name = "bg_bb"
    parameter_names = ("alpha", "beta", "gamma", "delta")
    time_parameters = (False, False, False, False)
    starts = (
        (1.0, 1.0, 0.5, 3.0),
        (0.5, 2.0, 0.5, 5.0),
        (2.0, 0.5, 1.0, 1.0),
        (0.5, 5.0, 0.2, 1.0),
    )
    rescales = False

    def _log_likelihood(
        self, parameters: Floats, triples: Triples
    ) -> tuple[Floats, Floats]:
        # One term for each opportunity at which the customer may have stopped, and one for
        # being alive. The terms of all rows stand in one flat array, row after row, the
        # term of being alive first.
        alpha, beta, gamma, delta = parameters
        x, t_x, n = triples.x, triples.t_x, triples.age
        silent = (n - t_x).astype(np.intp)
        ends = np.cumsum(silent + 1)
        starts = ends - silent - 1
        row = np.repeat(np.arange(len(x)), silent + 1)
        place = np.arange(len(row)) - starts[row]
        alive = place == 0
        # Opportunities survived: all of them, or those up to the stop.
        lived = np.where(alive, n[row], t_x[row] + place - 1)
        died = np.where(alive, 0.0, 1.0)
        bought = x[row]
        terms = (
            betaln(alpha + bought, beta + lived - bought)
            - betaln(alpha, beta)
            + betaln(gamma + died, delta + lived)
            - betaln(gamma, delta)
        )
        top = np.maximum.reduceat(terms, starts)
        parts = np.exp(terms - top[row])
        sums = np.add.reduceat(parts, starts)
        parts /= sums[row]

        both = digamma(alpha + beta + lived)
        none = digamma(gamma + delta + died + lived)
        pieces = (
            digamma(alpha + bought) - both,
            digamma(beta + lived - bought) - both,
            digamma(gamma + died) - none,
            digamma(delta + lived) - none,
        )
        gradient = np.stack(
            [np.add.reduceat(parts * piece, starts) for piece in pieces]
        )
        gradient[0] += digamma(alpha + beta) - digamma(alpha)
        gradient[1] += digamma(alpha + beta) - digamma(beta)
        gradient[2] += digamma(gamma + delta) - digamma(gamma)
        gradient[3] += digamma(gamma + delta) - digamma(delta)
        return top + np.log(sums), gradient

    def _alive(self, parameters: Floats, triples: Triples) -> Floats:
        """P(alive at the last opportunity n).

        The paper's formula is for n + 1, one toss of the coin later.
        """
        alpha, beta, gamma, delta = parameters
        log_alive = (
            betaln(alpha + triples.x, beta + triples.age - triples.x)
            - betaln(alpha, beta)
            + betaln(gamma, delta + triples.age)
            - betaln(gamma, delta)
        )
        log_likelihood = self._log_likelihood(parameters, triples)[0]
        result: Floats = np.exp(np.minimum(log_alive - log_likelihood, 0.0))
        return result

    def _expectation_alive(
        self, parameters: Floats, triples: Triples, time: float
    ) -> Floats:
        """Opportunities with a purchase among the next `time`, a whole number or not.

        p ~ Beta(alpha + x, beta + n - x) and theta ~ Beta(gamma, delta + n) given that the
        customer is alive at n. The sum over the opportunities is taken as a sum: the
        paper's closed form divides by gamma - 1. A part of an opportunity
        counts in proportion.
        """
        alpha, beta, gamma, delta = parameters
        probability = (alpha + triples.x) / (alpha + beta + triples.age)
        result: Floats = probability * _opportunities_lived(
            gamma, delta + triples.age, time
        )
        return result

    def expected_purchases(self, parameters: Floats, time: Floats) -> Floats:
        """E[X(n)] of a new customer as a sum."""
        alpha, beta, gamma, delta = parameters
        lived = [
            _opportunities_lived(gamma, np.array([delta]), float(one))[0]
            for one in np.ravel(time)
        ]
        result: Floats = alpha / (alpha + beta) * np.reshape(lived, np.shape(time))
        return result


def _opportunities_lived(gamma: float, delta: Floats, time: float) -> Floats:
    """Opportunities among the next `time` at which the customer is alive, shape of delta.

    The sum of E[(1 - theta)^j] = B(gamma, delta + j) / B(gamma, delta), each factor of
    which is (delta + j - 1) / (gamma + delta + j - 1).
    """
    total = np.zeros(len(delta))
    alive = np.ones(len(delta))
    whole = int(np.floor(time))
    for past in range(whole + 1):
        alive = alive * (delta + past) / (gamma + delta + past)
        total += alive * (1.0 if past < whole else time - whole)
    return total


BG_BB = BetaGeometricBetaBernoulli()
