"""What passes in silence although it says nothing: an empty tier, a factor that nobody has.

Each warning of the transformation on small tables: once where all is well, and once for each
way of going wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from tests.models import Warehouse

AS_OF = dt.date(2014, 1, 31)
TIERS = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    "policy_id": "varchar",
    "is_present": "boolean",
    "is_published": "boolean",
    "has_purchased": "boolean",
    "rule_order": "integer",
    "tier_code": "varchar",
    "value_score": "double",
    "potential_score": "double",
    "value_coverage": "double",
    "potential_coverage": "double",
}
FACTORS = {
    "customer_id": "varchar",
    "score_name": "varchar",
    "factor": "varchar",
    "declared_weight": "double",
    "score": "double",
}
# The base policy's rules: who never bought, then three for who did.
CODES = {1: "prospect", 2: "key", 3: "growth", 4: "standard", None: "not_graded"}


def world(
    rules: Sequence[int | None],
    *,
    past: Sequence[int] = (),
    scores: tuple[float | None, float | None] = (5, 5),
) -> Warehouse:
    """One customer a rule, who has its tier by it; `past` decided at earlier moments."""
    warehouse = Warehouse().seed(
        "tier_rules", "tier_rule_facts", "score_factors", "policies"
    )
    warehouse.lay_query(
        "core_policy",
        f"select * from {warehouse.relation('policies')} where is_published",
    )
    rows = [
        (
            f"C{place}", "company", "base-2010", present, True, rule not in (1, None),
            rule, CODES[rule], *scores, 0.5, 0.5,
        )
        for present, orders in ((True, rules), (False, past))
        for place, rule in enumerate(orders)
    ]  # fmt: skip
    for name in ("int_tiers", "int_earned_tiers"):
        warehouse.lay(name, TIERS, rows)
    return warehouse


def factors(
    warehouse: Warehouse, *rows: tuple[str, str, str, float, float | None]
) -> Warehouse:
    return warehouse.lay("customer_score_factors", FACTORS, rows)


@pytest.mark.parametrize(
    ("rules", "empty"),
    [
        ([2, 3, *[4] * 18], set()),
        ([2, *[4] * 19], {"growth"}),
        ([*[4] * 20], {"key", "growth"}),
        # Prospects are not asked for; below twenty buyers nothing is said.
        ([*[1] * 30, *[4] * 19], set()),
        # Nobody is graded where no sales are recorded.
        ([None] * 30, set()),
    ],
)
def test_a_tier_without_a_customer(rules: list[int | None], empty: set[str]) -> None:
    found = world(rules).found_by("every_tier_has_a_customer")
    assert {row["tier_code"] for row in found} == empty
    assert all(row["buyers"] == rules.count(4) + rules.count(2) for row in found)


@pytest.mark.parametrize(
    ("rules", "past", "never"),
    [
        ([2, 3, *[4] * 18], [], set()),
        ([*[4] * 20], [], {2, 3}),
        # What held last year still holds for somebody.
        ([*[4] * 20], [2, 3], set()),
        ([*[4] * 19], [], set()),
        ([None] * 30, [], set()),
    ],
)
def test_a_rule_that_never_decides(
    rules: list[int | None], past: list[int], never: set[int]
) -> None:
    found = world(rules, past=past).found_by("every_rule_decides_for_somebody")
    assert {row["rule_order"] for row in found} == never
    assert all(row["customers"] == 20 for row in found)


@pytest.mark.parametrize(
    ("facts", "never"),
    [
        # Two rules lead to key; a rule for which customers are compared may wait.
        ([(5, "revenue_to_first_half")], set()),
        ([(5, "revenue_12m")], {5}),
        ([(5, "revenue_to_first_half"), (5, "revenue_12m")], {5}),
        # Of a tier that nobody has, it is named.
        ([(3, "growth_to_best_quarter")], {3, 5}),
    ],
)
def test_a_rule_that_compares_customers_may_wait_beside_others(
    facts: list[tuple[int, str]], never: set[int]
) -> None:
    orders = [2, *[4] * 19] if 3 in dict(facts) else [2, 3, *[4] * 18]
    warehouse = world(orders)
    warehouse.connection.execute(
        f"insert into {warehouse.relation('tier_rules')} by name select "
        "'base-2010' as policy_id, 5 as rule_order, 'key' as tier_code, "
        "true as has_purchased, 'also' as rule_en, '也' as rule_zh"
    )
    for order, fact in facts:
        warehouse.connection.execute(
            f"insert into {warehouse.relation('tier_rule_facts')} "
            f"values ('base-2010', {order}, '{fact}', 1)"
        )
    if 3 in dict(facts):
        warehouse.connection.execute(
            f"update {warehouse.relation('tier_rules')} set min_potential_score = null"
        )
    found = warehouse.found_by("every_rule_decides_for_somebody")
    assert {row["rule_order"] for row in found} == never


def test_a_factor_that_nobody_has() -> None:
    warehouse = factors(
        world([4, 4]),
        ("C0", "value", "margin_12m", 0.4, None),
        ("C1", "value", "margin_12m", 0.4, None),
        ("C0", "value", "revenue_12m", 0.6, None),
        ("C1", "value", "revenue_12m", 0.6, 7),
        # Without a weight it takes nothing from anybody.
        ("C0", "potential", "company_size", 0, None),
    )
    (row,) = warehouse.found_by("every_factor_is_known_of_somebody")
    assert (row["factor"], row["declared_weight"], row["customers"]) == (
        *("margin_12m", 0.4),
        2,
    )
    nobody = factors(world([None]), ("C0", "value", "margin_12m", 0.4, None))
    assert nobody.found_by("every_factor_is_known_of_somebody") == []


@pytest.mark.parametrize(
    ("scores", "never"),
    [
        ((5, 5), set()),
        ((5, None), {"potential"}),
        ((None, None), {"value", "potential"}),
    ],
)
def test_a_score_that_is_never_rated(
    scores: tuple[float | None, float | None], never: set[str]
) -> None:
    found = world([2, 4], scores=scores).found_by("every_score_is_rated_for_somebody")
    assert {row["score_name"] for row in found} == never
    assert all(
        (row["rated_customers"], row["highest_coverage"], float(row["min_coverage"]))
        == (0, 0.5, 0.6)
        for row in found
    )
    assert world([None], scores=(None, None)).found_by(
        "every_score_is_rated_for_somebody"
    ) == []  # fmt: skip


def test_a_score_that_is_made_of_nothing_is_not_missed() -> None:
    warehouse = world([2, 4], scores=(5, None))
    warehouse.connection.execute(
        f"delete from {warehouse.relation('score_factors')} where score = 'potential'"
    )
    assert warehouse.found_by("every_score_is_rated_for_somebody") == []


def days(*ages: int) -> list[dict[str, Any]]:
    """What is found where orders came so many days before the as-of day."""
    warehouse = Warehouse()
    warehouse.lay_query("core_refresh", f"select date '{AS_OF}' as as_of_date")
    warehouse.lay(
        "event_days",
        {"entity": "varchar", "source": "varchar", "event_day": "date"},
        [("order_lines", "shop", AS_OF - dt.timedelta(age)) for age in ages],
    )
    return warehouse.found_by("newest_rows_are_as_new_as_usual")


def test_what_has_not_come_for_years_is_not_usual() -> None:
    (row,) = days(*range(2525, 2725))
    assert (row["days_since"], row["longest_pause_days"]) == (2525, 1)
    assert row["newest_day"] == AS_OF - dt.timedelta(2525)


def test_what_comes_as_it_always_did() -> None:
    assert days(*range(15, 30)) != []
    assert days(*range(14, 30)) == []
    # Twice the longest pause of a seasonal trade.
    assert days(60, *range(90, 105)) == []
    assert days(61, *range(91, 105)) != []
    # A company's first few days say nothing of what is usual.
    assert days(*range(100, 109)) == []
