"""A fit that is kept is the fit that would be made; one of other data is made."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.value import fitting, forecasts, gamma_gamma
from pipeline.value.bg_nbd import BG_NBD
from pipeline.value.fitting import Fit
from pipeline.value.gamma_gamma import Spend
from pipeline.value.histories import Triples
from pipeline.value.kept import keeping
from pipeline.value.priors import WEAK
from tests.profiles import examples

AS_OF: Final = dt.date(2024, 12, 20)
CLOSED: Final = dt.date(2024, 11, 30)


def triples(count: float = 40.0) -> Triples:
    return Triples.of(
        [0, 1, 2, 5, 0, 3],
        [0, 9, 20, 30, 0, 25],
        [39, 38, 30, 39, 20, 33],
        [900, count, 30, 20, 300, 10],
    )


def same(one: Fit, two: Fit) -> bool:
    """Whether two fits are the same to the last bit."""
    return (
        all(
            np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True)
            for name in ("parameters", "standard_errors", "log_covariance")
        )
        and repr(one.log_likelihood) == repr(two.log_likelihood)
        and (one.model, one.names, one.prior) == (two.model, two.names, two.prior)
        and repr(one.diagnosis) == repr(two.diagnosis)
    )


@pytest.mark.parametrize(
    "rows",
    [triples(), Triples.of([0], [0], [10]), Triples.of([], [], [])],
    ids=["sound", "nobody returned", "nobody"],
)
def test_a_kept_fit_is_the_fit(rows: Triples) -> None:
    made = fitting.fit(BG_NBD, rows, WEAK)
    with keeping({}) as first:
        assert same(fitting.fit(BG_NBD, rows, WEAK), made)
    with keeping(first.texts) as second:
        assert same(fitting.fit(BG_NBD, rows, WEAK), made)
    assert (first.made, second.made) == (1, 0)
    assert second.texts == first.texts


def test_a_kept_fit_of_spend_is_the_fit() -> None:
    spend = Spend.of([1, 2, 3, 4, 9], [10, 30, 20, 15, 70], [50, 40, 30, 20, 5])
    made = gamma_gamma.fit(spend, WEAK)
    with keeping({}) as first:
        gamma_gamma.fit(spend, WEAK)
    with keeping(first.texts) as second:
        assert same(gamma_gamma.fit(spend, WEAK), made)
    assert second.made == 0


def test_other_data_or_another_prior_is_another_fit() -> None:
    with keeping({}) as first:
        fitting.fit(BG_NBD, triples(), WEAK)
    with keeping(first.texts) as second:
        fitting.fit(BG_NBD, triples(41.0), WEAK)
        fitting.fit(BG_NBD, triples(), None)
    assert second.made == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 1, "prior": 3}'])
def test_what_cannot_be_read_is_made_again(text: str) -> None:
    made = fitting.fit(BG_NBD, triples(), WEAK)
    with keeping({}) as first:
        fitting.fit(BG_NBD, triples(), WEAK)
    (key,) = first.texts
    with keeping({key: text}) as second:
        assert same(fitting.fit(BG_NBD, triples(), WEAK), made)
    assert second.made == 1


@pytest.fixture(scope="module")
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    """150 persons who buy at random over two years, and their days."""
    with duckdb.connect() as made:
        made.execute(
            """
            create table customers as
            select 'p' || i as customer_id, cast(i as integer) as customer_no,
                'person' as customer_type
            from range(150) as r(i);
            create table past as
            select distinct on (customer_no, order_date)
                cast(i as integer) as customer_no,
                date '2022-09-01' + cast(
                    hash(i) % 300 + n * (20 + hash(i + 7) % 90) + hash(i, n) % 20
                    as integer
                ) as order_date,
                1 as is_purchase_day,
                cast(50 + hash(i, n) % 100 as decimal(18, 4)) as spend,
                1 as orders
            from range(150) as r(i), range(12) as r2(n)
            where n <= hash(i + 3) % 12
            """
        )
        yield made


def backtested(
    connection: duckdb.DuckDBPyConnection, as_of: dt.date, former: pa.Table | None
) -> pa.Table:
    connection.execute(
        f"create or replace temp table known as from days where order_date <= '{as_of}'"
    )
    if former is None:
        return forecasts.tested(connection, "known", "customers", as_of)
    connection.register("former", former)
    return forecasts.tested(connection, "known", "customers", as_of, "former")


# What a day may bring: of a customer and a day.
CHANGES = {
    "bought": "insert into days select {customer}, date '2024-12-20', 1, 40, 1 where not "
    "exists (from days where customer_no = {customer} and order_date = '2024-12-20')",
    "bought late": "insert into days select {customer}, date '{day}', 1, 40, 1 where not "
    "exists (from days where customer_no = {customer} and order_date = '{day}')",
    "corrected": "update days set spend = spend + 1 where customer_no = {customer}",
    "deleted": "delete from days where customer_no = {customer} and order_date > '{day}'",
    "merged": "update days set customer_no = {customer} where customer_no = {other} and "
    "order_date not in (select order_date from days where customer_no = {customer})",
}


@pytest.fixture(scope="module")
def yesterday(company: duckdb.DuckDBPyConnection) -> pa.Table:
    company.execute("create or replace table days as from past")
    return backtested(company, AS_OF, None)


@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(sorted(CHANGES)),
            st.integers(0, 149),
            st.integers(0, 149),
            st.dates(dt.date(2022, 9, 1), AS_OF),
        ),
        max_size=4,
    ),
    days_later=st.integers(-20, 20),
)
@settings(max_examples=examples(12, fast=2))
def test_what_is_tested_with_kept_fits_is_what_is_tested_without(
    company: duckdb.DuckDBPyConnection,
    yesterday: pa.Table,
    changes: list[tuple[str, int, int, dt.date]],
    days_later: int,
) -> None:
    company.execute("create or replace table days as from past")
    for change, customer, other, day in changes:
        company.execute(CHANGES[change].format(customer=customer, other=other, day=day))
    as_of = AS_OF + dt.timedelta(days=days_later)
    kept = backtested(company, as_of, yesterday)
    assert kept.equals(backtested(company, as_of, None))


def test_of_a_past_that_is_the_same_only_today_is_fitted(
    company: duckdb.DuckDBPyConnection,
    yesterday: pa.Table,
    caplog: pytest.LogCaptureFixture,
) -> None:
    company.execute("create or replace table days as from past")
    with caplog.at_level("INFO", "customer_tiers.forecasts"):
        backtested(company, AS_OF, yesterday)
        backtested(company, AS_OF + dt.timedelta(days=1), yesterday)
    made = [record.getMessage() for record in caplog.records if "anew" in record.msg]
    assert made[0].startswith("forecasts: 0 of ")
    # The champion's, and that of the spend.
    assert made[1].startswith(("forecasts: 1 of ", "forecasts: 2 of "))


def test_the_choice_knows_of_closed_months_only(
    company: duckdb.DuckDBPyConnection, yesterday: pa.Table
) -> None:
    """What is bought after the month end changes today's fits, and not the champion."""
    company.execute(
        "create or replace table days as from past where order_date <= '2024-11-30' "
        "union all select customer_no, date '2024-12-09', 1, 500, 3 from customers"
    )
    busy = backtested(company, AS_OF, yesterday)
    assert chosen(busy) == chosen(yesterday)
    assert {
        row["origin"] for row in chosen(busy) if row["measure"] == "tested_until"
    } == {CLOSED}
    assert fits_of(busy, AS_OF) != fits_of(yesterday, AS_OF)
    company.execute("create or replace table days as from past")
    company.execute(
        "delete from days where order_date between '2024-09-01' and '2024-11-30'"
    )
    assert chosen(backtested(company, AS_OF, yesterday)) != chosen(yesterday)


def chosen(found: pa.Table) -> list[dict[str, object]]:
    rows = found.to_pylist()
    return sorted(
        (row for row in rows if row["target"] == "choice"),
        key=lambda row: json.dumps(row, default=str),
    )


def fits_of(found: pa.Table, day: dt.date) -> list[float | None]:
    return [
        row["value"]
        for row in found.to_pylist()
        if row["target"] == "fit" and row["origin"] == day
    ]


def test_a_past_that_is_too_short_by_the_month_end_counts_to_the_day(
    company: duckdb.DuckDBPyConnection,
) -> None:
    company.execute(
        "create or replace table days as from past where order_date >= '2024-05-05'"
    )
    (first,) = company.execute("select min(order_date) from days").fetchone() or ()
    assert first < dt.date(2024, 5, 10), "228 days before the as-of day, and 209"
    rows = chosen(backtested(company, AS_OF, None))
    assert {row["origin"] for row in rows if row["measure"] == "tested_until"} == {
        AS_OF
    }
