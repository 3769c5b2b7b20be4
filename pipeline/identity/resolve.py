"""The four steps of matching, as dbt's Python models call them.

    forms   records with their normal forms
    blocks  what records share that are worth comparing
    links   pairs that are, or may be, the same customer
    keys    the customer_id of every record

What was worked out in the last published refresh is used again for records that have not
changed: normal forms by the print of what they are made from, scores by the prints of both
records. Both are pure functions of those prints, so a refresh with it and one
without it give the same rows; a test holds that.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from pipeline.identity import (
    decided,
    grouping,
    learning,
    normal,
    pairs,
    policy,
    registry,
    shared,
)
from pipeline.identity.comparisons import COMPARISONS
from pipeline.identity.templates import TEMPLATES, create
from pipeline.identity.vocabulary import Vocabulary

log = logging.getLogger("customer_tiers.identity")

SEEDS: Final = "warehouse.meta"


def version(connection: duckdb.DuckDBPyConnection) -> str:
    """What normal forms and scores depend on beside the records: code and seeds."""
    digest = hashlib.sha256()
    room = Path(__file__).parent
    for file in sorted([*room.glob("*.py"), *room.glob("sql/*.sql")]):
        digest.update(file.read_bytes())
    for seed in (
        "match_legal_forms",
        "match_front_forms",
        "match_places",
        "match_free_mail",
        "match_role_mailboxes",
        "match_placeholders",
        "match_words",
        "match_blocks",
        "match_thresholds",
        "source_trust",
    ):
        rows = connection.execute(f"select * from {SEEDS}.{seed} order by all")
        digest.update(repr(rows.fetchall()).encode())
    return digest.hexdigest()[:16]


def forms(
    connection: duckdb.DuckDBPyConnection, records: str, kept: str
) -> duckdb.DuckDBPyRelation:
    """Records with their normal forms.

    Args:
        connection: dbt's session.
        records: Relation of `record_no`, `source`, `source_customer_id` and the
            canonical columns of a customer.
        kept: Relation of the last published refresh's forms; may be empty.

    Returns:
        record_no, source, source_customer_id, customer_type, birth_date, input_print,
        made_by, the columns of `normal.FORMS` and of `shared.COLUMNS`.
    """
    rules = policy.read(connection, SEEDS)
    made_by = version(connection)
    create(
        connection,
        "_identity_inputs",
        "inputs",
        records=records,
        input_columns=normal.INPUTS,
        no_dates=sorted(rules.vocabulary.placeholders.get("birth_date", ())),
    )
    create(
        connection,
        "_identity_kept",
        "kept_forms",
        kept_forms=kept,
        form_columns=normal.FORMS.names,
        made_by=made_by,
    )
    create(connection, "_identity_todo", "records_to_normalise")
    fresh = _fresh_forms(connection, rules.vocabulary)
    log.info("identity: normal forms of %d records made", fresh)
    create(
        connection,
        "_identity_pure",
        "forms",
        made_by=made_by,
        form_columns=normal.FORMS.names,
    )
    return connection.query(shared.add(connection, rules, "_identity_pure"))


# Rows of records that are normalised at a time.
CHUNK: Final = 200_000


def _fresh_forms(connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> int:
    """Makes `_identity_made` from `_identity_todo`; returns how many rows."""
    made = 0
    keys = ("source", "source_customer_id", "input_print")
    schema = pa.schema(
        [
            ("source", pa.string()),
            ("source_customer_id", pa.string()),
            ("input_print", pa.uint64()),
            *normal.FORMS,
        ]
    )
    connection.register("_identity_chunk", schema.empty_table())
    connection.execute(
        "create or replace temp table _identity_made as select * from _identity_chunk"
    )
    while True:
        table = connection.execute(
            TEMPLATES.render(
                "chunk", input_columns=normal.INPUTS, after=made, up_to=made + CHUNK
            )
        ).to_arrow_table()
        if not table.num_rows:
            break
        found = normal.forms(table, vocabulary)
        chunk = pa.table(
            [*(table.column(key) for key in keys), *found.columns],
            names=[*keys, *found.column_names],
        )
        connection.register("_identity_chunk", chunk)
        connection.execute("insert into _identity_made select * from _identity_chunk")
        made += table.num_rows
    connection.unregister("_identity_chunk")
    return made


def blocks(
    connection: duckdb.DuckDBPyConnection, forms: str
) -> duckdb.DuckDBPyRelation:
    """What each record shares with others: record_no, source, block, whole, chunk.

    A block that is too large is cut; `whole` is what it was, `chunk` the place in it.
    """
    return connection.query(
        pairs.block_values(policy.read(connection, SEEDS), f"({shared.weighed(forms)})")
    )


def weights(
    connection: duckdb.DuckDBPyConnection, forms: str, decisions: str
) -> duckdb.DuckDBPyRelation:
    """The weights in force, declared or learned from decisions.

    Args:
        connection: dbt's session.
        forms: Relation that `forms` made.
        decisions: Relation of the seed `match_decisions`.

    Returns:
        The columns of `learning.SCHEMA`; a row per type, comparison and level.
    """
    connection = _plain(connection)
    decisions = decided.meant(decisions)
    rules = policy.read(connection, SEEDS)
    decided.check(connection, decisions)
    found = learning.in_force(
        connection, rules, f"({shared.weighed(forms)})", decisions
    )
    connection.register("_identity_weights", found)
    return connection.query("select * from _identity_weights")


def _weighted(
    connection: duckdb.DuckDBPyConnection, rules: policy.Policy, weights: str
) -> policy.Policy:
    """The policy with the weights in force."""
    held = connection.execute(
        "select customer_type, comparison, level, m_probability, u_probability "
        f"from {weights}"
    ).fetchall()
    return replace(
        rules, weights={(kind, name, level): (m, u) for kind, name, level, m, u in held}
    )


@dataclass(frozen=True)
class Kept:
    """What the last published refresh left: names of relations, which may be empty.

    Attributes:
        scores: left and right source, customer id and print, and probability.
        prints: source, source_customer_id, print of every record.
    """

    scores: str
    prints: str


def links(
    connection: duckdb.DuckDBPyConnection,
    forms: str,
    blocks: str,
    prints: str,
    references: str,
    decisions: str,
    weights: str,
    kept: Kept,
) -> duckdb.DuckDBPyRelation:
    """Pairs that are the same customer, or that a person should decide about.

    Args:
        connection: dbt's session.
        forms: Relation that `forms` made.
        blocks: Relation that `blocks` made.
        prints: Relation of record_no, source, source_customer_id, print: a hash of
            all that a score depends on.
        references: Relation of source, source_customer_id, other_source,
            other_source_customer_id: what systems hold of each other.
        decisions: Relation of the seed `match_decisions`.
        weights: Relation that `weights` made.
        kept: What the last published refresh left.

    Returns:
        left_no < right_no, match_rule, rule_order, confidence, verdict (`same`,
        `review`, `different`), reason (why a person is asked), guard (the veto or the
        guard of a group that keeps them apart), is_doubt (a person is asked, and not only
        told), found_by (the rule, whatever a person has decided), is_found (whether it
        would link without the decision), holds (one of the links that hold a group
        together), evidence_for, evidence_against, score (the probability, where one was
        worked out).

    Raises:
        ConfigurationError: Decisions contradict each other; the message names the rows.
    """
    connection = _plain(connection)
    decisions = decided.meant(decisions)
    rules = _weighted(connection, policy.read(connection, SEEDS), weights)
    table = "_identity_forms"
    connection.execute(
        f"create or replace temp table {table} as {shared.weighed(forms)}"
    )
    decided.check(connection, decisions)
    connection.execute(
        f"create or replace temp table _identity_by_rule as "
        f"{pairs.by_rules(rules, table)}"
    )
    _scores(connection, rules, table, blocks, prints, kept)
    vetoes = rules.vetoes
    create(
        connection,
        "_identity_found",
        "links",
        rules=rules,
        vetoes=vetoes,
        forms=table,
        decisions=decisions,
        references=references,
    )
    grouping.apply(connection, rules, table)
    create(connection, "_identity_asked", "asked_pairs")
    create(
        connection,
        "_identity_levels",
        "pair_levels",
        pairs="_identity_asked",
        forms=table,
        comparisons=COMPARISONS,
    )
    create(connection, "_identity_evidence", "evidence", weights=rules.weights)
    return connection.query(TEMPLATES.render("guarded_links"))


def _plain(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection itself: dbt's session is a wrapper, which splink does not take.

    A method that the wrapper passes on knows whose it is. A cursor would not do: it does
    not see the temporary tables.
    """
    own: object = getattr(connection.register, "__self__", connection)
    return own if isinstance(own, duckdb.DuckDBPyConnection) else connection


# Above this share of changed records, comparing everything again is faster.
MOSTLY_CHANGED: Final = 0.3


def _scores(
    connection: duckdb.DuckDBPyConnection,
    rules: policy.Policy,
    table: str,
    blocks: str,
    prints: str,
    kept: Kept,
) -> None:
    """Makes `_identity_scores`: left_no, right_no, probability."""
    create(
        connection,
        "_identity_changed",
        "changed",
        prints=prints,
        kept_prints=kept.prints,
    )
    share = connection.execute(
        TEMPLATES.render("share_changed", prints=prints)
    ).fetchone()
    compares_all = share is None or share[0] > MOSTLY_CHANGED
    connection.execute(
        "create or replace temp table _identity_candidates as "
        + pairs.candidates(rules, blocks, None if compares_all else "_identity_changed")
    )
    pairs.score(connection, rules, table, "_identity_candidates", "_identity_scored")
    create(
        connection,
        "_identity_scores",
        "scores",
        compares_all=compares_all,
        kept_scores=kept.scores,
        prints=prints,
    )
    counts = connection.execute(
        "select (select count(*) from _identity_candidates), "
        "(select count(*) from _identity_scores)"
    ).fetchone()
    if counts:
        log.info("identity: %d pairs compared, %d worth a link or a review", *counts)


def keys(
    connection: duckdb.DuckDBPyConnection,
    forms: str,
    links: str,
    registered: str,
    minted: str,
) -> duckdb.DuckDBPyRelation:
    """The customer of every record.

    Args:
        connection: dbt's session.
        forms: Relation that `forms` made.
        links: Relation that `links` made.
        registered: Relation of the ids that records had in the current release.
        minted: Relation of every id that was ever given.

    Returns:
        record_no, source, source_customer_id, customer_id, is_new (minted now),
        match_rule and match_confidence: the strongest link that holds the record in its
        group; `own key`, 1 for a record that stands alone.
    """
    grouping.label(connection, forms, links)
    registry.assign(connection, "_identity_groups", registered, minted, "_identity_ids")
    return connection.query(TEMPLATES.render("keys", links=links))
