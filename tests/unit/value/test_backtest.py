"""The backtest looks at no future, counts customers, and names who failed and who won."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from pipeline.value.backtest import Backtest, Result, Window, backtest, plan_origins
from pipeline.value.baselines import NAIVE, RECENCY, Naive, RecencyTable, naive_revenue
from pipeline.value.champion import choose, choose_by_group, has_enough
from pipeline.value.forecasters import FORECASTERS, MODELS, implausible, learn
from pipeline.value.histories import Triples
from pipeline.value.metrics import Measures, measure
from pipeline.value.population import Cells, Population
from pipeline.value.priors import WEAK, LogNormal
from pipeline.value.reduction import Purchases
from tests.unit.value.support import (
    CALIBRATED,
    cdnow,
    generate_continuous,
    online_retail,
    windows,
)

ONE_DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def shop() -> list[Window]:
    """One year of Online Retail: as many origins as it is long enough for."""
    return windows(online_retail(), opportunity=28)


@pytest.fixture(scope="module")
def tested(shop: list[Window]) -> Backtest:
    return backtest(shop)


def few_weeks_ahead(purchases: Purchases) -> list[Window]:
    return windows(purchases, 91, (CALIBRATED,))


def test_every_forecaster_is_measured_at_every_origin(tested: Backtest) -> None:
    assert len(tested.origins) == 4
    for name in FORECASTERS:
        results = tested.of(name)
        assert [each.origin for each in results] == list(tested.origins)
        for each in results:
            assert each.problems == ()
            assert each.purchases is not None
            assert each.revenue is not None
            assert each.no_purchase is not None
            assert (each.fitted is None) == (name in (NAIVE, RECENCY))


def test_the_champion_of_online_retail_and_its_error(tested: Backtest) -> None:
    choice = choose(tested)
    assert choice.champion == "pareto_nbd"
    (error,) = (
        each.error for each in choice.standings if each.forecaster == choice.champion
    )
    assert error == pytest.approx(0.960, abs=2e-3)
    assert "4.0% below the better baseline, naive_last_12_months" in choice.reason
    assert choice.order[-1] == RECENCY
    assert has_enough(tested)


def test_plain_likelihood_fails_loudly_and_a_baseline_is_named(
    shop: list[Window],
) -> None:
    # The silent failure of METHODS.md: with less than a year of calibration plain maximum
    # likelihood runs to the boundary at every origin. Nothing of it is published.
    tested = backtest(shop, prior=None)
    for name in MODELS:
        for each in tested.of(name):
            assert any(
                problem.startswith(("at the boundary", "the data do not determine"))
                for problem in each.problems
            ), (name, each.origin, each.problems)
    choice = choose(tested)
    assert choice.champion == NAIVE
    assert choice.order == (NAIVE, RECENCY)
    assert "none of them was usable at the latest and at half" in choice.reason
    out = [each for each in choice.standings if each.problems]
    assert {each.forecaster for each in out} == set(MODELS)


def test_the_chance_of_no_purchase_is_calibrated_and_beats_recency(
    tested: Backtest,
) -> None:
    for name in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
        for each in tested.of(name):
            found = each.no_purchase
            assert found is not None
            assert found.auc > found.recency_auc
            assert found.brier < found.recency_brier
            assert found.calibration.baseline is not None
            assert found.calibration.error < 0.12
            # The first origins have no Christmas after them.
            if each.origin < dt.date(2011, 8, 1):
                assert found.calibration.error < 0.06


def test_being_alive_under_bg_nbd_is_no_churn_flag(shop: list[Window]) -> None:
    # 1 for everybody who bought once: METHODS.md measured it worse than chance.
    window = shop[0]
    learnt = learn("bg_nbd", window.population, window.before, window.weeks)
    triples = window.population.cells.triples
    assert learnt.fitted is not None
    alive = MODELS["bg_nbd"].alive_probability(learnt.fitted.parameters, triples)
    assert (alive[triples.x == 0] == 1).all()
    holdout, count = window.population.cells.holdout, triples.count
    expected = learnt.forecast(window.population, window.weeks).purchases
    assert measure(alive, holdout, count).auc < 0.5
    assert measure(expected, holdout, count).auc > 0.7


def test_nothing_after_the_horizon_and_nothing_of_the_outcome_is_used() -> None:
    whole = cdnow()
    end = (CALIBRATED - dt.date(1970, 1, 1)).days + 91
    known = whole.day <= end
    cut = Purchases(whole.customer[known], whole.day[known], whole.spend[known])
    # As text, in which one NaN is like another.
    assert str(list(backtest(few_weeks_ahead(whole)).rows())) == str(
        list(backtest(few_weeks_ahead(cut)).rows())
    )
    (window,) = few_weeks_ahead(whole)
    blind = replace(
        window.population.cells, holdout=np.zeros(len(window.population.cells.holdout))
    )
    hidden = Population(blind, window.population.opportunities)
    for name in FORECASTERS:
        seen, unseen = (
            learn(name, population, window.before, window.weeks).forecast(
                window.population, window.weeks
            )
            for population in (window.population, hidden)
        )
        np.testing.assert_array_equal(seen.purchases, unseen.purchases)


def test_rows_with_counts_measure_what_customers_one_by_one_do() -> None:
    (window,) = few_weeks_ahead(cdnow())
    snapshot = cdnow().snapshot(CALIBRATED, 91, 91)
    each = replace(window, population=snapshot.population(each=True))
    for one, other in zip(
        backtest([window]).rows(), backtest([each]).rows(), strict=True
    ):
        assert one[:4] == other[:4]
        assert one[4] == pytest.approx(other[4], nan_ok=True, abs=1e-9)


def test_every_figure_has_one_row(tested: Backtest) -> None:
    rows = list(tested.rows())
    assert len({row[:4] for row in rows}) == len(rows)
    assert {row[2] for row in rows} == {"purchases", "no_purchase", "revenue", "fit"}
    by_name = {row[1:4]: row[4] for row in rows if row[0] == tested.origins[0]}
    mae = by_name["bg_nbd", "purchases", "mae"]
    assert mae == pytest.approx(0.791, abs=1e-3)
    tenths = [
        by_name["bg_nbd", "no_purchase", f"calibration_actual_{tenth:02}"]
        for tenth in range(1, 11)
    ]
    assert tenths[0] < 0.15 < 0.75 < tenths[-1]


def test_customers_who_all_bought_once_leave_the_baselines() -> None:
    once = Purchases.of(np.arange(500), np.arange(500) % 400 + 18_000, np.ones(500))
    tested = backtest(windows(once, 91, (dt.date(2020, 1, 1),)))
    for name in MODELS:
        (result,) = tested.of(name)
        assert result.problems == ("no customer bought a second time",)
        assert result.purchases is None
    assert choose(tested).champion in (NAIVE, RECENCY)


def test_nothing_to_test_on_makes_the_naive_baseline_champion() -> None:
    choice = choose(backtest([]))
    assert choice.champion == NAIVE
    assert choice.order == (NAIVE,)
    assert "no history" in choice.reason
    nobody = windows(cdnow(), 91, (dt.date(1990, 1, 1),))
    assert choose(backtest(nobody)).champion == NAIVE


def test_small_groups_take_the_champion_of_all() -> None:
    triples, bought = generate_continuous(
        "bg_nbd", (0.6, 5.0, 0.8, 2.5), 400, seed=1, ahead=26
    )
    recent = np.minimum(triples.x + 1, 3)
    cells = Cells(triples, recent, bought)
    few = Cells(triples.select(slice(0, 200)), recent[:200], bought[:200])
    day = dt.date(2020, 1, 1)
    assert has_enough(backtest([Window(day, 26, Population(cells))], [NAIVE]))
    assert not has_enough(backtest([Window(day, 26, Population(few))], [NAIVE]))
    assert not has_enough(backtest([]))


def test_groups_choose_for_themselves_if_they_can() -> None:
    own = results({NAIVE: (1.0, 2.0), "bg_bb": (0.5, 1.0)})
    everybody = results({NAIVE: (1.0, 2.0), "bg_nbd": (0.5, 1.0)})
    small = backtest([])
    found = choose_by_group({"company": own, "person": small}, everybody)
    assert found["company"] == choose(own)
    assert found["company"].champion == "bg_bb"
    assert found["person"].champion == "bg_nbd"
    assert found["person"].order == choose(everybody).order
    assert "too few" in found["person"].reason


def test_bg_bb_is_left_out_where_there_are_no_opportunities() -> None:
    (window,) = few_weeks_ahead(cdnow())
    bare = replace(window, population=Population(window.population.cells))
    assert backtest([bare]).of("bg_bb") == ()
    with pytest.raises(ValueError, match="opportunities"):
        learn("bg_bb", bare.population, None, 13)
    choice = choose(backtest([bare]))
    assert "bg_bb" in {each.forecaster for each in choice.standings if each.problems}


@pytest.mark.parametrize(
    ("days", "horizon", "origins"),
    [
        (1126, 365, (579, 670, 761)),
        (3 * 365, 365, (548, 639, 730)),
        (2000, 365, (1362, 1453, 1544, 1635)),
        (600, 182, (283, 328, 373, 418)),
        (373, 91, (216, 238, 260, 282)),
        (230, 91, (139,)),
        (227, 91, ()),
        (0, 91, ()),
    ],
)
def test_origins_follow_the_length_of_the_history(
    days: int, horizon: int, origins: tuple[int, ...]
) -> None:
    first = dt.date(2020, 1, 1)
    found, planned = plan_origins(first, first + days * ONE_DAY)
    assert found == horizon
    assert tuple((each - first).days for each in planned) == origins


@pytest.mark.parametrize(
    ("days", "gap", "is_tested"),
    [
        (4 * 365, 365.25, False),  # sums of years
        (4 * 365, 182.6, False),
        (4 * 365, 91.3, True),
        (4 * 365, 30.4, True),
        (600, 91.3, False),
        (373, 30.4, True),
    ],
)
def test_sums_of_spans_as_long_as_the_horizon_test_nothing(
    days: int, gap: float, is_tested: bool
) -> None:
    first = dt.date(2020, 1, 1)
    _, planned = plan_origins(first, first + days * ONE_DAY, gap=gap)
    assert bool(planned) == is_tested


def test_the_naive_baseline() -> None:
    # Silent for 0, 179, 180 and 400 days.
    triples = Triples.of([3, 3, 3, 3], np.array([700, 521, 520, 300]) / 7, [100.0] * 4)
    cells = Cells(triples, np.array([4.0, 2, 2, 0]), np.zeros(4))
    forecast = Naive().forecast(Population(cells), 365 / 7)
    np.testing.assert_allclose(forecast.purchases, [4, 2, 0, 0])
    half = Naive().forecast(Population(cells), 365 / 14)
    np.testing.assert_allclose(half.purchases, [2, 1, 0, 0])
    money = naive_revenue(Population(cells), np.array([40.0, 20, 20, 0]), 365 / 7)
    np.testing.assert_allclose(money, [40, 20, 0, 0])


def test_the_recency_table() -> None:
    # 40 customers silent for 10 days with one purchase, 10 of the same recency with two;
    # 30 silent for 100 days. Ten of two purchases are too few for a cell of their own.
    silent = np.array([10.0, 10, 10, 100])
    x = np.array([0.0, 0, 1, 0])
    age = np.array([10.0, 10, 50, 100])
    count = np.array([30.0, 10, 10, 30])
    holdout = np.array([0.0, 2, 5, 0])
    triples = Triples.of(x, (age - silent) / 7 * (x > 0), age / 7, count)
    table = RecencyTable.learn(Cells(triples, np.ones(4), holdout), 13)
    forecast = table.forecast(Population(Cells(triples, np.ones(4), holdout)), 13)
    both = (10 * 2 + 10 * 5) / 50
    np.testing.assert_allclose(forecast.purchases, [0.5, 0.5, both, 0])
    assert forecast.no_purchase is not None
    np.testing.assert_allclose(forecast.no_purchase, [0.75, 0.75, 0.6, 1])
    twice = table.forecast(Population(Cells(triples, np.ones(4), holdout)), 26)
    np.testing.assert_allclose(twice.purchases, 2 * forecast.purchases)
    assert twice.no_purchase is not None
    np.testing.assert_allclose(twice.no_purchase, [0.5625, 0.5625, 0.36, 1])


def test_a_recency_table_without_a_past_says_so() -> None:
    for before in (None, Cells(Triples.of([], [], []), np.array([]), np.array([]))):
        assert RecencyTable.learn(before, 13).problems


def measured(mae: float, rmse: float) -> Measures:
    base = measure(np.array([1.0, 2]), np.array([1.0, 0]), np.array([500.0, 500]))
    return replace(base, mae=mae, rmse=rmse)


def results(
    errors: dict[str, tuple[float, float]],
    problems: dict[str, str] | None = None,
    origins: int = 2,
) -> Backtest:
    """A backtest in which every forecaster has the same errors at every origin."""
    return Backtest(
        tuple(
            Result(
                name,
                dt.date(2020, 1, 1 + at),
                52,
                None,
                (problems[name],) if problems and name in problems and not at else (),
                measured(*errors.get(name, (3.0, 3.0))),
            )
            for at in range(origins)
            for name in FORECASTERS
        ),
        {},
        {},
    )


def test_the_best_model_wins() -> None:
    found = {NAIVE: (1.0, 2.0), RECENCY: (0.9, 2.0), "mbg_nbd": (0.9, 1.4)}
    choice = choose(results(found))
    assert choice.champion == "mbg_nbd"
    # (0.9 / 1 + 1.4 / 2) / 2 against (0.9 / 1 + 2 / 2) / 2.
    assert [each.error for each in choice.standings[:3]] == pytest.approx(
        [0.8, 0.95, 1]
    )
    assert choice.order == ("mbg_nbd", RECENCY, NAIVE)
    assert "15.8% below the better baseline, recency_table" in choice.reason


def test_a_model_within_the_margin_does_not_win() -> None:
    found = {NAIVE: (1.0, 2.0), "bg_nbd": (0.995, 1.99)}
    choice = choose(results(found))
    assert choice.champion == NAIVE
    assert "No model beats the baseline naive_last_12_months" in choice.reason
    assert "bg_nbd, has 0.995 times its error" in choice.reason
    won = choose(results(found | {"bg_nbd": (0.98, 1.96)}))
    assert won.champion == "bg_nbd"


def test_forecasting_nothing_does_not_win_by_the_absolute_error_alone() -> None:
    choice = choose(results({NAIVE: (1.0, 2.0), "bg_bb": (0.9, 2.3)}))
    assert choice.champion == NAIVE


FAILED = "at the boundary: a, b"


def failing(tested: Backtest, name: str, *origins: int) -> Backtest:
    """The same where a forecaster fails at some origins, counted from 0."""
    days = {tested.origins[number] for number in origins}
    return Backtest(
        tuple(
            replace(each, problems=(FAILED,))
            if each.forecaster == name and each.origin in days
            else each
            for each in tested.results
        ),
        {},
        {},
    )


@pytest.mark.parametrize(
    ("fails_at", "wins"),
    [((), True), ((0,), True), ((0, 1), True), ((0, 1, 2), False), ((3,), False)],
)
def test_usable_at_the_latest_origin_and_at_half_of_all(
    fails_at: tuple[int, ...], wins: bool
) -> None:
    found = {NAIVE: (1.0, 2.0), "bg_nbd": (0.1, 0.1), "pareto_nbd": (0.5, 1.0)}
    choice = choose(failing(results(found, origins=4), "bg_nbd", *fails_at))
    (standing,) = (each for each in choice.standings if each.forecaster == "bg_nbd")
    assert choice.champion == ("bg_nbd" if wins else "pareto_nbd")
    assert ("bg_nbd" in choice.order) == wins
    assert bool(standing.problems) == (not wins)
    days = [dt.date(2020, 1, 1 + number) for number in fails_at]
    assert standing.unusable == tuple((day, FAILED) for day in days)
    # What it did where it failed does not count.
    assert standing.error == pytest.approx((0.1 / 1 + 0.1 / 2) / 2)
    if wins and fails_at:
        assert f"over {4 - len(fails_at)} of 4 origins" in choice.reason


def test_who_misses_an_origin_was_not_tried_there() -> None:
    full = results({NAIVE: (1.0, 2.0), "bg_nbd": (0.1, 0.1)})
    some = Backtest(
        tuple(
            each
            for each in full.results
            if each.forecaster != "bg_nbd" or each.origin == full.origins[0]
        ),
        {},
        {},
    )
    choice = choose(some)
    assert choice.champion == NAIVE
    (standing,) = (each for each in choice.standings if each.forecaster == "bg_nbd")
    assert standing.problems == ("2020-01-02: it was not tried",)


def test_a_model_is_measured_beside_the_baseline_where_it_was_usable() -> None:
    """The two easy origins that it was usable at would flatter it beside all four."""
    easy = results(
        {NAIVE: (1.0, 2.0), RECENCY: (0.5, 1.0), "bg_nbd": (0.6, 1.2)}, {}, 4
    )
    hard = results(
        {NAIVE: (1.0, 2.0), RECENCY: (0.9, 1.8), "bg_nbd": (0.6, 1.2)}, {}, 4
    )
    days = easy.origins[:2]
    mixed = Backtest(
        tuple(
            each
            for tested, chosen in ((hard, days), (easy, easy.origins[2:]))
            for each in tested.results
            if each.origin in chosen
        ),
        {},
        {},
    )
    # RECENCY: 0.9, 0.9, 0.5, 0.5; the model 0.6 at the last two only.
    choice = choose(failing(mixed, "bg_nbd", 0, 1))
    standings = {each.forecaster: each for each in choice.standings}
    assert standings["bg_nbd"].error < standings[RECENCY].error
    assert standings["bg_nbd"].to_baseline == pytest.approx(1.2)
    assert choice.champion == RECENCY


@pytest.mark.parametrize(
    ("totals", "champion"),
    [
        # The baselines are off by 2 and by 3; so may a model be, and no further.
        ({NAIVE: 0.5, RECENCY: 3.0, "bg_nbd": 2.9}, "bg_nbd"),
        ({NAIVE: 0.5, RECENCY: 3.0, "bg_nbd": 0.34}, "bg_nbd"),
        ({NAIVE: 0.5, RECENCY: 3.0, "bg_nbd": 3.1}, RECENCY),
        ({NAIVE: 0.5, RECENCY: 3.0, "bg_nbd": 0.3}, RECENCY),
        # A marketplace where nobody returns: one baseline is off by a factor of 20.
        ({NAIVE: 20.0, RECENCY: 1.0, "bg_nbd": 15.0}, "bg_nbd"),
        ({NAIVE: 20.0, RECENCY: 1.0, "bg_nbd": 25.0}, RECENCY),
        # Where a baseline expected nothing of those who came, no total is impossible.
        ({NAIVE: 0.0, RECENCY: 1.0, "bg_nbd": 900.0}, "bg_nbd"),
    ],
)
def test_a_total_may_be_off_as_far_as_a_baseline_ever_was(
    totals: dict[str, float], champion: str
) -> None:
    found = {NAIVE: (1.0, 2.0), RECENCY: (0.9, 1.9), "bg_nbd": (0.5, 1.0)}
    tested = results({name: found[name] for name in found}, origins=1)
    tested = Backtest(
        tuple(
            replace(
                each,
                purchases=replace(
                    each.purchases,
                    forecast_mean=totals.get(each.forecaster, 1.0),
                    actual_mean=1.0,
                ),
            )
            for each in tested.results
            if each.purchases
        ),
        {},
        {},
    )
    choice = choose(tested)
    assert choice.champion == champion
    assert choice.factor == max(
        max(totals[name], 1 / totals[name]) if totals[name] else float("inf")
        for name in (NAIVE, RECENCY)
    )
    (standing,) = (each for each in choice.standings if each.forecaster == "bg_nbd")
    assert bool(standing.problems) == (champion != "bg_nbd")
    if standing.problems:
        assert "no baseline's total was off by more than" in standing.problems[0]


def test_the_better_baseline_is_never_out() -> None:
    """Its total is a twentieth of last year's, and right: nobody came back."""
    found = {NAIVE: (0.3, 0.4), RECENCY: (0.015, 0.1)}
    choice = choose(results(found))
    assert choice.champion == RECENCY
    assert choice.order == (RECENCY, NAIVE)
    assert "No model beats the baseline recency_table" in choice.reason


def test_equal_errors_go_to_the_simpler() -> None:
    found = {NAIVE: (1.0, 2.0), "pareto_nbd": (0.5, 1.0), "bg_nbd": (0.5, 1.0)}
    assert choose(results(found)).champion == "bg_nbd"
    same = {NAIVE: (1.0, 2.0), RECENCY: (1.0, 2.0)}
    assert choose(results(same)).champion == NAIVE


def test_a_perfect_baseline_cannot_be_beaten() -> None:
    choice = choose(results({NAIVE: (0.0, 0.0), "bg_nbd": (0.0, 0.0)}))
    assert choice.champion == NAIVE


@pytest.mark.parametrize(
    ("purchases", "problem"),
    [
        ([1.0, 1.0, 1.0], None),
        ([1.0, np.nan, 1.0], "1 forecasts are not finite"),
        ([1.0, -0.1, 1.0], "the lowest forecast is -0.1"),
        ([1.0, 1.0, 15.0], "the highest forecast is 15 purchase days in 14 days"),
        ([-4.5e18, 1.0, 1.0], "the lowest forecast is -4.5e+18"),
    ],
)
def test_what_nobody_would_believe(purchases: list[float], problem: str | None) -> None:
    found = implausible(np.array(purchases), 14)
    assert (problem is None) == (not found)
    assert problem is None or any(each.startswith(problem) for each in found)


@pytest.mark.parametrize("prior", [WEAK, None], ids=["weak prior", "likelihood"])
def test_the_true_model_is_among_the_best(prior: LogNormal | None) -> None:
    triples, bought = generate_continuous(
        "bg_nbd", (0.6, 5.0, 0.8, 2.5), 20_000, seed=11, ahead=26
    )
    # What they bought recently is not generated; the rate of their whole life stands in.
    recent = (triples.x + 1) * np.minimum(1, 52 / triples.age)
    window = Window(dt.date(2020, 1, 1), 26, Population(Cells(triples, recent, bought)))
    tested = backtest([window], prior=prior)
    choice = choose(tested)
    assert choice.champion in ("bg_nbd", "mbg_nbd", "pareto_nbd")
    (result,) = tested.of("bg_nbd")
    assert result.purchases is not None
    assert abs(result.purchases.relative_bias) < 0.03
    assert result.purchases.calibration.error < 0.05
    assert result.no_purchase is not None
    assert result.no_purchase.calibration.error < 0.02
