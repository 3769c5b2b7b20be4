"""What every purchase model is: a likelihood with its gradient, and the same forecasts.

A model is a stateless object; its parameters are an array beside it. Public methods take
any rows: what cannot be a history gives NaN, never an exception. Not here: the models
themselves (`bg_nbd`, `pareto_nbd`, `bg_bb`) and their fitting (`fitting`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from pipeline.value.histories import Floats, Triples, weighted


class PurchaseModel(ABC):
    """A model of when a customer buys and when it stops for good.

    Attributes:
        name: The model's name in every table.
        parameter_names: The parameters in the order of every parameter array.
        time_parameters: For each parameter, whether it is measured in time, so that it
            changes with the unit of time.
        starts: Starting points of a fit, one a row, with the customers' mean age as the
            unit of time.
        rescales: Whether time may be in any unit; false where time is a number of
            opportunities.
    """

    name: ClassVar[str]
    parameter_names: ClassVar[tuple[str, ...]]
    time_parameters: ClassVar[tuple[bool, ...]]
    starts: ClassVar[tuple[tuple[float, ...], ...]]
    rescales: ClassVar[bool] = True

    def log_likelihood(self, parameters: Floats, triples: Triples) -> Floats:
        """The log-likelihood of one customer of each row, shape (n,)."""
        return where_valid(
            triples, lambda sound: self._log_likelihood(parameters, sound)[0]
        )

    def gradient(self, parameters: Floats, triples: Triples) -> Floats:
        """The derivatives of `log_likelihood` by the parameters, shape (k, n)."""
        sound = triples.sound()
        result = np.full((len(self.parameter_names), len(triples)), np.nan)
        result[:, triples.valid] = self._log_likelihood(parameters, sound)[1]
        return result

    def total(self, parameters: Floats, triples: Triples) -> tuple[float, Floats]:
        """The log-likelihood of all customers and its gradient, shape (k,).

        Every row must be valid.
        """
        value = 0.0
        gradient = np.zeros(len(parameters))
        for part in triples.parts:
            values, slopes = self._log_likelihood(parameters, part)
            value += weighted(values, part.count)
            gradient += [weighted(each, part.count) for each in slopes]
        return value, gradient

    def conditional_expectation(
        self, parameters: Floats, triples: Triples, time: float
    ) -> Floats:
        """E[Y(t) | x, t_x, T]: purchase days expected in (T, T + t], shape (n,).

        Raises:
            ValueError: `time` is negative.
        """
        _check(time)
        return where_valid(
            triples,
            lambda sound: (
                self._alive(parameters, sound)
                * self._expectation_alive(parameters, sound, time)
            ),
        )

    def no_purchase_probability(
        self, parameters: Floats, triples: Triples, time: float
    ) -> Floats:
        """P(no purchase in (T, T + t] | x, t_x, T), shape (n,).

        L(x, t_x, T) is the density of the purchases up to t_x and of none in (t_x, T]. The
        same purchases and none up to T + t have the density L(x, t_x, T + t), so that the
        conditional probability is, for every one of these models,

            P = L(x, t_x, T + t) / L(x, t_x, T).

        This is not 1 - P(alive): a customer may be alive and not buy. It goes to
        1 - P(alive) as t grows.

        Raises:
            ValueError: `time` is negative.
        """
        _check(time)

        def ratio(sound: Triples) -> Floats:
            now = self._log_likelihood(parameters, sound)[0]
            then = self._log_likelihood(parameters, sound.later(time))[0]
            return np.exp(np.minimum(then - now, 0.0))

        return where_valid(triples, ratio)

    def alive_probability(self, parameters: Floats, triples: Triples) -> Floats:
        """P(alive at T | x, t_x, T), shape (n,). A part of the formulas, no churn flag.

        Under BG/NBD it is 1 for everybody who bought once, and ranks customers by "buys
        again" worse than chance; `no_purchase_probability` is what may be published.
        """
        return where_valid(triples, lambda sound: self._alive(parameters, sound))

    @abstractmethod
    def expected_purchases(self, parameters: Floats, time: Floats) -> Floats:
        """E[X(t)]: repeat purchase days of a new customer in (0, t], shape of `time`."""

    @abstractmethod
    def _log_likelihood(
        self, parameters: Floats, triples: Triples
    ) -> tuple[Floats, Floats]:
        """The log-likelihood, shape (n,), and its derivatives, shape (k, n)."""

    @abstractmethod
    def _alive(self, parameters: Floats, triples: Triples) -> Floats:
        """P(alive at T)."""

    @abstractmethod
    def _expectation_alive(
        self, parameters: Floats, triples: Triples, time: float
    ) -> Floats:
        """E[Y(t) | alive at T, x, t_x, T]."""


def where_valid(triples: Triples, function: Callable[[Triples], Floats]) -> Floats:
    """What the function gives for the valid rows, NaN for the others, shape (n,)."""
    result = np.full(len(triples), np.nan)
    with np.errstate(all="ignore"):
        result[triples.valid] = function(triples.sound())
    return result


def _check(time: float) -> None:
    if not time >= 0:
        raise ValueError(f"A forecast looks ahead; its time of {time} is not >= 0.")
