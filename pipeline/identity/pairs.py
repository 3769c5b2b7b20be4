"""Which two source records are the same customer, by which rule, and how sure.

First the deterministic rules of `match_rules`, in order; then, for pairs that share a
block but no rule, the Fellegi-Sunter model of `match_weights`, scored by splink inside
DuckDB. The weights are declared and not fitted to the pairs of a refresh: a score is a
function of its two records and of weights that seldom change (`chance`, `learning`). That
makes a refresh repeatable, lets scores be kept while neither record has changed, and
works for a company with fifty customers. How they were measured: `docs/identity.md`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.identity.comparisons import (
    AGREEMENT_COLUMNS,
    AGREEMENTS,
    COMPARISONS,
    Comparison,
)
from pipeline.identity.policy import CUSTOMER_TYPES, Policy, Rule
from pipeline.identity.templates import TEMPLATES, create

log = logging.getLogger("customer_tiers.identity")


@dataclass(frozen=True)
class RuleColumns:
    """A rule with the columns of both records that it needs, and its condition."""

    rule: Rule
    columns: tuple[str, ...]
    agreement: str


def by_rules(policy: Policy, forms: str) -> str:
    """SQL of all pairs that a deterministic rule joins, the first rule named.

    Args:
        policy: The seeds.
        forms: A relation of records with their normal forms: `record_no`, `source`,
            `customer_type`, `birth_date` and the columns of `normal.FORMS`.

    Returns:
        SQL with left_no < right_no, match_rule, rule_order, confidence.
    """
    asked = []
    for rule in policy.rules:
        agreement = AGREEMENTS[rule.agreement]
        needed = {name for name in AGREEMENT_COLUMNS if f"{name}_l" in agreement}
        columns = (*rule.keys, *sorted(needed - set(rule.keys)))
        asked.append(RuleColumns(rule, columns, agreement))
    return TEMPLATES.render("rule_pairs", asked_rules=asked, forms=forms, rules=policy)


def block_values(policy: Policy, forms: str) -> str:
    """SQL of each record's blocks that are small enough to be compared within.

    Returns:
        SQL with record_no, source, block (a hash of what the records share).
    """
    return TEMPLATES.render("block_values", rules=policy, forms=forms)


def candidates(policy: Policy, blocks: str, changed: str | None = None) -> str:
    """SQL of the pairs that share a block: left_no < right_no, each once.

    Args:
        policy: The seeds.
        blocks: A table as `block_values` gives it.
        changed: A table of record_no; only pairs with one of them. All without it.
    """
    return TEMPLATES.render("candidates", rules=policy, blocks=blocks, changed=changed)


def score(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    forms: str,
    pairs: str,
    target: str,
) -> None:
    """Scores pairs by the weights in force, with splink.

    Args:
        connection: A connection that may create temporary tables.
        policy: The seeds.
        forms: Table of records with their normal forms.
        pairs: Table of left_no, right_no.
        target: The temporary table that is made: left_no, right_no, probability; pairs
            below the lowest review probability are left out.
    """
    tables = []
    for kind in CUSTOMER_TYPES:
        chosen = f"_identity_pairs_{kind}"
        create(connection, chosen, "pairs_of_type", pairs=pairs, forms=forms, kind=kind)
        count = connection.execute(f"select count(*) from {chosen}").fetchone()
        if count and count[0]:
            tables.append(_scored(connection, policy, forms, chosen, kind))
    create(connection, target, "scored_pairs", tables=tables)


def _scored(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    forms: str,
    pairs: str,
    kind: str,
) -> str:
    """The table of splink's that holds the scores of pairs of one type."""
    model = linker(connection, policy, forms, pairs, kind)
    model.table_management.register_blocked_pairs_for_predict(
        registered(connection, pairs)
    )
    scored = model.inference.predict(
        threshold_match_probability=policy.thresholds[kind].review_probability,
        warning_mode="never",
    )
    return str(scored.physical_name)


def linker(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    forms: str,
    pairs: str,
    kind: str,
) -> Any:
    """Splink's linker over the records of some pairs, with the weights of a policy.

    Args:
        connection: A connection that may create temporary tables.
        policy: The seeds.
        forms: Table of records with their normal forms.
        pairs: Table of join_key_l, join_key_r, of one type of customer.
        kind: The type.
    """
    # splink logs each step; the refresh has a log of its own.
    from splink import Linker, SettingsCreator

    logging.getLogger("splink").setLevel(logging.ERROR)
    comparisons = COMPARISONS[kind]
    columns = sorted({column for item in comparisons for column in item.columns})
    records = f"_identity_records_{kind}"
    create(
        connection,
        records,
        "records_of_pairs",
        pairs=pairs,
        forms=forms,
        compared=columns,
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_no",
        probability_two_random_records_match=policy.thresholds[kind].prior,
        comparisons=[_settings(kind, item, policy) for item in comparisons],
        blocking_rules_to_generate_predictions=[],
        retain_matching_columns=False,
    )
    return Linker(
        registered(connection, records),
        settings,
        log_level=logging.ERROR,
        validate_settings=False,
    )


def registered(connection: duckdb.DuckDBPyConnection, table: str) -> Any:
    """A table as splink takes it."""
    from splink.internals.duckdb.database_api import DuckDBAPI

    return DuckDBAPI(connection=connection).register(table)


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
