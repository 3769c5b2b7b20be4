"""What verdicts rest on: flags that are null where a fact is not known, and loss causes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from tests.models import Warehouse, seed_types

AS_OF = dt.date(2014, 1, 31)
MONEY = "decimal(28, 4)"
TABLES: Mapping[str, Mapping[str, str]] = {
    "int_served_customers": {
        "customer_id": "varchar",
        "customer_type": "varchar",
        "as_of_date": "date",
        "policy_id": "varchar",
        "tier_code": "varchar",
        "tier_rank": "integer",
        "tier_name_en": "varchar",
        "tier_name_zh": "varchar",
        "hours_per_year": "decimal(9, 2)",
    },
    "customer_value": {
        "customer_id": "varchar",
        "order_count": "bigint",
        "order_days": "bigint",
        "revenue_12m": MONEY,
        "revenue_previous_12m": MONEY,
        "margin_12m": MONEY,
        "profit_12m": MONEY,
        "overdue_factor": "double",
        "whitespace_revenue": MONEY,
        "whitespace_margin": MONEY,
        "pipeline_amount": MONEY,
        "growth_rate": "double",
        "health_score": "decimal(12, 6)",
        "predicted_revenue_12m": MONEY,
        "no_purchase_probability_12m": "double",
    },
    "customer_tiers": {"customer_id": "varchar", "total_score": "decimal(12, 6)"},
    "lead_scores": {"customer_id": "varchar", "score": "decimal(12, 6)"},
    "account_matrix": {
        "customer_id": "varchar",
        "strategy_code": "varchar",
        "strategy_en": "varchar",
        "strategy_zh": "varchar",
    },
    "core_tiers": {
        "policy_id": "varchar",
        "tier_rank": "integer",
        "is_graded": "boolean",
    },
    "core_refresh": {"as_of_date": "date", "twelve_months_ago": "date"},
    "core_customers": {"customer_id": "varchar", "customer_type": "varchar"},
    "core_service_tickets": {
        "customer_id": "varchar",
        "opened_at": "timestamp",
        "resolved_at": "timestamp",
        "closed_at": "timestamp",
        "met_sla": "boolean",
        "is_complaint": "boolean",
    },
    "core_cost_entries": {
        "customer_id": "varchar",
        "cost_date": "date",
        "cost_pool": "varchar",
        "amount": "decimal(18, 4)",
    },
    "cost_rates": dict(seed_types()["cost_rates"]),
    "quality_checks": {
        "model": "varchar",
        "metric": "varchar",
        "subject": "varchar",
        "outcome": "varchar",
        "value": "double",
        "least": "double",
        "most": "double",
    },
}
BOUGHT = {"order_count": 3, "revenue_12m": 100, "revenue_previous_12m": 0}
# Two customers who brought little: the median is theirs.
SMALL = {"order_count": 1, "revenue_12m": 1, "revenue_previous_12m": 1}
FLAGS = (
    "is_blocked",
    "loses_money",
    "slips",
    "can_grow",
    "is_key",
    "is_scored_prospect",
)


def facts(
    customers: Mapping[str, Mapping[str, Any]], **tables: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Customer → its row of int_verdict_facts, of small values and what is around them."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES} | tables
    rows["core_refresh"] = [
        {"as_of_date": AS_OF, "twelve_months_ago": AS_OF - dt.timedelta(days=365)}
    ]
    rows["core_tiers"] = [
        {"policy_id": "p", "tier_rank": rank, "is_graded": True} for rank in (1, 2)
    ]
    for name, row in customers.items():
        known = {
            "customer_id": name,
            "customer_type": "company",
            "as_of_date": AS_OF,
            "policy_id": "p",
            "tier_code": "standard",
            "tier_rank": 2,
            **row,
        }
        for table in (
            "int_served_customers",
            "customer_value",
            "customer_tiers",
            "core_customers",
        ):
            rows[table].append(known)
    warehouse = Warehouse().seed("verdicts")
    for table, columns in TABLES.items():
        warehouse.lay(
            table, columns, [[row.get(name) for name in columns] for row in rows[table]]
        )
    warehouse.build("figure_quality", "int_loss_causes", "int_verdict_facts")
    found = warehouse.rows("select * from {int_verdict_facts}")
    return {row["customer_id"]: row for row in found}


def ticket(customer: str = "a", days: int = 5, **values: Any) -> dict[str, Any]:
    day = dt.datetime.combine(AS_OF - dt.timedelta(days=days), dt.time(20))
    return {"customer_id": customer, "opened_at": day, **values}


def test_of_a_company_that_records_nothing_no_flag_holds() -> None:
    (row,) = facts({"a": {"tier_code": "not_graded", "tier_rank": 3}}).values()
    assert {flag: row[flag] for flag in FLAGS if row[flag]} == {}
    assert row["loses_money"] is None and row["is_blocked"] is None
    assert row["slips"] is None


def test_of_service_records_alone_service_is_known() -> None:
    missed = [ticket(met_sla=False), ticket(met_sla=False, days=89)]
    rows = facts(
        {"a": {}, "b": {}, "c": {}},
        core_service_tickets=[*missed, ticket("b", is_complaint=True)],
    )
    assert [rows[name]["is_blocked"] for name in "abc"] == [True, True, False]
    for row in rows.values():
        assert not any(row[flag] for flag in FLAGS if flag != "is_blocked")


@pytest.mark.parametrize(
    "tickets",
    [
        [ticket(met_sla=False)],
        [ticket(met_sla=False), ticket(met_sla=False, days=90)],
        [ticket(met_sla=False), ticket(met_sla=None), ticket(met_sla=True)],
        [ticket(is_complaint=True, resolved_at=dt.datetime(2014, 1, 30))],
        [ticket("b", met_sla=False), ticket(met_sla=False)],
    ],
)
def test_a_promise_that_was_broken_once_blocks_nobody(
    tickets: list[dict[str, Any]],
) -> None:
    assert facts({"a": {}, "b": {}}, core_service_tickets=tickets)["a"][
        "is_blocked"
    ] in (False, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({**BOUGHT, "profit_12m": -1}, True),
        ({**BOUGHT, "profit_12m": 0}, False),
        # Without costs nobody loses money; what a prospect costs is no loss.
        ({**BOUGHT, "profit_12m": None}, None),
        ({"order_count": 0, "revenue_12m": 0, "profit_12m": -5}, False),
    ],
)
def test_who_loses_money(value: dict[str, Any], expected: bool | None) -> None:
    assert facts({"a": value})["a"]["loses_money"] is expected


SILENT = {"order_days": 3, "overdue_factor": 1.5}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (SILENT, True),
        ({**SILENT, "overdue_factor": 1.49}, False),
        ({**SILENT, "order_days": 2}, False),
        ({**SILENT, "revenue_12m": 1}, False),
        # What it brought in the year before counts where that is more.
        ({**SILENT, "revenue_12m": 0, "revenue_previous_12m": 50}, True),
        ({"no_purchase_probability_12m": 0.6}, True),
        ({"no_purchase_probability_12m": 0.4}, False),
        ({}, None),
    ],
)
def test_who_slips(value: dict[str, Any], expected: bool | None) -> None:
    small = {**SMALL, "no_purchase_probability_12m": 0.5}
    found = facts({"a": {**BOUGHT, **value}, "b": small, "c": small})["a"]["slips"]
    assert bool(found) is bool(expected)


def outside(
    model: str, metric: str, subject: str, value: float = 0.1
) -> dict[str, Any]:
    return {
        "model": model,
        "metric": metric,
        "subject": subject,
        "outcome": "outside" if value < 0.5 else "ok",
        "value": value,
        "least": 0.5,
        "most": 1,
    }


def test_a_figure_below_its_bound_is_not_known() -> None:
    value = {
        **BOUGHT,
        "health_score": 2,
        "no_purchase_probability_12m": 0.6,
        "predicted_revenue_12m": 50,
    }
    small = {**SMALL, "no_purchase_probability_12m": 0.5}
    customers = {"a": value, "b": small, "c": small}
    names = ("health_score", "no_purchase_probability_12m", "predicted_revenue_12m")

    def known(*checks: dict[str, Any]) -> tuple[list[str], bool]:
        row = facts(customers, quality_checks=[*checks])["a"]
        return [name for name in names if row[name] is not None], bool(row["slips"])

    chance = ("value of company", "no_purchase auc")
    assert known() == ([*names], True)
    assert known(outside("health", "auc", "company")) == ([*names[1:]], True)
    assert known(outside("health", "auc", "person")) == ([*names], True)
    assert known(outside(*chance, "bg_bb 2012-01-31")) == (
        ["health_score", "predicted_revenue_12m"],
        False,
    )
    # At one of three origins it was worse: that is no rule.
    good = [outside(*chance, f"bg_bb {year}-01-31", 0.8) for year in (2011, 2010)]
    assert known(outside(*chance, "bg_bb 2012-01-31"), *good) == ([*names], True)
    # Of a forecast that is worth nothing the chance is not either.
    assert known(outside("value of company", "revenue relative_bias", "x")) == (
        ["health_score"],
        False,
    )


def test_who_can_grow() -> None:
    customers = {
        str(number): {
            **SMALL,
            "whitespace_revenue": number,
            "whitespace_margin": number,
        }
        for number in range(10)
    }
    rate = {
        "cost_pool": "account_management",
        "driver": "interaction_minute",
        "key": "*",
        "rate": 1.4,
        "valid_from": dt.date(2000, 1, 1),
    }

    def growing(changed: Mapping[str, Any], *rates: dict[str, Any]) -> list[str]:
        rows = facts(
            {name: {**row, **changed} for name, row in customers.items()},
            cost_rates=[*rates],
        )
        return sorted(name for name, row in rows.items() if row["can_grow"])

    assert growing({}) == ["8", "9"]
    # Six minutes cost 8.4, which 8 do not bring.
    assert growing({"hours_per_year": 0.1}, rate) == ["9"]
    assert growing({"hours_per_year": 0.1}) == ["8", "9"]
    assert growing({"whitespace_revenue": 5}) == []
    assert growing({"whitespace_revenue": None, "whitespace_margin": None}) == []
    assert growing({"order_count": 0, "revenue_12m": 0}) == []


def test_a_deal_is_potential_where_no_sales_are_recorded() -> None:
    rows = facts({"a": {"pipeline_amount": 9}, "b": {"pipeline_amount": 0}, "c": {}})
    assert [bool(rows[name]["can_grow"]) for name in "abc"] == [True, False, False]


def test_who_is_kept_and_who_is_to_be_won() -> None:
    prospect = {"order_count": 0, "revenue_12m": 0, "tier_rank": 1}
    rows = facts(
        {
            "key": {**BOUGHT, "tier_rank": 1},
            "other": BOUGHT,
            "scored": {**prospect, "total_score": 3},
            "lead": prospect,
            "unscored": prospect,
        },
        lead_scores=[{"customer_id": "lead", "score": 4}],
    )
    assert [name for name, row in rows.items() if row["is_key"]] == ["key"]
    assert sorted(name for name, row in rows.items() if row["is_scored_prospect"]) == [
        "lead",
        "scored",
    ]


def entry(customer: str, pool: str, amount: float, days: int = 5) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "cost_pool": pool,
        "amount": amount,
        "cost_date": AS_OF - dt.timedelta(days=days),
    }


@pytest.mark.parametrize(
    ("margin", "entries", "element", "excess"),
    [
        # Of both together 1,000 of 2,000 go to the goods: half is usual.
        (-100, [], "goods", 600),
        (400, [entry("a", "freight", 600)], "freight", 300),
        (400, [entry("a", "late_payment", 600)], "terms", 300),
        (
            400,
            [entry("a", "service", 300), entry("a", "order_handling", 300)],
            "service",
            300,
        ),
        # What is older than the 12 months of the loss is no part of it.
        (
            400,
            [entry("a", "freight", 999, 365), entry("a", "late_payment", 5)],
            "goods",
            100,
        ),
    ],
)
def test_why_a_customer_loses_money(
    margin: int, entries: list[dict[str, Any]], element: str, excess: float
) -> None:
    bought = {"order_count": 1, "revenue_12m": 1000, "revenue_previous_12m": 0}
    other = {**bought, "margin_12m": 1000 - margin if margin < 0 else 600}
    losing = {**bought, "margin_12m": margin, "profit_12m": -10}
    row = facts(
        {"a": losing, "b": {**other, "profit_12m": 10}}, core_cost_entries=entries
    )["a"]
    assert row["loss_element_en"] is not None
    words = {
        "goods": "the cost of the goods",
        "freight": "freight",
        "terms": "late payment",
        "service": "handling, service and visits",
    }
    assert row["loss_element_en"] == words[element]
    assert float(row["loss_excess"]) == excess
