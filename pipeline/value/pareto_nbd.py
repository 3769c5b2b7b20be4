"""Pareto/NBD: a customer may stop at any time.

While alive a customer buys at rate lambda ~ Gamma(r, alpha); its lifetime is exponential
with rate mu ~ Gamma(s, beta). Not here: the fitting, which all models share.

Sources: Schmittlein, Morrison and Colombo, Counting Your Customers, Management Science
33(1), 1987; Fader and Hardie, A Note on Deriving the Pareto/NBD Model (note 009 of Hardie's
site, 2005), for the likelihood; Fader, Hardie and Lee, RFM and CLV: Using Iso-Value Curves,
Journal of Marketing Research 42(4), 2005, for DERT.

The likelihood is

    L = Gamma(r+x) alpha^r beta^s / Gamma(r) * (
            (alpha+T)^-(r+x) (beta+T)^-s
            + s * integral from t_x to T of (alpha+y)^-(r+x) (beta+y)^-(s+1) dy )

where y is the moment at which the customer stopped. The papers write the integral as a
difference of two hypergeometric functions, whose derivatives by their parameters have no
closed form. Here it is integrated: the derivatives are integrals of the same kind.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, exprel, gammaln

from pipeline.value import quadrature
from pipeline.value.histories import Floats, Integers, Triples
from pipeline.value.models import PurchaseModel, where_valid

_NODES = (8, 12, 16, 24, 32, 48, 64)

# What is below exp(-37) = 1e-16 of the integrand's value at t_x is not integrated.
_NEGLIGIBLE = -37.0


class Pareto(PurchaseModel):
    """The Pareto/NBD model."""

    name = "pareto_nbd"
    parameter_names = ("r", "alpha", "s", "beta")
    time_parameters = (False, True, False, True)
    starts = (
        (0.5, 0.3, 0.5, 0.4),
        (1.0, 1.0, 1.0, 1.0),
        (0.3, 0.1, 0.3, 0.1),
        (2.0, 1.0, 0.5, 2.0),
    )

    def _log_likelihood(
        self, parameters: Floats, triples: Triples
    ) -> tuple[Floats, Floats]:
        r, alpha, s, beta = parameters
        values, places = triples.frequencies
        total = r + triples.x
        constant = (gammaln(r + values) - gammaln(r))[places]
        constant += r * np.log(alpha) + s * np.log(beta)
        log_alive = -total * np.log(alpha + triples.age) - s * np.log(
            beta + triples.age
        )
        integral, moments = _stopped(parameters, triples)
        log_dead = np.log(s) + integral
        difference = log_dead - log_alive
        smaller = np.exp(-np.abs(difference))
        weight_dead = np.where(difference > 0, 1.0, smaller) / (1 + smaller)
        weight_alive = np.where(difference > 0, smaller, 1.0) / (1 + smaller)
        value = constant + np.maximum(log_alive, log_dead) + np.log(1 + smaller)

        gradient = np.empty((4, len(triples)))
        gradient[0] = (digamma(r + values) - digamma(r))[places]
        gradient[0] += np.log(alpha) - (
            weight_alive * np.log(alpha + triples.age) + weight_dead * moments[0]
        )
        gradient[1] = r / alpha - total * (
            weight_alive / (alpha + triples.age) + weight_dead * moments[1]
        )
        gradient[2] = np.log(beta) - weight_alive * np.log(beta + triples.age)
        gradient[2] += weight_dead * (1 / s - moments[2])
        gradient[3] = (
            s / beta
            - s * weight_alive / (beta + triples.age)
            - (s + 1) * weight_dead * moments[3]
        )
        return value, gradient

    def _alive(self, parameters: Floats, triples: Triples) -> Floats:
        r, alpha, s, beta = parameters
        log_alive = -(r + triples.x) * np.log(alpha + triples.age) - s * np.log(
            beta + triples.age
        )
        log_dead = np.log(s) + _stopped(parameters, triples)[0]
        result: Floats = 1 / (1 + np.exp(log_dead - log_alive))
        return result

    def _expectation_alive(
        self, parameters: Floats, triples: Triples, time: float
    ) -> Floats:
        # Alive at T: lambda ~ Gamma(r + x, alpha + T), mu ~ Gamma(s, beta + T).
        r, alpha, s, beta = parameters
        rate = (r + triples.x) / (alpha + triples.age)
        result: Floats = rate * _expected_lifetime(s, beta + triples.age, time)
        return result

    def expected_purchases(self, parameters: Floats, time: Floats) -> Floats:
        """E[X(t)] of a new customer."""
        r, alpha, s, beta = parameters
        result: Floats = r / alpha * _expected_lifetime(s, beta, np.asarray(time))
        return result

    def discounted_expected_residual_transactions(
        self, parameters: Floats, triples: Triples, rate: float
    ) -> Floats:
        """DERT: all future purchases, continuously discounted, shape (n,).

        Args:
            parameters: r, alpha, s, beta.
            triples: The customers.
            rate: Continuous discount rate per unit of time, above 0.

        The paper's equation with Tricomi's function Psi(s, s; rate (beta + T)) is, after
        Kummer's transformation and with the likelihood put into P(alive),

            P(alive) (r+x)/(alpha+T) * integral over u > 0 of
                ((beta+T) / (beta+T+u))^s exp(-rate u) du.

        Raises:
            ValueError: `rate` is not above 0.
        """
        if not rate > 0:
            raise ValueError(f"DERT is infinite at a discount rate of {rate}.")
        r, alpha, s, beta = parameters

        def of(sound: Triples) -> Floats:
            ages, places = np.unique(sound.age, return_inverse=True)
            lifetime = (beta + ages) * _discounted(s, rate * (beta + ages))
            purchases = (r + sound.x) / (alpha + sound.age) * lifetime[places]
            result: Floats = self._alive(parameters, sound) * purchases
            return result

        return where_valid(triples, of)


def _expected_lifetime(s: float, scale: Floats | float, time: Floats | float) -> Floats:
    """Mean of min(lifetime, t) for a rate mu ~ Gamma(s, scale).

    scale / (s - 1) * (1 - (scale / (scale + t))^(s-1)), whose limit at s = 1 is
    scale * ln((scale + t) / scale).
    """
    exponent = np.log1p(time / scale)
    result: Floats = scale * exponent * exprel(-(s - 1) * exponent)
    return result


def _discounted(s: float, z: Floats) -> Floats:
    """Integral over v > 0 of (1 + v)^-s exp(-z v), which is Psi(1, 2 - s; z); shape of z.

    With v = exp(w) - 1 the integrand has no singularity at all and falls off doubly
    exponentially; it ends where it is below 1e-16.
    """
    end = np.log1p(40 / z)
    if s > 1:
        end = np.minimum(end, 40 / (s - 1) + 1)
    w, weights = quadrature.legendre(96)
    places = np.multiply.outer(end, w)
    exponent = (1 - s) * places - z[:, None] * np.expm1(places)
    result: Floats = end * np.einsum("ij,j->i", np.exp(exponent), weights)
    return result


def _stopped(parameters: Floats, triples: Triples) -> tuple[Floats, Floats]:
    """The integral over the moment at which the customer stopped, and its derivatives.

    Returns:
        The logarithm of I = integral from t_x to T of
        g(y) = (alpha+y)^-(r+x) (beta+y)^-(s+1) dy, shape (n,), -inf where t_x = T; and the
        means of ln(alpha+y), 1/(alpha+y), ln(beta+y), 1/(beta+y) under the density g / I,
        shape (4, n), which are the derivatives of ln I up to known factors.

    Let m be the smaller and M the larger of alpha and beta. With
    u = ln((m+y) / (m+t_x)) the logarithm of the integrand g(y) dy/du is

        -k_m u - k_M ln(1 + c (exp(u) - 1)) + u,    c = (m+t_x) / (M+t_x),

    concave in u and analytic for |Im u| < pi whatever the parameters are, so that a
    handful of Gauss-Legendre nodes gives all digits. The interval ends early where the
    rest is negligible.
    """
    r, alpha, s, beta = parameters
    smaller_is_alpha = bool(alpha <= beta)
    small, large = (alpha, beta) if smaller_is_alpha else (beta, alpha)
    purchases, stopping = r + triples.x, np.full(len(triples), s + 1)
    power_small, power_large = (
        (purchases, stopping) if smaller_is_alpha else (stopping, purchases)
    )
    from_small, from_large = small + triples.t_x, large + triples.t_x
    share = from_small / from_large
    length = np.log1p(triples.since_last.clip(0) / from_small)
    slope = 1 - power_small

    def exponent(u: Floats, rows: Integers) -> Floats:
        result: Floats = slope[rows] * u - power_large[rows] * np.log1p(
            share[rows] * np.expm1(u)
        )
        return result

    every = np.arange(len(triples))
    fall = exponent(length, every)
    far = np.flatnonzero(fall < _NEGLIGIBLE)
    if len(far):
        length[far] = _negligible_beyond(
            length[far], slope[far], power_large[far], share[far]
        )
        fall[far] = exponent(length[far], far)
    size = quadrature.classes(_needed(length, fall), _NODES)

    log_integral, means = np.empty(len(triples)), np.empty((4, len(triples)))
    for number in np.unique(size):
        nodes, weights = quadrature.legendre(_NODES[number])
        group = np.flatnonzero(size == number)
        for rows in quadrature.chunks(group, _NODES[number]):
            u = np.multiply.outer(length[rows], nodes)
            grown = np.expm1(u)
            log_large = np.log1p(share[rows, None] * grown)
            density = np.exp(
                slope[rows, None] * u - power_large[rows, None] * log_large
            )
            density *= weights
            mass = density.sum(axis=1)
            log_integral[rows] = np.log(mass)
            density /= mass[:, None]
            # 1/(m+y) and 1/(M+y) as multiples of their values at t_x.
            means[0, rows] = np.einsum("ij,ij->i", density, u)
            means[1, rows] = np.einsum("ij,ij->i", density, 1 / (1 + grown))
            means[2, rows] = np.einsum("ij,ij->i", density, log_large)
            means[3, rows] = np.einsum(
                "ij,ij->i", density, 1 / (1 + share[rows, None] * grown)
            )
    means[0] += np.log(from_small)
    means[1] /= from_small
    means[2] += np.log(from_large)
    means[3] /= from_large
    with np.errstate(divide="ignore"):
        log_integral += (
            np.log(length)
            + slope * np.log(from_small)
            - power_large * np.log(from_large)
        )
    return log_integral, means if smaller_is_alpha else means[[2, 3, 0, 1]]


def _negligible_beyond(
    length: Floats, slope: Floats, power_large: Floats, share: Floats
) -> Floats:
    """Where the exponent has fallen to `_NEGLIGIBLE`, from above, shape (n,).

    The exponent is concave, so Newton's method started to the right of the place comes
    nearer from the right at each step; six steps are enough to be near.
    """
    start = slope - power_large * share
    with np.errstate(divide="ignore"):
        u = np.where(
            start < 0,
            np.minimum(length, _NEGLIGIBLE / np.minimum(start, -1e-300)),
            length,
        )
    for _ in range(6):
        grown = share * np.expm1(u)
        value = slope * u - power_large * np.log1p(grown)
        derivative = slope - power_large * (grown + share) / (1 + grown)
        u = u - np.minimum(value - _NEGLIGIBLE, 0.0) / derivative
    return u


def _needed(length: Floats, fall: Floats) -> Floats:
    """Nodes that give all digits for an interval and the fall of the exponent over it."""
    return 6 + 4 * length + 0.5 * np.abs(fall)


PARETO_NBD = Pareto()
