"""`explain` and `what-if` on the demonstration, as a person types them."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from pipeline.cli.rendering.explanation import explanation
from pipeline.cli.rendering.language import WIDTH
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.release import catalogue
from pipeline.tiers import explain, search
from tests.conftest import invoke

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


def json_of(*arguments: str | Path) -> Any:
    result = invoke(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_policy_in_force_moves_those_who_hold_what_they_do_not_earn(
    published_home: Path, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    output = tmp_path / "moves.parquet"
    arguments = ("what-if", "base-2010", "--home", published_home, "--output", output)
    found = json_of(*arguments)
    differences = warehouse.execute(
        """
        with moved as (
            select customer_id, tier_then, move, value_score, revenue_12m
            from read_parquet(?)
        )
        select
            count(*),
            count(*) filter ((move <> 'same') <> (tier_code <> earned_tier_code)),
            count(*) filter (tier_then <> earned_tier_code),
            count(*) filter (moved.value_score is distinct from now.value_score),
            count(*) filter (move <> 'same')
        from marts.customer_tiers as now
        inner join moved using (customer_id)
        where not is_override
        """,
        [str(output)],
    ).fetchone()
    assert differences is not None
    (customers,) = (
        warehouse.execute("select count(*) from marts.customer_tiers").fetchone() or ()
    )
    assert differences[:4] == (customers, 0, 0, 0)
    assert differences[4] > 0
    moved = {row["move"]: row["customers"] for row in found["moves"]}
    assert moved["up"] + moved["down"] == differences[4]


def test_a_policy_that_is_not_published_is_as_proposed(
    published_home: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = json_of("what-if", "pareto-2014", "--home", published_home)
    proposed = warehouse.execute(
        """
        select current_tier_code, tier_code, count(*), sum(revenue_12m),
            sum(profit_12m)
        from marts.proposed_tiers
        inner join marts.customer_value using (customer_id)
        where policy_id = 'pareto-2014'
        group by all
        """
    ).fetchall()
    cent = Decimal("0.01")
    assert sorted(
        (
            row["from_tier"],
            row["to_tier"],
            row["customers"],
            *(
                Decimal(str(row[name])).quantize(cent)
                for name in ("revenue_12m", "profit_12m")
            ),
        )
        for row in found["matrix"]
    ) == sorted(
        (before, after, count, revenue.quantize(cent), profit.quantize(cent))
        for before, after, count, revenue, profit in proposed
    )


def test_a_broken_folder_names_its_row(published_home: Path, tmp_path: Path) -> None:
    for path in SEEDS.glob("tier*.csv"):
        shutil.copy(path, tmp_path)
    rules = tmp_path / "tier_rules.csv"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("base-2010,2,key,", "base-2010,2,gold,"), "utf-8")
    result = invoke(
        *("what-if", tmp_path, "--policy-id", "base-2010", "--home", published_home)
    )
    assert result.returncode == 2
    assert "tier_rules (base-2010, rule 2): there is no tier 'gold'" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["what-if", "nobody"],
        ["what-if", "base-2010", "--release", "r000009-20140131"],
        ["what-if", "base-2010", "--output", "moves.xlsx"],
        ["explain", "C000000000000"],
        ["explain", "erp:nobody"],
        ["explain", ""],
        ["explain", "bike"],
    ],
)
def test_what_is_not_there_ends_with_two(
    published_home: Path, arguments: list[str]
) -> None:
    result = invoke(*arguments, "--home", published_home)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("ConfigurationError: ")


def test_several_customers_are_named(published_home: Path) -> None:
    result = invoke("explain", "bike", "--home", published_home)
    assert "customers are 'bike'; give the id of one:" in result.stderr
    assert result.stderr.count("\n  C") == search.MOST_NAMED


def test_a_customer_is_found_by_id_key_and_name(
    published_home: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    (customer_id, key, name) = (
        warehouse.execute(
            """
            select customer_id, source_customer_id, customer_name
            from marts.customer_source_keys
            inner join marts.customers using (customer_id)
            where source = 'erp' and customer_name = 'Westside Plaza'
            """
        ).fetchone()
        or ()
    )
    kept = catalogue.chosen(Home.open(published_home))
    for said in (
        *(customer_id, f"erp:{key}", key, name, name.upper()),
        *("estside plaz", f" {name} "),
    ):
        assert explain.run(kept, said).customer["customer_id"] == customer_id


def test_an_explanation_agrees_with_the_marts(
    published_home: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Of customers of each kind: the rules asked again say what the marts say."""
    chosen = warehouse.execute(
        """
        select customer_id
        from (
            select
                customer_id, row_number() over (
                    partition by tier_code, earned_tier_code, next_tier_measure,
                        potential_score is null, previous_tier_code
                    order by customer_id
                ) as place
            from marts.customer_tiers
        )
        where place = 1
        order by customer_id
        """
    ).fetchall()
    assert len(chosen) > 15
    kept = catalogue.chosen(Home.open(published_home))
    for (customer_id,) in chosen:
        found = explain.run(kept, customer_id)
        tier = found.tier
        decisive = next(rule for rule in found.rules if rule["holds"])
        assert decisive["rule_order"] == found.decided_by
        assert decisive["tier_code"] == tier["earned_tier_code"]
        for rule in found.rules:
            bought = rule["has_purchased_asked"] in (None, rule["has_purchased"])
            asked = [condition["holds"] for condition in rule["conditions"]]
            assert rule["holds"] == (bought and all(asked))
        for score in found.scores:
            if score["is_rated"]:
                summed = explain.total(found.factors, score["score_name"])
                assert summed == score["score"]
            assert score["is_rated"] == (score["coverage"] >= score["min_coverage"])
        # The replay of the month ends gives the spells that were published.
        assert found.month_ends[0]["as_of_date"] == found.as_of_date
        for month in found.month_ends:
            (held,) = [
                spell["tier_code"]
                for spell in found.history
                if spell["valid_from"] <= month["as_of_date"]
                and (
                    spell["valid_to"] is None or month["as_of_date"] < spell["valid_to"]
                )
            ]
            assert month["held_tier_code"] == held
        assert found.verdict is not None
        speaks = {row["speaks"] for row in found.evidence}
        assert speaks == {"for"} | (
            {"against"} if found.verdict["against_en"] else set()
        )
        assert [row["place"] for row in found.actions] == sorted(
            row["place"] for row in found.actions
        )
        if found.next is not None and found.next["needed"] is not None:
            assert found.next["needed"] > float(found.next["there_is"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["explain", "Westside Plaza"],
            ["Verdict", "What to do", "Rules of the policy", "asks for"],
        ),
        (
            ["explain", "Westside Plaza", "--lang", "zh"],
            ["结论", "建议", "政策规则", "要求"],
        ),
        (["what-if", "pareto-2014"], ["Who moves", "The largest of those who move"]),
        (["what-if", "pareto-2014", "--lang", "zh"], ["谁会变动", "等级"]),
    ],
)
def test_what_is_printed_is_plain_and_not_wide(
    published_home: Path, arguments: list[str], told: list[str]
) -> None:
    result = invoke(*arguments, "--home", published_home)
    assert result.returncode == 0, result.stderr
    assert "\x1b" not in result.stdout
    for line in result.stdout.splitlines():
        assert len(line) <= 100
        assert line == line.rstrip()
    for words in told:
        assert words in result.stdout


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                *("Override", "by Ann until 2014-06-30", "Visit"),
                *("Restated month ends", "Against it", "brings 2.1 %"),
                "Loses money, at stake 42,399 USD: loss of the last 12 months",
            ],
        ),
        (
            "zh",
            [
                *("人工指定", "Ann指定至2014-06-30", "拜访", "更正的月末"),
                *("相反事实", "贡献2.1%", "亏损，所涉金额42,399 USD：近12个月亏损"),
            ],
        ),
    ],
)
def test_what_only_some_customers_have_is_told_in_both_languages(
    published_home: Path, language: str, told: list[str]
) -> None:
    kept = catalogue.chosen(Home.open(published_home))
    found = explain.run(kept, "Westside Plaza")
    whole = replace(
        found,
        tier={
            **found.tier,
            "is_override": True,
            "override_author": "Ann",
            "override_reason": "a pilot",
            "override_expires_on": "2014-06-30",
        },
        verdict={
            "verdict_name_en": "Loses money",
            "verdict_name_zh": "亏损",
            "at_stake": Decimal(42399),
            "at_stake_means_en": "loss of the last 12 months",
            "at_stake_means_zh": "近12个月亏损",
            "recommendation_en": "Reprice.",
            "recommendation_zh": "调价。",
        },
        evidence=[
            {"speaks": "for", "text_en": "loses 42,399 USD", "text_zh": "亏损42,399"},
            {"speaks": "against", "text_en": "brings 2.1 %", "text_zh": "贡献2.1%"},
        ],
        actions=[
            {
                "action": "visit_due",
                "action_name_en": "Visit",
                "action_name_zh": "拜访",
                "due_on": "2014-02-01",
                "owner": None,
            }
        ],
        restatements=[
            {
                "first_month": "2013-01-31",
                "last_month": "2013-02-28",
                "published_tier_name_en": "Key",
                "published_tier_name_zh": "重要客户",
                "restated_tier_name_en": "Growth",
                "restated_tier_name_zh": "潜力客户",
                "cause": "late data",
                "refresh_id": "r000009-20140131",
            }
        ],
    )
    text = io.StringIO()
    explanation(whole, language, Console(file=text, width=WIDTH))
    for words in told:
        assert words in text.getvalue()
