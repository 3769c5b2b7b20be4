"""What a report says: all its sections, asked of one release.

Not here: the questions themselves, which lie by subject in sales, customers and service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.reports import customers, joined, periods, queries, sales, service
from pipeline.reports.joined import Joined
from pipeline.reports.periods import Period, Seal
from pipeline.reports.queries import Row
from pipeline.reports.sales import Concentration, Month

MAX_ROWS = 12  # of quarantined rows and of checks; the tables in meta hold all


@dataclass(frozen=True)
class Facts:
    """All that the report shows; money in the reporting currency.

    Attributes:
        badly_served: None where the release is older than that table.
        actions: The first ones of the list; None where the release has no such list.
        action_kinds: How many of each action are due, all of them.
        joined: Customers of several records, and what joined them.
    """

    currency: str | None
    policies: str | None
    period: Period
    headline: Row
    months: Sequence[Month]
    tiers: Sequence[Row]
    concentration: Sequence[Concentration]
    top_customers: Sequence[Row]
    key_state: Row
    falling: Sequence[Row]
    silent: Sequence[Row]
    actions: Sequence[Row] | None
    action_kinds: Sequence[Row]
    segments: Sequence[Row]
    service: Sequence[Row]
    service_categories: Sequence[Row]
    badly_served: Sequence[Row] | None
    joined: Sequence[Joined]
    freshness: Sequence[Row]
    reconciliation: Sequence[Row]
    quarantined: int
    quarantine: Sequence[Row]
    findings: Sequence[Row]


def collect(connection: duckdb.DuckDBPyConnection, seal: Seal) -> Facts:
    """Asks the release everything that the report shows.

    Args:
        connection: To the release's `warehouse.duckdb`.
        seal: Its record; the as-of day and the time zone set the periods.
    """
    period = periods.period(seal)
    curves = sales.concentration(connection)
    falling = customers.falling(connection)
    lists_actions = queries.has_table(connection, "marts", "customer_actions")
    return Facts(
        currency=seal.currency or sales.booked_currency(connection),
        policies=queries.one(
            connection,
            "select string_agg(distinct policy_id, ', ' order by policy_id) "
            "as policies from marts.customer_tiers",
        )["policies"],
        period=period,
        headline=sales.headline(connection),
        months=sales.months(connection, seal),
        tiers=sales.tiers(connection),
        concentration=curves,
        top_customers=customers.top_customers(connection),
        key_state=customers.key_state(connection),
        falling=falling,
        silent=customers.silent(connection, [row["customer_id"] for row in falling]),
        actions=customers.actions(connection) if lists_actions else None,
        action_kinds=customers.action_kinds(connection) if lists_actions else [],
        segments=sales.segments(connection),
        service=service.service(connection, period),
        service_categories=service.categories(connection, period),
        badly_served=customers.badly_served(connection),
        joined=joined.collect(connection),
        freshness=queries.rows(
            connection,
            """
            select *, rows_read = rows_landed + rows_quarantined as adds_up
            from meta.source_freshness
            order by source, entity
            """,
        ),
        reconciliation=queries.rows(
            connection,
            """
            select *, row_difference = 0 and amount_difference = 0 as adds_up
            from meta.reconciliation
            order by source, entity, currency
            """,
        ),
        quarantined=queries.one(
            connection, "select count(*) as n from meta.quarantine"
        )["n"],
        # The text of a row may hold personal data, and a report travels.
        quarantine=queries.rows(
            connection,
            """
            select source, entity, source_file, line, reason
            from meta.quarantine
            order by quarantined_at desc, source, entity, source_file, line
            limit ?
            """,
            [MAX_ROWS],
        ),
        findings=queries.rows(
            connection,
            """
            select *
            from meta.check_results
            where outcome != 'passed'
            order by severity, gate, subject, check_name
            """,
        ),
    )
