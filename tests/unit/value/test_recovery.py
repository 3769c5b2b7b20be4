"""Generated customers with known parameters: the fit finds them, forecasts come true."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.value import gamma_gamma
from pipeline.value.bg_bb import BG_BB
from pipeline.value.fitting import Fit, fit
from pipeline.value.forecasters import MODELS
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Floats
from pipeline.value.priors import WEAK, LogNormal
from tests.unit.value.support import (
    generate_continuous,
    generate_opportunities,
    generate_spend,
)

CUSTOMERS = 20_000
TRUTH = {
    "bg_nbd": (0.6, 5.0, 0.8, 2.5),
    "mbg_nbd": (0.7, 6.0, 0.9, 2.5),
    "pareto_nbd": (0.8, 8.0, 0.7, 12.0),
}


def assert_within_three_errors(fitted: Fit, truth: tuple[float, ...]) -> None:
    assert fitted.diagnosis.sound, fitted.diagnosis
    # In logarithms, where the estimates are nearest to normal.
    errors = np.sqrt(np.diag(fitted.log_covariance))
    away = np.abs(np.log(fitted.parameters / np.array(truth))) / errors
    assert away.max() < 3, dict(zip(fitted.names, away, strict=True))
    np.testing.assert_allclose(fitted.standard_errors / fitted.parameters, errors)


@pytest.mark.parametrize("prior", [None, WEAK], ids=["likelihood", "weak prior"])
@pytest.mark.parametrize("name", TRUTH)
def test_parameters_are_found(name: str, prior: LogNormal | None) -> None:
    triples, _ = generate_continuous(name, TRUTH[name], CUSTOMERS, seed=1)
    assert_within_three_errors(fit(MODELS[name], triples, prior), TRUTH[name])


@pytest.mark.parametrize("name", TRUTH)
def test_forecasts_come_true(name: str) -> None:
    model, truth = MODELS[name], np.array(TRUTH[name])
    triples, bought = generate_continuous(
        name, TRUTH[name], 3 * CUSTOMERS, seed=2, ahead=26
    )
    expected = model.conditional_expectation(truth, triples, 26)
    none = model.no_purchase_probability(truth, triples, 26)
    for group in (
        triples.x == 0,
        triples.x == 1,
        (triples.x > 1) & (triples.t_x < triples.age / 2),
        (triples.x > 1) & (triples.t_x >= triples.age / 2),
    ):
        for forecast, outcome in ((expected, bought), (none, bought == 0)):
            assert_right_on_average(forecast[group], outcome[group])


def assert_right_on_average(forecast: Floats, outcome: Floats) -> None:
    error = outcome.astype(float) - forecast
    assert abs(error.mean()) < 3.5 * error.std() / np.sqrt(len(error))


def test_parameters_of_bg_bb_are_found() -> None:
    truth = (1.2, 0.8, 0.7, 2.8)
    triples = generate_opportunities(truth, CUSTOMERS, 12, seed=3)
    assert_within_three_errors(fit(BG_BB, triples), truth)


def test_forecasts_of_bg_bb_come_true() -> None:
    truth = (1.2, 0.8, 0.7, 2.8)
    whole = generate_opportunities(truth, CUSTOMERS, 8, seed=4)
    # The same seed gives the same customers; four opportunities more are their future.
    longer = generate_opportunities(truth, CUSTOMERS, 12, seed=4)
    bought = longer.x - whole.x
    p = np.array(truth)
    for seen in range(9):
        group = whole.x == seen
        rows = whole.select(group)
        assert_right_on_average(
            BG_BB.conditional_expectation(p, rows, 4), bought[group]
        )
        assert_right_on_average(
            BG_BB.no_purchase_probability(p, rows, 4), bought[group] == 0
        )


@pytest.mark.parametrize("prior", [None, WEAK], ids=["likelihood", "weak prior"])
def test_parameters_of_gamma_gamma_are_found(prior: LogNormal | None) -> None:
    truth = (6.0, 4.0, 15.0)
    x, m = generate_spend(truth, CUSTOMERS, seed=5)
    assert_within_three_errors(gamma_gamma.fit(Spend.of(x, m), prior), truth)
    means = gamma_gamma.conditional_mean(np.array(truth), Spend.of(x, m))
    assert means.mean() == pytest.approx(
        gamma_gamma.population_mean(np.array(truth)), rel=0.02
    )


def test_standard_errors_are_those_of_repeated_samples() -> None:
    fits = [
        fit(
            MODELS["bg_nbd"],
            generate_continuous("bg_nbd", TRUTH["bg_nbd"], 4_000, seed=seed)[0],
        )
        for seed in range(100, 140)
    ]
    spread = np.std([np.log(each.parameters) for each in fits], axis=0)
    estimated = np.mean(
        [np.sqrt(np.diag(each.log_covariance)) for each in fits], axis=0
    )
    # Forty samples know a standard deviation to some 11 %.
    np.testing.assert_allclose(estimated, spread, rtol=0.35)
