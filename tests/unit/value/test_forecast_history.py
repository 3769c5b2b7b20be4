"""Forecasts at past month ends: nothing of the future, and what a refresh would have said."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.value import forecast_history, forecasts, replay
from pipeline.value.baselines import NAIVE, RECENCY
from pipeline.value.forecasters import FORECASTERS
from tests.models import Warehouse
from tests.profiles import THOROUGH, examples
from tests.unit.transform import test_value_history as small

MODELS = small.MODELS[: small.MODELS.index("core_customer_moments") + 1]
CHOICES = {
    "customer_group": "varchar",
    "forecaster": "varchar",
    "target": "varchar",
    "measure": "varchar",
    "value": "double",
}
# The first month end of a quarter, on which parameters are learnt, and a day long after.
FIT_DAY, AS_OF = dt.date(2023, 7, 31), dt.date(2024, 5, 17)

# 500 persons who buy at random and may leave, a third of them won each year, and 40
# companies that order in the first week of each quarter; lines from $cut on are changed.
LINES = """
with persons as (
    select
        i, date '2021-11-05' + cast(hash(i) % 700 as integer) as born,
        cast(-400 * ln((1 + hash(i + 1) % 999) / 1000) as integer) as life,
        15 + hash(i + 7) % 90 as gap
    from range(500) as r(i)
),
bought as (
    select
        'p' || i as customer_id,
        born + cast(n * gap + hash(i, n) % gap as integer) as order_date
    from persons, range(70) as r(n)
    where n * gap <= life
    union all
    select 'c' || i, date '2021-11-03' + cast(91 * n + hash(i, n) % 5 as integer)
    from range(40) as r(i), range(12) as r2(n)
    where hash(i, n) % 7 > 0
)
select
    order_date, customer_id, customer_id || order_date || n as order_id, 'p' as product_id,
    cast(20 + hash(customer_id) % 200 + hash(order_date, n) % 50 as decimal(18, 4))
        * case when order_date >= $cut and $later = 'dearer' then 9 else 1 end
        as net_amount,
    net_amount / 4 as margin_amount, cast(1 as decimal(18, 4)) as freight_amount,
    false as is_return
from bought, range(2) as r(n)
where
    (n = 0 or hash(order_date) % 10 = 0 or (order_date >= $cut and $later = 'dearer'))
    and order_date <= $as_of
    and (order_date < $cut or $later <> 'removed')
"""


def world(
    as_of: dt.date, cut: dt.date | None = None, later: str = "as it was"
) -> Warehouse:
    """A refresh of that day, up to the figures of every customer at each moment."""
    warehouse = small.world(as_of, [])
    warehouse.lay(
        "core_customers",
        {
            "customer_id": "varchar",
            "customer_type": "varchar",
            "customer_no": "bigint",
            "acquired_on": "date",
        },
        [
            *((f"p{i}", "person", i, None) for i in range(500)),
            *((f"c{i}", "company", 500 + i, None) for i in range(40)),
        ],
    )
    warehouse.connection.execute(
        f"create or replace table {warehouse.relation('core_order_lines')} as {LINES}",
        {"cut": cut or as_of, "later": later, "as_of": as_of},
    )
    return warehouse.build(*MODELS)


def champions(
    warehouse: Warehouse,
    order: Sequence[str],
    *,
    own: bool = True,
    factor: float | None = None,
) -> Warehouse:
    """The same order for both types, learnt from each or from all."""
    rows: list[tuple[Any, ...]] = []
    for group in ("person", "company"):
        rows.append((group, order[0], "choice", "champion", float(own)))
        rows.append((group, order[0], "choice", "factor", factor))
        rows += [
            (group, name, "choice", "order", float(place))
            for place, name in enumerate(order)
        ]
    return warehouse.lay("core_value_backtest", CHOICES, rows)


def present(warehouse: Warehouse, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """What a refresh says of the present, by customer."""
    found = forecasts.forecasts(
        warehouse.connection,
        warehouse.relation("core_customer_days"),
        warehouse.relation("core_customers"),
        warehouse.relation("core_value_backtest"),
        as_of,
        0.1,
    )
    warehouse.connection.register("_present", found)
    return {row["customer_id"]: row for row in found.to_pylist()}


def replayed(warehouse: Warehouse, as_of: dt.date) -> dict[tuple[str, int], Any]:
    """The rows of the history by customer and moment."""
    present(warehouse, as_of)
    read = {
        "days": warehouse.relation("core_customer_days"),
        "customers": warehouse.relation("core_customers"),
        "moments": warehouse.relation("core_moments"),
        "known": warehouse.relation("core_customer_moments"),
    }
    connection, choices = (
        warehouse.connection,
        warehouse.relation("core_value_backtest"),
    )
    scores = forecast_history.learnt(connection, **read, choices=choices)
    connection.register("_scores", scores)
    again = forecast_history.learnt(
        connection, **read, choices=choices, former="_scores"
    )
    assert again.equals(scores), "what is kept is what would be made"
    found = forecast_history.replayed(
        connection, **read, scores="_scores", present="_present"
    )
    rows = found.fetchall()
    keyed = {(customer, moment): tuple(said) for customer, moment, *said in rows}
    assert len(keyed) == len(rows)
    return keyed


def moment_of(warehouse: Warehouse, day: dt.date) -> int:
    (row,) = warehouse.rows(
        f"select moment_no from {{core_moments}} where as_of_date = '{day}'"
    )
    return int(row["moment_no"])


@functools.cache
def as_of(day: dt.date) -> Warehouse:
    """The world of that day as it was, for all tests; each lays out its own champions."""
    return world(day)


@functools.cache
def history(order: tuple[str, ...], own: bool) -> dict[tuple[str, int], Any]:
    """What is replayed long after, when these are the champions."""
    return replayed(champions(as_of(AS_OF), order, own=own), AS_OF)


def order_of(name: str) -> tuple[str, ...]:
    """A champion, and who follows where it is not sound."""
    return tuple(dict.fromkeys((name, RECENCY, NAIVE)))


@given(
    cut=st.dates(dt.date(2022, 9, 1), AS_OF - dt.timedelta(40)),
    later=st.sampled_from(["removed", "dearer"]),
    order=st.one_of(
        st.sampled_from(FORECASTERS).map(order_of),
        st.permutations(FORECASTERS).map(tuple) if THOROUGH else st.nothing(),
    ),
    own=st.booleans(),
)
@settings(max_examples=examples(20, fast=2), deadline=None)
def test_what_comes_later_changes_no_forecast_of_a_month_end(
    cut: dt.date, later: str, order: tuple[str, ...], own: bool
) -> None:
    first = history(order, own)
    changed = champions(world(AS_OF, cut, later), order, own=own)
    second = replayed(changed, AS_OF)
    until = max(
        row["moment_no"]
        for row in changed.rows(
            f"select moment_no from {{core_moments}} where as_of_date < '{cut}'"
        )
    )
    known = {key: row for key, row in first.items() if key[1] <= until}
    assert known == {key: row for key, row in second.items() if key[1] <= until}
    assert len(known) > 500


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("name", FORECASTERS)
def test_where_parameters_are_learnt_it_is_what_a_refresh_said(
    name: str, own: bool
) -> None:
    order = order_of(name)
    then = present(champions(as_of(FIT_DAY), order, own=own), FIT_DAY)
    number = moment_of(as_of(AS_OF), FIT_DAY)
    found = {
        customer: said
        for (customer, moment), said in history(order, own).items()
        if moment == number
    }
    assert found.keys() == then.keys()
    assert len(found) > 300
    for customer, (model, spend, orders) in found.items():
        if own and customer.startswith("c"):
            # 40 of them teach no model; a champion of their own they cannot have either.
            assert model == (NAIVE if name == NAIVE else RECENCY)
            if model != then[customer]["value_model"]:
                continue
        assert model == then[customer]["value_model"]
        assert spend == pytest.approx(then[customer]["predicted_spend_12m"], rel=1e-4)
        assert orders == pytest.approx(then[customer]["predicted_orders_12m"], rel=1e-6)


def test_the_models_speak_where_they_can() -> None:
    """So that the two tests above do not compare one baseline with itself."""
    spoken = {
        name: {
            model
            for (customer, moment), (model, *_) in history(order_of(name), True).items()
            if customer.startswith("p")
        }
        for name in FORECASTERS
    }
    assert all(name in models for name, models in spoken.items()), spoken
    # The first months cannot be learnt from, and say so.
    assert all(NAIVE in models for models in spoken.values())


def test_a_present_that_is_a_month_end_is_the_published_forecast() -> None:
    warehouse = champions(as_of(FIT_DAY), ["bg_nbd", NAIVE])
    then = present(warehouse, FIT_DAY)
    number = moment_of(warehouse, FIT_DAY)
    assert {
        customer: said
        for (customer, moment), said in replayed(warehouse, FIT_DAY).items()
        if moment == number
    } == {
        customer: (
            row["value_model"],
            row["predicted_spend_12m"],
            row["predicted_orders_12m"],
        )
        for customer, row in then.items()
    }


def test_many_customers_are_rounded_to_the_week(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which costs little: a week among months, and parameters of the year's first."""
    warehouse = champions(as_of(AS_OF), ["bg_nbd", NAIVE])
    number = moment_of(warehouse, dt.date(2024, 1, 31))
    totals = []
    for many in (replay.MANY, 100):
        monkeypatch.setattr(replay, "MANY", many)
        said = [
            row
            for (customer, moment), row in replayed(warehouse, AS_OF).items()
            if moment == number and customer.startswith("p")
        ]
        assert {model for model, *_ in said} == {"bg_nbd"}
        totals.append((sum(row[1] for row in said), sum(row[2] for row in said)))
    assert totals[0] != totals[1]
    assert totals[1] == pytest.approx(totals[0], rel=0.02)


def _busiest(events: Collection[tuple[str, dt.date]], until: dt.date) -> float:
    """The most of a customer within 365 days, as that of a year."""
    most = max(
        sum(
            other == customer and on - dt.timedelta(365) < day <= on
            for other, day in events
        )
        for customer, on in events
    )
    observed = (until - min(day for _, day in events)).days + 1
    return most * max(1.0, 365 / observed)


def _agreed(days: float, orders: float, most_days: float, most_orders: float) -> float:
    """The orders expected beside the chance of none of who buys on so many days."""
    most_days = min(most_days, 365)
    none = max(
        (1 - min(days / most_days, 1)) ** most_days, 1 - min(orders, most_orders)
    )
    return float(min(orders, most_orders, most_orders * (1 - none)))


@given(rows=small.lines)
@settings(max_examples=examples(15), deadline=None)
def test_the_naive_baseline_is_the_365_days_before(rows: list[tuple[Any, ...]]) -> None:
    today = dt.date(2024, 7, 20)
    warehouse = champions(small.world(today, rows), [NAIVE])
    moments = {
        row["moment_no"]: row["as_of_date"]
        for row in warehouse.rows(
            "from {core_moments} where is_month_end and not is_present"
        )
    }
    kinds = dict(small.CUSTOMERS)
    expected = {}
    for number, day in moments.items():
        for kind in ("person", "company"):
            bought = [
                (row[1], row[3], f"{row[1]}{row[0]}")
                for row in rows
                if row[3] <= day and not row[5] and kinds[row[1]] == kind
            ]
            on = sorted({each for _, each, _ in bought})
            if on and 2 * (on[-1] - on[0]).days > 365 * (len(on) - 1):
                continue  # too far apart to say anything of a year
            days = {(customer, on) for customer, on, _ in bought}
            # An order of several days counts on its first.
            orders = {
                order: (customer, min(on for _, on, other in bought if other == order))
                for customer, _, order in bought
            }
            for customer in {customer for customer, _ in days}:
                mine = [on for buyer, on in days if buyer == customer]
                recent = sum(on > day - dt.timedelta(365) for on in mine)
                silent = (day - max(mine)).days
                expected[customer, number] = (
                    _agreed(
                        recent,
                        recent * len(orders) / len(days),
                        _busiest(days, day),
                        _busiest(list(orders.values()), day),
                    )
                    if silent < 180
                    else 0.0
                )
    found = replayed(warehouse, today)
    assert {model for model, *_ in found.values()} <= {NAIVE}
    assert {key: row[2] for key, row in found.items()} == pytest.approx(expected)


def test_who_is_not_sound_or_plausible_gives_way_to_the_next() -> None:
    """Nobody has ever come back after the first two days: there is no rate to be learnt."""
    rows = [
        (order, customer, "p", small.START + dt.timedelta(days=day), 10.0, False)
        for order, (customer, day) in enumerate(
            (customer, day) for customer in "abc" for day in range(2)
        )
    ]
    today = dt.date(2020, 8, 15)
    warehouse = champions(small.world(today, rows), ["bg_nbd", RECENCY])
    warehouse.connection.execute(
        """
        insert into work.core.core_customers by name
        select 'x' || i as customer_id, 'person' as customer_type,
            10 + i as customer_no from range(200) as r(i)
        """
    )
    warehouse.connection.execute(
        f"""
        insert into {warehouse.relation("core_order_lines")} by name
        select
            'x' || i as customer_id, 'x' || i || d as order_id, 'p' as product_id,
            date '2019-11-20' + cast(i + d as integer) as order_date,
            10 + i % 40 as net_amount, 1 as margin_amount, 1 as freight_amount,
            false as is_return
        from range(200) as r(i), range(2) as r2(d)
        """
    )
    warehouse.build(*MODELS)
    number = moment_of(warehouse, dt.date(2020, 7, 31))

    def forecasters(factor: float | None) -> set[str]:
        champions(warehouse, ["bg_nbd", RECENCY], factor=factor)
        found = replayed(warehouse, today)
        return {
            model
            for (customer, moment), (model, *_) in found.items()
            if moment == number and customer.startswith("x")
        }

    assert forecasters(None) == {"bg_nbd"}
    # The totals of the baselines were never off: one that is far from them is not believed.
    assert forecasters(1.0) == {NAIVE}


def test_nothing_sold_yet() -> None:
    assert replayed(champions(small.world(AS_OF, []), [NAIVE]), AS_OF) == {}
