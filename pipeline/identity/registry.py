"""Ids that stay: which group of records keeps which customer_id.

An id belongs to records, not to a group: in the next refresh it goes where most of its
records went (a split keeps the larger part's), and a group to which several ids come
keeps the oldest (a merge). Only a group to which none comes gets a new one. The registry
of the current release is the only memory, so that a refused refresh leaves no trace and
a rollback takes its ids back too.
"""

from __future__ import annotations

import duckdb

# 12 hexadecimal digits of a hash of the founding record: opaque, and the same when the
# same records are loaded into an empty home again.
_NEW_ID = """
    'C' || upper(left(sha256(
        source || chr(31) || source_customer_id || chr(31) || {salt}
    ), 12))
"""


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
    connection.execute(
        f"""
        create or replace temp table {target} as
        with claims as (
            select
                registered.customer_id, groups.label,
                count(*) as records, min(groups.record_no) as first_record
            from {groups} as groups
            inner join {registered} as registered
                using (source, source_customer_id)
            group by registered.customer_id, groups.label
        ),
        larger_part as (
            select * from claims
            qualify row_number() over (
                partition by customer_id order by records desc, first_record
            ) = 1
        ),
        oldest as (
            select larger_part.label, larger_part.customer_id
            from larger_part
            inner join {minted} as minted using (customer_id)
            qualify row_number() over (
                partition by larger_part.label
                order by minted.minted_no, larger_part.customer_id
            ) = 1
        )
        select label, customer_id, false as is_new from oldest
        """
    )
    connection.execute(
        f"""
        create or replace temp table _identity_founders as
        select label, source, source_customer_id
        from {groups} as groups
        anti join {target} as known using (label)
        qualify row_number() over (partition by label order by record_no) = 1
        """
    )
    salt = 0
    while True:
        connection.execute(
            f"""
            insert into {target}
            select label, customer_id, true
            from (
                select label, {_NEW_ID.format(salt=f"'{salt}'")} as customer_id
                from _identity_founders
                anti join {target} using (label)
            ) as new
            where customer_id not in (select customer_id from {minted})
                and customer_id not in (select customer_id from {target})
            qualify row_number() over (partition by customer_id order by label) = 1
            """
        )
        left = connection.execute(
            f"select count(*) from _identity_founders anti join {target} using (label)"
        ).fetchone()
        if not left or not left[0]:
            return
        salt += 1
