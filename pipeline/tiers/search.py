"""Which customer of a release a person means: by id, by a source's key, by name."""

from __future__ import annotations

from typing import Final

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.tiers import released

# More names than these are no help in choosing.
MOST_NAMED: Final = 10


def find(connection: duckdb.DuckDBPyConnection, customer: str) -> str:
    """The customer that somebody means.

    An id before a key, a key with its source before one without, a whole name before a
    part of one; the first that finds somebody counts.

    Raises:
        ConfigurationError: Nobody is meant, or several are; they are named.
    """
    text = customer.strip()
    source, _, key = text.partition(":")
    ways = (
        ("customers", "customer_id = ?", [text]),
        (
            "customer_source_keys",
            "source = ? and source_customer_id = ?",
            [source, key],
        ),
        ("customer_source_keys", "source_customer_id = ?", [text]),
        ("customers", "lower(customer_name) = lower(?)", [text]),
        ("customers", "contains(lower(customer_name), lower(?))", [text]),
    )
    for table, where, parameters in ways if text else ():
        hits = released.rows(
            connection,
            f"""
            select customer_id, customer_name, customer_type, country, tier_name_en,
                revenue_12m, count(*) over () as hits
            from (
                select distinct customer_id from warehouse.marts.{table} where {where}
            )
            inner join warehouse.marts.customers using (customer_id)
            inner join warehouse.marts.customer_tiers using (customer_id)
            inner join warehouse.marts.customer_value using (customer_id)
            order by revenue_12m desc nulls last, customer_id
            limit {MOST_NAMED}
            """,
            parameters,
        )
        if len(hits) == 1:
            return str(hits[0]["customer_id"])
        if hits:
            named = "\n".join(
                "  "
                + ", ".join(
                    str(hit[key])
                    for key in (
                        "customer_id",
                        "customer_name",
                        "customer_type",
                        "country",
                        "tier_name_en",
                    )
                    if hit[key] is not None
                )
                for hit in hits
            )
            more = hits[0]["hits"] - len(hits)
            raise ConfigurationError(
                f"{hits[0]['hits']:,} customers are {text!r}; give the id of one:\n{named}"
                + (f"\n  and {more:,} more" if more else "")
            )
    raise ConfigurationError(
        f"There is no customer {text!r} in this release; give a customer_id, a source "
        "with its key (erp:AW00012345), or a part of the name."
        + _merged(connection, text)
    )


def _merged(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """Where the records of an id that is gone are now."""
    needed = {"customer_id", "earlier_customer_id"}
    if not needed <= set(released.columns(connection, "meta", "identity_log")):
        return ""
    now = connection.execute(
        """
        select distinct customer_id
        from warehouse.meta.identity_log
        inner join warehouse.marts.customers using (customer_id)
        where earlier_customer_id = ? and event <> 'forget'
        order by customer_id
        """,
        [text],
    ).fetchall()
    found = ", ".join(customer_id for (customer_id,) in now)
    return f" Its records belong to {found} now." if found else ""
