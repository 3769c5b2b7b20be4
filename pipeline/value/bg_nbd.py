"""BG/NBD and MBG/NBD: a customer may stop after a purchase, with a probability of its own.

While alive a customer buys at rate lambda ~ Gamma(r, alpha); after each purchase it stops
with probability p ~ Beta(a, b). In MBG/NBD it may also stop right after the first one.
Not here: the fitting, which all models share.

Sources: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science
24(2), 2005 (BG/NBD). Batislam, Denizel and Filiztekin, Empirical validation and comparison
of models for customer base analysis, International Journal of Research in Marketing 24(3),
2007, and Hoppe and Wagner, Customer base analysis, Marketing JRM 3(2), 2007 (MBG/NBD).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import betaln, digamma, gammaln

from pipeline.value import quadrature
from pipeline.value.histories import Floats, Triples, distinct
from pipeline.value.models import PurchaseModel

_NODES = (8, 12, 16, 24, 32, 48, 64, 96, 128)

# Fine enough for a + b of some hundreds; what needs it is rare.
_FAR_STEP, _FAR_PLACES = 0.1, 801


class BetaGeometric(PurchaseModel):
    """What BG/NBD and MBG/NBD share.

    Alive at T, a customer has survived `x + first` tosses of its coin, where `first` is 0
    for BG/NBD and 1 for MBG/NBD, which tosses it at the first purchase too; or it stopped
    at t_x, after x + first - 1 survivals. The latter cannot have happened to a BG/NBD
    customer with x = 0.
    """

    _first: ClassVar[int]
    parameter_names = ("r", "alpha", "a", "b")
    time_parameters = (False, True, False, False)
    starts = (
        (0.5, 0.25, 1.0, 2.5),
        (0.25, 0.1, 0.5, 0.5),
        (1.0, 0.5, 0.1, 1.0),
        (2.0, 1.0, 1.0, 10.0),
    )

    def _log_likelihood(
        self, parameters: Floats, triples: Triples
    ) -> tuple[Floats, Floats]:
        r, alpha, a, b = parameters
        x = triples.x
        log_alive = np.log(alpha + triples.age)
        log_dead = np.log(alpha + triples.t_x)

        # What depends on x alone, once for each different x.
        values, places = triples.frequencies
        survived = values + self._first
        constant = (
            gammaln(r + values)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            - gammaln(b)
            + gammaln(b + survived)
            - gammaln(a + b + survived)
        )[places]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_odds = np.where(
                survived > 0, np.log(a) - np.log(b + survived - 1), -np.inf
            )[places]

        # How much likelier it is to have stopped at t_x than to have been silent since.
        total = r + x
        difference = log_odds + total * (log_alive - log_dead)
        smaller = np.exp(-np.abs(difference))
        larger_share = 1 / (1 + smaller)
        weight_dead = np.where(difference > 0, 1.0, smaller) * larger_share
        weight_alive = 1 - weight_dead
        value = (
            constant
            - total * log_alive
            + np.maximum(difference, 0.0)
            - np.log(larger_share)
        )

        by_total = -(weight_alive * log_alive + weight_dead * log_dead)
        by_a = digamma(a + b) - digamma(a + b + survived)
        by_b = by_a + digamma(b + survived) - digamma(b)
        with np.errstate(divide="ignore"):
            odds_by_b = np.where(survived > 0, 1 / (b + survived - 1), 0.0)
        gradient = np.empty((4, len(x)))
        gradient[0] = (digamma(r + values) - digamma(r) + np.log(alpha))[places]
        gradient[0] += by_total
        gradient[1] = r / alpha - total * (
            weight_alive / (alpha + triples.age) + weight_dead / (alpha + triples.t_x)
        )
        gradient[2] = by_a[places] + weight_dead / a
        gradient[3] = by_b[places] - weight_dead * odds_by_b[places]
        return value, gradient

    def _alive(self, parameters: Floats, triples: Triples) -> Floats:
        r, alpha, a, b = parameters
        survived = triples.x + self._first
        difference = np.where(
            survived > 0,
            np.log(a)
            - np.log(np.where(survived > 0, b + survived - 1, 1.0))
            + (r + triples.x)
            * (np.log(alpha + triples.age) - np.log(alpha + triples.t_x)),
            -np.inf,
        )
        result: Floats = 1 / (1 + np.exp(difference))
        return result

    def _expectation_alive(
        self, parameters: Floats, triples: Triples, time: float
    ) -> Floats:
        # Alive at T with this history: lambda ~ Gamma(r + x, alpha + T) and
        # p ~ Beta(a, b + x + first), independent of each other.
        r, alpha, a, b = parameters
        return _purchases(
            r + triples.x,
            a,
            b + triples.x + self._first,
            time / (alpha + triples.age),
        )

    def expected_purchases(self, parameters: Floats, time: Floats) -> Floats:
        """E[X(t)] of a new customer.

        The paper's closed form divides by a - 1. The same expectation
        is that of `_purchases` at T = 0, times the chance b / (a + b) to survive the first
        purchase under MBG/NBD.
        """
        r, alpha, a, b = parameters
        ratio = np.ravel(time) / alpha
        ones = np.ones(len(ratio))
        expected = _purchases(r * ones, a, (b + self._first) * ones, ratio)
        expected *= (b / (a + b)) ** self._first
        return expected.reshape(np.shape(time))


def _purchases(shape: Floats, a: float, b: Floats, ratio: Floats) -> Floats:
    """Purchases in (0, t] of a customer who is alive at 0, shape (n,).

    Given lambda and p the customer is alive and buying at rate lambda exp(-lambda p u) at
    time u, so it makes (1 - exp(-lambda p t)) / p purchases up to t. With
    lambda ~ Gamma(shape, rate) and ratio = t / rate, the mean over lambda is

        (1 - (1 + p ratio)^-shape) / p,

    and the mean over p ~ Beta(a, b) is taken at the nodes of Gauss and Jacobi: all terms
    are positive, and nothing happens at a = 1.
    """
    if not (np.isfinite(a) and np.isfinite(b).all()):
        return np.full(len(shape), np.nan)
    # The mean over p converges like exp(-2 n rate): the nearest singularity is at
    # p = -1/ratio, and where shape and b are large what is integrated is exp(-shape ratio
    # p) on the scale 1/b. 36 is ln of 1e16, and the sizes were checked against mpmath.
    with np.errstate(divide="ignore", over="ignore"):
        needed = 18 / np.log1p(1 / (ratio * np.maximum(1.0, shape / b))) + 4
    result = np.empty(len(shape))
    far = np.flatnonzero(needed > _NODES[-1])
    for rows in quadrature.chunks(far, _FAR_PLACES):
        result[rows] = _far_ahead(shape[rows], a, b[rows], ratio[rows])
    near = np.flatnonzero(needed <= _NODES[-1])
    size = quadrature.classes(needed[near], _NODES)
    order, starts, _ = distinct(b[near], size.astype(np.float64))
    for group in np.split(order, starts[1:]) if len(near) else ():
        nodes = _NODES[size[group[0]]]
        p, weights = quadrature.beta_nodes(a, float(b[near[group[0]]]), nodes)
        for rows in quadrature.chunks(near[group], nodes):
            exponent = np.log1p(np.multiply.outer(ratio[rows], p))
            exponent *= -shape[rows, None]
            result[rows] = np.einsum("ij,j->i", -np.expm1(exponent), weights / p)
    return result


def _far_ahead(shape: Floats, a: float, b: Floats, ratio: Floats) -> Floats:
    """The mean of `_purchases` where t is hundreds of times alpha + T, shape (n,).

    By the trapezoidal rule over w = ln(p / (1-p)), where everything is analytic for
    |Im w| < pi however large the ratio is. The line between the values at p = 0 and p = 1,
    whose mean is known, is taken away before, so that what is left falls off like p and
    1 - p whatever a and b are.
    """
    w = (np.arange(_FAR_PLACES) - _FAR_PLACES // 2) * _FAR_STEP
    log_p, log_rest = -np.log1p(np.exp(-w)), -np.log1p(np.exp(w))
    p = np.exp(log_p)
    at_zero = shape * ratio
    at_one = -np.expm1(-shape * np.log1p(ratio))
    exponent = np.multiply.outer(shape, np.ones(len(w)))
    exponent *= -np.log1p(np.multiply.outer(ratio, p))
    left = -np.expm1(exponent) / p
    left -= np.multiply.outer(at_zero, np.exp(log_rest))
    left -= np.multiply.outer(at_one, p)
    density = a * log_p + np.multiply.outer(b, log_rest) - betaln(a, b)[:, None]
    left *= np.exp(density)
    result: Floats = _FAR_STEP * left.sum(axis=1) + (at_zero * b + at_one * a) / (a + b)
    return result


class BgNbd(BetaGeometric):
    """BG/NBD: who has bought once only is alive."""

    name = "bg_nbd"
    _first = 0


class MbgNbd(BetaGeometric):
    """MBG/NBD: a customer may stop right after its first purchase."""

    name = "mbg_nbd"
    _first = 1


BG_NBD = BgNbd()
MBG_NBD = MbgNbd()
