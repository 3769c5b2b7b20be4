"""A what-if sums to the customers and their money to the cent, whatever the policy."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT
from pipeline.tiers import (
    candidate_policy,
    policy_tables,
    released,
    service,
    stability,
    what_if,
)
from pipeline.tiers.policy import FACTS, Policy
from tests.models import seed_types
from tests.profiles import examples
from tests.unit.tiers.test_tiers import whole_policies

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
BASE = {"key": 1, "growth": 2, "standard": 3, "prospect": 4}
VALUE = {
    "customer_id": "varchar",
    "as_of_date": "date",
    "order_days": "bigint",
    "tenure_days": "integer",
    "revenue_12m": "decimal(28, 4)",
    "profit_12m": "decimal(28, 4)",
    **{
        fact: "double"
        for fact in FACTS
        if fact not in ("revenue_12m", "profit_12m", "tenure_years")
    },
}
Customer = dict[str, Any]


@contextmanager
def release_of(
    customers: Sequence[Customer], columns: dict[str, str] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A release in memory with the project's policies, as `released.reading` shows one."""
    kinds = columns or VALUE
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as warehouse; create schema warehouse.marts; "
            "create schema warehouse.meta; "
            "create table warehouse.marts.customers (customer_id varchar, "
            "customer_name varchar, customer_type varchar); "
            "create table warehouse.marts.customer_tiers (customer_id varchar, "
            "tier_code varchar, tier_rank integer, is_override boolean, "
            "value_score decimal(12, 6), potential_score decimal(12, 6), "
            "policy_id varchar); create table warehouse.marts.customer_value ("
            + ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            + ")"
        )
        for name in policy_tables.TABLES:
            types = ", ".join(
                f"'{key}': '{kind}'" for key, kind in seed_types()[name].items()
            )
            connection.execute(
                f"create table warehouse.meta.{name} as from read_csv("
                f"'{SEEDS / name}.csv', header = true, types = {{{types}}})"
            )
        for place, one in enumerate(customers):
            customer_id = f"C{place}"
            row = {"as_of_date": "2014-01-31", **one, "customer_id": customer_id}
            connection.execute(
                "insert into warehouse.marts.customers values (?, ?, ?)",
                [customer_id, f"Customer {place}", one["customer_type"]],
            )
            connection.execute(
                "insert into warehouse.marts.customer_tiers "
                "values (?, ?, ?, ?, null, null, 'base-2010')",
                [customer_id, one["tier"], BASE[one["tier"]], one["is_override"]],
            )
            connection.execute(
                "insert into warehouse.marts.customer_value values "
                f"({', '.join('?' * len(kinds))})",
                [row.get(name) for name in kinds],
            )
        yield connection


money = st.one_of(
    st.none(),
    st.decimals(-(10**9), 10**9, places=4, allow_nan=False, allow_infinity=False),
)
fact = st.one_of(st.none(), st.integers(-200, 1200).map(float))
customer = st.fixed_dictionaries(
    {
        "customer_type": st.sampled_from(["company", "person"]),
        "tier": st.sampled_from(list(BASE)),
        "is_override": st.booleans(),
        "order_days": st.integers(0, 2),
        "tenure_days": st.one_of(st.none(), st.integers(0, 3000)),
        "revenue_12m": money,
        "profit_12m": money,
        "margin_12m": fact,
        "growth_rate": fact,
        "company_size": fact,
    }
)


def total(rows: Sequence[Customer], name: str) -> Decimal:
    return sum((row[name] for row in rows if row[name] is not None), Decimal(0))


@settings(max_examples=examples(15))
@given(whole_policies(), st.lists(customer, max_size=10))
def test_every_customer_is_in_one_tier_and_the_sums_are_exact(
    policy: Policy, customers: list[Customer]
) -> None:
    with release_of(customers) as connection:
        what_if.grade(connection, policy)
        found = what_if.summary(connection, candidate_policy.Chosen(policy, {}))
        moves = released.rows(connection, "from moves")
        assert sorted(row["customer_id"] for row in moves) == [
            f"C{place}" for place in range(len(customers))
        ]
        ranks = {tier.code: tier.rank for tier in policy.tiers}
        for row in moves:
            assert ranks[row["tier_then"]] == row["rank_then"]
            assert (row["move"] == "same") == (row["tier_now"] == row["tier_then"])
        assert found.customers == len(customers)
        for measure in ("revenue_12m", "profit_12m"):
            whole = total(customers, measure)
            assert total(found.matrix, measure) == whole
            assert total(found.moves, measure) == whole
            for when in ("now", "then"):
                assert total(found.tiers, f"{measure}_{when}") == whole
        for cells in (found.matrix, found.moves):
            assert sum(cell["customers"] for cell in cells) == len(customers)
        for when in ("now", "then"):
            counted = sum(tier[f"customers_{when}"] for tier in found.tiers)
            assert counted == len(customers)
        assert all(row["move"] != "same" for row in found.largest)
        # Without its windows a policy that begins grades as it does with them.
        facts = f"({released.present_facts(connection)}) as facts"
        alone = connection.execute(stability.anew(policy, facts)).fetchall()
        graded = connection.execute(stability.graded(policy, facts)).fetchall()
        assert sorted(map(str, alone)) == sorted(map(str, graded))


def dealer(**changes: Any) -> Customer:
    """A dealer whom the base policy calls key."""
    return {
        "customer_type": "company",
        "tier": "key",
        "is_override": False,
        "order_days": 9,
        "tenure_days": 4000,
        "revenue_12m": Decimal("300000.0050"),
        "profit_12m": Decimal("100000.0050"),
        "margin_12m": 20000.0,
        "order_count_12m": 9.0,
        **changes,
    }


def poor(**changes: Any) -> Customer:
    """One that has bought, and nothing in the last 12 months: standard."""
    return dealer(
        **{
            "tier": "standard",
            "revenue_12m": Decimal(0),
            "profit_12m": Decimal(-20000),
            "margin_12m": -10000.0,
            "order_count_12m": 0.0,
            **changes,
        }
    )


def test_the_policy_in_force_moves_those_who_hold_what_they_do_not_earn() -> None:
    customers = [dealer(), dealer(tier="standard"), poor(), poor(tier="key")]
    customers.append(poor(tier="key", is_override=True))
    with release_of(customers) as connection:
        chosen = candidate_policy.choose(connection, "base-2010")
        what_if.grade(connection, chosen.policy)
        moves = connection.execute(
            "select customer_id, move, tier_then from moves order by customer_id"
        ).fetchall()
        found = what_if.summary(connection, chosen)
    assert moves == [
        ("C0", "same", "key"),
        ("C1", "up", "key"),
        ("C2", "same", "standard"),
        ("C3", "down", "standard"),
        ("C4", "same", "key"),
    ]
    assert [(row["move"], row["customers"]) for row in found.moves] == [
        ("up", 1),
        ("down", 1),
        ("sideways", 0),
        ("same", 3),
    ]
    assert [row["customer_id"] for row in found.largest] == ["C1", "C3"]
    assert found.policies_now == ["base-2010"]
    assert found.service.planned_by is None


def folder_with(tmp_path: Path, table: str, old: str, new: str) -> Path:
    """A folder with one edited table of the base policy alone."""
    folder = tmp_path / "policy"
    folder.mkdir()
    lines = (SEEDS / f"{table}.csv").read_text(encoding="utf-8").splitlines(True)
    text = "".join(
        [lines[0], *(line for line in lines if line.startswith("base-2010"))]
    )
    assert old in text
    (folder / f"{table}.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_a_folder_with_one_table_takes_the_others_from_the_release(
    tmp_path: Path,
) -> None:
    folder = folder_with(
        tmp_path, "tier_rules", "base-2010,2,key,true,7.0,", "base-2010,2,key,true,1.0,"
    )
    # Nothing but ten years with us: a value score of 1.5.
    with release_of([poor(), dealer()]) as connection:
        chosen = candidate_policy.choose(connection, str(folder))
        what_if.grade(connection, chosen.policy)
        moves = connection.execute(
            "select tier_then from moves order by all"
        ).fetchall()
    assert moves == [("key",), ("key",)]
    assert chosen.origins["tier_rules"] == str(folder / "tier_rules.csv")
    assert chosen.origins["tiers"] == "base-2010"
    # The file alone says as much as a folder that holds it.
    with release_of([]) as connection:
        alone = candidate_policy.choose(connection, str(folder / "tier_rules.csv"))
    assert alone.policy == chosen.policy


def test_a_policy_of_a_new_id_takes_what_it_leaves_out_from_the_one_in_force(
    tmp_path: Path,
) -> None:
    folder = folder_with(tmp_path, "policies", "Base policy", "Mine")
    text = (folder / "policies.csv").read_text(encoding="utf-8")
    (folder / "policies.csv").write_text(text.replace("base-2010", "mine"), "utf-8")
    with release_of([dealer()]) as connection:
        chosen = candidate_policy.choose(connection, str(folder))
    assert (chosen.policy.policy_id, chosen.policy.name_en) == ("mine", "Mine")
    assert chosen.origins["tier_rules"] == "base-2010"
    assert [rule.tier_code for rule in chosen.policy.rules] == [
        *("prospect", "key", "growth", "standard")
    ]


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        (
            "tier_rules",
            "base-2010,2,key,",
            "base-2010,2,platinum,",
            "tier_rules (base-2010, rule 2): there is no tier 'platinum'",
        ),
        (
            "tiers",
            "base-2010,growth,2,",
            "base-2010,growth,,",
            "tiers.csv, line 3: tier_rank is empty",
        ),
        (
            "tier_rules",
            "base-2010,2,key,true,7.0,",
            "base-2010,2,key,true,nan,",
            "tier_rules.csv, line 3: min_value_score is 'nan', which is no double",
        ),
        ("score_anchors", "raw_value", "value", "has no column raw_value"),
    ],
)
def test_a_policy_that_cannot_stand_names_its_row(
    tmp_path: Path, table: str, old: str, new: str, told: str
) -> None:
    folder = folder_with(tmp_path, table, old, new)
    with release_of([]) as connection, pytest.raises(ConfigurationError) as caught:
        candidate_policy.choose(connection, str(folder))
    assert told in str(caught.value)


def test_a_fact_of_a_rule_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "tier_rule_facts.csv").write_text(
        "policy_id,rule_order,fact,at_least\nbase-2010,7,revenue_12m,1\n", "utf-8"
    )
    with release_of([]) as connection, pytest.raises(ConfigurationError) as caught:
        candidate_policy.choose(connection, str(tmp_path))
    told = "tier_rule_facts (base-2010, rule 7, revenue_12m): there is no such rule"
    assert told in str(caught.value)


def test_files_of_several_policies_ask_which(tmp_path: Path) -> None:
    for name in policy_tables.TABLES:
        shutil.copy(SEEDS / f"{name}.csv", tmp_path)
    with release_of([dealer()]) as connection:
        with pytest.raises(ConfigurationError, match="base-2010, pareto-2014: say"):
            candidate_policy.choose(connection, str(tmp_path))
        with pytest.raises(ConfigurationError, match="not gold"):
            candidate_policy.choose(connection, str(tmp_path), "gold")
        chosen = candidate_policy.choose(connection, str(tmp_path), "pareto-2014")
        assert (
            chosen.policy == candidate_policy.choose(connection, "pareto-2014").policy
        )
        with pytest.raises(ConfigurationError, match="There is no policy nobody"):
            candidate_policy.choose(connection, "nobody")


def test_what_the_release_does_not_hold_is_said() -> None:
    lacking = ("revenue_to_class_a", "profit_12m")
    columns = {name: kind for name, kind in VALUE.items() if name not in lacking}
    with release_of([dealer()], columns) as connection:
        chosen = candidate_policy.choose(connection, "pareto-2014")
        what_if.grade(connection, chosen.policy)
        found = what_if.summary(connection, chosen)
    assert found.warnings[-1] == (
        "This release does not hold profit_12m; it is left out."
    )
    rated = "This release does not hold revenue_to_class_a: nobody is rated by it."
    assert rated in found.warnings
    (cell,) = found.matrix
    assert (cell["to_tier"], cell["profit_12m"]) == ("standard", None)


def test_service_is_planned_for_the_tiers_before_and_after() -> None:
    customers = [dealer(tier="standard"), dealer(), poor(customer_type="person")]
    with release_of(customers) as connection:
        connection.execute(
            "create table warehouse.meta.service_policies (policy_id varchar, "
            "tier_code varchar, customer_type varchar, hours_per_year decimal(9, 2)); "
            "insert into warehouse.meta.service_policies values "
            "('base-2010', 'key', 'company', 12), "
            "('base-2010', 'standard', 'company', 0.5), "
            "('base-2010', 'standard', 'person', 0.25)"
        )
        chosen = candidate_policy.choose(connection, "base-2010")
        what_if.grade(connection, chosen.policy)
        service = what_if.summary(connection, chosen, 40.0).service
        assert service.hours_now == Decimal("12.75")
        assert service.hours_then == Decimal("24.25")
        assert (service.planned_by, service.capacity_hours) == ("base-2010", 40.0)
        connection.execute(
            "delete from warehouse.meta.service_policies where customer_type = 'person'"
        )
        service = what_if.summary(connection, chosen).service
    assert (service.hours_now, service.hours_then) == (None, None)
    assert service.not_planned == ["standard (person)"]


def test_recorded_hours_are_those_of_the_days_of_the_business() -> None:
    """An evening in New York belongs to the next day in UTC."""
    day = dt.date(2014, 1, 31)
    with release_of([]) as connection:
        connection.execute(
            "create table warehouse.marts.interactions as from (values "
            "(timestamp '2014-02-01 04:59', 60), "  # the last minute of the day there
            "(timestamp '2014-02-01 05:00', 600), "
            "(timestamp '2013-02-01 05:00', 120), "  # the first of the twelve months
            "(timestamp '2013-02-01 04:59', 6000)"
            ") as found (occurred_at, minutes)"
        )
        new_york = service.recorded_hours(connection, day, "America/New_York")
        utc = service.recorded_hours(connection, day, "UTC")
    assert new_york == 3
    assert utc == 2 + 100
