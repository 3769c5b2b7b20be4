"""From links to groups of records, on the tables of a refresh.

Fills `clusters` with what keeps records apart, and writes back which links hold. Not here:
how groups are taken apart (`clusters`) and which id a group gets (`registry`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.common.sql import columns
from pipeline.identity import clusters
from pipeline.identity.policy import Policy
from pipeline.identity.templates import TEMPLATES, create
from pipeline.identity.vetoes import SAME_REGISTRATION, Veto

log = logging.getLogger("customer_tiers.identity")


def apply(connection: duckdb.DuckDBPyConnection, policy: Policy, forms: str) -> None:
    """Makes `_identity_guards` of `_identity_found`.

    Args:
        connection: A connection that may create temporary tables.
        policy: The seeds.
        forms: Table of records with their normal forms.

    The table has left_no, right_no, holds, and guard: why a link is left out, null for one
    that holds a group together.
    """
    vetoes = [veto for veto in policy.vetoes if veto.values]
    create(
        connection, "_identity_clustered", "clustered_records", rules=policy, forms=forms,
        vetoes=vetoes,
    )  # fmt: skip
    numbers = ["record_no", "unique_source", "usual_size", *(v.name for v in vetoes)]
    records = connection.execute(
        f"select {columns(numbers)} from _identity_clustered order by record_no"
    ).to_arrow_table()
    first = _first(records)
    edges = connection.execute(
        TEMPLATES.render(
            "same_pairs", rules=policy, forms=forms, forgiving=SAME_REGISTRATION
        )
    ).to_arrow_table()
    left, right = (_integers(edges, end) - first for end in ("left_no", "right_no"))
    apart = connection.execute(
        TEMPLATES.render("apart_pairs", traits=[veto.reason for veto in vetoes])
    ).fetchall()
    grouped = clusters.cluster(
        records.num_rows,
        clusters.Links(
            left,
            right,
            np.array(edges.column("is_strong"), dtype=np.bool_),
            np.array(edges.column("is_forgiving"), dtype=np.bool_),
        ),
        clusters.Limits(
            usual_size=_integers(records, "usual_size"),
            unique_source=_integers(records, "unique_source"),
            traits=[
                clusters.Trait(
                    _integers(records, veto.name),
                    _contradictions(connection, veto, records),
                    veto.reason,
                    veto.is_forgivable,
                )
                for veto in vetoes
            ],
            apart=[
                (one - first, other - first, reason or clusters.PERSON)
                for one, other, reason in apart
            ],
        ),
    )
    if grouped.refused:
        log.info("identity: %d links left out by the guards", len(grouped.refused))
    refused = np.array([link for link, _ in grouped.refused], dtype=np.int64)
    chosen = np.concatenate([refused, grouped.tree])
    connection.register(
        "_identity_guarded",
        pa.table(
            {
                "left_no": left[chosen] + first,
                "right_no": right[chosen] + first,
                "guard": pa.array(
                    [reason for _, reason in grouped.refused]
                    + [None] * len(grouped.tree),
                    pa.string(),
                ),
            }
        ),
    )
    connection.execute(
        "create or replace temp table _identity_guards as from _identity_guarded"
    )
    connection.unregister("_identity_guarded")


def label(connection: duckdb.DuckDBPyConnection, forms: str, links: str) -> None:
    """Makes `_identity_groups`: record_no, source, source_customer_id, label.

    Args:
        connection: A connection that may create temporary tables.
        forms: Relation of the records.
        links: Relation of the links after the guards.
    """
    records = connection.execute(
        f"select record_no, source, source_customer_id from {forms} order by record_no"
    ).to_arrow_table()
    first = _first(records)
    edges = connection.execute(
        f"select left_no, right_no from {links} where verdict = 'same'"
    ).to_arrow_table()
    found = clusters.components(
        records.num_rows,
        _integers(edges, "left_no") - first,
        _integers(edges, "right_no") - first,
    )
    connection.register(
        "_identity_labels", records.append_column("label", pa.array(found + first))
    )
    connection.execute(
        """
        create or replace temp table _identity_groups as
        select record_no, source, source_customer_id, label
        from _identity_labels order by record_no
        """
    )
    connection.unregister("_identity_labels")


def _contradictions(
    connection: duckdb.DuckDBPyConnection, veto: Veto, records: pa.Table
) -> Callable[[clusters.Integers], set[tuple[int, int]]]:
    codes = _integers(records, veto.name)

    def within(label: clusters.Integers) -> set[tuple[int, int]]:
        # A label of 0 … n-1, beside the value's code; only groups with several.
        chosen = codes >= 0
        both = np.unique(np.stack([label[chosen], codes[chosen]]), axis=1)
        labels, counts = np.unique(both[0], return_counts=True)
        several = np.isin(both[0], labels[counts > 1])
        if not several.any():
            return set()
        connection.register(
            "_identity_several",
            pa.table({"label": both[0, several], "code": both[1, several]}),
        )
        found = connection.execute(
            TEMPLATES.render("contradictions", veto=veto)
        ).fetchall()
        connection.unregister("_identity_several")
        return {(int(one), int(other)) for one, other in found}

    return within


def _first(records: pa.Table) -> int:
    """The number of the first record, which is place 0."""
    return int(records.column("record_no")[0].as_py()) if records.num_rows else 0


def _integers(table: pa.Table, column: str) -> clusters.Integers:
    return np.array(table.column(column), dtype=np.int64)
