"""An amount of a whole order in its lines: to the cent, as the lines are to each other."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import jinja2
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.settings import PROJECT_ROOT
from tests.profiles import examples

CENT = Decimal("0.01")
Orders = list[tuple[Decimal, list[Decimal]]]


def spread(orders: Orders) -> list[list[Decimal]]:
    """What each line of each order gets."""
    text = (PROJECT_ROOT / "dbt_project" / "macros" / "money.sql").read_text("utf-8")
    macro = jinja2.Environment().from_string(text).module.spread_over_lines  # type: ignore[attr-defined]
    with duckdb.connect() as connection:
        connection.execute(
            "create table lines (order_id integer, line integer, "
            "due decimal(18, 4), sold decimal(18, 4))"
        )
        connection.executemany(
            "insert into lines values (?, ?, ?, ?)",
            [
                (number, line, due, sold)
                for number, (due, lines) in enumerate(orders)
                for line, sold in enumerate(lines)
            ],
        )
        found = connection.execute(
            "select order_id, spread_amount from ("
            + macro("lines", "due", "sold", "order_id", "line")
            + ") order by order_id, line"
        ).fetchall()
    return [
        [amount for order, amount in found if order == number]
        for number in range(len(orders))
    ]


def D(*texts: str) -> list[Decimal]:  # noqa: N802
    return [Decimal(text) for text in texts]


def test_the_rest_goes_to_the_largest_remainder() -> None:
    assert spread(
        [
            # A third of a discount each; two cents that are left go to the first two.
            (Decimal("-10"), D("50", "50", "50")),
            (Decimal("10"), D("10", "20", "40")),
            # Nothing is spread.
            (Decimal(0), D("10", "20")),
            # What is less than a cent.
            (Decimal("0.0050"), D("10", "20")),
            # What came back takes no part in it.
            (Decimal("-8"), D("100", "-20", "60")),
            # Nothing but what came back, and what comes to nothing.
            (Decimal("3"), D("-10", "-20")),
            (Decimal("3"), D("0", "0")),
            (Decimal("5"), D("7")),
        ]
    ) == [
        D("-3.33", "-3.33", "-3.34"),
        D("1.43", "2.86", "5.71"),
        D("0", "0"),
        D("0", "0.0050"),
        D("-5", "0", "-3"),
        D("1", "2"),
        D("1.5", "1.5"),
        D("5"),
    ]


money = st.decimals(-100_000, 100_000, places=2, allow_nan=False)


@given(
    st.lists(
        st.tuples(
            st.one_of(money, st.decimals(-1000, 1000, places=4, allow_nan=False)),
            st.lists(money, min_size=1, max_size=12),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=examples(100), deadline=None)
def test_the_parts_sum_to_the_amount_and_are_in_proportion(orders: Orders) -> None:
    for (due, lines), parts in zip(orders, spread(orders), strict=True):
        assert sum(parts) == due
        weights = [max(line, Decimal(0)) for line in lines]
        weights = weights if sum(weights) else [abs(line) for line in lines]
        weights = weights if sum(weights) else [Decimal(1)] * len(lines)
        for weight, part in zip(weights, parts, strict=True):
            # No line is a cent away from its share.
            share = due * weight / sum(weights)
            assert abs(part - share) < CENT + Decimal("0.0001")
