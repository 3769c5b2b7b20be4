"""Likelihoods, gradients and forecasts against other roads to the same figures.

`golden.json` holds the papers' closed forms, computed with 60 digits and more
(`tests/data/value_models/make_golden.py`). Parameters run over three decades and more,
histories from nothing to 300 purchases.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.value import gamma_gamma
from pipeline.value.forecasters import MODELS
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Floats, Triples
from pipeline.value.models import PurchaseModel
from pipeline.value.pareto_nbd import PARETO_NBD
from tests.profiles import examples
from tests.unit.value.support import DATA

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(
    (DATA / "value_models" / "golden.json").read_text()
)
POINTS = [(name, at) for name in MODELS for at in range(len(GOLDEN[name]))]

parameters = st.tuples(*[st.floats(-2, 1.5).map(lambda power: 10**power)] * 4)
horizons = st.floats(0.0, 200.0)


@st.composite
def histories(draw: st.DrawFn) -> Triples:
    """Any triples with counts that can be histories, in weeks on a grid of days."""
    size = draw(st.integers(1, 12))
    rows = []
    for _ in range(size):
        age = draw(st.integers(0, 4000))
        t_x = draw(st.integers(0, age))
        x = draw(st.integers(1, max(1, t_x))) if t_x else 0
        rows.append((x, t_x / 7, age / 7, draw(st.integers(1, 5))))
    return Triples.of(*np.array(rows, dtype=float).T)


def as_opportunities(triples: Triples) -> Triples:
    """The same rows with at most 40 whole opportunities."""
    age = np.minimum(np.floor(triples.age), 40)
    t_x = np.minimum(np.floor(triples.t_x), age)
    x = np.minimum(triples.x, t_x)
    return Triples.of(x, np.where(x > 0, t_x, 0), age, triples.count)


def rows_for(model: PurchaseModel, triples: Triples) -> Triples:
    return triples if model.rescales else as_opportunities(triples)


@pytest.mark.parametrize(("name", "at"), POINTS)
def test_closed_forms(name: str, at: int) -> None:
    model, point = MODELS[name], GOLDEN[name][at]
    p = np.array(point["p"])
    triples = Triples.of(point["x"], point["t_x"], point["age"])
    assert triples.valid.all()
    time = point["t"]
    found = {
        "log_likelihood": model.log_likelihood(p, triples),
        "alive": model.alive_probability(p, triples),
        "no_purchase": model.no_purchase_probability(p, triples, time),
        "conditional_expectation": model.conditional_expectation(p, triples, time),
        "expected_purchases": model.expected_purchases(p, np.array([time])),
    }
    if model is PARETO_NBD:
        found["dert"] = PARETO_NBD.discounted_expected_residual_transactions(
            p, triples, point["rate"]
        )
    for figure, value in found.items():
        assert value[0] == pytest.approx(point[figure], rel=1e-9, abs=1e-13), figure
    # By the logarithms of the parameters: this is what the optimiser sees.
    np.testing.assert_allclose(
        model.gradient(p, triples)[:, 0] * p,
        np.array(point["gradient"]) * p,
        rtol=1e-10,
        atol=1e-10,
    )


@pytest.mark.parametrize("point", GOLDEN["gamma_gamma"], ids=lambda point: point["x"])
def test_closed_form_of_gamma_gamma(point: dict[str, Any]) -> None:
    p = np.array(point["p"])
    value, gradient = gamma_gamma.log_likelihood(p, Spend.of(point["x"], point["m"]))
    assert value[0] == pytest.approx(point["log_likelihood"], rel=1e-10, abs=1e-9)
    np.testing.assert_allclose(
        gradient[:, 0] * p, np.array(point["gradient"]) * p, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@settings(max_examples=examples(40), deadline=None)
@given(p=parameters, triples=histories())
def test_gradient_is_the_derivative(
    model: PurchaseModel, p: tuple[float, ...], triples: Triples
) -> None:
    at, triples = np.array(p), rows_for(model, triples)
    value, gradient = model.total(at, triples)
    assert value == pytest.approx(model.log_likelihood(at, triples) @ triples.count)
    np.testing.assert_allclose(
        gradient, model.gradient(at, triples) @ triples.count, rtol=1e-9, atol=1e-9
    )
    for each in range(4):
        step = np.zeros(4)
        step[each] = 1e-5 * at[each]
        # A difference loses the digits that the value has before it.
        noise = 1e-11 * (1 + abs(value))
        difference = (
            model.total(at + step, triples)[0] - model.total(at - step, triples)[0]
        )
        slope = gradient[each] * 2 * step[each]
        assert difference == pytest.approx(slope, rel=1e-6, abs=noise)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@settings(max_examples=examples(60), deadline=None)
@given(p=parameters, triples=histories(), times=st.tuples(horizons, horizons))
def test_forecasts_are_finite_ordered_and_consistent(
    model: PurchaseModel,
    p: tuple[float, ...],
    triples: Triples,
    times: tuple[float, float],
) -> None:
    at, triples = np.array(p), rows_for(model, triples)
    if not model.rescales:
        times = (float(int(times[0])), float(int(times[1])))
    sooner, later = sorted(times)
    alive = model.alive_probability(at, triples)
    soon = model.conditional_expectation(at, triples, sooner)
    late = model.conditional_expectation(at, triples, later)
    none_soon = model.no_purchase_probability(at, triples, sooner)
    none_late = model.no_purchase_probability(at, triples, later)
    for values in (model.log_likelihood(at, triples), alive, soon, late, none_late):
        assert np.isfinite(values).all()
    tiny = 1e-9
    assert ((alive >= 0) & (alive <= 1)).all()
    assert ((none_late >= 0) & (none_soon <= 1)).all()
    assert (none_late <= none_soon + tiny).all()
    assert (soon >= 0).all()
    assert (late >= soon * (1 - tiny) - tiny).all()
    # Who is dead buys nothing, and the chance of a purchase is at most their number.
    assert (none_late >= 1 - alive - tiny).all()
    assert (1 - none_late <= late + tiny).all()
    new = model.expected_purchases(at, np.array([0.0, sooner, later]))
    assert new[0] == pytest.approx(0, abs=tiny)
    assert new[1] <= new[2] * (1 + tiny) + tiny


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_no_time_ahead_means_no_purchases(model: PurchaseModel) -> None:
    p, triples = np.array([0.5, 1.0, 0.7, 2.0]), Triples.of([0, 2], [0, 3], [4, 5])
    np.testing.assert_array_equal(model.conditional_expectation(p, triples, 0), [0, 0])
    np.testing.assert_array_equal(model.no_purchase_probability(p, triples, 0), [1, 1])


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_bad_rows_are_nan_and_good_ones_beside_them_are_not(
    model: PurchaseModel,
) -> None:
    p = np.array([0.5, 1.0, 0.7, 2.0])
    rows = Triples.of(
        x=[2, -1, 1.5, 2, 2, 0, np.nan, 2, 2],
        t_x=[3, 0, 1, 9, -1, 1, 1, np.inf, 3],
        age=[5, 5, 5, 5, 5, 5, 5, 5, np.nan],
    )
    assert rows.valid.tolist() == [True] + [False] * 8
    for values in (
        model.log_likelihood(p, rows),
        model.conditional_expectation(p, rows, 4),
        model.no_purchase_probability(p, rows, 4),
        model.alive_probability(p, rows),
        *model.gradient(p, rows),
    ):
        assert np.isfinite(values).tolist() == rows.valid.tolist()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_time_that_is_not_ahead_is_refused(model: PurchaseModel) -> None:
    one = Triples.of(1, 1, 2)
    for time in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="looks ahead"):
            model.conditional_expectation(np.ones(4), one, time)


def test_dert_without_a_discount_is_refused() -> None:
    with pytest.raises(ValueError, match="infinite"):
        PARETO_NBD.discounted_expected_residual_transactions(
            np.ones(4), Triples.of(1, 1, 2), 0.0
        )


def test_ten_thousand_purchases_are_no_overflow() -> None:
    busy = Triples.of([10_000, 10_000], [1999, 900], [2000, 2000])
    p = np.array([0.5, 2.0, 0.6, 3.0])
    for name in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
        model = MODELS[name]
        expected = model.conditional_expectation(p, busy, 52)
        # Five a week, and stopped after the last one with near certainty.
        assert 200 < expected[0] < 260
        assert 0 <= expected[1] < 1e-9
        assert np.isfinite(model.gradient(p, busy)).all()


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_where_the_papers_formulas_divide_by_zero(name: str) -> None:
    model, customers = MODELS[name], Triples.of([0, 3, 40], [0, 20, 29], [10, 30, 30])

    def around(third: float) -> Floats:
        p = np.array([0.8, 4.0, third, 2.5])
        return model.conditional_expectation(p, customers, 52)

    np.testing.assert_allclose(
        around(1.0), (around(1 - 1e-6) + around(1 + 1e-6)) / 2, rtol=1e-9
    )


@settings(max_examples=examples(60), deadline=None)
@given(
    p=st.tuples(*[st.floats(-1, 2).map(lambda power: 10**power)] * 3),
    x=st.integers(1, 300),
    m=st.floats(0.01, 1e5),
)
def test_expected_spend_lies_between_the_customers_mean_and_everybodys(
    p: tuple[float, ...], x: int, m: float
) -> None:
    at = np.array(p)
    mean = gamma_gamma.population_mean(at)
    (expected,) = gamma_gamma.conditional_mean(at, Spend.of(x, m))
    if np.isfinite(mean):
        assert min(m, mean) * (1 - 1e-9) <= expected <= max(m, mean) * (1 + 1e-9)
    else:
        assert expected >= m * (1 - 1e-9)
