"""The value of customers at month ends: windows, rhythms and stages against plain Python."""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import math
import statistics
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import Warehouse
from tests.profiles import examples

SETTINGS = ("core_lifecycle_settings", "core_potential_settings")
MODELS = (
    "core_moments",
    "core_product_categories",
    "core_categories",
    "core_customer_days",
    "core_days",
    "core_customer_rhythms",
    "core_customer_totals",
    "core_customer_spells",
    "core_customer_moments",
    "core_revenue_shares",
    "core_type_moments",
    "core_measured_moments",
    "core_tier_bounds",
    "core_valued_moments",
    "customer_value_history",
)
LINES = {
    "order_id": "varchar",
    "customer_id": "varchar",
    "product_id": "varchar",
    "order_date": "date",
    "net_amount": "decimal(18, 4)",
    "margin_amount": "decimal(18, 4)",
    "freight_amount": "decimal(18, 4)",
    "is_return": "boolean",
}
START = dt.date(2019, 11, 20)
CUSTOMERS = [("a", "company"), ("b", "person"), ("c", "person"), ("d", "company")]
PRODUCTS = {"p": "one", "q": "two", "r": None}


def month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


# Half of all days lie at the turn of a month, where windows begin and end.
days_of_orders = st.one_of(
    st.integers(0, 1700).map(lambda days: START + dt.timedelta(days)),
    st.builds(
        lambda month, days: (
            month_end(2019 + (10 + month) // 12, (10 + month) % 12 + 1)
            + dt.timedelta(days)
        ),
        st.integers(0, 56),
        st.integers(0, 1),
    ),
)
lines = st.lists(
    st.tuples(
        st.integers(0, 40),  # an order may stand on several days, as a slip may
        st.sampled_from("abc"),
        st.sampled_from(sorted(PRODUCTS)),
        days_of_orders,
        st.integers(1, 10**6).map(lambda cents: cents / 100),
        st.booleans(),
    ),
    max_size=60,
)


def months_before(day: dt.date, months: int) -> dt.date:
    """By hand: the last day of a month goes to the last day of the other."""
    place = day.year * 12 + day.month - 1 - months
    last = month_end(place // 12, place % 12 + 1)
    if day == month_end(day.year, day.month):
        return last
    return last.replace(day=min(day.day, last.day))


def lay_nothing(warehouse: Warehouse) -> None:
    """What the value of these worlds does not depend on: forecasts, whitespace, deals."""
    forecast = {
        "customer_id": "varchar",
        "value_model": "varchar",
        "predicted_orders_12m": "double",
        "predicted_spend_12m": "double",
    }
    for name, columns in {
        "core_customer_forecasts": forecast,
        "core_forecast_history": {**forecast, "moment_no": "integer"},
        "core_leads": {
            "customer_id": "varchar",
            "created_on": "date",
            "amount": "decimal(18, 4)",
        },
        "core_whitespace": {
            "moment_no": "integer",
            "peer_group": "varchar",
            "category_mask": "bigint",
            "whitespace_revenue": "decimal(18, 4)",
            "whitespace_margin": "decimal(18, 4)",
            "whitespace_categories": "integer",
        },
        "core_pipeline_moments": {
            "customer_id": "varchar",
            "moment_no": "integer",
            "pipeline_amount": "decimal(18, 4)",
        },
    }.items():
        warehouse.lay(name, columns, [])


def world(
    as_of: dt.date,
    rows: list[tuple[Any, ...]],
    acquired: dict[str, dt.date] | None = None,
) -> Warehouse:
    """Everything below the models, as a refresh of that day would have it."""
    known = [row for row in rows if row[3] <= as_of]
    warehouse = Warehouse().seed("settings", "cost_rates").build(*SETTINGS)
    warehouse.lay(
        "core_refresh",
        {
            "as_of_date": "date",
            "twelve_months_ago": "date",
            "twenty_four_months_ago": "date",
        },
        [(as_of, months_before(as_of, 12), months_before(as_of, 24))],
    )
    warehouse.lay(
        "core_customers",
        {
            "customer_id": "varchar",
            "customer_type": "varchar",
            "customer_no": "bigint",
            "acquired_on": "date",
            "annual_revenue": "decimal(18, 4)",
            "yearly_income": "decimal(18, 4)",
        },
        [
            (name, kind, place, (acquired or {}).get(name), None, None)
            for place, (name, kind) in enumerate(CUSTOMERS, 1)
        ],
    )
    warehouse.lay(
        "core_assessments",
        {
            "customer_id": "varchar",
            "market_influence": "decimal(4, 2)",
            "strategic_importance": "decimal(4, 2)",
            "scored_on": "date",
            "valid_to": "date",
        },
        [],
    )
    lay_nothing(warehouse)
    warehouse.lay(
        "core_customer_peers",
        {"customer_id": "varchar", "customer_no": "bigint", "peer_group": "varchar"},
        [(name, place, kind) for place, (name, kind) in enumerate(CUSTOMERS, 1)],
    )
    warehouse.lay(
        "core_products",
        {"product_id": "varchar", "category": "varchar", "subcategory": "varchar"},
        [(product, category, None) for product, category in PRODUCTS.items()],
    )
    warehouse.lay(
        "core_order_lines",
        LINES,
        [
            (
                f"{customer}{order}",
                customer,
                product,
                day,
                -amount if back else amount,
                # Of one product nobody knows the cost.
                None if product == "r" else (-amount if back else amount) / 4,
                None if product == "r" else amount / 100,
                back,
            )
            for order, customer, product, day, amount, back in known
        ],
    )
    warehouse.lay(
        "core_service_tickets",
        {"customer_id": "varchar", "opened_at": "timestamp"},
        [
            (customer, dt.datetime.combine(day, dt.time(20)))
            for order, customer, _, day, *_ in known
            if order % 3 == 0
        ],
    )
    warehouse.lay(
        "core_cost_entries",
        {
            "customer_id": "varchar",
            "cost_date": "date",
            "cost_pool": "varchar",
            "amount": "decimal(18, 4)",
        },
        [
            (customer, day, "service" if order % 2 else "acquisition", order)
            for order, customer, _, day, *_ in known
        ]
        + [(None, START, "service", 1000)],
    )
    return warehouse.build(*MODELS)


def by_hand(rows: list[tuple[Any, ...]], customer: str, day: dt.date) -> dict[str, Any]:
    """What a person with a list of the lines would say of the customer on that day."""
    mine = [row for row in rows if row[1] == customer and row[3] <= day]
    year = [row for row in mine if row[3] > months_before(day, 12)]
    before = [
        row for row in mine if months_before(day, 24) < row[3] <= months_before(day, 12)
    ]
    bought = sorted({row[3] for row in mine if not row[5]})
    first_days: dict[int, dt.date] = {}
    for row in mine:
        if not row[5]:
            first_days[row[0]] = min(row[3], first_days.get(row[0], row[3]))

    def money(some: list[tuple[Any, ...]]) -> float:
        return float(round(sum(-row[4] if row[5] else row[4] for row in some), 4))

    def margin(some: list[tuple[Any, ...]]) -> float | None:
        """Known from four fifths of the money on; of nothing, once costs are recorded."""
        costed = [row for row in some if row[2] != "r"]
        if not some:
            return 0.0 if any(row[2] != "r" for row in all_so_far) else None
        moved = sum(row[4] for row in some)
        if round(sum(row[4] for row in costed) / moved, 9) < 0.8:
            return None
        return float(round(sum(-row[4] if row[5] else row[4] for row in costed) / 4, 4))

    all_so_far = [row for row in rows if row[3] <= day]
    # Nobody has had a ticket or cost anything before somebody has.
    tickets = any(row[0] % 3 == 0 for row in all_so_far)
    service = any(row[0] % 2 for row in all_so_far)
    winning = any(row[0] % 2 == 0 and row[0] for row in all_so_far)
    gaps = [(b - a).days for a, b in itertools.pairwise(bought)]
    sales = {
        "first_order_date": bought[0] if bought else None,
        "last_order_date": bought[-1] if bought else None,
        "order_count": len(first_days),
        "order_count_12m": sum(
            first > months_before(day, 12) for first in first_days.values()
        ),
        "order_days": len(bought),
        "revenue": money(mine),
        "revenue_12m": money(year),
        "revenue_previous_12m": money(before),
    }
    return {
        **(sales if all_so_far else dict.fromkeys(sales)),
        "margin": margin(mine),
        "margin_12m": margin(year),
        "cost_to_serve": float(sum(row[0] for row in mine if row[0] % 2))
        if service
        else None,
        "cost_to_serve_12m": float(sum(row[0] for row in year if row[0] % 2))
        if service
        else None,
        "acquisition_cost_12m": float(sum(row[0] for row in year if not row[0] % 2))
        if winning
        else None,
        "ticket_count": sum(row[0] % 3 == 0 for row in mine) if tickets else None,
        "ticket_count_12m": sum(row[0] % 3 == 0 for row in year) if tickets else None,
        "own_gap": statistics.median(gaps) if len(bought) >= 3 else None,
    }


@settings(max_examples=examples(25))
@given(lines, days_of_orders)
def test_every_month_end_is_what_the_lines_say(
    rows: list[tuple[Any, ...]], as_of: dt.date
) -> None:
    rows = [row for row in rows if row[3] <= as_of]
    history = world(as_of, rows).rows("from {customer_value_history}")
    seen = {(row["customer_id"], row["as_of_date"]): row for row in history}
    firsts = [row[3] for row in rows]
    if firsts:
        ends = []
        day = month_end(min(firsts).year, min(firsts).month)
        while day <= as_of:
            ends.append(day)
            day = months_before(day, -1)
    else:
        ends = [as_of] if as_of == month_end(as_of.year, as_of.month) else []
    assert {day for _, day in seen} == set(ends)
    for (customer, day), row in seen.items():
        expected = by_hand(rows, customer, day)
        own_gap = expected.pop("own_gap")
        for name, value in expected.items():
            found = row[name]
            assert (float(found) if isinstance(value, float) else found) == value, (
                name,
                customer,
                day,
            )
        if own_gap is not None:
            assert row["usual_gap_days"] == own_gap
    # Known from the first order on; who never bought, from the first month on.
    for customer, _ in CUSTOMERS:
        mine = sorted(row[3] for row in rows if row[1] == customer and not row[5])
        assert {day for name, day in seen if name == customer} == {
            day for day in ends if not mine or day >= mine[0]
        } | {
            day
            for name, day in seen
            if name == customer
            and mine
            and day < mine[0]
            # A return before the first purchase has made it known too.
            and any(row[1] == customer and row[3] <= day for row in rows)
        }


@settings(max_examples=examples(10))
@given(lines, days_of_orders)
def test_the_past_is_what_a_refresh_of_that_day_would_have_said(
    rows: list[tuple[Any, ...]], day: dt.date
) -> None:
    day = month_end(day.year, day.month)
    later = world(months_before(day, -7) + dt.timedelta(11), rows)
    then = world(day, rows)
    query = (
        "from {customer_value_history} where as_of_date = '" + str(day) + "' "
        "and customer_id in (select customer_id from {core_order_lines} "
        "where not is_return and order_date <= '" + str(day) + "') order by all"
    )
    assert later.rows(query) == then.rows(query)


@pytest.mark.parametrize(
    ("bought", "as_of", "stage"),
    [
        ([], dt.date(2022, 1, 31), "prospect"),
        ([dt.date(2022, 1, 1)], dt.date(2022, 1, 31), "new"),
        (
            [dt.date(2019, 12, 1), dt.date(2022, 1, 1)],
            dt.date(2022, 1, 31),
            "reactivated",
        ),
        ([dt.date(2020, 1, 1)], dt.date(2022, 1, 31), "lost"),
        ([dt.date(2020, 9, 1)], dt.date(2022, 1, 31), "dormant"),
        (
            [dt.date(2021, 1, 1), dt.date(2021, 1, 11), dt.date(2021, 1, 21)],
            dt.date(2021, 8, 31),
            "at risk",
        ),
    ],
)
def test_stages(bought: list[dt.date], as_of: dt.date, stage: str) -> None:
    rows = [(n, "b", "p", day, 10.0, False) for n, day in enumerate(bought)]
    rows.append((99, "a", "p", dt.date(2019, 12, 5), 10.0, False))
    (found,) = world(as_of, rows).rows(
        "select lifecycle_stage from {customer_value_history} "
        f"where customer_id = 'b' and as_of_date = '{as_of}'"
    )
    assert found["lifecycle_stage"] == stage


def test_nobody_is_late_where_nobody_has_a_rhythm() -> None:
    """Nor at risk: one-time buyers, of whom no gap is known."""
    as_of = dt.date(2022, 1, 31)
    rows = [
        (n, customer, "p", day, 10.0, False)
        for n, (customer, day) in enumerate(
            [("a", dt.date(2019, 12, 5)), ("b", dt.date(2021, 2, 20))]
        )
    ]
    query = (
        "select lifecycle_stage, usual_gap_days, overdue_factor "
        "from {customer_value_history} "
        f"where customer_id = 'b' and as_of_date = '{as_of}'"
    )
    (found,) = world(as_of, rows).rows(query)
    assert list(found.values()) == ["active", None, None]
    days = [dt.date(2021, 3, day) for day in (1, 11, 21)]
    rows += [(99 + n, "c", "p", day, 10.0, False) for n, day in enumerate(days)]
    (found,) = world(as_of, rows).rows(query)
    assert list(found.values()) == ["at risk", 10.0, pytest.approx(34.5)]


@pytest.mark.parametrize(
    ("last_year", "this_year", "stage"),
    [(100.0, 100.0, "active"), (100.0, 130.0, "growing"), (100.0, 70.0, "declining")],
)
def test_growth_decides_between_the_stages_of_those_who_keep_buying(
    last_year: float, this_year: float, stage: str
) -> None:
    days = [dt.date(2019, 12, 15) + dt.timedelta(30 * n) for n in range(25)]
    as_of = dt.date(2021, 12, 31)
    rows = [
        (n, "a", "p", day, this_year if day.year == 2021 else last_year, False)
        for n, day in enumerate(days)
    ]
    (found,) = world(as_of, rows).rows(
        "select lifecycle_stage, growth_rate, has_growth_history, overdue_factor "
        "from {customer_value_history} "
        f"where customer_id = 'a' and as_of_date = '{as_of}'"
    )
    assert found["lifecycle_stage"] == stage
    assert found["has_growth_history"]
    revenue = [
        sum(row[4] for row in rows if row[3].year == year) for year in (2020, 2021)
    ]
    assert found["growth_rate"] == pytest.approx(
        math.log((revenue[1] + 1) / (revenue[0] + 1))
    )
    assert found["overdue_factor"] == pytest.approx((as_of - days[-1]).days / 30)


@settings(max_examples=examples(15))
@given(
    st.lists(
        # Sums beyond 2 ** 53 ten-thousandths, and equal ones among them.
        st.one_of(
            st.integers(1, 10**17).map(lambda parts: Decimal(parts) / 10000),
            st.sampled_from([Decimal("0.0001"), Decimal("7999999999999.9999")]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_the_share_of_those_above_is_exact(amounts: list[Decimal]) -> None:
    day = dt.date(2022, 3, 31)
    warehouse = world(day, [])
    names = [f"p{place}" for place in range(len(amounts))]
    warehouse.connection.execute(
        f"insert into {warehouse.relation('core_customers')} "
        "select unnest(?), 'person', 100 + unnest(range(?)), null, null, null",
        [names, len(names)],
    )
    warehouse.connection.execute(
        f"insert into {warehouse.relation('core_customer_peers')} "
        "select customer_id, customer_no, 'person' "
        f"from {warehouse.relation('core_customers')} where customer_no >= 100"
    )
    warehouse.lay(
        "core_order_lines",
        LINES,
        [
            (name, name, "p", day, amount, None, None, False)
            for name, amount in zip(names, amounts, strict=True)
        ],
    )
    found = {
        row["customer_id"]: row
        for row in warehouse.build(*MODELS).rows("from {customer_value_history}")
    }
    total = sum(amounts, Decimal(0))
    for name, amount in zip(names, amounts, strict=True):
        above = sum((other for other in amounts if other > amount), Decimal(0))
        share = found[name]["revenue_share_above_12m"]
        assert share == pytest.approx(float(above) / float(total), rel=4e-16, abs=0)
        if abs(above / total - Decimal("0.8")) > Decimal("1e-12"):
            assert (found[name]["abc_class_12m"] == "A") == (
                above / total < Decimal("0.8")
            )
    assert found["a"]["revenue_share_above_12m"] is None
    assert found["a"]["abc_class_12m"] == "C"


def test_no_order_at_all_leaves_one_moment() -> None:
    warehouse = world(dt.date(2022, 3, 15), [])
    assert warehouse.rows("select moment_no, is_present from {core_moments}") == [
        {"moment_no": 1, "is_present": True}
    ]
    assert warehouse.rows("from {customer_value_history}") == []
    assert len(warehouse.rows("from {core_customer_moments}")) == len(CUSTOMERS)


def test_every_type_of_customer_has_its_stages() -> None:
    warehouse = Warehouse().seed("settings", "cost_rates").build(*SETTINGS)
    rows = warehouse.rows("select * from {core_lifecycle_settings}")
    assert {row["customer_type"] for row in rows} == {"company", "person"}
    assert [row for row in rows if None in row.values()] == []


def test_a_customer_is_known_from_the_day_it_was_won() -> None:
    rows = [
        (1, "a", "p", dt.date(2020, 1, 5), 10.0, False),
        (2, "b", "p", dt.date(2020, 4, 5), 10.0, False),
    ]
    warehouse = world(
        dt.date(2020, 6, 30),
        rows,
        {
            "b": dt.date(2020, 2, 10),
            "c": dt.date(2020, 5, 31),
            "d": dt.date(2021, 1, 1),
        },
    )
    since = {
        row["customer_id"]: row["since"]
        for row in warehouse.rows(
            "select customer_id, min(as_of_date) as since "
            "from {customer_value_history} group by all"
        )
    }
    assert since == {
        "a": dt.date(2020, 1, 31),
        "b": dt.date(2020, 2, 29),
        "c": dt.date(2020, 5, 31),
        # Won after the as-of day, says a source: it is here, so it is known today.
        "d": dt.date(2020, 6, 30),
    }


def test_without_any_rate_nobody_knows_what_serving_costs() -> None:
    """Freight, or what a source booked, is not the whole."""
    warehouse = world(dt.date(2021, 3, 31), [(1, "a", "p", START, 100.0, False)])
    query = "select cost_to_serve, margin, profit from {customer_value_history} "
    query += "where customer_id = 'a'"
    assert {row["cost_to_serve"] for row in warehouse.rows(query)} == {1}
    warehouse.connection.execute("delete from warehouse.meta.cost_rates")
    for row in warehouse.build(*MODELS).rows(query):
        assert (row["cost_to_serve"], row["margin"], row["profit"]) == (None, 25, None)
