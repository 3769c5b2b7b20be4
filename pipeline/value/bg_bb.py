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
        # The terms of having stopped after `lived` opportunities depend on x and on
        # `lived` only, so that their running sums from the last opportunity backwards are
        # one table for all rows. A row's sum is the difference of two of its entries. The
        # terms fall with `lived`, so little is lost in it; and all derivatives of a term's
        # logarithm are below 0, so that the same holds for their sums.
        alpha, beta, gamma, delta = parameters
        values, places = triples.frequencies
        first, end = triples.t_x.astype(np.intp), triples.age.astype(np.intp)
        opportunities = int(end.max(initial=0))
        lived = np.arange(opportunities + 1.0)
        bought = values[:, None]
        # Nobody has lived for fewer opportunities than it used; these are never looked up.
        unused = np.maximum(lived - bought, 0.0)
        log_both = (
            betaln(alpha + bought, beta + unused)
            - betaln(alpha, beta)
            - betaln(gamma, delta)
        )
        by_both = digamma(alpha + beta + bought + unused)
        slopes_both = (
            digamma(alpha + bought) - by_both,
            digamma(beta + unused) - by_both,
        )

        # Alive at the end: one term a row.
        log_alive = log_both[places, end] + betaln(gamma, delta + triples.age)
        by_end = digamma(gamma + delta + triples.age)
        slopes_alive = (
            slopes_both[0][places, end],
            slopes_both[1][places, end],
            digamma(gamma) - by_end,
            digamma(delta + triples.age) - by_end,
        )

        log_terms = log_both + betaln(gamma + 1, delta + lived)
        by_lived = digamma(gamma + 1 + delta + lived)
        slopes_dead = (
            *slopes_both,
            np.broadcast_to(digamma(gamma + 1) - by_lived, log_terms.shape),
            np.broadcast_to(digamma(delta + lived) - by_lived, log_terms.shape),
        )

        def between(logs: Floats) -> Floats:
            """The logarithm of the sum of the terms from t_x to before n of each row."""
            sums = np.full((len(values), opportunities + 1), -np.inf)
            backwards = np.logaddexp.accumulate(logs[:, -2::-1], axis=1)
            sums[:, :-1] = backwards[:, ::-1]
            upper, lower = sums[places, first], sums[places, end]
            return np.where(
                first < end, upper + np.log1p(-np.exp(lower - upper)), -np.inf
            )

        with np.errstate(divide="ignore", invalid="ignore"):
            log_dead = between(log_terms)
            total = np.logaddexp(log_alive, log_dead)
            alive = np.exp(log_alive - total)
            gradient = np.stack(
                [
                    alive * slope - np.exp(between(log_terms + np.log(-slopes)) - total)
                    for slope, slopes in zip(slopes_alive, slopes_dead, strict=True)
                ]
            )
        gradient[0] += digamma(alpha + beta) - digamma(alpha)
        gradient[1] += digamma(alpha + beta) - digamma(beta)
        gradient[2] += digamma(gamma + delta) - digamma(gamma)
        gradient[3] += digamma(gamma + delta) - digamma(delta)
        return total, gradient

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
