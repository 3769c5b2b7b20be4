"""What is published: the champion's forecasts, a stand-in's where it fails, and money."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from pipeline.value import gamma_gamma
from pipeline.value.baselines import NAIVE, RECENCY, Naive
from pipeline.value.fitting import fit
from pipeline.value.forecasters import FORECASTERS, FittedModel, learn
from pipeline.value.histories import Triples
from pipeline.value.pareto_nbd import PARETO_NBD
from pipeline.value.population import Cells, Population
from pipeline.value.priors import WEAK
from pipeline.value.scoring import discounted_purchases, discounted_value, publish
from tests.unit.value.support import CALIBRATED, END, cdnow, online_retail

YEAR = 365 / 7


@pytest.fixture(scope="module")
def today() -> tuple[Population, Cells]:
    now = cdnow().snapshot(END, 0, 91)
    before = cdnow().snapshot(END - dt.timedelta(days=182), 182, 91)
    return now.population(), before.population().cells


@pytest.mark.parametrize("name", FORECASTERS)
def test_the_champion_is_published(name: str, today: tuple[Population, Cells]) -> None:
    population, before = today
    published = publish([name, NAIVE], population, before, YEAR, 26)
    assert published.forecaster.name == name
    assert published.passed_over == ()
    forecast = published.forecast
    assert np.isfinite(forecast.purchases).all()
    assert forecast.count.sum() == 2357
    assert ((forecast.no_purchase >= 0) & (forecast.no_purchase <= 1)).all()
    assert (forecast.basis == "opportunities") == (name == "bg_bb")


def test_a_champion_that_fails_today_is_replaced_and_named() -> None:
    # Plain likelihood on a year of Online Retail: none of the models is sound.
    population = online_retail().snapshot(dt.date(2011, 9, 9), 0).population()
    published = publish(
        ["bg_nbd", "pareto_nbd", NAIVE], population, None, YEAR, 13, prior=None
    )
    assert published.forecaster.name == NAIVE
    failed = dict(published.passed_over)
    assert failed["bg_nbd"] == ("at the boundary: a, b",)
    assert failed["pareto_nbd"] == ("at the boundary: s, beta",)
    # It says by itself how likely no purchase is.
    none = published.forecast.no_purchase
    assert ((none >= 0) & (none <= 1)).all()
    np.testing.assert_array_equal(none == 1, published.forecast.purchases == 0)


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_learning_from_weeks_and_scoring_to_the_day_is_nearly_exact(name: str) -> None:
    snapshot = cdnow().snapshot(END, 0)
    to_the_day, weeks = snapshot.population(1), snapshot.population(7)
    exact = publish([name], to_the_day, None, YEAR, 26).forecast
    mixed = publish([name], to_the_day, None, YEAR, 26, learn_from=weeks).forecast
    np.testing.assert_allclose(mixed.purchases, exact.purchases, rtol=0.01, atol=0.003)
    np.testing.assert_allclose(mixed.no_purchase, exact.no_purchase, atol=0.005)


def test_nobody_is_published_as_nobody() -> None:
    empty = Triples.of([], [], [])
    population = Population(Cells(empty, np.array([]), np.array([])))
    published = publish(["bg_nbd", RECENCY], population, None, YEAR, 26)
    assert published.forecaster.name == NAIVE
    assert [name for name, _ in published.passed_over] == ["bg_nbd", RECENCY]
    assert len(published.forecast.purchases) == 0


def test_customers_without_a_history_are_nan_and_stop_nobody() -> None:
    triples = Triples.of([2, -1, 0, 4], [10, 0, 0, 30], [20, 20, 5, 31])
    population = Population(Cells(triples, np.array([2.0, 1, 1, 5]), np.zeros(4)))
    published = publish(["bg_nbd"], population, None, YEAR, 26)
    assert np.isnan(published.forecast.purchases).tolist() == [
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd", NAIVE, RECENCY])
def test_discounted_value(name: str, today: tuple[Population, Cells]) -> None:
    population, before = today
    forecaster = learn(name, population, before, 26)
    month = YEAR / 12

    def discounted(rate: float) -> np.ndarray:
        return discounted_purchases(
            forecaster, population, weeks=month, periods=12, rate=rate
        )

    at = [forecaster.forecast(population, month * each).purchases for each in range(13)]
    by_hand = sum((at[t] - at[t - 1]) / 1.01**t for t in range(1, 13))
    np.testing.assert_allclose(discounted(0.01), by_hand)
    np.testing.assert_allclose(discounted(0), at[12])
    assert (discounted(0.02) <= discounted(0.01)).all()


def test_money_is_purchases_times_spend_times_margin() -> None:
    snapshot = cdnow().snapshot(CALIBRATED, 0)
    population = snapshot.population(each=True)
    spend = snapshot.spend().winsorised()
    fitted = gamma_gamma.fit(spend, WEAK)
    mean_spend = gamma_gamma.expected_spend(fitted, spend)
    purchases = discounted_purchases(
        learn("bg_nbd", population, None, 39),
        population,
        weeks=13,
        periods=4,
        rate=0.025,
    )
    revenue = discounted_value(purchases, mean_spend)
    margin = discounted_value(purchases, mean_spend, 0.3)
    np.testing.assert_allclose(margin, 0.3 * revenue)
    # The hold-out of the next 39 weeks brought 65 thousand dollars.
    assert 60_000 < revenue.sum() < 90_000


def test_dert_is_the_limit_of_the_discounted_purchases() -> None:
    triples = cdnow().snapshot(END, 0).population().cells.triples
    fitted = fit(PARETO_NBD, triples, WEAK)
    some = triples.select(slice(0, None, 50))
    nothing = np.zeros(len(some))
    # Ten years by weeks, what a week brings taken in its middle.
    rate = 0.05
    summed = discounted_purchases(
        FittedModel(PARETO_NBD, fitted),
        Population(Cells(some, nothing, nothing)),
        weeks=1,
        periods=520,
        rate=float(np.expm1(rate)),
    ) * np.exp(rate / 2)
    dert = PARETO_NBD.discounted_expected_residual_transactions(
        fitted.parameters, some, rate
    )
    np.testing.assert_allclose(summed, dert, rtol=1e-3)


@pytest.mark.parametrize(("periods", "rate"), [(0, 0.1), (4, -0.1)])
def test_horizons_that_make_no_sense_are_refused(periods: int, rate: float) -> None:
    population = Population(Cells(Triples.of(0, 0, 1), np.ones(1), np.zeros(1)))
    with pytest.raises(ValueError, match="makes no sense"):
        discounted_purchases(Naive(), population, weeks=4, periods=periods, rate=rate)
