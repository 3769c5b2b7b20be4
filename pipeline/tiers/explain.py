"""Why one customer has its tier: everything that decided it, from a release.

Reads what the marts say of the customer, and asks the engine again what each rule found
at each month end, by the queries that graded everybody. Not here: which customer is meant
(search), and how it is printed (cli.rendering.tiers).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from pipeline.common.files import read_json
from pipeline.release.catalogue import Release
from pipeline.tiers import policy, released, scoring, stability
from pipeline.tiers.policy import Policy, Rule
from pipeline.tiers.search import find

Row = dict[str, Any]
# Of a policy's tiers: code → English and Chinese name.
Names = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Explanation:
    """What decided the tier of a customer.

    Attributes:
        customer: Who it is, with `keys` (source:key).
        tier: Its row of customer_tiers, the name of the policy, the tier before by name.
        scores: score_name, score, coverage, min_coverage, is_rated; value, potential. One
            that the policy makes of nothing for this type is left out.
        factors: Factors of each score, largest contribution first.
        rules: The rules in order, none where nobody is graded; `holds` (as it stands),
            `to_enter` (raised by the band) and `to_stay` (lowered), and for each condition
            what is asked and there is.
        decided_by: The order of the first rule that holds.
        month_ends: What the last month ends earned and held, newest first.
        confirmations: For each tier above the number of month ends in a row that earned
            it; for its own those that missed it.
        next: What would move it up; None where no single change would.
        history: Spells, newest first.
        restatements: Rows of meta.tier_restatements, where the release has it.
        value: What it gives; the columns of customer_value that a person asks for.
        actions: Rows of customer_actions, where the release has it.
        verdict: Its row of customer_verdicts, where the release has it.
        evidence: Rows of verdict_evidence, those that speak for it first.
        leads: Leads that name no customer and seem to be with this one; the columns of
            leads that a person asks for, where the release has them.
    """

    release: str
    as_of_date: dt.date
    currency: str
    customer: Row
    tier: Row
    scores: list[Row]
    factors: list[Row]
    rules: list[Row]
    decided_by: int | None
    month_ends: list[Row]
    confirmations: list[Row]
    next: Row | None
    history: list[Row]
    restatements: list[Row]
    value: Row
    actions: list[Row]
    verdict: Row | None
    evidence: list[Row]
    leads: list[Row]


MONTH_ENDS: Final = 6
VALUE: Final = (
    "order_count",
    "order_count_12m",
    "last_order_date",
    "revenue",
    "revenue_12m",
    "margin_12m",
    "cost_to_serve_12m",
    "profit_12m",
    "predicted_revenue_12m",
    "clv",
    "no_purchase_probability_12m",
    "rfm_segment",
    "abc_class",
    "lifecycle_stage",
)
# Codes whose Chinese is told beside them.
WORDED: Final = ("rfm_segment", "lifecycle_stage")


def run(release: Release, customer: str) -> Explanation:
    """Explains the tier of a customer of a release.

    Args:
        customer: A customer_id, a source's key with or without the source (erp:AW00012345),
            or a name or a part of it.

    Raises:
        ConfigurationError: Nobody is meant, or several are.
    """
    record = read_json(release.path / "release.json")
    with released.reading(release) as connection:
        customer_id = find(connection, customer)
        tier = _one(connection, "customer_tiers", customer_id)
        known = released.policies(connection)
        one = next(item for item in known if item.policy_id == tier["policy_id"])
        moments = _moments(connection, known, one, customer_id)
        present = moments[-1]
        # Of who is not graded the rules were not asked.
        is_graded = tier["earned_tier_code"] != policy.NOT_GRADED[0]
        factors = _factors(connection, one, customer_id, present["customer_type"])
        confirmations = _confirmations(one, moments, tier) if is_graded else []
        named = {item.policy_id: _names(item) for item in known}
        names = named[one.policy_id]
        spells = _rows_of(connection, "marts", "customer_tier_history", customer_id)
        return Explanation(
            release=release.refresh_id,
            as_of_date=present["as_of_date"],
            currency=record["reporting_currency"],
            customer=_customer(connection, customer_id),
            tier={
                **tier,
                "policy_name_en": one.name_en,
                "policy_name_zh": one.name_zh,
                **_named(names, "earned", tier["earned_tier_code"]),
                **_named(names, "next", tier["next_tier_code"]),
                **_earlier_tier(named, spells),
            },
            scores=_scores(one, tier, present),
            factors=factors,
            rules=[_rule(one, rule, present) for rule in one.rules if is_graded],
            decided_by=present["rule_order"] if is_graded else None,
            month_ends=_month_ends(names, moments) if is_graded else [],
            confirmations=confirmations,
            next=_next(one, tier, present, confirmations),
            history=[
                {**spell, **_named(named[spell["policy_id"]], "", spell["tier_code"])}
                for spell in reversed(spells)
            ],
            restatements=_restatements(connection, names, customer_id),
            value=_value(connection, customer_id),
            actions=_rows_of(connection, "marts", "customer_actions", customer_id),
            verdict=next(
                iter(_rows_of(connection, "marts", "customer_verdicts", customer_id)),
                None,
            ),
            evidence=_rows_of(connection, "marts", "verdict_evidence", customer_id),
            leads=_leads(connection, customer_id),
        )


def _one(connection: duckdb.DuckDBPyConnection, table: str, customer_id: str) -> Row:
    (row,) = released.rows(
        connection,
        f"select * from warehouse.marts.{table} where customer_id = ?",
        [customer_id],
    )
    return row


def _rows_of(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, customer_id: str
) -> list[Row]:
    """The rows of a customer, by place or day; none where there is no such table."""
    columns = released.columns(connection, schema, table)
    if "customer_id" not in columns:
        return []
    ordered = ("first_month", "valid_from", "place", "position")
    order = [name for name in ordered if name in columns]
    return released.rows(
        connection,
        f"select * from warehouse.{schema}.{table} where customer_id = ? "
        f"order by {', '.join(order) or 'all'}",
        [customer_id],
    )


def _customer(connection: duckdb.DuckDBPyConnection, customer_id: str) -> Row:
    whole = _one(connection, "customers", customer_id)
    asked = (
        *("customer_id", "customer_name", "customer_type", "country", "region"),
        *("industry", "owner", "acquired_on"),
    )
    keys = connection.execute(
        "select source || ':' || source_customer_id "
        "from warehouse.marts.customer_source_keys where customer_id = ? order by all",
        [customer_id],
    ).fetchall()
    return {
        **{name: whole.get(name) for name in asked},
        "keys": [key for (key,) in keys],
    }


def _names(one: Policy) -> Names:
    (code, name_en, name_zh) = policy.NOT_GRADED
    known = {tier.code: (tier.name_en, tier.name_zh) for tier in one.tiers}
    return {code: (name_en, name_zh), **known}


def _named(names: Names, which: str, code: str | None) -> dict[str, str | None]:
    """The name of a tier in both languages, as columns."""
    name_en, name_zh = names.get(code or "", (None, None))
    prefix = f"{which}_" if which else ""
    return {f"{prefix}tier_name_en": name_en, f"{prefix}tier_name_zh": name_zh}


def _earlier_tier(named: dict[str, Names], spells: list[Row]) -> Row:
    """The name of the tier before, which may be one of an earlier policy."""
    if len(spells) < 2:
        return _named({}, "previous", None)
    before = spells[-2]
    return _named(named[before["policy_id"]], "previous", before["tier_code"])


def _month_ends(names: Names, moments: list[Row]) -> list[Row]:
    return [
        {
            "as_of_date": moment["as_of_date"],
            "earned_tier_code": moment["earned_tier_code"],
            **_named(names, "earned", moment["earned_tier_code"]),
            "held_tier_code": moment["tier_code"],
            **_named(names, "held", moment["tier_code"]),
            "value_score": moment["value_score"],
            "potential_score": moment["potential_score"],
        }
        for moment in reversed(moments)
        if moment["is_month_end"]
    ][:MONTH_ENDS]


def _restatements(
    connection: duckdb.DuckDBPyConnection, names: Names, customer_id: str
) -> list[Row]:
    return [
        {
            **row,
            **_named(names, "published", row["published_tier_code"]),
            **_named(names, "restated", row["restated_tier_code"]),
        }
        for row in _rows_of(connection, "meta", "tier_restatements", customer_id)
    ]


def _value(connection: duckdb.DuckDBPyConnection, customer_id: str) -> Row:
    whole = _one(connection, "customer_value", customer_id)
    # A release of before has no such mart, and then its codes are all there is.
    (words,) = _rows_of(connection, "marts", "customer_360", customer_id) or [{}]
    return {
        **{name: whole[name] for name in whole if name in VALUE},
        **{f"{name}_zh": words.get(f"{name}_zh") for name in WORDED},
    }


def _leads(connection: duckdb.DuckDBPyConnection, customer_id: str) -> list[Row]:
    """Leads that name no customer and seem to be with this one, the newest first."""
    # A release of before has no such column.
    if "matched_customer_id" not in released.columns(connection, "marts", "leads"):
        return []
    return released.rows(
        connection,
        """
        select lead_id, lead_name, stage, is_open, owner, created_on, matched_by
        from warehouse.marts.leads
        where matched_customer_id = ?
        order by created_on desc nulls last, lead_id
        """,
        [customer_id],
    )


def _moments(
    connection: duckdb.DuckDBPyConnection,
    known: list[Policy],
    one: Policy,
    customer_id: str,
) -> list[Row]:
    """What the policy found at each month end and on the as-of day, the last row."""
    # Before the first policy there was none; the past is graded by the first.
    published = [item.valid_from for item in known if item.is_published]
    since = dt.date.min if one.valid_from == min(published) else one.valid_from
    facts = f"({released.lifetime_facts(connection, customer_id, since)}) as facts"
    moments = stability.signals(one, facts, keep=["as_of_date"])
    return released.rows(
        connection, f"select * from ({moments}) as moments order by moment_no"
    )


def _scores(one: Policy, tier: Row, present: Row) -> list[Row]:
    return [
        {
            "score_name": name,
            "score": tier[f"{name}_score"],
            "coverage": present[f"{name}_coverage"],
            "min_coverage": one.min_coverage,
            "is_rated": tier[f"{name}_score"] is not None,
        }
        for name in policy.SCORES
        if one.factors_of(present["customer_type"], name)
    ]


def _factors(
    connection: duckdb.DuckDBPyConnection,
    one: Policy,
    customer_id: str,
    customer_type: str,
) -> list[Row]:
    named = {
        (factor.score, factor.factor): factor
        for factor in one.factors
        if factor.customer_type == customer_type
    }
    return [
        {
            "score_name": row["score_name"],
            "factor": row["factor"],
            "factor_name_en": named[row["score_name"], row["factor"]].name_en,
            "factor_name_zh": named[row["score_name"], row["factor"]].name_zh,
            **{
                key: row[key]
                for key in (
                    *("raw_value", "score", "declared_weight", "weight"),
                    "contribution",
                )
            },
        }
        for row in released.rows(
            connection,
            """
            select * from warehouse.marts.customer_score_factors
            where customer_id = ?
            order by score_name desc, contribution desc, score nulls last, factor
            """,
            [customer_id],
        )
    ]


def _rule(one: Policy, rule: Rule, present: Row) -> Row:
    band = one.tier(rule.tier_code).band
    conditions: list[Row] = []
    for measure, least in rule.thresholds().items():
        there = present[measure]
        conditions.append(
            {
                "measure": measure,
                "at_least": least,
                "there_is": there,
                "over": None if there is None else float(there) - least,
                "holds": there is not None and float(there) >= least,
                "to_enter": scoring.threshold(least, measure, band),
                "to_stay": scoring.threshold(least, measure, -band),
            }
        )
    return {
        "rule_order": rule.order,
        "tier_code": rule.tier_code,
        **_named(_names(one), "", rule.tier_code),
        "rule_en": rule.rule_en,
        "rule_zh": rule.rule_zh,
        "has_purchased_asked": rule.has_purchased,
        "has_purchased": present["has_purchased"],
        "holds": present[f"holds_{rule.order}"],
        "holds_to_enter": present[f"enters_{rule.order}"],
        "holds_to_stay": present[f"stays_{rule.order}"],
        "conditions": conditions,
    }


def _confirmations(one: Policy, moments: list[Row], tier: Row) -> list[Row]:
    """Month ends in a row, counted back from the last, since it bought or not."""
    bought = moments[-1]["has_purchased"]
    months = [
        moment
        for moment in reversed(moments)
        if moment["is_month_end"] and moment["has_purchased"] == bought
    ]

    def in_a_row(column: str, wanted: bool) -> int:
        count = 0
        for moment in months:
            if moment[column] is not wanted:
                break
            count += 1
        return count

    found = []
    for step in one.tiers:
        if step.rank < tier["tier_rank"]:
            found.append(
                {
                    "tier_code": step.code,
                    **_named(_names(one), "", step.code),
                    "kind": "earned",
                    "month_ends": in_a_row(f"raised_{step.rank}", True),
                    "needed": step.confirmations,
                }
            )
        elif step.rank == tier["tier_rank"] and step is not one.tiers[-1]:
            found.append(
                {
                    "tier_code": step.code,
                    **_named(_names(one), "", step.code),
                    "kind": "missed",
                    "month_ends": in_a_row(f"lowered_{step.rank}", False),
                    "needed": step.grace,
                }
            )
    return found


def _next(one: Policy, tier: Row, present: Row, confirmations: list[Row]) -> Row | None:
    """What the release says would move it up, with the names for a sentence."""
    if tier["next_tier_code"] is None:
        return None
    step = one.tier(tier["next_tier_code"])
    measure, factor = tier["next_tier_measure"], tier["next_tier_factor"]
    named = {item.factor: item for item in one.factors}
    measured = tier[measure] if measure in tier else present.get(measure)
    return {
        "tier_code": step.code,
        **_named(_names(one), "", step.code),
        "measure": measure,
        "there_is": measured,
        "gap": tier["next_tier_gap"],
        "needed": None
        if measured is None or tier["next_tier_gap"] is None
        else float(measured) + tier["next_tier_gap"],
        "factor": factor,
        "factor_name_en": named[factor].name_en if factor else None,
        "factor_name_zh": named[factor].name_zh if factor else None,
        "factor_now": tier["next_tier_factor_now"],
        "factor_needed": tier["next_tier_factor_needed"],
        "month_ends": next(
            (
                item["month_ends"]
                for item in confirmations
                if item["tier_code"] == step.code
            ),
            0,
        ),
        "month_ends_needed": step.confirmations,
    }


def total(factors: list[Row], score_name: str) -> Decimal:
    """The contributions to a score, summed."""
    return sum(
        (row["contribution"] for row in factors if row["score_name"] == score_name),
        Decimal(0),
    )
