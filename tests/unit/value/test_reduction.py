"""Purchases become rows: SQL and numpy agree, and the rows lose nothing."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.value import reduction
from pipeline.value.histories import Floats, Triples
from pipeline.value.reduction import Purchases, Snapshot
from tests.profiles import examples
from tests.unit.value.support import CALIBRATED, END, cdnow, day, online_retail

ORIGIN = dt.date(2020, 6, 30)
DATABASE = duckdb.connect()

purchases = st.lists(
    st.tuples(
        st.integers(0, 8),
        # Two years around the origin, so that all bands and windows are met.
        st.integers(17_700, 18_600),
        st.integers(0, 500).map(lambda cents: cents / 4),
    ),
    max_size=60,
).map(lambda rows: Purchases.of(*(np.array(rows).reshape(-1, 3).T)))


def by_sql(bought: Purchases, snapshot: Snapshot, grid: int) -> list[dict[str, Floats]]:
    """SNAPSHOT, CELLS and OPPORTUNITIES of the same purchases, by DuckDB."""
    purchase_days = pa.table(
        {
            "customer_id": bought.customer,
            "purchase_date": [day(each) for each in bought.day],
            "spend": bought.spend,
        },
        schema=pa.schema(
            [
                ("customer_id", pa.int64()),
                ("purchase_date", pa.date32()),
                ("spend", pa.float64()),
            ]
        ),
    )
    # One database for all examples: to open one takes longer than the queries.
    with DATABASE.cursor() as connection:
        connection.register("purchase_days", purchase_days)
        connection.execute(
            "create or replace table snapshot as "
            + reduction.SNAPSHOT.format(purchase_days="purchase_days"),
            {
                "origin": snapshot.origin,
                "horizon_days": snapshot.horizon_days,
                "opportunity_days": snapshot.opportunity_days,
            },
        )
        group = {"customer_group": "'all'", "snapshot": "snapshot"}
        results = [
            connection.execute("from snapshot").fetchnumpy(),
            connection.execute(
                reduction.CELLS.format(**group), {"grid_days": grid}
            ).fetchnumpy(),
            connection.execute(reduction.OPPORTUNITIES.format(**group)).fetchnumpy(),
        ]
    return [
        {
            name: np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
            for name, column in columns.items()
            if name != "customer_group"
        }
        for columns in results
    ]


def assert_agrees(bought: Purchases, snapshot: Snapshot, grid: int) -> None:
    customers, cells, opportunities = by_sql(bought, snapshot, grid)
    np.testing.assert_array_equal(customers.pop("customer_id"), snapshot.customer)
    for name, column in customers.items():
        np.testing.assert_allclose(getattr(snapshot, name), column, err_msg=name)
    population = snapshot.population(grid)
    mine = population.cells
    for name, found in (
        ("x", mine.triples.x),
        ("t_x", mine.triples.t_x),
        ("age", mine.triples.age),
        ("recent", mine.recent),
        ("holdout", mine.holdout),
        ("customer_count", mine.triples.count),
    ):
        np.testing.assert_allclose(found, cells[name], err_msg=name)
    assert population.opportunities is not None
    rows = population.opportunities
    for name, found in (
        ("x", rows.triples.x),
        ("t_x", rows.triples.t_x),
        ("age", rows.triples.age),
        ("opportunity_purchases", rows.purchase_days),
        ("holdout", rows.holdout),
        ("customer_count", rows.triples.count),
    ):
        np.testing.assert_allclose(found, opportunities[name], err_msg=name)


@settings(max_examples=examples(40), deadline=None)
@given(bought=purchases, opportunity=st.sampled_from([7, 28, 91]))
def test_sql_and_numpy_agree(bought: Purchases, opportunity: int) -> None:
    snapshot = bought.snapshot(ORIGIN, 182, opportunity)
    for grid in (1, 7):
        assert_agrees(bought, snapshot, grid)


def test_sql_and_numpy_agree_on_real_purchases() -> None:
    snapshot = online_retail().snapshot(dt.date(2011, 6, 30), 91, 28)
    assert_agrees(online_retail(), snapshot, 1)


@settings(max_examples=examples(60), deadline=None)
@given(bought=purchases)
def test_every_snapshot_is_of_possible_histories(bought: Purchases) -> None:
    snapshot = bought.snapshot(ORIGIN, 182)
    for grid in (1, 7):
        population = snapshot.population(grid)
        assert population.opportunities is not None
        for rows in (population.cells.triples, population.opportunities.triples):
            assert rows.valid.all()
            assert rows.customers == len(snapshot.x)
    assert (snapshot.opportunities_used <= snapshot.opportunities).all()
    assert (snapshot.recent <= snapshot.x + 1).all()
    known = bought.day <= (ORIGIN - dt.date(1970, 1, 1)).days
    assert snapshot.x.sum() + len(snapshot.x) == known.sum()


def test_purchases_of_one_day_are_one_purchase() -> None:
    merged = Purchases.of(
        [7, 3, 7, 7],
        np.array(["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-09"], "M8[D]"),
        [1.0, 2.0, 4.0, 8.0],
    )
    assert merged.customer.tolist() == [3, 7, 7]
    assert merged.spend.tolist() == [2.0, 5.0, 8.0]
    snapshot = merged.snapshot(dt.date(2020, 1, 10), 30)
    assert snapshot.x.tolist() == [0, 1]
    assert snapshot.t_x_days.tolist() == [0, 7]
    assert snapshot.age_days.tolist() == [9, 8]
    np.testing.assert_array_equal(snapshot.m, [np.nan, 8.0])


def test_what_comes_after_the_origin_changes_nothing_before_it() -> None:
    whole = cdnow()
    known = whole.day <= (CALIBRATED - dt.date(1970, 1, 1)).days
    cut = Purchases(whole.customer[known], whole.day[known], whole.spend[known])
    late, early = (each.snapshot(CALIBRATED, 273) for each in (whole, cut))
    for name in ("x", "t_x_days", "age_days", "recent", "m", "last_opportunity"):
        np.testing.assert_array_equal(getattr(late, name), getattr(early, name))
    assert early.holdout.sum() == 0
    assert late.holdout.sum() == 1882


def test_opportunities_are_counted_back_from_the_origin() -> None:
    # First on day 0 of 100, then on the days 40, 41 and 95; windows of 28 days end at 100:
    # (72, 100], (44, 72], (16, 44]; what is before 16 is no opportunity.
    first = (ORIGIN - dt.date(1970, 1, 1)).days - 100
    bought = Purchases.of(
        [1] * 5, [first + each for each in (0, 3, 40, 41, 95)], [1.0] * 5
    )
    snapshot = bought.snapshot(ORIGIN, 28, 28)
    assert snapshot.opportunities.tolist() == [3]
    assert snapshot.opportunities_used.tolist() == [2]
    assert snapshot.last_opportunity.tolist() == [3]
    assert snapshot.opportunity_purchases.tolist() == [3]


def test_each_customer_finds_its_cell() -> None:
    snapshot = cdnow().snapshot(CALIBRATED, 273)
    for grid in (1, 7):
        each = snapshot.population(grid, each=True).cells
        cells = snapshot.population(grid).cells
        assert len(each.triples) == 2357
        distinct, places = each.distinct
        np.testing.assert_array_equal(distinct.x[places], snapshot.x)
        same = cells.distinct[0]
        np.testing.assert_array_equal(distinct.count, same.count)
        np.testing.assert_array_equal(distinct.age, same.age)


def test_the_grid_of_weeks_joins_rows_and_keeps_customers() -> None:
    triples = cdnow().snapshot(END, 0).population().cells.triples
    weeks = triples.on_grid(1.0)
    assert weeks.customers == triples.customers
    assert len(weeks) < len(triples)
    assert weeks.valid.all()
    assert weeks.is_distinct
    np.testing.assert_array_equal(
        weeks.count, cdnow().snapshot(END, 0).population(7).cells.distinct[0].count
    )


@settings(max_examples=examples(60), deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4)), min_size=1
    ),
    turn=st.randoms(use_true_random=False),
)
def test_collapsing_forgets_order_and_splits(
    rows: list[tuple[int, int, int]], turn: object
) -> None:
    whole = Triples.of(*np.array([(x, x and t, 3, count) for x, t, count in rows]).T)
    split = [(x, x and t, 3, 1) for x, t, count in rows for _ in range(count)]
    turn.shuffle(split)  # type: ignore[attr-defined]
    one, _ = whole.collapsed()
    two, places = Triples.of(*np.array(split).T).collapsed()
    for name in ("x", "t_x", "age", "count"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.is_distinct
    np.testing.assert_array_equal(two.x[places], [row[0] for row in split])
    again, same = one.collapsed()
    assert again is one
    np.testing.assert_array_equal(same, np.arange(len(one)))


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Triples.of([1, 2], [1], [2, 3])


@pytest.mark.parametrize(
    ("median_gap", "length"),
    [(5, 7), (20, 28), (30.4, 28), (60, 91), (400, 91), (0, 28), (float("nan"), 28)],
)
def test_the_length_of_an_opportunity_follows_the_rhythm(
    median_gap: float, length: int
) -> None:
    assert reduction.opportunity_days(median_gap) == length


def test_the_rhythm_is_the_median_gap() -> None:
    bought = Purchases.of([1, 1, 1, 2, 2, 3], [0, 10, 30, 5, 25, 8], np.ones(6))
    # 15 days for the first customer, 20 for the second, none for the third.
    assert bought.median_gap(day(40)) == 17.5
    assert np.isnan(Purchases.of([1], [0], [1.0]).median_gap(day(5)))


def test_the_grid_follows_the_number_of_rows() -> None:
    assert reduction.grid_days(reduction.MOST_ROWS) == 1
    assert reduction.grid_days(reduction.MOST_ROWS + 1) == 7
