"""The quality of the data: gates, warnings, freshness, quarantine, models, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from pipeline.reports import joined, knowledge, queries
from pipeline.reports.joined import Joined
from pipeline.reports.knowledge import Known
from pipeline.reports.queries import Row
from pipeline.reports.site import Site

MAX_FINDINGS: Final = 30  # of checks; likewise of quarantined rows and entities
MAX_QUARANTINE: Final = 12
MAX_ENTITIES: Final = 100


@dataclass(frozen=True)
class Quality:
    """What the page shows.

    Attributes:
        gates: Checks of each gate by how they ended.
        findings: Those that did not pass, the worst first; `found` counts all of them.
        models: Figures of models outside their bounds; None where a release has none.
        forecasters: Whose forecasts are published, and why.
        joined: Customers of several records, and what joined them.
    """

    gates: Sequence[Row]
    findings: Sequence[Row]
    found: int
    freshness: Sequence[Row]
    entities: int
    reconciliation: Sequence[Row]
    reconciled: int
    quarantine: Sequence[Row]
    quarantined: int
    quarantine_by: Sequence[Row]
    models: Sequence[Row] | None
    outside: int
    measured: int
    forecasters: Sequence[Row]
    coverage: Sequence[Known]
    joined: Sequence[Joined]


def collect(connection: duckdb.DuckDBPyConnection, site: Site) -> Quality:
    """Asks the release what the page of data quality shows."""
    models = _models(connection)
    return Quality(
        gates=_gates(connection),
        findings=queries.rows(
            connection,
            """
            select *
            from meta.check_results
            where outcome <> 'passed'
            order by severity, gate, subject, check_name
            limit ?
            """,
            [MAX_FINDINGS],
        ),
        found=_count(connection, "meta.check_results where outcome <> 'passed'"),
        freshness=queries.rows(
            connection,
            """
            select *, rows_read = rows_landed + rows_quarantined as adds_up
            from meta.source_freshness
            order by source, entity
            limit ?
            """,
            [MAX_ENTITIES],
        ),
        entities=_count(connection, "meta.source_freshness"),
        reconciliation=queries.rows(
            connection,
            """
            select *, row_difference = 0 and amount_difference = 0 as adds_up
            from meta.reconciliation
            order by source, entity, currency
            limit ?
            """,
            [MAX_ENTITIES],
        ),
        reconciled=_count(connection, "meta.reconciliation"),
        quarantined=_count(connection, "meta.quarantine"),
        # The text of a row may hold personal data, and a report travels.
        quarantine=queries.rows(
            connection,
            """
            select source, entity, source_file, line, reason
            from meta.quarantine
            order by quarantined_at desc, source, entity, source_file, line
            limit ?
            """,
            [MAX_QUARANTINE],
        ),
        quarantine_by=queries.rows(
            connection,
            """
            select source, entity, reason, count(*) as rows_held
            from meta.quarantine
            group by source, entity, reason
            order by rows_held desc, source, entity, reason
            limit ?
            """,
            [MAX_QUARANTINE],
        ),
        models=models,
        outside=_measured(connection, models, " where outcome = 'outside'"),
        measured=_measured(connection, models),
        forecasters=_forecasters(connection),
        coverage=knowledge.known(connection),
        joined=joined.collect(connection),
    )


def _count(connection: duckdb.DuckDBPyConnection, what: str) -> int:
    return int(queries.one(connection, f"select count(*) as n from {what}")["n"])


def _measured(
    connection: duckdb.DuckDBPyConnection, models: Sequence[Row] | None, which: str = ""
) -> int:
    return 0 if models is None else _count(connection, f"meta.quality_checks{which}")


def _gates(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    accepted = (
        "count(*) filter (outcome <> 'passed' and accepted_by is not null)"
        if queries.has(connection, "meta", "check_results", "accepted_by")
        else "0"
    )
    return queries.rows(
        connection,
        f"""
        select
            gate,
            count(*) as checks,
            count(*) filter (outcome = 'passed') as passed,
            {accepted} as accepted,
            count(*) filter (outcome <> 'passed') - {accepted} as not_passed
        from meta.check_results
        group by gate
        order by gate
        """,
    )


def _models(connection: duckdb.DuckDBPyConnection) -> list[Row] | None:
    if not queries.has(connection, "meta", "quality_checks", "outcome", "why"):
        return None
    return queries.rows(
        connection,
        """
        select model, metric, subject, severity, outcome, value, least, most, why
        from meta.quality_checks
        where outcome = 'outside'
        order by severity, model, metric, subject
        limit ?
        """,
        [MAX_FINDINGS],
    )


def _forecasters(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    needed = ("value_model", "reason", "relative_error", "customers")
    if not queries.has(connection, "meta", "value_models", *needed):
        return []
    return queries.rows(
        connection,
        """
        select customer_type, value_model, champion, reason, relative_error, customers
        from meta.value_models
        order by customer_type
        """,
    )
