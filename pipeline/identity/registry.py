"""Ids that stay: which group of records keeps which customer_id.

An id belongs to records, not to a group: in the next refresh it goes where most of its
records went (a split keeps the larger part's), and a group to which several ids come
keeps the oldest (a merge). Only a group to which none comes gets a new one. The registry
of the current release is the only memory, so that a refused refresh leaves no trace and
a rollback takes its ids back too.
"""

from __future__ import annotations

import duckdb

from pipeline.identity.templates import TEMPLATES, create


def assign(
    connection: duckdb.DuckDBPyConnection,
    groups: str,
    registered: str,
    minted: str,
    target: str,
) -> None:
    """Gives each group its id.

    Args:
        connection: A connection that may create temporary tables.
        groups: Table of record_no, source, source_customer_id, label.
        registered: Relation of source, source_customer_id, customer_id: the id that
            each record ever had last.
        minted: Relation of customer_id, minted_no (counts up): every id ever given.
        target: The temporary table that is made: label, customer_id, is_new.
    """
    create(
        connection,
        target,
        "known_ids",
        groups=groups,
        registered=registered,
        minted=minted,
    )
    create(connection, "_identity_founders", "founders", groups=groups, ids=target)
    salt = 0
    while True:
        connection.execute(
            f"insert into {target} "
            + TEMPLATES.render("new_ids", salt=salt, ids=target, minted=minted)
        )
        left = connection.execute(
            f"select count(*) from _identity_founders anti join {target} using (label)"
        ).fetchone()
        if not left or not left[0]:
            return
        salt += 1
