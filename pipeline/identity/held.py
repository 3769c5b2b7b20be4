"""Why the records of one customer are one: who was joined by what, from a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.identity import asking

Row = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """What holds a customer together, and what it may be besides.

    Attributes:
        customer_id: The customer.
        records: source, source_customer_id, match_rule and match_confidence of each.
        links: The links that hold them: one fewer than there are records; the ends are
            `source:key`.
        candidates: Pairs with other customers that are listed for a person.
    """

    customer_id: str
    records: list[Row]
    links: list[Row]
    candidates: list[Row]


def run(connection: duckdb.DuckDBPyConnection, customer_id: str) -> Held:
    """What holds a customer together.

    Args:
        connection: One in which the release is the catalog `warehouse`.
        customer_id: The customer.

    Raises:
        ConfigurationError: The release is of before this was kept.
    """
    try:
        links = asking.rows(
            connection,
            """
            select
                left_source || ':' || left_customer_id as one,
                right_source || ':' || right_customer_id as other,
                match_rule,
                probability
            from warehouse.meta.identity_links
            where customer_id = ?
            order by all
            """,
            [customer_id],
        )
        candidates = asking.rows(
            connection,
            """
            select * from warehouse.meta.match_candidates
            where customer_id = $1 or other_customer_id = $1
            order by is_doubt desc, revenue_at_stake desc, customer_id, other_customer_id
            """,
            [customer_id],
        )
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise ConfigurationError(
            "The release does not hold who was joined by what: it was made by an earlier "
            "version. Refresh once."
        ) from error
    records = asking.rows(
        connection,
        """
        select source, source_customer_id, match_rule, match_confidence
        from warehouse.marts.customer_source_keys
        where customer_id = ?
        order by source, source_customer_id
        """,
        [customer_id],
    )
    return Held(customer_id, records, links, candidates)
