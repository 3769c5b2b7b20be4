"""Orders expected and the chance of none agree, whoever forecasts and whatever he saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.value.agreement import agreeing, disagreeing, poisson_limit
from pipeline.value.baselines import NAIVE, RECENCY, RecencyTable, steady_rate
from pipeline.value.fitting import Diagnosis as About
from pipeline.value.fitting import Fit, failed
from pipeline.value.forecasters import (
    FORECASTERS,
    MODELS,
    FittedModel,
    FittedOpportunities,
    is_poisson,
    learn,
)
from pipeline.value.histories import Floats, Triples
from pipeline.value.population import Cells, Forecaster, Opportunities, Population
from tests.profiles import examples

# From one that buys daily to one that never does, and everything that a fit may say.
parameter = st.floats(-3, 3).map(lambda exponent: 10.0**exponent)
histories = st.lists(
    st.tuples(
        st.integers(0, 80), st.floats(0, 1), st.floats(0.2, 300), st.integers(0, 52)
    ),
    min_size=1,
    max_size=12,
)
most = st.one_of(st.just(1.0), st.floats(1, 365), st.just(float("inf")))


def population(rows: list[tuple[int, float, float, int]], busiest: float) -> Population:
    """Customers with x, t_x as a share of T, T in weeks and their recent purchases."""
    x, share, age, recent = (
        np.array(each, dtype=float) for each in zip(*rows, strict=True)
    )
    triples = Triples.of(x, np.where(x > 0, share * age, 0), age)
    nothing = np.zeros(len(x))
    windows = np.floor(age)
    used = np.minimum(x, windows)
    return Population(
        Cells(triples, np.minimum(recent, busiest), nothing),
        Opportunities(
            Triples.of(used, np.where(used > 0, windows, 0), windows),
            used,
            nothing,
            1.0,
        ),
        busiest,
    )


def with_parameters(name: str, parameters: tuple[float, ...]) -> Forecaster:
    """A model that has learnt these, or a baseline that has learnt nothing of them."""
    if name == NAIVE:
        return learn(NAIVE, Population(NOBODY), None, 52)
    if name == RECENCY:
        r, alpha, third, fourth = parameters
        share = 1 / (1 + r)
        bought = share * (1 + alpha)
        shape = (5, 4)
        return RecencyTable(
            26 if third > fourth else 52,
            np.full(shape, bought),
            np.full(shape, 1 - share),
        )
    model = MODELS[name]
    fitted: Fit = failed(name, model.parameter_names, About(1, 1, 0), "not fitted")
    fitted.parameters[:] = parameters
    if name == "bg_bb":
        return FittedOpportunities(fitted, 1.5)
    return FittedModel(model, fitted)


NOBODY = Cells(Triples.of([], [], []), np.array([]), np.array([]))


@pytest.mark.parametrize("name", FORECASTERS)
@given(
    rows=histories,
    parameters=st.tuples(parameter, parameter, parameter, parameter),
    busiest=most,
    weeks=st.sampled_from([365 / 7, 182 / 7, 365 / 84]),
)
@settings(max_examples=examples(60), deadline=None)
def test_every_row_of_every_forecaster_agrees(
    name: str,
    rows: list[tuple[int, float, float, int]],
    parameters: tuple[float, ...],
    busiest: float,
    weeks: float,
) -> None:
    them = population(rows, busiest)
    forecast = with_parameters(name, parameters).forecast(them, weeks)
    expected, none = forecast.purchases, forecast.no_purchase
    # More than a purchase day a day nobody believes: such a forecast is refused whole.
    believed = np.isfinite(expected + none) & (expected <= weeks * 7)
    wrong = disagreeing(
        expected[believed], none[believed], busiest, poisson=is_poisson(name)
    )
    assert not wrong.any(), (expected[believed][wrong], none[believed][wrong])


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0, 1)), min_size=1),
    most,
    st.booleans(),
)
def test_what_disagrees_is_made_to_agree(
    pairs: list[tuple[float, float]], busiest: float, poisson: bool
) -> None:
    expected, none = (np.array(each) for each in zip(*pairs, strict=True))
    found = agreeing(expected, none, busiest, poisson=poisson)
    assert not disagreeing(*found, busiest, poisson=poisson).any()
    # Nothing is expected of anybody that was not, and nobody is surer to buy than before.
    assert (found[0] <= expected).all()
    assert (found[1] >= none).all()
    again = agreeing(*found, busiest, poisson=poisson)
    np.testing.assert_allclose(again[0], found[0], atol=1e-12)
    agreed = ~disagreeing(expected, none, busiest, poisson=poisson)
    if not poisson:
        np.testing.assert_allclose(found[0][agreed], expected[agreed], atol=1e-8)


def test_the_case_that_was_published() -> None:
    """1.003 orders beside a chance of .998 of none: 500 orders, if there are any."""
    expected, none = np.array([1.003]), np.array([0.998])
    assert disagreeing(expected, none, 12.0).all()
    assert not disagreeing(expected, none, 600.0).any()
    assert disagreeing(np.array([0.3]), np.array([0.2]), 12.0).all()
    assert disagreeing(np.array([np.nan]), np.array([0.2]), 12.0).all()
    lower, _ = agreeing(expected, none, 12.0)
    assert lower == pytest.approx(0.024)


@pytest.mark.parametrize("busiest", [1.0, 1.3, 2.0, 23.0, 365.0, 900.0])
def test_the_most_that_poisson_may_expect(busiest: float) -> None:
    limit = poisson_limit(busiest)
    if busiest == 1:
        assert limit == 0
    else:
        assert limit / (1 - np.exp(-limit)) == pytest.approx(busiest, rel=1e-9)


def test_a_steady_rate() -> None:
    np.testing.assert_allclose(steady_rate(np.array([0.0, 1, 4]), 4.0), [1, 0.75**4, 0])
    np.testing.assert_allclose(
        steady_rate(np.array([0.0, 1.5]), float("inf")), [1, np.exp(-1.5)]
    )


def test_what_is_no_expectation_stays_for_the_check_to_see() -> None:
    bad: Floats = np.array([-4.5e18, np.nan, np.inf])
    expected, _ = agreeing(bad, np.array([0.5, 0.5, 0.5]), 12.0)
    np.testing.assert_array_equal(expected, bad)
