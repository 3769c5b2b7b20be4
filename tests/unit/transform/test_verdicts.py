"""One verdict an account: total, disjoint, and silent of what is not known."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.models import Warehouse, seed_rows

AS_OF = dt.date(2014, 1, 31)
# Each verdict with the flag that asks for it, in the order of METHODS: the first that
# holds. Written here anew, so that a slip in macro or seed shows.
ORDER = {
    "blocked_by_service": "is_blocked",
    "loses_money": "loses_money",
    "slips": "slips",
    "grow": "can_grow",
    "keep": "is_key",
    "win": "is_scored_prospect",
}
FACTS: Mapping[str, str] = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    **dict.fromkeys(ORDER.values(), "boolean"),
    "tier_name_en": "varchar",
    "tier_name_zh": "varchar",
    "strategy_en": "varchar",
    "strategy_zh": "varchar",
    "service_days": "integer",
    "sla_missed": "bigint",
    "open_complaints": "bigint",
    "profit_12m": "decimal(28, 4)",
    "loss_element_en": "varchar",
    "loss_element_zh": "varchar",
    "loss_excess": "decimal(28, 4)",
    "revenue_12m": "decimal(28, 4)",
    "revenue_previous_12m": "decimal(28, 4)",
    "better_revenue": "decimal(28, 4)",
    "revenue_share": "double",
    "has_rhythm": "boolean",
    "overdue_factor": "double",
    "overdue_from": "double",
    "no_purchase_probability_12m": "double",
    "usual_chance": "double",
    "predicted_revenue_12m": "decimal(28, 4)",
    "potential_revenue": "decimal(28, 4)",
    "whitespace_revenue": "decimal(28, 4)",
    "pipeline_amount": "decimal(28, 4)",
    "health_score": "decimal(12, 6)",
    "growth_rate": "double",
    "lead_score": "decimal(12, 6)",
    "total_score": "decimal(12, 6)",
}


def judged(
    customers: Mapping[str, Mapping[str, Any]], *beside: str
) -> dict[str, dict[str, Any]]:
    """Customer → its row of customer_verdicts, its facts by what they speak beside it.

    With names of columns each fact is a tuple with those behind it.
    """
    warehouse = Warehouse().seed("verdicts", "verdict_facts", "verdict_speaks")
    warehouse.lay(
        "int_verdict_facts",
        FACTS,
        [
            [
                {"customer_id": key, "customer_type": "company", **row}.get(name)
                for name in FACTS
            ]
            for key, row in customers.items()
        ],
    )
    warehouse.lay(
        "core_lifecycle_settings",
        {
            "customer_type": "varchar",
            "growing_from": "double",
            "declining_to": "double",
        },
        [("company", 0.15, -0.15), ("person", 0.15, -0.15)],
    )
    warehouse.lay(
        "int_served_customers",
        {
            "customer_id": "varchar",
            "tier_code": "varchar",
            "tier_rank": "integer",
            "as_of_date": "date",
        },
        [(key, "standard", 3, AS_OF) for key in customers],
    )
    warehouse.lay(
        "int_customer_owners",
        {"customer_id": "varchar", "owner": "varchar"},
        [(key, "Ann") for key in customers],
    )
    warehouse.build("int_verdicts", "verdict_evidence", "customer_verdicts")
    assert warehouse.found_by("verdicts_are_whole") == []
    rows = {
        row["customer_id"]: {**row, "for": [], "against": []}
        for row in warehouse.rows("select * from {customer_verdicts}")
    }
    for row in warehouse.rows("select * from {verdict_evidence} order by position"):
        fact = (row["fact"], *(row[name] for name in beside)) if beside else row["fact"]
        rows[row["customer_id"]][row["speaks"]].append(fact)
    return rows


def test_every_combination_of_flags_has_one_verdict() -> None:
    """True, false and not known of each of six: 729 customers, each judged once."""
    combinations = list(itertools.product((True, False, None), repeat=len(ORDER)))
    rows = judged(
        {
            str(number): dict(zip(ORDER.values(), flags, strict=True))
            for number, flags in enumerate(combinations)
        }
    )
    assert len(rows) == len(combinations)
    for number, flags in enumerate(combinations):
        holding = [
            verdict for verdict, flag in zip(ORDER, flags, strict=True) if flag is True
        ]
        assert rows[str(number)]["verdict"] == (holding or ["serve"])[0]
    assert sorted(row["place"] for row in rows.values()) == list(
        range(1, len(combinations) + 1)
    )


def test_growth_is_a_share_of_the_year_before() -> None:
    """Of a year without revenue there is none: growth_rate is of the sums plus one."""
    rate = {"can_grow": True, "growth_rate": math.log(131 / 101)}
    fell = {"slips": True, "growth_rate": math.log(1 / 101)}
    rows = judged(
        {
            "grew": {**rate, "revenue_12m": 130, "revenue_previous_12m": 100},
            "new": {
                "can_grow": True,
                "growth_rate": math.log(130_001),
                "revenue_12m": 130_000,
                "revenue_previous_12m": 0,
            },
            "fell": {**fell, "revenue_12m": -5, "revenue_previous_12m": 100},
        },
        "value",
    )
    told = {
        key: {**dict(row["for"]), **dict(row["against"])} for key, row in rows.items()
    }
    assert told["grew"]["growing"] == pytest.approx(30)
    assert "growing" not in told["new"]
    assert told["fell"]["declining"] == pytest.approx(100)


def test_no_forecast_is_told_as_certain() -> None:
    chances = {"a": 0.915, "b": 0.99951, "c": 1.0}
    rows = judged(
        {
            key: {
                "slips": True,
                "no_purchase_probability_12m": chance,
                "usual_chance": 0.5,
            }
            for key, chance in chances.items()
        },
        "text_en",
        "text_zh",
    )
    told = {
        key: [texts for fact, *texts in row["for"] if fact == "likely_silent"]
        for key, row in rows.items()
    }
    said = "orders nothing in the next 12 months with a probability of {} %"
    assert told == {
        key: [[said.format(figure), f"未来12个月不下单的概率为{figure}%"]]
        for key, figure in {"a": "91.5", "b": ">99.9", "c": ">99.9"}.items()
    }


def test_the_seed_names_each_verdict_once() -> None:
    declared = sorted(seed_rows("verdicts"), key=lambda row: int(row["verdict_order"]))
    assert [row["verdict"] for row in declared] == [*ORDER, "serve"]


LOSS: dict[str, Any] = {
    "loses_money": True,
    "profit_12m": Decimal(-42399),
    "revenue_12m": Decimal(210000),
    "revenue_share": 0.021,
}


def test_what_speaks_against_it_is_named_with_its_figure() -> None:
    (row,) = judged(
        {
            "a": {
                **LOSS,
                "is_key": True,
                "tier_name_en": "Key",
                "tier_name_zh": "重要客户",
                "strategy_en": "improve",
                "strategy_zh": "提高",
            }
        }
    ).values()
    assert row["at_stake"] == 42399
    assert row["reason_en"].startswith("Loses 42,399 USD in the last 12 months")
    assert "Brings 2.1 % of all revenue" in row["against_en"]
    assert "贡献全部收入的2.1%" in row["against_zh"]
    assert row["against"] == ["share_of_revenue", "best_tier", "invest"]
    assert row["against_en"].endswith("the account matrix says improve.")


def test_the_drop_is_what_the_chance_of_silence_takes_away() -> None:
    slips: dict[str, Any] = {"slips": True, "better_revenue": Decimal(9000)}
    rows = judged(
        {
            # 1,000 are expected with a chance of 0.75 to order nothing, so 4,000 if
            # anything.
            "a": {
                **slips,
                "predicted_revenue_12m": Decimal(1000),
                "no_purchase_probability_12m": 0.75,
            },
            "b": slips,
            "c": {
                **slips,
                "predicted_revenue_12m": Decimal(0),
                "no_purchase_probability_12m": 1.0,
            },
        }
    )
    assert [rows[key]["at_stake"] for key in "abc"] == [3000, 9000, 9000]
    assert rows["a"]["at_stake_means_en"] != rows["b"]["at_stake_means_en"]
    assert rows["b"]["at_stake_means_en"] == rows["c"]["at_stake_means_en"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"can_grow": True, "potential_revenue": 7, "whitespace_revenue": 7}, 7),
        (
            {
                "can_grow": True,
                "potential_revenue": 9,
                "whitespace_revenue": 7,
                "pipeline_amount": 9,
            },
            9,
        ),
        ({"is_key": True, "predicted_revenue_12m": 5, "revenue_12m": 6}, 5),
        ({"is_key": True, "revenue_12m": 6}, 6),
        ({"is_key": True}, None),
        ({"is_scored_prospect": True, "pipeline_amount": 3}, 3),
        ({"is_scored_prospect": True}, None),
        ({}, None),
    ],
)
def test_what_is_at_stake(facts: dict[str, Any], expected: int | None) -> None:
    (row,) = judged({"a": facts}).values()
    assert row["at_stake"] == expected
    assert (row["at_stake_means_en"] is None) == (expected is None)
    assert (row["at_stake_means_zh"] is None) == (expected is None)


def test_urgency_comes_before_money_and_money_before_the_name() -> None:
    rows = judged(
        {
            "rich": {"is_key": True, "revenue_12m": Decimal(10**6)},
            "small": {**LOSS, "profit_12m": Decimal(-1)},
            "large": LOSS,
            "nothing": {},
            "blocked": {"is_blocked": True},
        }
    )
    assert sorted(rows, key=lambda key: rows[key]["place"]) == [
        "large",
        "small",
        "blocked",
        "rich",
        "nothing",
    ]


def test_of_nothing_known_nothing_is_told() -> None:
    (row,) = judged({"a": {}}).values()
    assert (row["verdict"], row["for"], row["against"]) == (
        "serve",
        ["nothing_else"],
        [],
    )
    assert row["against_en"] is None
    assert "{" not in row["reason_en"] + row["reason_zh"]
