"""The policy of a new project: who is in a first half, a best quarter and a best fifth.

By hand on small figures, and for random companies: the policy gives everybody one tier, and
leaves no tier of buyers empty.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.settings import PROJECT_ROOT
from pipeline.tiers import policy_checks, policy_tables, stability
from pipeline.tiers.policy import FACTS, Policy
from tests.models import Warehouse
from tests.profiles import examples

NEUTRAL = PROJECT_ROOT / "dbt_project" / "seeds_neutral"
TODAY = dt.date(2026, 11, 28)
COLUMNS = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    "moment_no": "integer",
    "first_order_date": "date",
    "twelve_months_ago": "date",
    "twenty_four_months_ago": "date",
    "order_days": "bigint",
    "orders": "bigint",
    "revenue_12m": "decimal(18, 4)",
    "margin_12m": "decimal(18, 4)",
    "growth_rate": "double",
    "predicted_revenue_12m": "decimal(18, 4)",
    "predicted_margin_12m": "decimal(18, 4)",
    "lifecycle_stage": "varchar",
}
# Of revenues in cents, growth rates differ by more than what two floats may.
THOUSANDTHS = st.integers(-3000, 3000).map(lambda rate: rate / 1000)
FIRST_HALF = ("margin_to_first_half", "revenue_to_first_half")
BOUNDED = (
    *FIRST_HALF,
    "growth_to_best_quarter",
    "predicted_to_best_fifth",
    "orders_in_first_year",
)
Row = Mapping[str, Any]


def buyer(name: str, **figures: Any) -> Row:
    """A company that has bought for three years, unless the test says otherwise."""
    return {
        "customer_id": name,
        "customer_type": "company",
        "moment_no": 1,
        "first_order_date": dt.date(2023, 5, 1),
        "twelve_months_ago": dt.date(2025, 11, 28),
        "twenty_four_months_ago": dt.date(2024, 11, 28),
        "order_days": 3,
        "orders": 3,
        "lifecycle_stage": "active",
        **figures,
    }


def valued(customers: Sequence[Row]) -> Warehouse:
    """The customers beside the bounds of their types."""
    return (
        Warehouse()
        .lay(
            "core_measured_moments",
            COLUMNS,
            [[row.get(name) for name in COLUMNS] for row in customers],
        )
        .build("core_tier_bounds", "core_valued_moments")
    )


def facts(customers: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Customer → its facts beside the bounds."""
    return {
        row["customer_id"]: row
        for row in valued(customers).rows("from {core_valued_moments}")
    }


def among(customers: Sequence[Row], fact: str) -> str:
    """Those of whom the fact is 1 and more, by name."""
    return "".join(
        sorted(name for name, row in facts(customers).items() if (row[fact] or 0) >= 1)
    )


def first_policy() -> Policy:
    (found,) = policy_tables.load_folder(NEUTRAL)
    return found


def graded(customers: Sequence[Row]) -> dict[str, list[str]]:
    """Customer → the tier that the first policy gives it at each moment."""
    warehouse = valued(customers)
    measures = ", ".join(
        f"{fact}" if fact in BOUNDED else f"null as {fact}" for fact in FACTS
    )
    warehouse.lay_query(
        "facts",
        "select customer_id, customer_type, moment_no, true as is_month_end, "
        f"order_days > 0 as has_purchased, {measures} "
        "from work.core.core_valued_moments",
    )
    found: dict[str, list[str]] = {}
    for row in warehouse.rows(
        f"select * from ({stability.graded(first_policy(), 'work.core.facts')}) "
        "order by moment_no"
    ):
        found.setdefault(row["customer_id"], []).append(row["tier_code"])
    return found


def test_the_policy_of_a_new_project_can_stand() -> None:
    policy = first_policy()
    assert policy_checks.problems([policy]) == []
    assert [tier.code for tier in policy.tiers] == [
        *("key", "growth", "standard", "prospect")
    ]
    assert policy.factors == ()


@pytest.mark.parametrize(
    ("margins", "expected"),
    [
        # 50 + 30 of 100: those above b hold 50, which is not less than half.
        ({"a": 50, "b": 30, "c": 20}, "a"),
        ({"a": 49, "b": 31, "c": 20}, "ab"),
        # Equal ones are on the same side, the better one.
        ({"a": 40, "b": 20, "c": 20, "d": 20}, "abcd"),
        # What is lost takes nothing away from what the others bring.
        ({"a": 60, "b": 30, "c": 20, "d": -500}, "a"),
        ({"a": -1, "b": 0}, ""),
        # A margin that is not known of one in ten of the money is not part of it.
        ({"a": 45, "b": 35, "c": None}, "a"),
    ],
)
def test_the_first_half_of_the_margin(
    margins: Mapping[str, int | None], expected: str
) -> None:
    customers = [
        buyer(name, revenue_12m=100 if margin is not None else 20, margin_12m=margin)
        for name, margin in margins.items()
    ]
    assert among(customers, "margin_to_first_half") == expected
    assert {row["revenue_to_first_half"] for row in facts(customers).values()} == {None}


def test_revenue_counts_where_the_margin_is_not_known() -> None:
    """Of 79 of 100 it is known, which is less than the 0.8 that a sum asks for."""
    customers = [
        buyer("a", revenue_12m=79, margin_12m=1),
        buyer("b", revenue_12m=21),
        # Another type has its own halves.
        buyer("c", customer_type="person", revenue_12m=5, margin_12m=2),
    ]
    found = facts(customers)
    assert [found[name]["revenue_to_first_half"] for name in "abc"] == [
        1,
        21 / 79,
        None,
    ]
    assert [found[name]["margin_to_first_half"] for name in "abc"] == [None, None, 1]
    # With one unit more the margin is known.
    (known,) = [row for row in customers if row["customer_id"] == "a"]
    more = [{**known, "revenue_12m": 84}, *customers[1:]]
    assert facts(more)["a"]["margin_to_first_half"] == 1


def test_who_is_lost_is_among_nobody() -> None:
    customers = [
        buyer("a", revenue_12m=90, lifecycle_stage="lost", growth_rate=3),
        buyer("b", revenue_12m=10, growth_rate=1, predicted_revenue_12m=9),
    ]
    assert {facts(customers)["a"][fact] for fact in BOUNDED} == {None}
    # What it brought is part of what all brought.
    assert facts(customers)["b"]["revenue_to_first_half"] == pytest.approx(1 / 9)


def test_the_best_quarter_and_the_best_fifth() -> None:
    customers = [
        buyer(name, growth_rate=rate, revenue_12m=1, predicted_revenue_12m=rate + 10)
        for rate, name in enumerate("abcdefgh")
    ]
    # 6 of 8 grow less than g; 4 of 5 of 8 is 6.4, so 7 must be expected to bring less.
    assert among(customers, "growth_to_best_quarter") == "gh"
    # All bring the same and are in the first half: nobody is outside it.
    assert among(customers, "predicted_to_best_fifth") == ""
    outside = [*customers, buyer("z", revenue_12m=1000, predicted_revenue_12m=1000)]
    assert among(outside, "predicted_to_best_fifth") == "hz"
    # Equal ones are not better than each other.
    equal = [{**row, "growth_rate": 1.0} for row in customers]
    assert among(equal, "growth_to_best_quarter") == ""
    # Half as much again is half as much again, whoever grows.
    found = facts(customers)["h"]
    assert found["growth_to_best_quarter"] == pytest.approx(2.718281828)


def test_orders_in_the_first_year() -> None:
    young = dt.date(2025, 12, 1)
    customers = [
        buyer("a", first_order_date=young, orders=2),
        buyer("b", first_order_date=dt.date(2025, 11, 28), orders=9),
        buyer("c"),
    ]
    found = facts(customers)
    assert [found[name]["orders_in_first_year"] for name in "abc"] == [2, None, None]
    # Where sales are recorded for less than two years, nobody is known to be new.
    recent = [{**row, "first_order_date": young} for row in customers]
    assert among(recent, "orders_in_first_year") == ""


def test_a_band_is_for_amounts_and_not_for_counts() -> None:
    """Key asks for a tenth more to come in; a second order is one whole order more."""
    months = []
    for moment, (revenue, orders) in enumerate([(50, 1), (104, 2), (104, 2)], 1):
        months += [
            buyer("x", moment_no=moment, revenue_12m=100),
            buyer("a", moment_no=moment, revenue_12m=revenue),
            buyer(
                "n",
                moment_no=moment,
                first_order_date=dt.date(2026, 3, 1),
                orders=orders,
                revenue_12m=1,
            ),
        ]
    tiers = graded(months)
    # 104 of 104, 100 and 1: above it are none, above x 104 of 205, which is not less
    # than half; a is the smallest of the half, and not a tenth above it.
    assert tiers["a"] == ["standard", "standard", "standard"]
    assert tiers["n"] == ["standard", "standard", "growth"]


amounts = st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100)
STAGES = ("new", "active", "growing", "declining", "dormant", "lost")


@st.composite
def companies(draw: st.DrawFn) -> list[Row]:
    """One type of customers, of whom 20 or more buy and no two bring the same."""
    count = draw(st.integers(20, 32))
    by_margin = draw(st.booleans())
    most_orders = draw(st.sampled_from([1, 3]))

    def different(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=count, max_size=count, unique=True))

    customers = []
    for place, (revenue, margin, predicted) in enumerate(
        zip(different(amounts), different(amounts), different(amounts), strict=True)
    ):
        customers.append(
            buyer(
                f"c{place:02}",
                revenue_12m=revenue,
                margin_12m=margin if by_margin else None,
                predicted_revenue_12m=predicted,
                predicted_margin_12m=predicted / 4 if by_margin else None,
                growth_rate=draw(st.none() | THOUSANDTHS),
                lifecycle_stage=draw(st.sampled_from(STAGES[:-1])),
                first_order_date=draw(
                    st.sampled_from([dt.date(2023, 5, 1), dt.date(2026, 3, 1)])
                ),
                orders=draw(st.integers(1, most_orders)),
            )
        )
    unbought = draw(st.integers(0, 3))
    prospects = [
        buyer(
            f"p{place}",
            first_order_date=None,
            order_days=0,
            orders=0,
            revenue_12m=0,
            lifecycle_stage="prospect",
        )
        for place in range(unbought)
    ]
    return customers + prospects


def came_back_in_its_first_year(row: Row) -> bool:
    return bool(row["order_days"]) and (
        row["first_order_date"].year == 2026 and row["orders"] >= 2
    )


def by_hand(customers: Sequence[Row]) -> dict[str, str]:
    """The tiers as METHODS.md says them, without stability."""
    bought = [row for row in customers if row["order_days"]]
    by_margin = all(row["margin_12m"] is not None for row in bought)
    name = "margin_12m" if by_margin else "revenue_12m"
    forecast = "predicted_margin_12m" if by_margin else "predicted_revenue_12m"
    total = sum(row[name] for row in bought)
    tiers = {}
    outside = []
    for row in bought:
        above = sum(other[name] for other in bought if other[name] > row[name])
        if Fraction(above) < Fraction(total) / 2:
            tiers[row["customer_id"]] = "key"
        else:
            outside.append(row)
    old = [row for row in bought if row["growth_rate"] is not None]
    recorded = min(row["first_order_date"] for row in bought).year == 2023
    for row in outside:
        growth = row["growth_rate"]
        less = sum(one[forecast] < row[forecast] for one in outside)
        if (
            (
                growth is not None
                and sum(one["growth_rate"] < growth for one in old) * 4 >= 3 * len(old)
            )
            or less * 5 >= 4 * len(outside)
            or (recorded and came_back_in_its_first_year(row))
        ):
            tiers[row["customer_id"]] = "growth"
        else:
            tiers[row["customer_id"]] = "standard"
    return tiers | {
        row["customer_id"]: "prospect" for row in customers if not row["order_days"]
    }


@settings(max_examples=examples(40))
@given(companies())
def test_every_customer_has_one_tier_and_no_tier_is_empty(
    customers: list[Row],
) -> None:
    expected = by_hand(customers)
    found = {name: tier for name, (tier,) in graded(customers).items()}
    assert found == expected
    # Each customer once, whatever is known of it.
    assert len(found) == len(customers)
    held = Counter(found.values())
    assert held["key"] > 0
    assert held["growth"] > 0
    # A quarter and a fifth leave somebody; only a company all of whose small customers
    # are new, and came back, has no others.
    if not any(came_back_in_its_first_year(row) for row in customers):
        assert held["standard"] > 0
    assert (held["prospect"] > 0) == any(not row["order_days"] for row in customers)


@pytest.mark.parametrize("count", [20, 21, 200])
def test_a_plain_pareto_has_a_key_customer_in_ten(count: int) -> None:
    """Revenue falls as 1/n: half of it lies with a few, as in most companies."""
    customers = [
        buyer(f"c{place:03}", revenue_12m=Decimal(10_000) / place)
        for place in range(1, count + 1)
    ]
    held = Counter(itertools.chain(*graded(customers).values()))
    assert 0.04 * count <= held["key"] <= 0.2 * count
