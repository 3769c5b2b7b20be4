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
import inspect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.identity import clusters, normal, pairs, policy, registry

log = logging.getLogger("customer_tiers.identity")

SEEDS: Final = "warehouse.meta"
CROSS_REFERENCE: Final = "cross-reference"
CROSS_REFERENCE_ORDER: Final = 20
CROSS_REFERENCE_CONFIDENCE: Final = 0.999
DECISION: Final = "decision of a person"
OWN_KEY: Final = "own key"


def version(connection: duckdb.DuckDBPyConnection) -> str:
    """What normal forms and scores depend on beside the records: code and seeds."""
    digest = hashlib.sha256()
    for module in (normal, pairs, policy):
        digest.update(inspect.getsource(module).encode())
    for seed in (
        "match_legal_forms",
        "match_places",
        "match_free_mail",
        "match_blocks",
        "match_weights",
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
        made_by, and the columns of `normal.FORMS`.
    """
    rules = policy.read(connection, SEEDS)
    made_by = version(connection)
    inputs = ", ".join(f"cast({name} as varchar)" for name in normal.INPUTS)
    names = ", ".join(normal.FORMS.names)
    connection.execute(
        f"""
        create or replace temp table _identity_inputs as
        select
            record_no, source, source_customer_id, birth_date,
            hash({inputs}) as input_print, {", ".join(normal.INPUTS)}
        from {records}
        """
    )
    connection.execute(
        f"""
        create or replace temp table _identity_kept as
        select source, source_customer_id, input_print, {names} from {kept}
        where made_by = '{made_by}'
        """
    )
    connection.execute(
        """
        create or replace temp table _identity_todo as
        select inputs.*, row_number() over (order by record_no) as todo_no
        from _identity_inputs as inputs
        anti join _identity_kept as kept
        using (source, source_customer_id, input_print)
        """
    )
    fresh = _fresh_forms(connection, rules.vocabulary)
    log.info("identity: normal forms of %d records made", fresh)
    return connection.query(
        f"""
        select
            inputs.record_no, inputs.source, inputs.source_customer_id,
            inputs.customer_type, inputs.birth_date, inputs.input_print,
            '{made_by}' as made_by, {names}
        from _identity_inputs as inputs
        inner join (
            select source, source_customer_id, input_print, {names} from _identity_kept
            union all
            select source, source_customer_id, input_print, {names} from _identity_made
        ) as forms using (source, source_customer_id, input_print)
        order by inputs.record_no
        """
    )


# Rows of records that are normalised at a time.
CHUNK: Final = 200_000


def _fresh_forms(
    connection: duckdb.DuckDBPyConnection, vocabulary: normal.Vocabulary
) -> int:
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
            f"""
            select source, source_customer_id, input_print, {", ".join(normal.INPUTS)}
            from _identity_todo where todo_no > {made} and todo_no <= {made + CHUNK}
            """
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
    """What each record shares with few enough others: record_no, source, block."""
    return connection.query(pairs.block_values(policy.read(connection, SEEDS), forms))


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
    kept: Kept,
) -> duckdb.DuckDBPyRelation:
    """Pairs that are the same customer, or that a person should look at.

    Args:
        connection: dbt's session.
        forms: Relation that `forms` made.
        blocks: Relation that `blocks` made.
        prints: Relation of record_no, source, source_customer_id, print: a hash of
            all that a score depends on.
        references: Relation of source, source_customer_id, other_source,
            other_source_customer_id: what systems hold of each other.
        decisions: Relation of the seed `match_decisions`.
        kept: What the last published refresh left.

    Returns:
        left_no < right_no, match_rule, rule_order, confidence, verdict (`same`,
        `review`, `different`), reason (why a person is asked), score (the probability,
        where one was worked out).
    """
    connection = _plain(connection)
    rules = policy.read(connection, SEEDS)
    table = "_identity_forms"
    connection.execute(f"create or replace temp table {table} as select * from {forms}")
    connection.execute(
        f"create or replace temp table _identity_by_rule as "
        f"{pairs.by_rules(rules, table)}"
    )
    _scores(connection, rules, table, blocks, prints, kept)
    contradiction = pairs.contradiction(rules)
    link = " ".join(
        f"when l.customer_type = '{kind}' then {limits.link_probability}"
        for kind, limits in rules.thresholds.items()
    )
    return connection.query(
        f"""
        with sided as (
            select
                (select record_no from {table} as forms
                    where forms.source = d.left_source
                    and forms.source_customer_id = d.left_customer_id) as one,
                (select record_no from {table} as forms
                    where forms.source = d.right_source
                    and forms.source_customer_id = d.right_customer_id) as other,
                decision, decided_by, reason
            from {decisions} as d
        ),
        decided as (
            select
                least(one, other) as left_no, greatest(one, other) as right_no,
                min(decision) as verdict, min(decided_by || ': ' || reason) as reason
            from sided where one is not null and other is not null and one <> other
            group by all
        ),
        referred as (
            select distinct
                least(l.record_no, r.record_no) as left_no,
                greatest(l.record_no, r.record_no) as right_no
            from {references} as known
            inner join {table} as l on known.source = l.source
                and known.source_customer_id = l.source_customer_id
            inner join {table} as r on known.other_source = r.source
                and known.other_source_customer_id = r.source_customer_id
            where l.record_no <> r.record_no
        ),
        found as (
            select left_no, right_no, match_rule, rule_order, confidence,
                false as is_score
            from _identity_by_rule
            union all
            select left_no, right_no, '{CROSS_REFERENCE}', {CROSS_REFERENCE_ORDER},
                {CROSS_REFERENCE_CONFIDENCE}, false
            from referred
            union all
            select left_no, right_no, '{pairs.PROBABILITY}', 1000, probability, true
            from _identity_scores
        ),
        best as (
            select
                left_no, right_no,
                min_by(match_rule, rule_order) as match_rule,
                min(rule_order) as rule_order,
                min_by(confidence, rule_order) as confidence,
                min(is_score) as is_score
            from found group by left_no, right_no
        ),
        judged as (
            select
                best.*,
                {contradiction} as contradicts,
                not is_score or confidence >= case {link} end as is_sure
            from best
            inner join {table} as l on best.left_no = l.record_no
            inner join {table} as r on best.right_no = r.record_no
        ),
        final as (
            select
                coalesce(decided.left_no, judged.left_no) as left_no,
                coalesce(decided.right_no, judged.right_no) as right_no,
                case when decided.verdict is not null then '{DECISION}'
                    else judged.match_rule end as match_rule,
                case when decided.verdict is not null then 0
                    else judged.rule_order end as rule_order,
                case when decided.verdict is not null then 1.0
                    else judged.confidence end as confidence,
                case
                    when decided.verdict is not null then decided.verdict
                    when contradicts or not is_sure then 'review'
                    else 'same'
                end as verdict,
                case
                    when decided.verdict is not null then decided.reason
                    when contradicts then 'their registration numbers contradict'
                    when not is_sure then 'not sure enough to link'
                end as reason,
                judged.is_score is true as is_score
            from judged
            full outer join decided using (left_no, right_no)
        )
        select
            final.* exclude (is_score), scores.probability as score
        from final
        left join _identity_scores as scores using (left_no, right_no)
        order by left_no, right_no
        """
    )


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
    connection.execute(
        f"""
        create or replace temp table _identity_changed as
        select record_no from {prints} as prints
        anti join {kept.prints} as old using (source, source_customer_id, print)
        """
    )
    share = connection.execute(
        f"select (select count(*) from _identity_changed) / "
        f"greatest(1, (select count(*) from {prints}))"
    ).fetchone()
    again = share is None or share[0] > MOSTLY_CHANGED
    connection.execute(
        "create or replace temp table _identity_candidates as "
        + pairs.candidates(rules, blocks, None if again else "_identity_changed")
    )
    pairs.score(connection, rules, table, "_identity_candidates", "_identity_scored")
    connection.execute(
        f"""
        create or replace temp table _identity_scores as
        select left_no, right_no, probability from _identity_scored
        union all
        select
            least(l.record_no, r.record_no), greatest(l.record_no, r.record_no),
            old.probability
        from {kept.scores} as old
        inner join {prints} as l on old.left_print = l.print
            and old.left_source = l.source
            and old.left_customer_id = l.source_customer_id
        inner join {prints} as r on old.right_print = r.print
            and old.right_source = r.source
            and old.right_customer_id = r.source_customer_id
        where not {again}
        """
    )
    counts = connection.execute(
        "select (select count(*) from _identity_candidates), "
        "(select count(*) from _identity_scores)"
    ).fetchone()
    if counts:
        log.info("identity: %d pairs compared, %d worth a link or a look", *counts)


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
    rules = policy.read(connection, SEEDS)
    label = _labels(connection, rules, forms, links)
    connection.register("_identity_labels", label)
    connection.execute(
        """
        create or replace temp table _identity_groups as
        select record_no, source, source_customer_id, label
        from _identity_labels order by record_no
        """
    )
    connection.unregister("_identity_labels")
    registry.assign(connection, "_identity_groups", registered, minted, "_identity_ids")
    return connection.query(
        f"""
        with held as (
            select left_no as record_no, match_rule, rule_order, confidence,
                right_no as other
            from {links} where verdict = 'same'
            union all
            select right_no, match_rule, rule_order, confidence, left_no
            from {links} where verdict = 'same'
        ),
        strongest as (
            select
                held.record_no,
                min_by(match_rule, rule_order) as match_rule,
                min_by(confidence, rule_order) as confidence
            from held
            inner join _identity_groups as mine on held.record_no = mine.record_no
            inner join _identity_groups as theirs on held.other = theirs.record_no
            where mine.label = theirs.label
            group by held.record_no
        )
        select
            mine.record_no, mine.source, mine.source_customer_id, ids.customer_id,
            ids.is_new,
            coalesce(strongest.match_rule, '{OWN_KEY}') as match_rule,
            cast(coalesce(strongest.confidence, 1) as decimal(5, 4))
                as match_confidence
        from _identity_groups as mine
        inner join _identity_ids as ids using (label)
        left join strongest using (record_no)
        order by mine.record_no
        """
    )


def _labels(
    connection: duckdb.DuckDBPyConnection,
    rules: policy.Policy,
    forms: str,
    links: str,
) -> pa.Table:
    largest = " ".join(
        f"when customer_type = '{kind}' then {limits.max_cluster}"
        for kind, limits in rules.thresholds.items()
    )
    unique = ", ".join(f"'{name}'" for name in sorted(rules.unique_sources)) or "''"
    records = connection.execute(
        f"""
        select
            record_no, source, source_customer_id,
            cast(case {largest} else 1 end as bigint) as max_cluster,
            cast(case when source in ({unique})
                then dense_rank() over (order by source) else -1 end as bigint)
                as unique_source,
            cast(case when registration_key is not null
                then dense_rank() over (order by registration_key) else -1 end
                as bigint) as registration
        from {forms} order by record_no
        """
    ).to_arrow_table()
    numbers = records.column("record_no").to_numpy()
    first = int(numbers[0]) if len(numbers) else 0
    edges = connection.execute(
        f"""
        select left_no, right_no, rule_order, confidence
        from {links} where verdict = 'same'
        order by rule_order, confidence desc, left_no, right_no
        """
    ).to_arrow_table()
    apart = connection.execute(
        f"select left_no, right_no from {links} where verdict = 'different'"
    ).fetchall()

    def contradictions(label: clusters.Integers) -> set[tuple[int, int]]:
        # A label of 0 … n-1, beside the number's code; only groups with several.
        registration = records.column("registration").to_numpy()
        chosen = registration >= 0
        both = np.unique(np.stack([label[chosen], registration[chosen]]), axis=1)
        labels, counts = np.unique(both[0], return_counts=True)
        several = np.isin(both[0], labels[counts > 1])
        if not several.any():
            return set()
        connection.register(
            "_identity_several",
            pa.table({"label": both[0, several], "code": both[1, several]}),
        )
        found = connection.execute(
            f"""
            with codes as (
                select distinct
                    dense_rank() over (order by registration_key) as code,
                    registration_key, registration_checked, customer_type
                from {forms} where registration_key is not null
            ),
            numbered as (
                select label, codes.* from _identity_several
                inner join codes using (code)
            )
            select distinct l.code, r.code
            from numbered as l
            inner join numbered as r on l.label = r.label and l.code < r.code
            where {pairs.contradiction(rules)}
            """
        ).fetchall()
        connection.unregister("_identity_several")
        return {(int(one), int(other)) for one, other in found}

    def ends(column: str) -> clusters.Integers:
        return _integers(edges, column) - first

    grouped = clusters.cluster(
        len(numbers),
        ends("left_no"),
        ends("right_no"),
        np.arange(edges.num_rows, dtype=np.int64),
        clusters.Limits(
            max_cluster=_integers(records, "max_cluster"),
            unique_source=_integers(records, "unique_source"),
            registration=_integers(records, "registration"),
            contradictions=contradictions,
            different=[(one - first, other - first) for one, other in apart],
        ),
    )
    if grouped.refused:
        log.info("identity: %d links left out by the guards", len(grouped.refused))
    return records.select(["record_no", "source", "source_customer_id"]).append_column(
        "label", pa.array(grouped.label + first)
    )


def _integers(table: pa.Table, column: str) -> clusters.Integers:
    return np.array(table.column(column), dtype=np.int64)


__all__: Sequence[str] = ("Kept", "blocks", "forms", "keys", "links", "version")
