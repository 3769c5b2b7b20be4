"""Which two source records are the same customer, by which rule, and how sure.

First the deterministic rules of `match_rules`, in order; then, for pairs that share a
block but no rule, the Fellegi-Sunter model of `match_weights`, scored by splink inside
DuckDB. The weights are declared and not fitted in a refresh: a pair's score is a function
of its two records alone. That makes a refresh repeatable, lets scores be kept while
neither record has changed, and works for a company with fifty customers. How the weights
were measured: `docs/identity.md`.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import duckdb

from pipeline.identity.comparisons import (
    AGREEMENT_COLUMNS,
    AGREEMENTS,
    COMPARISONS,
    Comparison,
)
from pipeline.identity.policy import CUSTOMER_TYPES, Block, Policy, Rule

log = logging.getLogger("customer_tiers.identity")

PROBABILITY: Final = "probability"


def contradiction(policy: Policy, left: str = "l", right: str = "r") -> str:
    """SQL: two registration numbers that cannot belong to one customer.

    Both prove themselves by their check character and differ, or they differ in more
    characters than a slip of the pen.
    """
    distance = " ".join(
        f"when {left}.customer_type = '{kind}' then {limits.registration_distance}"
        for kind, limits in policy.thresholds.items()
    )
    one, other = f"{left}.registration_key", f"{right}.registration_key"
    return (
        f"(case when {one} <> {other} then "
        f"({left}.registration_checked and {right}.registration_checked) or "
        f"damerau_levenshtein({one}, {other}) > case {distance} end "
        "else false end)"
    )


def by_rules(policy: Policy, forms: str) -> str:
    """SQL of all pairs that a deterministic rule joins, the first rule named.

    Args:
        policy: The seeds.
        forms: A relation of records with their normal forms: `record_no`, `source`,
            `customer_type`, `birth_date` and the columns of `normal.FORMS`.

    Returns:
        SQL with left_no < right_no, match_rule, rule_order, confidence.
    """
    parts = [_rule(rule, forms, policy) for rule in policy.rules]
    return f"""
        select
            left_no, right_no,
            min_by(match_rule, rule_order) as match_rule,
            min(rule_order) as rule_order,
            min_by(confidence, rule_order) as confidence
        from ({" union all ".join(parts)})
        group by left_no, right_no
    """


def _rule(rule: Rule, forms: str, policy: Policy) -> str:
    keys = ", ".join(rule.keys)
    kind = (
        f"customer_type = '{rule.customer_type}'"
        if rule.customer_type != "any"
        else "true"
    )
    known = " and ".join(f"{key} is not null" for key in rule.keys)
    needed = sorted(
        {
            column
            for column in AGREEMENT_COLUMNS
            if f"{column}_l" in AGREEMENTS[rule.agreement]
        }
        - set(rule.keys)
    )
    carried = "".join(f", {column}" for column in needed)
    sides = "".join(
        f", l.{column} as {column}_l, r.{column} as {column}_r"
        for column in (*rule.keys, *needed)
    )
    return f"""
        select left_no, right_no, '{rule.name}' as match_rule,
            {rule.order} as rule_order, {rule.confidence}::double as confidence
        from (
            select l.record_no as left_no, r.record_no as right_no{sides}
            from (
                select record_no, source, customer_type, {keys}{carried}
                from {forms}
                where {kind} and {known}
                qualify count(*) over (partition by customer_type, {keys})
                    between 2 and {rule.max_records}
            ) as l
            inner join (
                select record_no, source, customer_type, {keys}{carried}
                from {forms} where {kind} and {known}
            ) as r using (customer_type, {keys})
            where l.record_no < r.record_no {_not_within(policy)}
        )
        where {AGREEMENTS[rule.agreement]}
    """


def _not_within(policy: Policy) -> str:
    """A source whose keys are unique has no two records of one customer."""
    if not policy.unique_sources:
        return ""
    names = ", ".join(f"'{name}'" for name in sorted(policy.unique_sources))
    return f"and not (l.source = r.source and l.source in ({names}))"


def block_values(policy: Policy, forms: str) -> str:
    """SQL of each record's blocks that are small enough to be compared within.

    Returns:
        SQL with record_no, source, block (a hash of what the records share).
    """
    return " union all ".join(
        _block(place, block, forms) for place, block in enumerate(policy.blocks)
    )


def _block(place: int, block: Block, forms: str) -> str:
    values = ", ".join(
        f"left({name}, {length})" if length else f"cast({name} as varchar)"
        for name, length in block.parts
    )
    known = " and ".join(
        f"length({name}) >= {length}" if length else f"{name} is not null"
        for name, length in block.parts
    )
    return f"""
        select record_no, source, block from (
            select record_no, source, hash({place}, {values}) as block
            from {forms}
            where customer_type = '{block.customer_type}' and {known}
        )
        qualify count(*) over (partition by block) between 2 and {block.max_records}
    """


def candidates(policy: Policy, blocks: str, changed: str | None = None) -> str:
    """SQL of the pairs that share a block: left_no < right_no, each once.

    Args:
        policy: The seeds.
        blocks: A table as `block_values` gives it.
        changed: A table of record_no; only pairs with one of them. All without it.
    """
    if changed is None:
        return f"""
            select distinct l.record_no as left_no, r.record_no as right_no
            from {blocks} as l
            inner join {blocks} as r on l.block = r.block
            where l.record_no < r.record_no {_not_within(policy)}
        """
    return f"""
        select distinct
            least(l.record_no, r.record_no) as left_no,
            greatest(l.record_no, r.record_no) as right_no
        from {blocks} as l
        inner join {blocks} as r on l.block = r.block
        where l.record_no in (select record_no from {changed})
            and l.record_no <> r.record_no {_not_within(policy)}
    """


def score(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    forms: str,
    pairs: str,
    target: str,
) -> None:
    """Scores pairs by the declared weights, with splink.

    Args:
        connection: A connection that may create temporary tables.
        policy: The seeds.
        forms: Table of records with their normal forms.
        pairs: Table of left_no, right_no.
        target: The temporary table that is made: left_no, right_no, probability; pairs
            below the lowest review probability are left out.
    """
    parts = []
    for kind in CUSTOMER_TYPES:
        chosen = f"_identity_pairs_{kind}"
        connection.execute(
            f"""
            create or replace temp table {chosen} as
            select
                pairs.left_no as join_key_l, pairs.right_no as join_key_r,
                '0' as match_key
            from {pairs} as pairs
            inner join {forms} as l
                on pairs.left_no = l.record_no and l.customer_type = '{kind}'
            """
        )
        count = connection.execute(f"select count(*) from {chosen}").fetchone()
        if count and count[0]:
            parts.append(_scored(connection, policy, forms, chosen, kind))
    nothing = "select 0::bigint as left_no, 0::bigint as right_no, 0::double as p"
    connection.execute(
        f"create or replace temp table {target} as "
        "select left_no, right_no, p as probability from ("
        + " union all ".join([*parts, f"{nothing} where false"])
        + ")"
    )


def _scored(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    forms: str,
    pairs: str,
    kind: str,
) -> str:
    # splink logs each step; the refresh tells its own.
    from splink import Linker, SettingsCreator
    from splink.internals.duckdb.database_api import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    comparisons = COMPARISONS[kind]
    columns = sorted({column for item in comparisons for column in item.columns})
    records = f"_identity_records_{kind}"
    connection.execute(
        f"""
        create or replace temp table {records} as
        select record_no, {", ".join(columns)} from {forms}
        where record_no in (select join_key_l from {pairs})
            or record_no in (select join_key_r from {pairs})
        """
    )
    limits = policy.thresholds[kind]
    api = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_no",
        probability_two_random_records_match=limits.prior,
        comparisons=[_settings(kind, item, policy) for item in comparisons],
        blocking_rules_to_generate_predictions=[],
        retain_matching_columns=False,
    )
    linker = Linker(
        api.register(records),
        settings,
        log_level=logging.ERROR,
        validate_settings=False,
    )
    linker.table_management.register_blocked_pairs_for_predict(api.register(pairs))
    scored = linker.inference.predict(
        threshold_match_probability=limits.review_probability, warning_mode="never"
    )
    return (
        "select least(record_no_l, record_no_r) as left_no, "
        "greatest(record_no_l, record_no_r) as right_no, match_probability as p "
        f"from {scored.physical_name}"
    )


def _settings(kind: str, comparison: Comparison, policy: Policy) -> dict[str, Any]:
    def level(name: str, condition: str) -> dict[str, Any]:
        m, u = policy.weights[kind, comparison.name, name]
        return {
            "sql_condition": condition,
            "label_for_charts": name,
            "m_probability": m,
            "u_probability": u,
        }

    return {
        "output_column_name": comparison.name.replace(" ", "_"),
        "comparison_levels": [
            {
                "sql_condition": comparison.missing,
                "label_for_charts": "missing",
                "is_null_level": True,
            },
            *(level(name, sql) for name, sql in comparison.levels.items()),
            level("else", "ELSE"),
        ],
    }
