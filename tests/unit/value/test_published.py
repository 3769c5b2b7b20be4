"""The figures that papers and published test suites give, on the data that they are about.

The tolerances are those of METHODS.md: 5e-3 for parameters, 0.05 for log-likelihoods.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pytest

from pipeline.value import gamma_gamma
from pipeline.value.bg_bb import BG_BB
from pipeline.value.bg_nbd import BG_NBD, MBG_NBD
from pipeline.value.fitting import fit
from pipeline.value.histories import Triples
from pipeline.value.models import PurchaseModel
from pipeline.value.pareto_nbd import PARETO_NBD
from pipeline.value.priors import WEAK
from tests.unit.value.support import (
    CALIBRATED,
    CDNOW,
    END,
    cdnow,
    donations,
    summary,
    triples_at,
)

BG_PARAMETERS = np.array([0.2426, 4.4136, 0.7929, 2.4259])
PARETO_PARAMETERS = np.array([0.5533, 10.5776, 0.6062, 11.6672])


def test_same_day_purchases_and_zero_amounts_are_what_the_files_hold() -> None:
    found = duckdb.execute(
        """
        select
            count(sample_id),
            count(sample_id) - count(distinct (sample_id, purchase_date))
                filter (sample_id is not null),
            count(*) - count(distinct (customer_id, purchase_date)),
            count(*) filter (dollars = 0 and sample_id is not null),
            count(*) filter (dollars = 0)
        from read_parquet(?)
        """,
        [str(CDNOW)],
    ).fetchone()
    assert found == (6919, 223, 2068, 8, 80)


def test_the_summary_of_every_customer_is_the_published_one() -> None:
    snapshot = cdnow().snapshot(CALIBRATED, 273)
    published = summary()
    np.testing.assert_array_equal(snapshot.x, published["x"])
    assert np.abs(snapshot.t_x_days / 7 - published["t_x"]).max() <= 0.0043
    assert np.abs(snapshot.age_days / 7 - published["T"]).max() <= 0.0043
    repeaters = snapshot.x > 0
    assert repeaters.sum() == 946
    # Half a cent of rounding, and what a binary number adds to it.
    differences = np.abs(snapshot.m - published["zbar"])[repeaters]
    assert differences.max() <= 0.005 + 1e-9
    assert np.isnan(snapshot.m[~repeaters]).all()
    assert snapshot.x.mean() == pytest.approx(1.04243, abs=5e-6)
    assert snapshot.x.max() == 29


@pytest.mark.parametrize(
    ("model", "triples", "parameters", "log_likelihood"),
    [
        (BG_NBD, "39 weeks", (0.243, 4.414, 0.793, 2.426), -9582.429),
        (PARETO_NBD, "39 weeks", (0.553, 10.578, 0.606, 11.669), -9594.976),
        (MBG_NBD, "39 weeks", (0.525, 6.183, 0.891, 1.614), -9582.136),
        (BG_BB, "donors", (1.204, 0.750, 0.657, 2.783), -33225.58),
        (PARETO_NBD, "78 weeks", (0.563, 12.559, 0.408, 10.515), -17135.84),
        (BG_NBD, "master", (0.2516, 4.7889, 0.7234, 2.1611), -95368.44),
    ],
    ids=lambda value: getattr(value, "name", value) if isinstance(value, str) else None,
)
def test_parameters_and_likelihood(
    model: PurchaseModel,
    triples: str,
    parameters: tuple[float, ...],
    log_likelihood: float,
) -> None:
    data: dict[str, Callable[[], Triples]] = {
        "39 weeks": lambda: triples_at(cdnow(), CALIBRATED),
        "78 weeks": lambda: triples_at(cdnow(), END),
        "master": lambda: triples_at(cdnow(sample=False), CALIBRATED),
        "donors": donations,
    }
    fitted = fit(model, data[triples]())
    assert fitted.diagnosis.sound, fitted.diagnosis
    assert fitted.diagnosis.starts_agreeing == fitted.diagnosis.starts
    np.testing.assert_allclose(fitted.parameters, parameters, atol=5e-3, rtol=0)
    assert fitted.log_likelihood == pytest.approx(log_likelihood, abs=0.05)


def test_gamma_gamma() -> None:
    # The mean spends to the cent; the shipped summary rounds them, and gamma with them.
    spend = cdnow().snapshot(CALIBRATED, 273).spend()
    fitted = gamma_gamma.fit(spend)
    assert fitted.diagnosis.sound, fitted.diagnosis
    assert fitted.diagnosis.customers == 946
    np.testing.assert_allclose(fitted.parameters, (6.25, 3.74, 15.44), atol=5e-3)
    assert fitted.log_likelihood == pytest.approx(-4055.918, abs=0.05)
    at_paper = np.array([6.25, 3.74, 15.44])
    assert gamma_gamma.population_mean(at_paper) == pytest.approx(35.22, abs=5e-3)
    first_ten = (24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17)
    means = gamma_gamma.conditional_mean(fitted.parameters, spend)[:10]
    np.testing.assert_allclose(means, first_ten, atol=0.1)


def test_points_of_bg_nbd() -> None:
    customer = Triples.of(2, 30.43, 38.86)
    expected = BG_NBD.conditional_expectation(BG_PARAMETERS, customer, 39)
    assert expected[0] == pytest.approx(1.226, abs=5e-4)
    new = BG_NBD.expected_purchases(BG_PARAMETERS, np.array([1.0, 32.0, 78.0]))
    np.testing.assert_allclose(new, (0.0532, 1.0437, 1.858), atol=1e-4)


def test_points_of_a_busy_customer() -> None:
    customer = Triples.of(26, 30.857, 31)
    bg = BG_NBD.conditional_expectation(BG_PARAMETERS, customer, 52)
    pareto = PARETO_NBD.conditional_expectation(PARETO_PARAMETERS, customer, 52)
    assert bg[0] == pytest.approx(25.757, abs=1e-3)
    assert pareto[0] == pytest.approx(25.456, abs=2e-3)


def test_discounted_expected_residual_transactions() -> None:
    # The paper's estimates to six digits, which the published values were made with.
    parameters = np.array([0.5629966, 12.5590370, 0.4081095, 10.5148048])
    customers = Triples.of([7, 0, 2], [35, 0, 30], [77.86] * 3)
    dert = PARETO_NBD.discounted_expected_residual_transactions(
        parameters, customers, 0.0027
    )
    np.testing.assert_allclose(dert, (1.86418, 0.36476, 2.84353), atol=1e-5)


def test_the_hold_out_of_39_weeks() -> None:
    snapshot = cdnow().snapshot(CALIBRATED, 273)
    triples = snapshot.population(each=True).cells.triples
    group = np.minimum(snapshot.x, 7)

    def by_group(values: np.ndarray) -> list[float]:
        return [float(values[group == each].mean()) for each in range(8)]

    assert snapshot.holdout.sum() == 1882
    actual = (0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359)
    np.testing.assert_allclose(by_group(snapshot.holdout), actual, atol=6e-4)
    published = {
        BG_NBD: (1653, (0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157)),
        PARETO_NBD: (1665, (0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403)),
    }
    for model, (total, means) in published.items():
        fitted = fit(model, triples)
        expected = model.conditional_expectation(fitted.parameters, triples, 39)
        assert expected.sum() == pytest.approx(total, abs=1)
        np.testing.assert_allclose(by_group(expected), means, atol=2e-3)


@pytest.mark.parametrize("model", [BG_NBD, MBG_NBD, PARETO_NBD])
def test_weak_priors_move_no_parameter_by_a_fifth_of_its_error(
    model: PurchaseModel,
) -> None:
    triples = triples_at(cdnow(), CALIBRATED)
    plain, weak = fit(model, triples), fit(model, triples, WEAK)
    assert weak.diagnosis.sound
    moved = np.abs(weak.parameters - plain.parameters) / plain.standard_errors
    assert moved.max() < 0.2
