"""The search for the top of a posterior: where it ends, and in how many steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from pipeline.value.histories import Floats
from pipeline.value.search import HIGHEST, LOWEST, Objective, Search, at_bound

BOUNDS = (np.log(LOWEST), np.log(HIGHEST))


def search(objective: Objective) -> Search:
    return Search(objective, 1.0, None)


def hill(top: Floats, curvature: Floats) -> Objective:
    """A log-likelihood whose logarithms have one top, with this curvature."""

    def objective(logs: Floats) -> tuple[float, Floats]:
        away = logs - top
        return -float(away @ curvature @ away) / 2, -curvature @ away

    return objective


def best_within(objective: Objective, start: Floats) -> float:
    """The lowest negative value within the bounds, by scipy."""

    def asked(logs: Any) -> tuple[float, Any]:
        value, gradient = objective(logs)
        return -value, -gradient

    found = minimize(
        asked,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[BOUNDS] * len(start),
        options={"maxiter": 5000, "maxfun": 50000, "ftol": 1e-16, "gtol": 1e-11},
    )
    return float(found.fun)


def test_a_ridge_that_leads_over_an_edge_is_followed_to_its_end() -> None:
    """As where customers do not differ: two parameters grow together without end, their
    ratio is known well, and one of them comes to the edge. What is left has to be found by
    what is known of the others when that one is fixed."""
    along, across = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, -1.0])
    curvature = (
        np.diag([1.0, 2.0, 0.0, 0.0])
        + 1e-3 * np.outer(along, along)
        + 2.0 * np.outer(across, across)
    )
    objective = hill(np.array([0.0, -3.6, 17.0, 20.0]), curvature)
    start = np.array([1.0, 1.0, 0.0, 0.0])
    climbing = search(objective)
    place, value = climbing.climb(start)
    assert place[3] == pytest.approx(BOUNDS[1])
    assert value == pytest.approx(best_within(objective, start), rel=1e-9)
    assert climbing.evaluations < 60


@given(
    top=st.lists(st.floats(-14, 14), min_size=2, max_size=5),
    seed=st.integers(0, 2**32 - 1),
    spread=st.floats(0, 3),
)
def test_a_climb_ends_at_the_best_place_within_the_edges(
    top: list[float], seed: int, spread: float
) -> None:
    draw = np.random.default_rng(seed)
    size = len(top)
    turned, _ = np.linalg.qr(draw.normal(size=(size, size)))
    curvature = turned @ np.diag(10.0 ** draw.uniform(-spread, 0, size)) @ turned.T
    objective = hill(np.array(top), (curvature + curvature.T) / 2)
    start = draw.uniform(-1, 1, size)
    climbing = search(objective)
    place, value = climbing.climb(start)
    assert ((place >= BOUNDS[0]) & (place <= BOUNDS[1])).all()
    best = best_within(objective, start)
    assert value == pytest.approx(best, rel=1e-5, abs=1e-7)
    # No parameter is held at an edge from which it would come back.
    _, gradient = climbing(place)
    free = ~at_bound(place, gradient)
    assert np.abs(gradient[free]).max(initial=0.0) < 1e-4
    assert climbing.evaluations < 150
