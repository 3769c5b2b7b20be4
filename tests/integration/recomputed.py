"""The metrics, worked out once more from the order lines, line by line in Python.

By another road than `dbt_project/metrics.yaml` and the marts that it reads, so that a
mistake in either is seen.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipeline import metrics
from pipeline.common import calendar

LEAST_COVERAGE = 0.8
ONE_DAY = dt.timedelta(days=1)


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole and whole > 0 else None


def _sum(values: Any) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Customer:
    """What one customer's lines come to."""

    def __init__(self) -> None:
        self.revenue: list[Decimal] = [Decimal(0), Decimal(0)]  # last 12, 12 before
        self.orders: tuple[set[str], set[str]] = (set(), set())
        self.first_day: dt.date | None = None
        self.money = self.known_money = self.margin = Decimal(0)
        self.lines = self.known_lines = 0

    def known_margin(self) -> Decimal | None:
        """The margin of the last 12 months; None where too little cost is known."""
        if not self.lines:
            return Decimal(0)
        coverage = (
            _share(self.known_money, self.money)
            if self.money
            else self.known_lines / self.lines
        )
        return self.margin if (coverage or 0) >= LEAST_COVERAGE else None


def expected(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What each metric should be, by its id; None where it cannot be known."""
    values = {
        row[0]: row[1:]
        for row in connection.execute(
            "select customer_id, cost_to_serve_12m, acquisition_cost_12m, "
            "predicted_revenue_12m, clv, health_score, pipeline_amount, "
            "ticket_count_12m from marts.customer_value"
        ).fetchall()
    }
    ranks = dict(
        connection.execute(
            "select customer_id, tier_rank from marts.customer_tiers"
        ).fetchall()
    )
    (as_of, best) = connection.execute(
        "select max(as_of_date), (select min(tier_rank) from marts.tier_summary) "
        "from marts.customer_value"
    ).fetchone() or (None, None)
    year_ago = calendar.months_before(as_of, 12)
    two_years_ago = calendar.months_before(as_of, 24)
    customers: dict[str, Customer] = defaultdict(Customer)
    sold = returned = lines_money = costed_money = Decimal(0)
    has_line = has_sale = False
    for customer_id, order_id, day, net, margin, is_return in connection.execute(
        "select customer_id, order_id, order_date, net_amount, margin_amount, is_return "
        "from marts.order_lines"
    ).fetchall():
        customer = customers[customer_id]
        if not is_return:
            customer.first_day = min(customer.first_day or day, day)
        if day <= two_years_ago:
            continue
        place = 0 if day > year_ago else 1
        customer.revenue[place] += net
        if not is_return:
            customer.orders[place].add(order_id)
        if place:
            continue
        has_line = True
        has_sale |= not is_return
        customer.lines += 1
        customer.money += abs(net)
        lines_money += net
        sold += 0 if is_return else net
        returned -= net if is_return else 0
        if margin is not None:
            customer.known_lines += 1
            customer.known_money += abs(net)
            customer.margin += margin
            costed_money += net
    strangers = {
        customer_id
        for (customer_id,) in connection.execute(
            "select customer_id from marts.customers where customer_type = 'unknown'"
        ).fetchall()
    }
    days = [each.first_day for each in customers.values() if each.first_day]
    first_day = min(days, default=None)
    return _totals(
        {key: customers.get(key, Customer()) for key in values},
        values,
        ranks,
        {
            "is_recorded": bool(customers),
            "strangers": strangers,
            "reaches_back": (first_day or as_of) <= two_years_ago + ONE_DAY,
            "reaches_a_year": first_day is None or first_day <= year_ago + ONE_DAY,
            "cost_coverage": _share(costed_money, lines_money) if has_line else None,
            "return_rate": _share(returned, sold) if has_sale else None,
            "year_ago": year_ago,
            "best_rank": best,
        },
    )


def _totals(
    customers: dict[str, Customer],
    values: dict[str, Any],
    ranks: dict[str, int],
    facts: dict[str, Any],
) -> dict[str, Any]:
    recorded = facts["is_recorded"]
    key = {name for name in customers if ranks[name] == facts["best_rank"]}
    margins = {name: each.known_margin() for name, each in customers.items()}
    is_costed = any(each.known_lines for each in customers.values())
    if not is_costed or not recorded:
        margins = dict.fromkeys(customers)
    profits = {
        name: None
        if margin is None or values[name][0] is None
        # Who was won by no campaign that is recorded cost nothing to win.
        else margin - values[name][0] - (values[name][1] or 0)
        for name, margin in margins.items()
    }
    revenue = sum((each.revenue[0] for each in customers.values()), Decimal(0))
    before = sum((each.revenue[1] for each in customers.values()), Decimal(0))
    orders = sum(len(each.orders[0]) for each in customers.values())
    # Who stands for unknown customers brings revenue, and is counted nowhere.
    counted = {
        name: each for name, each in customers.items() if name not in facts["strangers"]
    }
    earlier = [each for each in counted.values() if each.orders[1]]
    again = [each for each in earlier if each.orders[0]]
    with_margin = sum(
        customers[name].revenue[0] for name, each in margins.items() if each is not None
    )
    growth = _share(revenue - before, before) if facts["reaches_back"] else None
    profit = _sum(profits.values())
    clvs = [each[3] for each in values.values() if each[3] is not None]
    health = [each[4] for each in values.values() if each[4] is not None]
    known: dict[str, Any] = {
        "customers_without_order": sum(
            each.first_day is None for each in counted.values()
        ),
        "active_customers": sum(bool(each.orders[0]) for each in counted.values()),
        "new_customers": sum(
            each.first_day is not None and each.first_day > facts["year_ago"]
            for each in counted.values()
        )
        if facts["reaches_a_year"]
        else None,
        "revenue_12m": revenue,
        "revenue_previous_12m": before,
        "revenue_growth": growth,
        "margin_12m": _sum(margins.values()),
        "margin_rate": _share(_sum(margins.values()) or 0, with_margin)
        if _sum(margins.values()) is not None
        else None,
        "profit_12m": profit,
        "orders_12m": orders,
        "average_order_value": float(revenue) / orders if orders else None,
        "retention": _share(len(again), len(earlier))
        if facts["reaches_back"]
        else None,
        "revenue_retention": _share(
            sum(each.revenue[0] for each in earlier),
            sum(each.revenue[1] for each in earlier),
        )
        if facts["reaches_back"]
        else None,
        "key_customers": len(key),
        "key_share_of_customers": _share(len(key), len(counted)),
        "key_share_of_revenue": _share(
            sum(customers[name].revenue[0] for name in key), revenue
        ),
        "key_share_of_profit": _share(
            sum(profits[name] or 0 for name in key), profit or 0
        ),
    }
    return {
        "customers": len(counted),
        **(known if recorded else dict.fromkeys(known)),
        "cost_coverage": facts["cost_coverage"],
        "return_rate": facts["return_rate"],
        "cost_to_serve_12m": _sum(each[0] for each in values.values()),
        "predicted_revenue_12m": _sum(each[2] for each in values.values()),
        "clv": _sum(clvs),
        "average_clv": float(sum(clvs)) / len(clvs) if clvs else None,
        "average_health": float(sum(health)) / len(health) if health else None,
        "pipeline_amount": _sum(each[5] for each in values.values()),
        "tickets_12m": _sum(each[6] for each in values.values()),
    }


def assert_metrics_hold(connection: duckdb.DuckDBPyConnection) -> None:
    """Every metric is what the lines come to, or unknown with a reason."""
    figures = metrics.ask(connection)
    wanted = expected(connection)
    assert set(figures) == set(wanted)
    for name, figure in figures.items():
        assert (figure.value is None) == (figure.reason is not None), name
        if figure.reason is not None:
            assert figure.reason_id is not None, f"{name}: {figure.reason.en}"
        if isinstance(figure.value, float):
            assert figure.value == pytest.approx(wanted[name], rel=1e-9), name
        else:
            assert figure.value == wanted[name], name
