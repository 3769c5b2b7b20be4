"""The schema `meta` that Python writes after the gates: how a refresh came about.

Not here: the tables of `meta` that are SQL of the dbt project.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.common import sql
from pipeline.common.files import read_json
from pipeline.common.home import Home
from pipeline.journal import attempts
from pipeline.journal.acceptances import Use
from pipeline.journal.evidence import Evidence, from_json, load_all
from pipeline.landing.entity import landed_entities
from pipeline.release.duckdb_files import connect
from pipeline.release.layout import WAREHOUSE, Candidate
from pipeline.sources import Source

log = logging.getLogger("customer_tiers.warehouse")


# A year and what a yearly comparison needs around it.
HISTORY_DAYS = 400


@dataclass(frozen=True)
class MetaTable:
    """A table of the schema `meta` that Python writes, not dbt."""

    name: str
    description: str
    columns: Mapping[str, tuple[str, str]]  # name → (type, description)


REFRESHES = MetaTable(
    "refreshes",
    "Every attempt at a refresh known when this release was sealed. "
    "One row per attempt.",
    {
        "refresh_id": ("varchar", "The attempt, and the release where it became one."),
        "as_of_date": ("date", "The last business day that the attempt knew of."),
        "state": (
            "varchar",
            "published, built, refused, failed or died; `sealed` is this very release.",
        ),
        "stage": ("varchar", "How far it came."),
        "reason": ("varchar", "Why it ended there, if it did not publish."),
        "run_id": ("varchar", "The run in Dagster."),
        "started_at": ("timestamp", "Start, UTC."),
        "ended_at": ("timestamp", "End, UTC."),
    },
)
_CHECK: dict[str, tuple[str, str]] = {
    "gate": ("varchar", "in.<source>, transform or out."),
    "subject": ("varchar", "The table that was checked."),
    "check_name": ("varchar", "The expectation or test, with its columns."),
    "check_id": (
        "varchar",
        "Its public id, subject:name, as `refresh --accept` takes it.",
    ),
    "severity": ("varchar", "critical stops the release, warning is read."),
    "acceptable": (
        "boolean",
        "Whether a person may accept that it failed: a warning, or declared so.",
    ),
    "outcome": ("varchar", "passed, failed or crashed; an accepted one stays failed."),
}
_FOUND: dict[str, tuple[str, str]] = {
    "observed": ("varchar", "What was found."),
    "failing_rows": ("bigint", "Rows that break it, where they can be counted."),
    "checked_rows": ("bigint", "Rows that were checked, where that is known."),
    "examples": ("varchar", "A few of those that break it by their keys, as JSON."),
    "accepted_by": ("varchar", "Who accepted the failure, if somebody did."),
    "accepted_reason": ("varchar", "Why, in that person's words."),
    "accepted_until": ("date", "The last day on which the acceptance holds."),
    "seconds": ("double", "How long it took, where that is measured: dbt's tests."),
}
CHECK_RESULTS = MetaTable(
    "check_results",
    "What the gates found in this refresh. One row per check.",
    {
        "refresh_id": ("varchar", "The refresh."),
        **_CHECK,
        "demand": ("varchar", "What must hold, as Great Expectations or dbt words it."),
        "expected": ("varchar", "Why it must hold."),
        **_FOUND,
        "carried": (
            "boolean",
            "Whether it was found by an earlier refresh, and not asked again because the "
            "test and all that it reads are as they were.",
        ),
    },
)
CHECK_HISTORY = MetaTable(
    "check_history",
    "What the gates found in this refresh and in those of the 400 days before it, "
    "refused ones too, as far as they left evidence; meta.refreshes says how each ended. "
    "One row per refresh and check.",
    {
        "refresh_id": ("varchar", "The refresh."),
        "refreshed_at": ("timestamp", "When it began, UTC."),
        **_CHECK,
        **_FOUND,
    },
)
ACCEPTANCES = MetaTable(
    "acceptances",
    "What people had accepted when this release was sealed, and what it did. "
    "One row per check.",
    {
        "refresh_id": ("varchar", "The refresh."),
        "check_id": ("varchar", "The check, subject:name."),
        "state": (
            "varchar",
            "used: it failed and was let pass; unused: it passed; void: it crashed, or is "
            "not acceptable any more; not made: nothing of the kind was checked.",
        ),
        "accepted_by": ("varchar", "The user of the operating system."),
        "accepted_at": ("timestamp", "When, UTC."),
        "reason": ("varchar", "Why, in that person's words."),
        "until": ("date", "The last day on which it holds, by the clock, UTC."),
    },
)
QUARANTINE = MetaTable(
    "quarantine",
    "Rows of the batches in force that could not be read; those of a table are given by "
    "the last batch that held the whole of it, and later ones. One row per line of a "
    "source.",
    {
        "source": ("varchar", "The source."),
        "entity": ("varchar", "Its entity."),
        "batch_id": ("varchar", "The batch in which it would have landed."),
        "source_file": ("varchar", "The file or table."),
        "line": ("bigint", "The line in the file, from 1, header included."),
        "text": ("varchar", "The line as it stands in the source."),
        "reason": ("varchar", "Why it could not be read."),
        "quarantined_at": ("timestamp", "When, UTC."),
    },
)
SOURCE_FRESHNESS = MetaTable(
    "source_freshness",
    "What each source gave, and when. One row per source and entity.",
    {
        "source": ("varchar", "The source."),
        "entity": ("varchar", "Its entity."),
        "batches": ("integer", "Batches in force."),
        "rows_read": (
            "bigint",
            "Rows read in them: landed, quarantined and forgotten together.",
        ),
        "rows_landed": ("bigint", "Rows that landed."),
        "rows_quarantined": ("bigint", "Rows that could not be read."),
        "different_keys": ("bigint", "Keys of the landed rows, deleted ones too."),
        "repeated_keys": (
            "bigint",
            "Of these, keys that one batch held more than once; the last row counts.",
        ),
        "deleted_keys": ("bigint", "Of these, keys that the source deleted."),
        "superseded_rows": (
            "bigint",
            "Landed rows that are not the newest of their key: what was corrected, "
            "repeated or read twice.",
        ),
        "rows_forgotten": ("bigint", "Rows left out: of a customer who was forgotten."),
        "rows_refused": (
            "bigint",
            "Rows of batches that a gate refused; they are in none of the others.",
        ),
        "last_loaded_at": ("timestamp", "When the newest batch was read, UTC."),
    },
)


def write_meta(
    home: Home,
    candidate: Candidate,
    sources: Sequence[Source],
    evidence: Mapping[str, Evidence],
    acceptances: Sequence[Use] = (),
) -> None:
    """Adds the meta tables to the warehouse file; the last write before the seal."""
    with connect(candidate.warehouse_file) as connection:
        connection.execute("begin")
        _fill(connection, REFRESHES, _refresh_rows(home, candidate))
        checks = _check_rows(candidate.refresh_id, candidate.opened_at, evidence)
        _fill(connection, CHECK_RESULTS, checks)
        _fill(connection, ACCEPTANCES, _acceptance_rows(candidate, acceptances))
        _fill(connection, SOURCE_FRESHNESS, _freshness_rows(candidate))
        _fill(connection, QUARANTINE, [])
        files = [
            landed.quarantine_file(batch)
            for landed in landed_entities(home, sources)
            for batch in landed.unread()
        ]
        if files:
            connection.execute(
                f"""
                insert into meta.quarantine by name
                select * replace (quarantined_at at time zone 'UTC' as quarantined_at)
                from {sql.parquet(files)}
                """
            )
        connection.execute("commit")
        # Not in the transaction: an older release that cannot be read would end it.
        _fill(connection, CHECK_HISTORY, checks)
        _add_earlier_checks(connection, home, candidate)
        connection.execute("checkpoint")


def _refresh_rows(home: Home, candidate: Candidate) -> list[dict[str, Any]]:
    rows = []
    for attempt in attempts.history(home):
        this = attempt.refresh_id == candidate.refresh_id
        rows.append(
            {
                "refresh_id": attempt.refresh_id,
                "as_of_date": attempt.as_of_date,
                "state": "sealed" if this else attempt.state,
                "stage": attempt.stage,
                "reason": attempt.reason,
                "run_id": attempt.run_id,
                "started_at": _utc(attempt.started_at),
                "ended_at": _utc(attempt.ended_at),
            }
        )
    return rows


def _check_rows(
    refresh_id: str, opened_at: str, found: Mapping[str, Evidence]
) -> list[dict[str, Any]]:
    return [
        {
            "refresh_id": refresh_id,
            "refreshed_at": _utc(opened_at),
            "gate": check.gate,
            "subject": check.subject,
            "check_name": check.name,
            "check_id": check.id,
            "severity": check.severity,
            "acceptable": check.acceptable or check.severity == "warning",
            "outcome": check.outcome,
            "demand": check.demand,
            "expected": check.expected,
            "observed": check.observed,
            "failing_rows": check.failing_rows,
            "checked_rows": check.rows,
            "examples": json.dumps(list(check.examples), default=str),
            "accepted_by": check.accepted.by if check.accepted else None,
            "accepted_reason": check.accepted.reason if check.accepted else None,
            "accepted_until": check.accepted.until if check.accepted else None,
            "seconds": check.seconds,
            "carried": check.carried,
        }
        for item in found.values()
        for check in item.checks
    ]


def _acceptance_rows(candidate: Candidate, uses: Sequence[Use]) -> list[dict[str, Any]]:
    return [
        {
            "refresh_id": candidate.refresh_id,
            "check_id": use.check,
            "state": use.state,
            "accepted_by": use.accepted.by,
            "accepted_at": _utc(use.accepted.at),
            "reason": use.accepted.reason,
            "until": use.accepted.until,
        }
        for use in uses
    ]


def _add_earlier_checks(
    connection: duckdb.DuckDBPyConnection, home: Home, candidate: Candidate
) -> None:
    """Carries what earlier refreshes found into `meta.check_history`.

    From the newest kept release rather than the current one: a rollback does not undo
    what was found. What stands in no release, because the attempt was refused or the
    release is of an older version, comes from the evidence that is kept on disk.
    """
    since = dt.datetime.fromisoformat(candidate.opened_at) - dt.timedelta(
        days=HISTORY_DAYS
    )
    columns = ", ".join(CHECK_HISTORY.columns)
    for path in sorted(home.releases.glob(f"r*-*/{WAREHOUSE}"), reverse=True):
        try:
            connection.execute(
                f"attach {sql.literal(path.resolve())} as earlier (read_only)"
            )
        except duckdb.Error as error:
            log.warning("the checks of earlier refreshes: %s", error)
            continue
        try:
            known = connection.execute(
                "select count(*) from duckdb_tables() where database_name = 'earlier' "
                "and schema_name = 'meta' and table_name = ?",
                [CHECK_HISTORY.name],
            ).fetchone()
            if known == (0,):
                continue
            connection.execute(
                f"insert into meta.{CHECK_HISTORY.name} by name select {columns} "
                f"from earlier.meta.{CHECK_HISTORY.name} "
                "where refreshed_at >= ? and refresh_id <> ?",
                [since.replace(tzinfo=None), candidate.refresh_id],
            )
            break
        except duckdb.Error as error:
            log.warning("the checks of earlier refreshes: %s", error)
        finally:
            connection.execute("detach earlier")
    carried = {
        str(refresh_id)
        for (refresh_id,) in connection.execute(
            f"select distinct refresh_id from meta.{CHECK_HISTORY.name}"
        ).fetchall()
    }
    rows = [
        row
        for refresh_id, opened_at, found in _kept_evidence(home)
        if refresh_id not in carried | {candidate.refresh_id}
        and dt.datetime.fromisoformat(opened_at) >= since
        for row in _check_rows(refresh_id, opened_at, found)
    ]
    _insert(connection, CHECK_HISTORY, rows)


def _kept_evidence(home: Home) -> Iterator[tuple[str, str, dict[str, Evidence]]]:
    """Refresh, when it began, and its evidence, wherever some lies; no refresh twice."""
    places = [
        *home.releases.glob("r*-*/release.json"),
        *home.candidates.glob("r*-*/candidate.json"),
        *home.evidence.glob("r*-*.json"),
    ]
    seen = set()
    for path in places:
        refresh_id = path.stem if path.parent == home.evidence else path.parent.name
        if refresh_id in seen:
            continue
        try:
            record = read_json(path)
            if path.name == "candidate.json":
                found = load_all(path.parent / "evidence")
            else:
                found = {item["gate"]: from_json(item) for item in record["evidence"]}
            opened_at = str(record["opened_at"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("the checks of %s cannot be read: %s", refresh_id, error)
            continue
        seen.add(refresh_id)
        yield refresh_id, opened_at, found


def _freshness_rows(candidate: Candidate) -> list[dict[str, Any]]:
    """What was counted when the candidate was prepared; nothing where it was not."""
    if not candidate.work_file.exists():
        return []
    with connect(candidate.work_file, read_only=True) as connection:
        rows: list[dict[str, Any]] = (
            connection.execute(
                """
                select * replace (cast(last_loaded_at as varchar) as last_loaded_at)
                from landing.refresh__landed
                """
            )
            .to_arrow_table()
            .to_pylist()
        )
    return rows


def _fill(
    connection: duckdb.DuckDBPyConnection,
    table: MetaTable,
    rows: Iterable[Mapping[str, Any]],
) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in table.columns.items())
    connection.execute(f"create or replace table meta.{table.name} ({columns})")
    connection.execute(
        f"comment on table meta.{table.name} is {sql.literal(table.description)}"
    )
    for name, (_, description) in table.columns.items():
        connection.execute(
            f"comment on column meta.{table.name}.{name} is {sql.literal(description)}"
        )
    _insert(connection, table, rows)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: MetaTable,
    rows: Iterable[Mapping[str, Any]],
) -> None:
    if found := list(rows):
        schema = pa.schema(
            [pa.field(name, _ARROW[kind]) for name, (kind, _) in table.columns.items()]
        )
        connection.register("_rows", pa.Table.from_pylist(found, schema=schema))
        connection.execute(f"insert into meta.{table.name} by name select * from _rows")
        connection.unregister("_rows")


# Dates travel as text and are cast by the table's own type on the way in.
_ARROW = {
    "varchar": pa.string(),
    "date": pa.string(),
    "timestamp": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}


def _utc(text: str | None) -> str | None:
    if text is None:
        return None
    moment = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    return moment.replace(tzinfo=None).isoformat(sep=" ")
