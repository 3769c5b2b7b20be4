"""Forecasts from order lines: the champion is named, and the figures hold together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from pipeline.value import forecasts, session

AS_OF = dt.date(2024, 12, 31)

# What core_customer_days makes of order lines.
DAYS = """
create table days as
select
    customers.customer_no, lines.order_date,
    max(cast(not lines.is_return as integer)) as is_purchase_day,
    cast(sum(case when lines.is_return then 0 else lines.net_amount end)
        as decimal(18, 4)) as spend,
    cast(count(distinct case when not lines.is_return then lines.order_id end)
        as integer) as orders
from lines inner join customers using (customer_id)
group by all
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two kinds of customers over three years: 400 persons who buy at random and may leave,
    and 30 companies that order in the first week of each quarter."""
    with duckdb.connect() as made:
        made.execute(
            """
            select setseed(0.5);
            create table customers as
            select 'p' || i as customer_id, i as customer_no, 'person' as customer_type
            from range(400) as r(i)
            union all
            select 'c' || i, 400 + i, 'company' from range(30) as r(i);

            create table lines as
            with persons as (
                select 'p' || i as customer_id,
                    date '2022-01-01' + cast(i % 365 as integer) as born,
                    100 + (hash(i) % 900) as life, 20 + hash(i + 7) % 60 as gap
                from range(400) as r(i)
            ),
            bought as (
                select customer_id,
                    born + cast(n * gap + hash(customer_id, n) % gap as integer)
                        as order_date
                from persons, range(60) as r(n)
                where n * gap <= life
                union all
                select 'c' || i,
                    date '2022-01-03' + cast(91 * n + hash(i, n) % 5 as integer)
                from range(30) as r(i), range(12) as r2(n)
            )
            select customer_id, order_date,
                customer_id || order_date as order_id,
                cast(50 + hash(order_date) % 100 as decimal(18, 4)) as net_amount,
                false as is_return
            from bought where order_date <= date '2024-12-31'
            union all
            select customer_id, order_date + 1, 'r' || customer_id || order_date,
                -10, true
            from bought where order_date <= date '2024-06-30'
            """
        )
        made.execute(DAYS)
        made.register("choices", forecasts.tested(made, "days", "customers", AS_OF))
        made.register(
            "found",
            forecasts.forecasts(made, "days", "customers", "choices", AS_OF, 0.1),
        )
        yield made


def test_every_buyer_has_a_forecast(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute(
        """
        select count(*), count(distinct customer_id), count(predicted_orders_12m),
            min(predicted_orders_12m) >= 0,
            min(no_purchase_probability_12m) >= 0,
            max(no_purchase_probability_12m) <= 1,
            bool_and(discounted_spend_12m <= predicted_spend_12m)
        from found
        """
    ).fetchone() == (430, 430, 430, True, True, True, True)


def test_a_champion_is_named_with_its_reason(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = connection.execute(
        """
        select customer_group, forecaster, value, reason from choices
        where target = 'choice' and measure = 'champion' order by all
        """
    ).fetchall()
    assert [group for group, *_ in rows] == ["all", "company", "person"]
    reasons = {group: reason for group, _, _, reason in rows}
    assert reasons["company"].startswith("There are too few customers or buyers")
    own = {group: value for group, _, value, _ in rows}
    assert own == {"all": 1, "company": 0, "person": 1}
    published = dict(
        connection.execute(
            """
            select customer_type, any_value(value_model)
            from found inner join customers using (customer_id) group by all
            """
        ).fetchall()
    )
    assert published["person"] == next(row[1] for row in rows if row[0] == "person")


def test_who_left_long_ago_is_expected_to_buy_less(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    (lost, active) = connection.execute(
        """
        with last as (
            select customer_id, max(order_date) as bought from lines
            where not is_return group by all
        )
        select
            avg(predicted_orders_12m) filter (bought < date '2023-12-31'),
            avg(predicted_orders_12m) filter (bought > date '2024-11-30')
        from found inner join last using (customer_id)
        where customer_id like 'p%'
        """
    ).fetchone() or (0, 0)
    assert lost < 0.5 * active


def test_returns_are_no_purchases(connection: duckdb.DuckDBPyConnection) -> None:
    session.purchase_days(connection, "days", "customers")
    assert connection.execute(
        "select min(spend) >= 50, max(spend) < 150 from _purchase_days"
    ).fetchone() == (True, True)


def test_nothing_sold_yet() -> None:
    with duckdb.connect() as empty:
        empty.execute(
            """
            create table customers (customer_id varchar, customer_no integer,
                customer_type varchar);
            create table lines (customer_id varchar, order_id varchar, order_date date,
                net_amount decimal(18, 4), is_return boolean)
            """
        )
        empty.execute(DAYS)
        choices = forecasts.tested(empty, "days", "customers", AS_OF)
        assert choices.num_rows == 0
        empty.register("choices", choices)
        found = forecasts.forecasts(empty, "days", "customers", "choices", AS_OF, 0.1)
        assert found.num_rows == 0


def test_a_history_too_short_to_test_anything() -> None:
    """One purchase each, last week: the naive baseline, and it says why."""
    with duckdb.connect() as young:
        young.execute(
            """
            create table customers as
            select 'p' || i as customer_id, i as customer_no, 'person' as customer_type
            from range(5) as r(i);
            create table lines as
            select customer_id, customer_id as order_id, date '2024-12-27' as order_date,
                cast(10 as decimal(18, 4)) as net_amount, false as is_return
            from customers
            """
        )
        young.execute(DAYS)
        choices = forecasts.tested(young, "days", "customers", AS_OF)
        young.register("choices", choices)
        found = forecasts.forecasts(young, "days", "customers", "choices", AS_OF, 0.1)
        assert set(found.column("value_model").to_pylist()) == {"naive_last_12_months"}
        (reason,) = young.execute(
            "select distinct reason from choices where measure = 'champion'"
            " and customer_group = 'all'"
        ).fetchone() or ("",)
        assert reason.startswith("There is no history")


def test_of_sums_of_years_nothing_is_forecast() -> None:
    """What a horizon holds would hang on the day on which it begins: all, or nothing.

    Nor by a champion of all customers, because others buy every week.
    """
    with duckdb.connect() as made:
        made.execute(
            """
            create table customers as
            select 'c' || i as customer_id, i as customer_no, 'company' as customer_type
            from range(80) as r(i)
            union all
            select 'p' || i, 80 + i, 'person' from range(80) as r(i);

            create table lines as
            with bought as (
                select 'c' || i as customer_id, make_date(year, 1, 1) as order_date
                from range(80) as r(i), range(2020, 2025) as years(year)
                where hash(i, year) % 4 > 0
                union all
                select 'p' || i,
                    date '2020-01-06' + cast(7 * week + hash(i) % 5 as integer)
                from range(80) as r(i), range(250) as weeks(week)
                where hash(i, week) % 20 = 0
            )
            select *, customer_id || order_date as order_id,
                cast(100 as decimal(18, 4)) as net_amount, false as is_return
            from bought
            """
        )
        made.execute(DAYS)
        tested = forecasts.tested(made, "days", "customers", AS_OF)
        made.register("choices", tested)
        found = forecasts.forecasts(made, "days", "customers", "choices", AS_OF, 0.1)
    names = found.column("customer_id").to_pylist()
    assert len(names) > 70 and {name[0] for name in names} == {"p"}
    rows = [row for row in tested.to_pylist() if row["customer_group"] == "company"]
    assert [(row["measure"], row["forecaster"], row["reason"]) for row in rows] == [
        ("champion", None, forecasts.TOO_COARSE)
    ]
