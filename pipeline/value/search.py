"""The way to the top of a log-posterior: a quasi-Newton search and Newton steps.

Over the logarithms of a handful of parameters, within fixed bounds, with the analytic
gradient; and what the curvature at the top says. Not here: what is maximised (the models),
and whether the result may be trusted (`fitting`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.value.histories import Booleans, Floats
from pipeline.value.priors import LogNormal

# The search keeps each parameter, in the units that `fit` chooses, between these. No
# customer base that we know comes near them; a fit that ends here is running away.
LOWEST, HIGHEST = 1e-4, 1e4

# Derivative of the mean log-likelihood of a customer by the logarithm of a parameter.
SMALL_GRADIENT = 1e-6

# The quasi-Newton search: most steps, most halvings of a step, the gradient at rest, and
# the share of the value that is no progress any more.
_STEPS, _HALVINGS, _AT_REST, _NO_PROGRESS = 200, 30, 1e-7, 1e-14

# Newton's method: most steps, the step of a difference, and what is not worth a step.
_NEWTON_STEPS, _SHIFT, _NOTHING_TO_GAIN = 20, 1e-5, 1e-9

Objective = Callable[[Floats], tuple[float, Floats]]


class Search:
    """The mean negative log-posterior of a customer, and ways to its lowest place."""

    def __init__(
        self,
        objective: Objective,
        customers: float,
        prior: tuple[LogNormal, ...] | None,
    ) -> None:
        self._objective = objective
        self._customers = customers
        self._medians = np.log([each.median for each in prior or ()])
        self._precisions = np.array([each.deviation**-2 for each in prior or ()])
        self._bounds = (np.log(LOWEST), np.log(HIGHEST))
        self.evaluations = 0

    def log_likelihood(self, logs: Floats) -> float:
        """Ln L of all customers, without the prior."""
        return self._objective(logs)[0]

    def __call__(self, logs: Floats) -> tuple[float, Floats]:
        """The mean negative log-posterior of a customer, and its derivatives."""
        self.evaluations += 1
        value, gradient = self._objective(logs)
        if len(self._medians):
            away = logs - self._medians
            value -= float(self._precisions @ away**2) / 2
            gradient = gradient - self._precisions * away
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            # A high plateau: the line search turns back.
            return 1e12, np.zeros(len(logs))
        return -value / self._customers, -gradient / self._customers

    def climb(self, logs: Floats) -> tuple[Floats, float]:
        """The optimum near a starting point, and the value there.

        BFGS with backtracking on at most five parameters; one that stands at an edge and
        is pushed over it stays there until it is pushed back, and no step leads past an
        edge. scipy's L-BFGS-B does the same, but waits for its linear algebra's threads: on
        two busy cores it took two thirds of the time of a whole backtest.
        """
        logs = np.clip(logs, *self._bounds)
        value, gradient = self(logs)
        inverse = np.eye(len(logs))
        for _ in range(_STEPS):
            free = ~at_bound(logs, gradient)
            if np.abs(np.where(free, gradient, 0.0)).max() < _AT_REST:
                break
            slope, step = self._downhill(logs, gradient, free, inverse)
            if not step @ slope < 0:
                inverse = np.eye(len(logs))
                slope, step = self._downhill(logs, gradient, free, inverse)
            # A factor of e in a parameter is as far as a quadratic picture is believed.
            step /= max(1.0, float(np.abs(step).max()))
            room = self._room(logs, step)
            step *= room
            for _ in range(_HALVINGS):
                moved = np.clip(logs + step, *self._bounds)
                new_value, new_gradient = self(moved)
                if new_value <= value + 1e-4 * float(slope @ (moved - logs)):
                    break
                step = step / 2
            else:
                break
            inverse = _updated(inverse, moved - logs, new_gradient - gradient)
            gained = value - new_value
            logs, value, gradient = moved, new_value, new_gradient
            # A short way to an edge gains little, and says nothing of what comes then.
            if gained <= _NO_PROGRESS * abs(value) and room == 1.0:
                break
        return logs, value

    def _downhill(
        self, logs: Floats, gradient: Floats, free: Booleans, inverse: Floats
    ) -> tuple[Floats, Floats]:
        """The slope and the quasi-Newton step in the parameters that may move.

        Those are the free ones but for any that stands at an edge and that the step would
        take over it, because another one moves.
        """
        low, high = self._bounds
        while True:
            slope = np.where(free, gradient, 0.0)
            step = -(_among(inverse, free) @ slope)
            over = free & (((logs <= low) & (step < 0)) | ((logs >= high) & (step > 0)))
            if not over.any():
                return slope, step
            free = free & ~over

    def _room(self, logs: Floats, step: Floats) -> float:
        """How much of a step there is until the first parameter comes to an edge."""
        low, high = self._bounds
        moves = step != 0
        edge = np.where(step > 0, high, low)
        share = (edge - logs)[moves] / step[moves]
        return float(share.min(initial=1.0))

    def hessian(self, logs: Floats, gradient: Floats) -> Floats:
        """Differences of the analytic gradient; exact to about 1e-5."""
        rows = []
        for at in range(len(logs)):
            shift = np.zeros(len(logs))
            shift[at] = _SHIFT
            rows.append((self(logs + shift)[1] - gradient) / _SHIFT)
        result = np.array(rows)
        symmetric: Floats = (result + result.T) / 2
        return symmetric

    def polish(
        self, logs: Floats, hessian: Floats | None = None
    ) -> tuple[Floats, Floats, Floats, bool]:
        """Newton steps to the top, in the parameters that are not at a bound.

        Args:
            logs: A place near it.
            hessian: The curvature there as far as it is known. Each step teaches it, and
                it is kept as long as a step leaves a quarter of what the one before it left
                to gain: to see it anew costs as much as four steps.

        Returns:
            The place, the curvature and the gradient there, and whether a further step
            would gain nothing.
        """
        value, gradient = self(logs)
        known_here = hessian is None
        if hessian is None:
            hessian = self.hessian(logs, gradient)
        left, rest = float("inf"), False
        for _ in range(_NEWTON_STEPS):
            free = ~at_bound(logs, gradient)
            part = hessian[np.ix_(free, free)]
            step = np.zeros(len(logs))
            if free.any() and _positive(part):
                step[free] = -np.linalg.solve(part, gradient[free])
                # In the log-likelihood of all customers; half of it is what the step gains.
                gain = -float(gradient @ step) * self._customers
                rest = gain < _NOTHING_TO_GAIN
                if rest:
                    break
                moved = np.clip(logs + step, *self._bounds)
                new_value, new_gradient = self(moved)
                if gain < left / 4 and new_value <= value + 1e-13 * abs(value):
                    hessian = _learnt(hessian, moved - logs, new_gradient - gradient)
                    logs, value, gradient = moved, new_value, new_gradient
                    left, known_here = gain, False
                    continue
            if known_here:
                break
            hessian, known_here, left = self.hessian(logs, gradient), True, float("inf")
        if not known_here:
            hessian = self.hessian(logs, gradient)
        free = ~at_bound(logs, gradient)
        rest |= float(np.abs(gradient[free]).max(initial=0.0)) <= SMALL_GRADIENT
        return logs, hessian, gradient, rest


def _among(inverse: Floats, free: Booleans) -> Floats:
    """The inverse of the Hessian's part for the free parameters, the others being fixed.

    Not the part of the inverse: along a ridge, where two parameters grow together, that would
    let one of them go as far alone as both can.
    """
    if free.all():
        return inverse
    result = np.zeros_like(inverse)
    kept, fixed = np.ix_(free, free), np.ix_(~free, ~free)
    across = inverse[np.ix_(free, ~free)]
    result[kept] = inverse[kept] - across @ np.linalg.solve(inverse[fixed], across.T)
    return result


def _updated(inverse: Floats, step: Floats, change: Floats) -> Floats:
    """The BFGS update of the inverse Hessian; none where the curvature is not positive."""
    product = float(step @ change)
    if product <= 1e-12 * float(np.sqrt((step @ step) * (change @ change))):
        return inverse
    if np.array_equal(inverse, np.eye(len(step))):
        # The first picture of the curvature sets the scale.
        inverse = inverse * (product / float(change @ change))
    turn = np.eye(len(step)) - np.outer(step, change) / product
    result: Floats = turn @ inverse @ turn.T + np.outer(step, step) / product
    return result


def _learnt(hessian: Floats, step: Floats, change: Floats) -> Floats:
    """The BFGS update of the Hessian itself."""
    curvature, turned = float(step @ change), hessian @ step
    if curvature <= 0 or not step @ turned > 0:
        return hessian
    result: Floats = (
        hessian
        + np.outer(change, change) / curvature
        - np.outer(turned, turned) / float(step @ turned)
    )
    return result


def at_bound(logs: Floats, gradient: Floats) -> Booleans:
    """Which parameters stand at an edge that the likelihood pushes them over."""
    low = (logs <= np.log(LOWEST) + 1e-6) & (gradient >= 0)
    high = (logs >= np.log(HIGHEST) - 1e-6) & (gradient <= 0)
    result: Booleans = low | high
    return result


def named(names: tuple[str, ...], chosen: Booleans) -> tuple[str, ...]:
    """The names of the chosen parameters."""
    return tuple(name for name, is_it in zip(names, chosen, strict=True) if is_it)


def _positive(matrix: Floats) -> bool:
    return bool(np.isfinite(matrix).all() and (np.linalg.eigvalsh(matrix) > 0).all())


def covariance(hessian: Floats, free: Booleans) -> tuple[Floats, bool]:
    """Inverse of the curvature in the free parameters; NaN elsewhere."""
    result = np.full(hessian.shape, np.nan)
    part = hessian[np.ix_(free, free)]
    if not free.any() or not _positive(part):
        return result, False
    result[np.ix_(free, free)] = np.linalg.inv(part)
    return result, True
