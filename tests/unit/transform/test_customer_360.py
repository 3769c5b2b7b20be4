"""The row that a person sees of a customer first: complete, and in words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from pipeline.transform.package import PACKAGE
from tests.models import Warehouse, seed_rows

COLUMNS = {
    "customers": "customer_label customer_name customer_type owner industry city country",
    "customer_tiers": "tier_code tier_name_en tier_name_zh vip_class previous_tier_code "
    "reason_en reason_zh",
    "customer_value": "weakest_health_factor lifecycle_stage rfm_segment",
    "customer_verdicts": "verdict verdict_name_en verdict_name_zh",
}
NUMBERS = {
    "customer_tiers": "tier_rank",
    "customer_value": "revenue_12m revenue_previous_12m margin_12m profit_12m "
    "predicted_orders_12m predicted_revenue_12m clv no_purchase_probability_12m "
    "health_score days_since_last_order usual_gap_days",
    "customer_verdicts": "at_stake",
}
DATES = {
    "customer_tiers": "tier_since",
    "customer_value": "first_order_date last_order_date as_of_date",
}


def seen(
    customers: dict[str, dict[str, Any]],
    actions: Sequence[tuple[int, str | None, str]] = (),
) -> dict[str, dict[str, Any]]:
    """Customer → its row; actions are place, customer and action."""
    warehouse = Warehouse().seed("code_labels", "rfm_segments", "health_factors")
    for table, texts in COLUMNS.items():
        columns = {"customer_id": "varchar"}
        columns |= dict.fromkeys(texts.split(), "varchar")
        columns |= dict.fromkeys(NUMBERS.get(table, "").split(), "decimal(18, 4)")
        columns |= dict.fromkeys(DATES.get(table, "").split(), "date")
        if table == "customer_value":
            columns["has_growth_history"] = "boolean"
        warehouse.lay(
            table,
            columns,
            [
                [key if name == "customer_id" else row.get(name) for name in columns]
                for key, row in customers.items()
            ],
        )
    warehouse.lay(
        "customer_actions",
        {
            "place": "integer",
            "customer_id": "varchar",
            "action": "varchar",
            "action_name_en": "varchar",
            "action_name_zh": "varchar",
            "due_on": "date",
            "reason_en": "varchar",
            "reason_zh": "varchar",
            "owner": "varchar",
        },
        [
            (
                place,
                key,
                action,
                action.title(),
                "电话",
                dt.date(2021, 1, 5),
                "",
                "",
                "Ann",
            )
            for place, key, action in actions
        ],
    )
    warehouse.lay(
        "figure_quality",
        {"customer_type": "varchar", "figure": "varchar", "is_reliable": "boolean"},
        [("person", "health", False), ("company", "health", True)],
    )
    rows = warehouse.build("customer_360").rows("select * from {customer_360}")
    return {row["customer_id"]: row for row in rows}


def test_the_next_action_is_the_first_on_the_list() -> None:
    rows = seen(
        {"a": {}, "b": {}},
        [(1, None, "write"), (3, "a", "visit"), (2, "a", "call")],
    )
    assert rows["a"]["next_action"] == "call"
    assert rows["a"]["next_action_en"] == "Call"
    assert rows["a"]["actions_due"] == 2
    assert (rows["b"]["next_action"], rows["b"]["actions_due"]) == (None, 0)


def test_the_verdict_and_its_money_are_there() -> None:
    (row,) = seen(
        {"a": {"verdict": "slips", "verdict_name_en": "Slips", "at_stake": 7}}
    ).values()
    assert (row["verdict"], row["verdict_name_en"], row["at_stake"]) == (
        "slips",
        "Slips",
        7,
    )


def test_what_is_not_known_stays_so() -> None:
    (row,) = seen({"a": {"customer_type": "person"}}).values()
    assert row["customer_type_zh"] == "个人客户"
    assert row["is_health_reliable"] is False
    known = {"customer_id", "customer_type", "customer_type_zh", "actions_due"}
    known.add("is_health_reliable")
    assert {name for name, value in row.items() if value is not None} == known


def test_every_stage_segment_and_factor_has_its_words() -> None:
    stages = {
        row["code"]
        for row in seed_rows("code_labels")
        if row["code_kind"] == "lifecycle_stage"
    }
    segments = {row["rfm_segment"] for row in seed_rows("rfm_segments")}
    factors = {
        (row["customer_type"], row["factor"]) for row in seed_rows("health_factors")
    }
    cases = [
        *({"lifecycle_stage": stage} for stage in stages),
        *(
            {"rfm_segment": each}
            for each in {*segments, "never bought", "not recorded"}
        ),
        *(
            {"customer_type": kind, "weakest_health_factor": factor}
            for kind, factor in factors
        ),
    ]
    rows = seen({str(number): case for number, case in enumerate(cases)})
    assert len(rows) == len(cases)
    for number, case in enumerate(cases):
        row = rows[str(number)]
        for name in case:
            assert row[name] == case[name]
            assert row[f"{name}_zh"]
            if name in {"lifecycle_stage", "weakest_health_factor"}:
                assert row[f"{name}_en"]


def test_the_stages_are_those_that_customers_are_given() -> None:
    text = (PACKAGE / "models" / "core" / "core_measured_moments.sql").read_text()
    (cases,) = re.findall(
        r"(first_order_date is null then.*?)end as lifecycle_stage", text, re.S
    )
    assert set(re.findall(r"(?:then|else) '([^']+)'", cases)) == {
        row["code"]
        for row in seed_rows("code_labels")
        if row["code_kind"] == "lifecycle_stage"
    }
