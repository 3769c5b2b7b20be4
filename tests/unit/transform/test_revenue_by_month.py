"""Revenue by month and by the tier of that time, on a world that can be read."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from tests.models import Warehouse

SPELLS = [
    # A customer, first day, first day after, tier. What was bought before counts nowhere.
    ("a", "2021-01-10", "2021-02-15", "standard"),
    ("a", "2021-02-15", None, "key"),
    ("b", "2021-01-01", None, "standard"),
]
TYPES = {"a": "company", "b": "company", "p": "person"}

Line = tuple[str, str, str, str | None, str | None, bool]


def by_month(lines: list[Line], as_of: str = "2021-03-10") -> list[dict[str, Any]]:
    """Lines are order, customer, day, amount, margin, whether it is a return."""
    warehouse = Warehouse().seed("tiers")
    warehouse.lay(
        "order_lines",
        {
            "order_id": "varchar",
            "customer_id": "varchar",
            "order_date": "date",
            "net_amount": "decimal(18, 4)",
            "margin_amount": "decimal(18, 4)",
            "is_return": "boolean",
        },
        lines,
    )
    warehouse.lay(
        "customers",
        {"customer_id": "varchar", "customer_type": "varchar"},
        list(TYPES.items()),
    )
    warehouse.lay(
        "customer_tier_history",
        {
            "customer_id": "varchar",
            "valid_from": "date",
            "valid_to": "date",
            "tier_code": "varchar",
            "policy_id": "varchar",
        },
        [(*spell, "base-2010") for spell in SPELLS],
    )
    warehouse.lay_query(
        "core_tiers", f"select * from {warehouse.relation('tiers')}"
    ).lay("core_refresh", {"as_of_date": "date"}, [(as_of,)])
    return warehouse.build("revenue_by_month").rows(
        "select * from {revenue_by_month} order by revenue_month, tier_rank, "
        "customer_type"
    )


def line(
    order: str, customer: str, day: str, amount: str | None, margin: str | None = None
) -> Line:
    return (order, customer, day, amount, margin, bool(amount and amount[0] == "-"))


def test_the_tier_is_that_of_the_day_and_not_of_today() -> None:
    found = by_month(
        [
            line("1", "a", "2021-01-20", "100"),
            line("2", "a", "2021-02-14", "200"),
            # From its first day on the spell holds, and the one before does not.
            line("3", "a", "2021-02-15", "400"),
            line("4", "b", "2021-02-20", "50"),
        ]
    )
    assert [
        (str(row["revenue_month"]), row["tier_code"], row["revenue"], row["customers"])
        for row in found
    ] == [
        ("2021-01-01", "standard", 100, 1),
        ("2021-02-01", "key", 400, 1),
        ("2021-02-01", "standard", 250, 2),
    ]
    assert found[1]["tier_name_en"] == "Key"
    assert found[1]["tier_name_zh"] == "重要客户"


def test_what_lies_before_the_first_spell_is_kept_without_a_tier() -> None:
    (row,) = by_month([line("1", "p", "2021-01-20", "100")])
    assert (row["tier_code"], row["tier_rank"], row["tier_name_zh"]) == (None,) * 3
    assert (row["revenue"], row["customer_type"]) == (100, "person")


def test_returns_are_in_the_revenue_and_beside_it() -> None:
    (row,) = by_month(
        [
            line("1", "b", "2021-01-20", "100"),
            line("1", "b", "2021-01-20", "20"),
            line("2", "b", "2021-01-25", "-30"),
        ]
    )
    assert (row["revenue"], row["returned"], row["orders"]) == (90, -30, 1)


def test_a_margin_is_of_the_lines_whose_cost_is_known() -> None:
    known, unknown = by_month(
        [
            line("1", "b", "2021-01-20", "100", "40"),
            line("2", "b", "2021-01-21", "900"),
            line("3", "b", "2021-02-21", "900"),
        ]
    )
    assert (known["margin"], known["revenue_with_margin"]) == (40, 100)
    assert (unknown["margin"], unknown["revenue_with_margin"]) == (None, None)


@pytest.mark.parametrize(
    ("as_of", "complete"),
    [("2021-01-30", False), ("2021-01-31", True), ("2021-02-01", True)],
)
def test_a_month_is_complete_on_its_last_day(as_of: str, complete: bool) -> None:
    (row,) = by_month([line("1", "b", "2021-01-20", "1")], as_of)
    assert row["is_complete"] is complete


@hypothesis.given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(TYPES)),
            st.dates(dt.date(2020, 12, 1), dt.date(2021, 3, 10)),
            st.decimals(-999, 999, places=2),
        )
    )
)
def test_no_line_is_lost_or_counted_twice(
    sold: list[tuple[str, dt.date, Decimal]],
) -> None:
    found = by_month(
        [
            line(str(number), customer, str(day), str(amount))
            for number, (customer, day, amount) in enumerate(sold)
        ]
    )
    sums: dict[str, Decimal] = {}
    for _, day, amount in sold:
        month = str(day.replace(day=1))
        sums[month] = sums.get(month, Decimal(0)) + amount
    by: dict[str, Decimal] = {}
    for row in found:
        month = str(row["revenue_month"])
        by[month] = by.get(month, Decimal(0)) + row["revenue"]
    assert by == sums
