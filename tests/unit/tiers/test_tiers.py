"""Tiers under random policies: total, monotone, exact; held tiers against a plain loop."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT
from pipeline.tiers import models, policy_checks, policy_tables, scoring, stability
from pipeline.tiers import policy as policies
from pipeline.tiers.policy import FACTS, NOT_GRADED, Factor, Policy, Rule, Tier
from tests.models import Warehouse, compiled
from tests.profiles import examples

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
NAMES = ("revenue_12m", "margin_12m", "growth_rate", "company_size")
TIERS = ("gold", "silver", "bronze", "lead")


def column(name: str) -> str:
    return f"{name} double"


def facts_table(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
) -> None:
    connection.execute(
        "create or replace table facts (customer_id varchar, customer_type varchar, "
        "moment_no integer, is_month_end boolean, has_purchased boolean, "
        + ", ".join(map(column, FACTS))
        + ")"
    )
    names = ["customer_id", "customer_type", "moment_no", "is_month_end"]
    names += ["has_purchased", *FACTS]
    if rows:
        connection.executemany(
            f"insert into facts values ({', '.join('?' * len(names))})",
            [[row.get(name) for name in names] for row in rows],
        )


weights = st.lists(st.integers(1, 20), min_size=len(NAMES), max_size=len(NAMES))


@st.composite
def anchors(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    count = draw(st.integers(2, 5))
    xs = sorted(
        draw(
            st.lists(
                st.integers(-100, 1000), min_size=count, max_size=count, unique=True
            )
        )
    )
    ys = sorted(draw(st.lists(st.integers(0, 100), min_size=count, max_size=count)))
    return tuple((float(x), y / 10) for x, y in zip(xs, ys, strict=True))


@st.composite
def whole_policies(draw: st.DrawFn) -> Policy:
    factors, points = [], {}
    for kind in ("company", "person"):
        for name in NAMES:
            points[kind, name] = draw(anchors())
        for score in ("value", "potential"):
            parts = draw(weights)
            for name, part in zip(NAMES, parts, strict=True):
                factors.append(
                    Factor(
                        kind, score, name, part / sum(parts), part % 2 == 0, name, name
                    )
                )
    high, low = sorted(
        draw(st.lists(st.integers(5, 95), min_size=2, max_size=2, unique=True))
    )
    fact = draw(st.sampled_from([(), (("revenue_12m", 50.0),)]))
    found = Policy(
        policy_id="random",
        name_en="random",
        name_zh="随机",
        valid_from=dt.date(2020, 1, 1),
        valid_to=None,
        is_published=True,
        value_weight=0.6,
        potential_weight=0.4,
        min_coverage=draw(st.sampled_from([0.0, 0.5, 0.9])),
        tiers=tuple(
            Tier(
                name,
                rank,
                name,
                name,
                "普通",
                draw(st.sampled_from([0.0, 0.1])),
                draw(st.integers(1, 3)),
                draw(st.integers(1, 3)),
            )
            for rank, name in enumerate(TIERS, 1)
        ),
        rules=(
            Rule(1, "lead", False, None, None, "not yet", "尚未"),
            Rule(2, "gold", True, low / 10, None, "value", "价值", fact),
            Rule(3, "silver", True, None, high / 10, "potential", "潜力"),
            Rule(4, "bronze", True, None, None, "others", "其他"),
        ),
        factors=tuple(factors),
        anchors=points,
    )
    assert policy_checks.problems([found]) == []
    return found


value = st.one_of(st.none(), st.integers(-200, 1200).map(float))
customer = st.fixed_dictionaries(
    dict.fromkeys(NAMES, value)
    | {
        "customer_type": st.sampled_from(["company", "person"]),
        "has_purchased": st.booleans(),
    }
)


@settings(max_examples=examples(60))
@given(whole_policies(), st.lists(customer, min_size=1, max_size=12))
def test_every_customer_has_one_tier_and_exact_contributions(
    policy: Policy, customers: list[dict[str, Any]]
) -> None:
    with duckdb.connect() as connection:
        rows = [
            {**row, "customer_id": f"c{place}", "moment_no": 1, "is_month_end": True}
            for place, row in enumerate(customers)
        ]
        facts_table(connection, rows)
        graded = connection.execute(
            "select customer_id, tier_code, tier_rank, earned_rank, value_score, "
            f"potential_score, value_coverage from ({stability.graded(policy, 'facts')})"
        ).fetchall()
        assert sorted(row[0] for row in graded) == sorted(
            row["customer_id"] for row in rows
        )
        assert all(row[1] in TIERS and row[2] == row[3] for row in graded)
        sums = {
            (name, score): (total, weight)
            for name, score, total, weight in connection.execute(
                "select customer_id, score_name, sum(contribution), sum(weight) from ("
                + scoring.contributions(policy, "facts")
                + ") group by all"
            ).fetchall()
        }
        for name, _, _, _, of_value, of_potential, coverage in graded:
            for score, total in (("value", of_value), ("potential", of_potential)):
                if total is not None:
                    assert sums[name, score][0] == total
                    assert 0 <= total <= 10
                    assert sums[name, score][1] in (0, pytest.approx(1, abs=1e-5))
            assert (of_value is None) == (
                coverage < policy.min_coverage or coverage == 0
            )


@settings(max_examples=examples(60))
@given(whole_policies(), customer, st.integers(0, 300))
def test_who_gives_more_is_never_graded_worse(
    policy: Policy, row: dict[str, Any], more: int
) -> None:
    """Everything known grows: no score falls, and no tier."""
    grown = {
        name: value + more if name in NAMES and value is not None else value
        for name, value in row.items()
    }
    with duckdb.connect() as connection:
        facts_table(
            connection,
            [
                {**one, "customer_id": name, "moment_no": 1, "is_month_end": True}
                for name, one in (("before", row), ("after", grown))
            ],
        )
        found = {
            name: rest
            for name, *rest in connection.execute(
                "select customer_id, tier_rank, value_score, potential_score "
                f"from ({stability.graded(policy, 'facts')})"
            ).fetchall()
        }
    assert found["after"][0] <= found["before"][0]
    for place in (1, 2):
        if found["before"][place] is not None:
            assert found["after"][place] >= found["before"][place]


def held_by_hand(policy: Policy, months: list[dict[Any, Any]]) -> list[int]:
    """The held rank of each month end, as a person with a calendar would find it."""
    held: list[int] = []
    closed: dict[int, bool] = {}
    life: list[dict[Any, Any]] = []
    for month in months:
        if life and month["has_purchased"] != life[-1]["has_purchased"]:
            life = []
        life.append(month)
        switches = policy.tiers[:-1]
        if len(life) == 1:
            closed = {tier.rank: month["earned"] <= tier.rank for tier in switches}
        else:
            up = {
                tier.rank
                for tier in switches
                if len(life) >= tier.confirmations
                and all(one["raised", tier.rank] for one in life[-tier.confirmations :])
            }
            down = {
                tier.rank
                for tier in switches
                if len(life) >= tier.grace
                and not any(one["lowered", tier.rank] for one in life[-tier.grace :])
            }
            for tier in switches:
                if any(rank <= tier.rank for rank in up):
                    closed[tier.rank] = True
                elif any(rank >= tier.rank for rank in down):
                    closed[tier.rank] = False
        held.append(
            next(
                (rank for rank in sorted(closed) if closed[rank]), policy.tiers[-1].rank
            )
        )
    return held


@settings(max_examples=examples(40))
@given(whole_policies(), st.lists(customer, min_size=1, max_size=14))
def test_held_tiers_are_what_a_calendar_says(
    policy: Policy, months: list[dict[str, Any]]
) -> None:
    """One customer through the months; who has bought has bought."""
    bought = list(itertools.accumulate((row["has_purchased"] for row in months), max))
    rows = [
        {
            **row,
            "has_purchased": so_far,
            "customer_type": "company",
            "customer_id": "c",
            "moment_no": place,
            "is_month_end": True,
        }
        for place, (row, so_far) in enumerate(zip(months, bought, strict=True), 1)
    ]
    with duckdb.connect() as connection:
        facts_table(connection, rows)
        found = connection.execute(
            "select tier_rank, earned_rank from "
            f"({stability.graded(policy, 'facts')}) order by moment_no"
        ).fetchall()
        passes = ", ".join(
            f"{signal}_{tier.rank}"
            for tier in policy.tiers[:-1]
            for signal in ("raised", "lowered")
        )
        flags = connection.execute(
            f"select {passes} from ({stability.signals(policy, 'facts')}) "
            "order by moment_no"
        ).fetchall()
    calendar = []
    for row, (_, earned), flag in zip(rows, found, flags, strict=True):
        month: dict[Any, Any] = {
            "has_purchased": row["has_purchased"],
            "earned": earned,
        }
        for place, tier in enumerate(policy.tiers[:-1]):
            month["raised", tier.rank] = flag[2 * place]
            month["lowered", tier.rank] = flag[2 * place + 1]
        calendar.append(month)
    assert [rank for rank, _ in found] == held_by_hand(policy, calendar)


def one_factor(band: float = 0.1, confirmations: int = 2, grace: int = 3) -> Policy:
    """Gold from a value score of 5 on, which is a revenue of 500."""
    return Policy(
        "one",
        "one",
        "一",
        dt.date(2020, 1, 1),
        None,
        True,
        1.0,
        0.0,
        0.0,
        (
            Tier("gold", 1, "Gold", "金", "VIP", band, confirmations, grace),
            Tier("bronze", 2, "Bronze", "铜", "普通", 0.0, 1, 1),
        ),
        (
            Rule(1, "gold", None, 5.0, None, "5 and more", "不低于5"),
            Rule(2, "bronze", None, None, None, "others", "其他"),
        ),
        tuple(
            Factor(kind, score, "revenue_12m", 1.0, True, "revenue", "销售额")
            for kind in ("company", "person")
            for score in ("value", "potential")
        ),
        {
            (kind, "revenue_12m"): ((0.0, 0.0), (1000.0, 10.0))
            for kind in ("company", "person")
        },
    )


@pytest.mark.parametrize(
    ("revenues", "tiers"),
    [
        # Within the band nothing moves; 5.5 twice does, and below 4.5 three times.
        ([400, 540, 540, 540], "bbbb"),
        ([400, 550, 550, 500], "bbgg"),
        ([400, 550, 500, 550, 550], "bbbbg"),
        ([600, 449, 449, 451, 449, 449, 449], "ggggggb"),
        # A new customer takes what it earned, without a band.
        ([500], "g"),
        ([499], "b"),
    ],
)
def test_band_confirmations_and_grace(revenues: list[int], tiers: str) -> None:
    with duckdb.connect() as connection:
        facts_table(
            connection,
            [
                {
                    "customer_id": "c",
                    "customer_type": "person",
                    "moment_no": place,
                    "is_month_end": True,
                    "has_purchased": True,
                    "revenue_12m": revenue,
                }
                for place, revenue in enumerate(revenues)
            ],
        )
        found = connection.execute(
            f"select tier_code from ({stability.graded(one_factor(), 'facts')}) "
            "order by moment_no"
        ).fetchall()
    assert "".join(code[0] for (code,) in found) == tiers


def test_the_middle_of_a_month_moves_only_who_is_new() -> None:
    revenues = {"old": [400, 600, 600], "new": [600]}
    with duckdb.connect() as connection:
        facts_table(
            connection,
            [
                {
                    "customer_id": name,
                    "customer_type": "person",
                    "moment_no": 4 - len(amounts) + place,
                    "is_month_end": 4 - len(amounts) + place < 3,
                    "has_purchased": True,
                    "revenue_12m": amount,
                }
                for name, amounts in revenues.items()
                for place, amount in enumerate(amounts)
            ],
        )
        found = dict(
            connection.execute(
                "select customer_id, tier_code from "
                f"({stability.graded(one_factor(), 'facts')}) where moment_no = 3"
            ).fetchall()
        )
    # The second 600 is no month end and confirms nothing.
    assert found == {"old": "bronze", "new": "gold"}


def test_the_smallest_change_that_moves_up() -> None:
    with duckdb.connect() as connection:
        facts_table(
            connection,
            [
                {
                    "customer_id": name,
                    "customer_type": "person",
                    "moment_no": 1,
                    "is_month_end": True,
                    "has_purchased": True,
                    "revenue_12m": revenue,
                }
                for name, revenue in (("near", 300.0), ("there", 600.0), ("top", 900.0))
            ],
        )
        connection.execute(
            "create table held as select * from (values ('near', 2), ('there', 2), "
            "('top', 1)) as held (customer_id, tier_rank)"
        )
        found = {
            row[0]: row[1:]
            for row in connection.execute(
                scoring.next_tier(one_factor(), "facts", "held")
            ).fetchall()
        }
    assert found["near"][:2] == ("gold", "value_score")
    assert float(found["near"][2]) == pytest.approx(2.5)
    assert found["near"][3:6] == ("revenue_12m", 300.0, pytest.approx(550.0))
    assert found["there"][:3] == ("gold", "confirmation", 0)
    assert "top" not in found


@pytest.mark.parametrize(
    ("value", "score"),
    [(-7.0, 2), (0.0, 2), (25.0, 4), (50.0, 6), (75.0, 6), (100.0, 6), (900.0, 6)],
)
def test_scores_lie_on_the_lines_between_the_anchors(value: float, score: int) -> None:
    """On an anchor, between two, on a flat piece, below the first, beyond the last."""
    points = ((0.0, 2.0), (50.0, 6.0), (100.0, 6.0))
    one = one_factor()
    kinds = {(kind, "revenue_12m"): points for kind in ("company", "person")}
    policy = Policy(**{**vars(one), "anchors": kinds})
    with duckdb.connect() as connection:
        row = {"customer_id": "c", "customer_type": "person", "revenue_12m": value}
        facts_table(connection, [row])
        assert connection.execute(
            f"select value_score from ({scoring.scored(policy, 'facts')})"
        ).fetchone() == (score,)


def test_an_unknown_factor_gives_its_weight_to_the_others() -> None:
    one = one_factor()
    parts = {"revenue_12m": 0.5, "margin_12m": 0.25, "company_size": 0.25}
    policy = Policy(
        **{
            **vars(one),
            "factors": tuple(
                Factor("person", score, name, weight, True, name, name)
                for score in ("value", "potential")
                for name, weight in parts.items()
            ),
            "anchors": {("person", name): ((0.0, 0.0), (10.0, 10.0)) for name in parts},
        }
    )
    with duckdb.connect() as connection:
        row = {"customer_id": "c", "customer_type": "person"}
        facts_table(connection, [{**row, "revenue_12m": 8.0, "margin_12m": 10.0}])
        found = connection.execute(
            "select factor, score, weight, contribution from "
            f"({scoring.contributions(policy, 'facts')}) where score_name = 'value'"
        ).fetchall()
    assert sorted(found) == [
        ("company_size", None, 0, 0),
        ("margin_12m", 10, Decimal("0.333333"), Decimal("3.333333")),
        ("revenue_12m", 8, Decimal("0.666667"), Decimal("5.333334")),
    ]


def without_scores() -> Policy:
    """Gold from half a first half on, or from a second order on; no scores."""
    rules = (
        Rule(
            1, "gold", True, None, None, "half", "一半", (("margin_to_first_half", 1),)
        ),
        Rule(
            2, "gold", True, None, None, "again", "再", (("orders_in_first_year", 2),)
        ),
        Rule(3, "bronze", None, None, None, "others", "其他"),
    )
    return Policy(
        **{**vars(one_factor()), "rules": rules, "factors": (), "anchors": {}}
    )


def test_a_policy_without_scores_grades_and_says_what_is_missing() -> None:
    policy = without_scores()
    assert policy_checks.problems([policy]) == []
    known = {"is_month_end": True, "has_purchased": True, "moment_no": 1}
    with duckdb.connect() as connection:
        facts_table(
            connection,
            [
                {**known, "customer_id": name, "customer_type": "company", **values}
                for name, values in {
                    "gold": {"margin_to_first_half": 1.0},
                    "near": {"margin_to_first_half": 0.8, "orders_in_first_year": 1},
                    "far": {"margin_to_first_half": -3.0, "orders_in_first_year": 1},
                    "unknown": {},
                }.items()
            ],
        )
        graded = connection.execute(
            "select customer_id, tier_code, value_score, potential_score, total_score, "
            f"score_coverage from ({stability.graded(policy, 'facts')})"
        ).fetchall()
        assert sorted(graded) == [
            ("far", "bronze", None, None, None, 0),
            ("gold", "gold", None, None, None, 0),
            ("near", "bronze", None, None, None, 0),
            ("unknown", "bronze", None, None, None, 0),
        ]
        contributions = scoring.contributions(policy, "facts")
        assert connection.execute(f"select * from ({contributions})").fetchall() == []
        connection.execute(
            "create table held as select customer_id, case when customer_id = 'gold' "
            "then 1 else 2 end as tier_rank from facts"
        )
        found = {
            name: rest
            for name, *rest in connection.execute(
                scoring.next_tier(policy, "facts", "held")
            ).fetchall()
        }
    # The band is a tenth; half a step is no step. Of what is not known nothing is said.
    assert found.keys() == {"near", "far"}
    assert found["near"][:2] == ["gold", "margin_to_first_half"]
    assert found["near"][2] == pytest.approx(0.3)
    assert found["near"][6].startswith("margin of the last 12 months")
    assert found["far"][:3] == ["gold", "orders_in_first_year", 1]


def test_every_fact_has_a_name_in_both_languages() -> None:
    assert policies.FACT_NAMES.keys() == set(FACTS)
    assert all(english and chinese for english, chinese in policies.FACT_NAMES.values())


def test_a_rule_cannot_ask_for_a_score_that_is_made_of_nothing() -> None:
    policy = Policy(**{**vars(one_factor()), "factors": ()})
    (problem,) = policy_checks.problems([policy])
    assert str(problem) == (
        "tier_rules (one, rule 1): min_value_score asks for a score that score_factors "
        "makes of nothing: nobody would have it"
    )


@settings(max_examples=examples(40))
@given(whole_policies(), customer)
def test_what_is_said_to_move_a_customer_up_does(
    policy: Policy, row: dict[str, Any]
) -> None:
    with duckdb.connect() as connection:
        base = {
            **row,
            "customer_id": "c",
            "moment_no": 1,
            "is_month_end": True,
            "has_purchased": True,
        }
        facts_table(connection, [base])
        graded = stability.graded(policy, "facts")
        (rank,) = (
            connection.execute(f"select tier_rank from ({graded})").fetchone() or ()
        )
        connection.execute(
            f"create table held as select 'c' as customer_id, {rank} as tier_rank"
        )
        told = connection.execute(scoring.next_tier(policy, "facts", "held")).fetchall()
        for _, code, _, _, factor, _, needed, *_ in told:
            if factor is None:
                continue
            facts_table(connection, [{**base, factor: needed + 1e-6}])
            (now,) = (
                connection.execute(f"select tier_rank from ({graded})").fetchone() or ()
            )
            assert now <= policy.tier(code).rank < rank


def copied(tmp_path: Path, name: str, old: str, new: str) -> Path:
    for table in policy_tables.TABLES:
        text = (SEEDS / f"{table}.csv").read_text(encoding="utf-8")
        if table == name:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_policies_of_the_project_are_whole() -> None:
    found = policy_tables.load_folder(SEEDS)
    assert [one.policy_id for one in found if one.is_published] == ["base-2010"]
    assert policy_checks.problems(found) == []


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        (
            "score_factors",
            "base-2010,company,value,revenue_12m,",
            "base-2010,company,value,revenue,",
            "score_factors (base-2010, company, value, revenue): is no factor",
        ),
        (
            "tier_rules",
            "base-2010,4,standard,true,,,",
            "base-2010,4,standard,true,1,,",
            "tier_rules (base-2010): a gap: customers who have bought",
        ),
        (
            "tier_rules",
            "base-2010,2,key,",
            "base-2010,2,platinum,",
            "tier_rules (base-2010, rule 2): there is no tier 'platinum'",
        ),
        (
            "tier_rules",
            "base-2010,2,key,true,7.0,",
            "base-2010,2,key,true,,",
            "tier_rules (base-2010, rule 3): never counts: whenever it holds, rule 2",
        ),
        (
            "tier_rules",
            "base-2010,2,key,",
            "base-2010,9,key,",
            "tier_rules (base-2010, rule 9): leads to a better tier than rule 3",
        ),
        ("tiers", "base-2010,key,1,", "base-2010,key,2,", "rank 2 is given twice"),
        (
            "tiers",
            ",VIP,0.05",
            ",VIP,1.5",
            "tiers (base-2010, key): band is a share",
        ),
        (
            "score_anchors",
            "base-2010,company,revenue_12m,5000,2",
            "base-2010,company,revenue_12m,5000,6",
            "score_anchors (base-2010, company, revenue_12m, 50000): a score that falls",
        ),
        (
            "policies",
            ",true,0.6,0.4,",
            ",true,0.6,0.5,",
            "policies (base-2010): value_weight and potential_weight sum to 1.1",
        ),
        ("policies", ",true,0.6", ",false,0.6", "no policy is published"),
        (
            "policies",
            "2014-01-01,,false",
            "2014-01-01,,true",
            "policies (base-2010): is still in force when pareto-2014 begins",
        ),
        (
            "tier_rule_facts",
            "pareto-2014,2,revenue_to_class_a,",
            "pareto-2014,2,revenue_to_class_x,",
            "tier_rule_facts (pareto-2014, rule 2, revenue_to_class_x): is no fact",
        ),
    ],
)
def test_a_policy_that_is_not_whole_names_its_row(
    tmp_path: Path, table: str, old: str, new: str, told: str
) -> None:
    found = policy_checks.problems(
        policy_tables.load_folder(copied(tmp_path, table, old, new))
    )
    assert any(told in str(problem) for problem in found), list(map(str, found))


def test_a_cell_of_another_type_names_its_line(tmp_path: Path) -> None:
    folder = copied(tmp_path, "tiers", "base-2010,key,1,", "base-2010,key,first,")
    with pytest.raises(
        ConfigurationError, match=r"tiers.csv, line 2: tier_rank is 'first'"
    ):
        policy_tables.load_folder(folder)


def test_the_policy_of_a_day() -> None:
    base = one_factor()
    later = Policy(
        **{**vars(base), "policy_id": "two", "valid_from": dt.date(2021, 1, 1)}
    )
    ended = Policy(**{**vars(base), "valid_to": dt.date(2021, 1, 1)})
    both = [later, ended]
    assert policy_checks.problems(both) == []
    assert policies.in_force(both, dt.date(2019, 1, 1)).policy_id == "one"
    assert policies.in_force(both, dt.date(2020, 12, 31)).policy_id == "one"
    assert policies.in_force(both, dt.date(2021, 1, 1)).policy_id == "two"


MONTHS = [dt.date(2021, 1, 31), dt.date(2021, 2, 28), dt.date(2021, 3, 31)]
TIER_ROWS = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    "moment_no": "integer",
    "as_of_date": "date",
    "is_month_end": "boolean",
    "is_present": "boolean",
    "has_purchased": "boolean",
    "lifecycle_stage": "varchar",
    "policy_id": "varchar",
    "value_score": "decimal(12, 6)",
    "potential_score": "decimal(12, 6)",
    "rule_order": "integer",
    "earned_rank": "integer",
    "held_rank": "integer",
    "tier_code": "varchar",
    "tier_rank": "integer",
    "is_override": "boolean",
    "override_reason": "varchar",
    "override_author": "varchar",
    "override_valid_from": "date",
    "override_expires_on": "date",
}
ranks = {"key": 1, "growth": 2, "standard": 3, "prospect": 4}


@settings(max_examples=examples(20))
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.lists(st.sampled_from(sorted(ranks)), min_size=3, max_size=3),
            st.integers(0, 3),
            st.lists(st.booleans(), min_size=3, max_size=3),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_spells_are_whole_and_migration_sums(
    customers: list[tuple[int, list[str], int, list[bool]]],
) -> None:
    warehouse = Warehouse().seed("policies", "tiers", "tier_rules")
    held: list[tuple[Any, ...]] = []
    value: list[tuple[Any, ...]] = []
    for number, (first, codes, first_purchase, overridden) in enumerate(customers):
        for place in range(first, 3):
            bought = place >= first_purchase
            code = codes[place] if bought else "prospect"
            held.append(
                (
                    f"c{number}", "person", place + 1, MONTHS[place], True, place == 2,
                    bought, "lost" if overridden[place] and bought else "active",
                    "base-2010", Decimal(5), None, ranks[code] % 4 + 1, ranks[code],
                    ranks[code], code, ranks[code], overridden[place],
                    "they asked" if overridden[place] else None,
                    "Ann" if overridden[place] else None,
                    MONTHS[place] - dt.timedelta(3) if overridden[place] else None,
                    MONTHS[place] + dt.timedelta(3) if overridden[place] else None,
                )
            )  # fmt: skip
            value.append(
                (
                    f"c{number}",
                    place + 1,
                    MONTHS[first_purchase] - dt.timedelta(9) if bought else None,
                )
            )
    warehouse.lay("int_tiers", TIER_ROWS, held)
    warehouse.lay(
        "int_tier_facts",
        {"customer_id": "varchar", "moment_no": "integer", "first_order_date": "date"},
        value,
    )
    warehouse.lay(
        "core_customers",
        {"customer_id": "varchar", "acquired_on": "date"},
        [(f"c{number}", None) for number in range(len(customers))],
    )
    warehouse.build("int_tier_spells", "customer_tier_history", "tier_migration")
    spells = warehouse.rows(
        "from {customer_tier_history} order by customer_id, valid_from"
    )
    for name, group in itertools.groupby(spells, lambda row: row["customer_id"]):
        mine = list(group)
        assert mine[-1]["valid_to"] is None
        for one, following in itertools.pairwise(mine):
            assert one["valid_to"] == following["valid_from"] > one["valid_from"]
            assert one["tier_code"] != following["tier_code"]
            assert following["previous_tier_code"] == one["tier_code"]
        # On each month end the spell says what the customer's tier was.
        for row in held:
            if row[0] == name:
                assert [
                    spell["tier_code"]
                    for spell in mine
                    if spell["valid_from"] <= row[3]
                    and (spell["valid_to"] is None or row[3] < spell["valid_to"])
                ] == [row[14]]
        assert all(
            spell["change_reason"] and spell["change_reason_zh"] for spell in mine
        )
    for place, day in enumerate(MONTHS):
        moved = warehouse.rows(f"from {{tier_migration}} where month = '{day}'")
        assert sum(move["customers"] for move in moved) == sum(
            row[2] == place + 1 for row in held
        )
        by_tier: dict[str, float] = {}
        for move in moved:
            by_tier.setdefault(move["from_tier"], 0)
            by_tier[move["from_tier"]] += move["share"]
        assert all(total == pytest.approx(1) for total in by_tier.values())


def test_nobody_is_graded_whose_sales_are_not_recorded() -> None:
    """Under every policy, and under the tier that the rest of the product knows."""
    warehouse = Warehouse().seed("tiers")
    sql = compiled()["core_tiers"][1].strip()
    assert sql.endswith("select * from final")
    everybody = warehouse.connection.sql(
        sql.removesuffix("final") + "not_graded order by policy_id"
    )
    (code, *names) = NOT_GRADED
    found = everybody.project(
        "policy_id, tier_code, tier_rank, tier_name_en, tier_name_zh, is_graded"
    ).fetchall()
    assert found == [
        (policy_id, code, 5, *names, False)
        for policy_id in ("base-2010", "pareto-2014")
    ]

    seeds = {
        name: warehouse.seed(name).connection.table(f"warehouse.meta.{name}")
        for name in policy_tables.TABLES
    }
    warehouse.lay_query(
        "int_tier_facts",
        "select stage as customer_id, 'company' as customer_type, 1 as moment_no, "
        "date '2014-01-31' as as_of_date, true as is_month_end, true as is_present, "
        "false as has_purchased, stage as lifecycle_stage, "
        + ", ".join(f"cast(null as double) as {fact}" for fact in FACTS)
        + " from (values ('not recorded'), ('prospect')) as stages (stage)",
    )
    prospect = ("prospect", 1, "prospect", "prospect", 4)
    for not_graded, expected in (
        (everybody, [("not recorded", None, code, code, 5), prospect]),
        (
            everybody.filter("false"),
            [("not recorded", 1, "prospect", "prospect", 4), prospect],
        ),
    ):
        query = models.earned_tiers(
            seeds,
            warehouse.relation("int_tier_facts"),
            dt.date(2014, 1, 31),
            not_graded,
        )
        assert (
            warehouse.connection.sql(query)
            .project("customer_id, rule_order, earned_tier_code, tier_code, tier_rank")
            .distinct()
            .order("customer_id")
            .fetchall()
            == expected
        )
