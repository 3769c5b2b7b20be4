"""Measures on rows with counts are those of the customers written out, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.value import metrics
from pipeline.value.histories import Floats
from tests.profiles import examples

# Few values, so that ties are everywhere.
rows = st.lists(
    st.tuples(
        st.integers(0, 6).map(lambda half: half / 2),
        st.integers(0, 4).map(float),
        st.integers(1, 5).map(float),
    ),
    min_size=2,
    max_size=30,
).map(lambda drawn: tuple(np.array(drawn).T))


def written_out(
    forecast: Floats, actual: Floats, count: Floats
) -> tuple[Floats, Floats]:
    times = count.astype(int)
    return np.repeat(forecast, times), np.repeat(actual, times)


@settings(max_examples=examples(150), deadline=None)
@given(rows)
def test_counts_are_customers(drawn: tuple[Floats, Floats, Floats]) -> None:
    found = metrics.measure(*drawn)
    forecast, actual = written_out(*drawn)
    assert found.customers == len(forecast)
    assert found.buyers == (actual > 0).sum()
    assert found.mae == pytest.approx(np.abs(forecast - actual).mean())
    assert found.rmse == pytest.approx(np.sqrt(((forecast - actual) ** 2).mean()))
    assert found.bias == pytest.approx((forecast - actual).mean())
    if np.ptp(forecast) > 0 and np.ptp(actual) > 0:
        expected = stats.spearmanr(forecast, actual).statistic
        assert found.spearman == pytest.approx(expected)
    else:
        assert np.isnan(found.spearman)
    bought = actual > 0
    if bought.any() and not bought.all():
        u = stats.mannwhitneyu(forecast[bought], forecast[~bought]).statistic
        pairs = bought.sum() * (~bought).sum()
        assert found.auc == pytest.approx(u / pairs)
    else:
        assert np.isnan(found.auc)


@settings(max_examples=examples(100), deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_order_and_splits_change_nothing(
    drawn: tuple[Floats, Floats, Floats], turn: object
) -> None:
    whole = metrics.measure(*drawn)
    forecast, actual = written_out(*drawn)
    order = list(range(len(forecast)))
    turn.shuffle(order)  # type: ignore[attr-defined]
    split = metrics.measure(forecast[order], actual[order], np.ones(len(order)))
    for name in ("mae", "rmse", "spearman", "auc", "top_20_capture", "top_20_possible"):
        assert getattr(whole, name) == pytest.approx(getattr(split, name), nan_ok=True)
    for name in ("customers", "forecast", "actual"):
        np.testing.assert_allclose(
            getattr(whole.calibration, name),
            getattr(split.calibration, name),
            atol=1e-9,
            equal_nan=True,
        )


@settings(max_examples=examples(100), deadline=None)
@given(rows)
def test_calibration_loses_no_customer_and_no_purchase(
    drawn: tuple[Floats, Floats, Floats],
) -> None:
    forecast, actual, count = drawn
    table = metrics.calibrate(forecast, actual, count, baseline=actual)
    assert table.baseline is not None
    np.testing.assert_allclose(table.customers, count.sum() / 10)
    assert table.forecast @ table.customers == pytest.approx(forecast @ count)
    assert table.actual @ table.customers == pytest.approx(actual @ count)
    np.testing.assert_allclose(table.baseline, table.actual)
    assert (np.diff(table.forecast) >= -1e-9).all()


def test_capture_of_distinct_forecasts() -> None:
    forecast = np.arange(10.0)
    actual = np.array([5.0, 0, 0, 0, 0, 0, 0, 0, 1, 4])
    found = metrics.measure(forecast, actual, np.ones(10))
    assert found.top_20_capture == pytest.approx(0.5)
    assert found.top_20_possible == pytest.approx(0.9)


def test_capture_shares_equal_forecasts_out() -> None:
    # Everybody is forecast the same: any fifth has a fifth of the purchases.
    actual = np.array([1.0, 0, 3, 0, 6])
    assert metrics.capture(np.ones(5), actual, np.full(5, 7.0)) == pytest.approx(0.2)


def test_a_perfect_forecast_is_perfect() -> None:
    actual = np.array([0.0, 1, 2, 3])
    found = metrics.measure(actual, actual, np.array([4.0, 3, 2, 1]))
    assert (found.mae, found.rmse, found.relative_bias) == (0, 0, 0)
    assert found.spearman == pytest.approx(1)
    assert found.auc == 1
    assert found.top_20_capture == found.top_20_possible
    assert found.calibration.error == pytest.approx(0)


@settings(max_examples=examples(60), deadline=None)
@given(rows)
def test_no_purchase(drawn: tuple[Floats, Floats, Floats]) -> None:
    halves, actual, count = drawn
    probability, bought = halves / 3, actual > 0
    assume(bought.any() and not bought.all())
    found = metrics.measure_no_purchase(probability, halves, probability, bought, count)
    p, outcome = written_out(probability, (~bought).astype(float), count)
    assert found.brier == pytest.approx(((p - outcome) ** 2).mean())
    assert found.recency_brier == pytest.approx(found.brier)
    # Silence and the probability rank alike here.
    assert found.recency_auc == pytest.approx(found.auc)


def test_nobody_gives_no_figure() -> None:
    nothing = np.array([])
    found = metrics.measure(nothing, nothing, nothing)
    assert found.customers == 0
    assert np.isnan([found.mae, found.spearman, found.auc, found.top_20_capture]).all()
