"""A fit finds the top whatever the order, splits and units; a failed one says so."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.value import gamma_gamma
from pipeline.value.bg_nbd import BG_NBD
from pipeline.value.fitting import Diagnosis, fit, maximise
from pipeline.value.forecasters import MODELS
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Floats, Triples
from pipeline.value.models import PurchaseModel
from pipeline.value.pareto_nbd import PARETO_NBD
from pipeline.value.priors import WEAK, LogNormal
from pipeline.value.search import HIGHEST, LOWEST
from tests.profiles import examples
from tests.unit.value.support import (
    CALIBRATED,
    END,
    cdnow,
    generate_continuous,
    generate_spend,
    online_retail,
    triples_at,
)

# What any number of a customer can be when something went wrong before us.
anything = st.one_of(
    st.floats(-5, 50), st.integers(0, 20).map(float), st.just(float("nan"))
)
any_rows = st.lists(
    st.tuples(anything, anything, anything, st.floats(0, 3)), max_size=15
).map(lambda rows: np.array(rows, dtype=float).reshape(-1, 4))


def customers_of(model: PurchaseModel) -> Triples:
    if model.rescales:
        return triples_at(cdnow(), CALIBRATED)
    population = cdnow().snapshot(END, 0, 91).population()
    assert population.opportunities is not None
    return population.opportunities.triples


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_order_and_splits_change_no_bit(model: PurchaseModel) -> None:
    triples = customers_of(model)
    written_out = triples.select(
        np.repeat(np.arange(len(triples)), triples.count.astype(int))
    )
    order = np.random.default_rng(1).permutation(len(written_out))
    turned = written_out.select(order)
    one_each = Triples.of(turned.x, turned.t_x, turned.age)
    one, other = fit(model, triples), fit(model, one_each)
    np.testing.assert_array_equal(one.parameters, other.parameters)
    assert one.log_likelihood == other.log_likelihood


@pytest.mark.parametrize("prior", [None, WEAK], ids=["likelihood", "weak prior"])
@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_the_unit_of_time_does_not_matter(name: str, prior: LogNormal | None) -> None:
    weeks = triples_at(cdnow(), CALIBRATED)
    model = MODELS[name]
    one, other = fit(model, weeks, prior), fit(model, weeks.in_unit(1 / 7), prior)
    scale = np.where(model.time_parameters, 7.0, 1.0)
    np.testing.assert_allclose(other.parameters, one.parameters * scale, rtol=1e-5)
    purchases = weeks.x @ weeks.count
    shift = purchases * np.log(7)
    assert other.log_likelihood == pytest.approx(one.log_likelihood - shift, abs=1e-6)


def test_the_currency_does_not_matter() -> None:
    x, m = generate_spend((4.0, 5.0, 40.0), 2_000, seed=1)
    one = gamma_gamma.fit(Spend.of(x, m), WEAK)
    other = gamma_gamma.fit(Spend.of(x, m * 16_000), WEAK)
    np.testing.assert_allclose(
        other.parameters, one.parameters * [1, 1, 16_000], rtol=1e-5
    )


def test_the_search_on_a_coarse_grid_ends_at_the_same_top() -> None:
    triples, _ = generate_continuous("bg_nbd", (0.6, 5.0, 0.8, 2.5), 30_000, seed=9)
    fitted = fit(BG_NBD, triples)
    # So many rows that the search ran on fewer: few evaluations are left for all of them.
    assert fitted.diagnosis.rows > 20_000
    assert fitted.diagnosis.evaluations < 25
    assert fitted.diagnosis.gradient_norm < 1e-6
    _, gradient = BG_NBD.total(fitted.parameters, triples)
    assert np.abs(gradient * fitted.parameters).max() / 30_000 < 1e-6


def test_a_strong_prior_is_believed() -> None:
    triples = triples_at(cdnow(), CALIBRATED)
    mean_age = triples.age @ triples.count / triples.customers
    fitted = fit(BG_NBD, triples, LogNormal(median=0.5, deviation=1e-4))
    assert fitted["r"] == pytest.approx(0.5, rel=1e-2)
    assert fitted["alpha"] == pytest.approx(0.5 * mean_age, rel=1e-2)
    with pytest.raises(ValueError, match="3 priors were given for 4"):
        fit(BG_NBD, triples, [WEAK] * 3)


def test_priors_can_differ_by_parameter() -> None:
    triples = triples_at(cdnow(), CALIBRATED)
    loose = LogNormal(deviation=100.0)
    fixed = LogNormal(median=3.0, deviation=1e-4)
    fitted = fit(BG_NBD, triples, [loose, loose, loose, fixed])
    assert fitted["b"] == pytest.approx(3.0, rel=1e-3)
    assert fitted["r"] == pytest.approx(0.2426, abs=0.02)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_nothing_to_fit_is_diagnosed(model: PurchaseModel) -> None:
    nobody = fit(model, Triples.of([], [], []), WEAK)
    once = fit(model, Triples.of([0, 0], [0, 0], [3, 9]), WEAK)
    assert nobody.diagnosis.problems == ("there are no customers",)
    assert once.diagnosis.problems == ("no customer bought a second time",)
    for fitted in (nobody, once):
        assert not fitted.diagnosis.sound
        assert np.isnan(fitted.parameters).all()
        assert np.isnan(
            model.conditional_expectation(fitted.parameters, Triples.of(1, 1, 2), 3)
        ).all()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("prior", [None, WEAK], ids=["likelihood", "weak prior"])
@settings(max_examples=examples(8), deadline=None)
@given(rows=any_rows)
def test_no_data_of_a_customer_raises(
    model: PurchaseModel, prior: LogNormal | None, rows: np.ndarray
) -> None:
    triples = Triples.of(*rows.T)
    fitted = fit(model, triples, prior)
    assert fitted.diagnosis.left_out == (~triples.valid).sum()
    forecast = model.conditional_expectation(fitted.parameters, triples, 4)
    if fitted.diagnosis.sound:
        assert np.isfinite(fitted.standard_errors).all()
        assert np.isfinite(forecast[triples.valid]).all()
    else:
        assert all(fitted.diagnosis.problems)


def test_a_likelihood_that_is_not_finite_is_diagnosed() -> None:
    def nowhere(logs: Floats) -> tuple[float, Floats]:
        return float("nan"), np.zeros(len(logs))

    fitted = maximise(
        "nowhere",
        ("one", "two"),
        objective=nowhere,
        coarser=[],
        starts=[(1.0, 1.0), (2.0, 0.5)],
        scale=np.ones(2),
        log_likelihood_shift=0.0,
        prior=None,
        about=Diagnosis(10, 10, 0),
    )
    assert "the likelihood is not finite" in fitted.diagnosis.problems
    assert np.isnan(fitted.log_likelihood)


def test_rows_that_cannot_be_are_left_out_and_counted() -> None:
    good = triples_at(cdnow(), CALIBRATED)
    bad = Triples.of([3, -1, np.nan], [9, 0, 1], [5, 5, 5])
    both = Triples(
        *(
            np.concatenate([getattr(each, name) for each in (bad, good)])
            for name in ("x", "t_x", "age", "count")
        )
    )
    fitted = fit(BG_NBD, both)
    assert fitted.diagnosis.left_out == 3
    # A count that is none beside a good one of the same history.
    no_count = Triples.of(
        [*good.x, good.x[5]],
        [*good.t_x, good.t_x[5]],
        [*good.age, good.age[5]],
        [*good.count, np.nan],
    )
    np.testing.assert_array_equal(
        fit(BG_NBD, no_count.collapsed()[0]).parameters, fitted.parameters
    )
    assert fitted.diagnosis.customers == 2357
    np.testing.assert_array_equal(fitted.parameters, fit(BG_NBD, good).parameters)


@pytest.mark.parametrize("model", [BG_NBD, MODELS["mbg_nbd"], PARETO_NBD])
@pytest.mark.parametrize(
    "as_of", [dt.date(2011, 6, 9), dt.date(2011, 9, 9), dt.date(2011, 12, 9)]
)
def test_the_silent_failure_of_plain_likelihood_is_caught(
    model: PurchaseModel, as_of: dt.date
) -> None:
    # Within one year hardly anybody of Online Retail is seen to stop for good, so that the
    # likelihood grows along parameters that mean "never" and runs away.
    triples = triples_at(online_retail(), as_of)
    plain = fit(model, triples)
    assert not plain.diagnosis.sound
    assert set(plain.diagnosis.at_bound + plain.diagnosis.vague) == set(
        model.parameter_names[2:]
    )
    assert any(
        problem.startswith(("at the boundary", "the data do not determine"))
        for problem in plain.diagnosis.problems
    )
    weak = fit(model, triples, WEAK)
    assert weak.diagnosis.sound, weak.diagnosis
    expected = model.conditional_expectation(weak.parameters, triples, 52)
    assert expected.min() > 0
    assert expected.max() < 364


def test_a_parameter_at_its_bound_is_named() -> None:
    fitted = fit(BG_NBD, triples_at(online_retail(), dt.date(2011, 6, 9)))
    assert fitted.diagnosis.at_bound == ("a", "b")
    assert fitted["a"] == pytest.approx(LOWEST)
    assert fitted["b"] == pytest.approx(HIGHEST)
    assert np.isnan(fitted.standard_errors[2:]).all()


def test_spend_without_an_end_has_no_mean() -> None:
    # q = 0.6: so heavy a tail that the population has no mean.
    x, m = generate_spend((5.0, 0.6, 20.0), 3_000, seed=2)
    fitted = gamma_gamma.fit(Spend.of(x, m))
    assert fitted["q"] < 1
    assert gamma_gamma.population_mean(fitted.parameters) == float("inf")
    assert any("infinite" in problem for problem in fitted.diagnosis.problems)
    # What is published instead is finite.
    spend = Spend.of([0, 2], [np.nan, 30.0])
    np.testing.assert_allclose(gamma_gamma.expected_spend(fitted, spend), [30, 30])


def test_a_few_enormous_orders_are_winsorised() -> None:
    x, m = generate_spend((4.0, 5.0, 40.0), 2_000, seed=3)
    truth = gamma_gamma.fit(Spend.of(x, m), WEAK)
    wrong = m.copy()
    wrong[:8] = 1e9
    dirty = gamma_gamma.fit(Spend.of(x, wrong), WEAK)
    clean = gamma_gamma.fit(Spend.of(x, wrong).winsorised(), WEAK)
    assert dirty["q"] < 0.6 * truth["q"]
    np.testing.assert_allclose(clean.parameters, truth.parameters, rtol=0.25)
    everybody = Spend.of(x, m)
    one, other = (
        gamma_gamma.conditional_mean(fitted.parameters, everybody)
        for fitted in (clean, truth)
    )
    assert np.abs(one / other - 1).mean() < 0.03


def test_winsorising_counts_customers() -> None:
    spend = Spend.of([1, 1, 1, 0], [10.0, 20.0, 1000.0, np.nan], [98, 1, 1, 500])
    clipped = spend.winsorised(0.0, 0.98)
    assert clipped.m[:3].tolist() == [10.0, 10.0, 10.0]
    assert np.isnan(clipped.m[3])
    assert spend.winsorised(0.0, 1.0).m[:3].tolist() == [10.0, 20.0, 1000.0]
    assert len(Spend.of([], []).winsorised()) == 0


def test_spend_that_is_none_is_diagnosed() -> None:
    fitted = gamma_gamma.fit(Spend.of([0, 2, 3], [5.0, 0.0, -1.0]))
    assert fitted.diagnosis.problems == (
        "no customer has repeat purchases with a spend",
    )
    assert fitted.diagnosis.left_out == 2


def test_the_correlation_of_frequency_and_value() -> None:
    snapshot = cdnow().snapshot(CALIBRATED, 0)
    found = gamma_gamma.correlation(snapshot.spend())
    # The paper of the CDNOW data gives 0.11.
    assert found.pearson == pytest.approx(0.11, abs=5e-3)
    assert found.customers == 946
