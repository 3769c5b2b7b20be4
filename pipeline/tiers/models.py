"""What dbt's Python models of tiers ask the engine, from the seeds of the policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb

from pipeline.common.errors import ConfigurationError, GateRefused
from pipeline.common.sql import literal
from pipeline.tiers import policy, policy_checks, policy_tables, scoring, stability
from pipeline.tiers.policy import Policy

Seeds = Mapping[str, duckdb.DuckDBPyRelation]


def policies(seeds: Seeds) -> list[Policy]:
    """The policies of the seeds.

    Args:
        seeds: A relation for each of `policy_tables.TABLES`.

    Raises:
        GateRefused: A row cannot stand; all such rows are named.
    """

    def rows_of(name: str) -> list[dict[str, Any]]:
        columns = policy_tables.TABLES[name]
        found = seeds[name].project(
            ", ".join(f"cast({column} as {kind})" for column, kind in columns.items())
        )
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    try:
        found = policy_tables.load(rows_of)
    except ConfigurationError as error:
        raise GateRefused(str(error)) from error
    if wrong := policy_checks.problems(found):
        raise GateRefused("; ".join(map(str, wrong)))
    return found


def earned_tiers(
    seeds: Seeds, facts: str, as_of: dt.date, not_graded: duckdb.DuckDBPyRelation
) -> str:
    """Earned and held tiers of each moment by its published policy.

    The policies that are not published grade the present only, so that they can be
    compared with the one in force.

    Args:
        seeds: A relation for each of `policy_tables.TABLES`.
        facts: A relation; see `scoring`, with as_of_date and is_present.
        as_of: The as-of day.
        not_graded: policy_id, tier_code and tier_rank of the tier of those whose purchases
            are not recorded; empty where there can be none.

    Returns:
        A query with the columns of `stability.graded` and is_published. Who is not
        graded has no rule_order; scores stand as they are.
    """
    known = policies(seeds)
    policy.in_force(known, as_of)
    published = sorted(
        (one for one in known if one.is_published), key=lambda one: one.valid_from
    )
    queries = []
    for place, one in enumerate(published):
        # Before the first policy there was none; the past is graded by the first.
        since = "true" if place == 0 else f"as_of_date >= {_date(one.valid_from)}"
        until = (
            "true" if one.valid_to is None else f"as_of_date < {_date(one.valid_to)}"
        )
        some = f"(select * from {facts} where {since} and {until}) as facts"
        queries.append(
            f"select *, true as is_published from ({stability.graded(one, some)})"
        )
    queries += [
        "select *, false as is_published from "
        f"({stability.anew(one, f'(select * from {facts} where is_present) as facts')})"
        for one in known
        if not one.is_published
    ]
    earned = " union all ".join(queries)
    if outside := not_graded.project("policy_id, tier_code, tier_rank").fetchall():
        tiers = ", ".join(
            f"({literal(policy_id)}, {literal(code)}, {rank})"
            for policy_id, code, rank in outside
        )
        return (
            "select earned.* replace ("
            "case when tiers.code is null then earned.rule_order end as rule_order, "
            "coalesce(tiers.code, earned.earned_tier_code) as earned_tier_code, "
            "coalesce(tiers.rank, earned.earned_rank) as earned_rank, "
            "coalesce(tiers.code, earned.tier_code) as tier_code, "
            "coalesce(tiers.rank, earned.tier_rank) as tier_rank) "
            f"from ({earned}) as earned "
            f"inner join {facts} as facts using (customer_id, moment_no) "
            f"left join (values {tiers}) as tiers (policy_id, code, rank) "
            "on earned.policy_id = tiers.policy_id "
            "and facts.lifecycle_stage = 'not recorded'"
        )
    return earned


def score_factors(seeds: Seeds, facts: str, as_of: dt.date) -> str:
    """The contributions to the present scores by the policy in force."""
    one = policy.in_force(policies(seeds), as_of)
    return scoring.contributions(
        one, f"(select * from {facts} where is_present) as facts"
    )


def next_tiers(seeds: Seeds, facts: str, held: str, as_of: dt.date) -> str:
    """What would move each customer up, by the policy in force.

    Args:
        held: A relation of customer_id, is_present and tier_rank.
    """
    one = policy.in_force(policies(seeds), as_of)
    return scoring.next_tier(
        one,
        f"(select * from {facts} where is_present) as facts",
        f"(select customer_id, tier_rank from {held} where is_present)",
    )


def _date(day: dt.date) -> str:
    return f"date {literal(day)}"
