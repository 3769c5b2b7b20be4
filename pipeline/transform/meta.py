"""The schema `meta` that Python writes after the gates: how a refresh came about.

Not here: the tables of `meta` that are SQL of the dbt project.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
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
from pipeline.release.layout import FORMAT, WAREHOUSE, Candidate
from pipeline.sources import Source
from pipeline.transform import lineage
from pipeline.transform.meta_tables import (
    ACCEPTANCES,
    CHECK_HISTORY,
    CHECK_RESULTS,
    CURRENT_RELEASE,
    QUARANTINE,
    QUARANTINED_LINES,
    REFRESHES,
    SOURCE_FRESHNESS,
    MetaTable,
)

log = logging.getLogger("customer_tiers.warehouse")


# A year and what a yearly comparison needs around it.
HISTORY_DAYS = 400


def write_meta(
    home: Home,
    candidate: Candidate,
    sources: Sequence[Source],
    evidence: Mapping[str, Evidence],
    acceptances: Sequence[Use] = (),
    *,
    sealed_at: str = "",
) -> None:
    """Adds the meta tables to the candidate's files; the last write before the seal.

    Args:
        home: Where the journal is, and what landed.
        candidate: Whose files are written to.
        sources: The sources in force.
        evidence: What the gates found.
        acceptances: Those that hold, and what each did.
        sealed_at: When the candidate becomes a release, ISO; now without it.
    """
    release = _release_row(candidate, sealed_at or attempts.now().isoformat())
    files = [
        landed.quarantine_file(batch)
        for landed in landed_entities(home, sources)
        for batch in landed.unread()
    ]
    with connect(candidate.private_file) as connection:
        connection.execute("begin")
        _fill(connection, CURRENT_RELEASE, [release])
        _fill(connection, QUARANTINED_LINES, [])
        _insert_quarantined(connection, QUARANTINED_LINES, files)
        connection.execute("commit")
        connection.execute("checkpoint")
    with connect(candidate.warehouse_file) as connection:
        connection.execute("begin")
        _fill(connection, CURRENT_RELEASE, [release])
        _fill(connection, REFRESHES, _refresh_rows(home, candidate))
        checks = _check_rows(candidate.refresh_id, candidate.opened_at, evidence)
        _fill(connection, CHECK_RESULTS, checks)
        _fill(connection, ACCEPTANCES, _acceptance_rows(candidate, acceptances))
        _fill(connection, SOURCE_FRESHNESS, _freshness_rows(candidate))
        _fill(connection, QUARANTINE, [])
        _insert_quarantined(connection, QUARANTINE, files)
        connection.execute("commit")
        # Not in the transaction: an older release that cannot be read would end it.
        _fill(connection, CHECK_HISTORY, checks)
        _add_earlier_checks(connection, home, candidate)
        connection.execute("checkpoint")


def proved_keys(warehouse: Path) -> dict[str, dict[str, Any]]:
    """The keys of the tables that Python writes, as `gates.relations` says those of dbt.

    No test stands between them and a copy that would make a primary key of them, so each
    is asked for here: a project's own suite may name two checks alike.

    Args:
        warehouse: The candidate's file of marts and meta, with all of `meta` in it.
    """
    written = (
        *(CURRENT_RELEASE, REFRESHES, CHECK_RESULTS, CHECK_HISTORY),
        *(ACCEPTANCES, SOURCE_FRESHNESS),
    )
    keys = {f"meta.{table.name}": table.key for table in written}
    keys[lineage.TABLE] = lineage.KEY
    with connect(warehouse, read_only=True) as connection:
        there = {
            f"meta.{name}"
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() "
                "where database_name = current_database() and schema_name = 'meta'"
            ).fetchall()
        }
        return {
            table: {"keys": [[*key]], "references": {}}
            for table, key in keys.items()
            if table in there and _is_key(connection, table, key)
        }


def _is_key(
    connection: duckdb.DuckDBPyConnection, table: str, key: Sequence[str]
) -> bool:
    known = " and ".join(f"{sql.quoted(column)} is not null" for column in key)
    query = (
        f"select count(*) = count(distinct ({sql.columns(key)})) "
        f"and coalesce(bool_and({known}), true) from {table}"
    )
    return bool((connection.execute(query).fetchone() or (False,))[0])


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


def _release_row(candidate: Candidate, sealed_at: str) -> dict[str, Any]:
    return {
        "refresh_id": candidate.refresh_id,
        "as_of_date": candidate.as_of_date.isoformat(),
        "sealed_at": _utc(sealed_at),
        "rewritten_at": None,
        "started_at": _utc(candidate.opened_at),
        "run_id": candidate.run_id,
        "time_zone": candidate.time_zone,
        "reporting_currency": candidate.reporting_currency,
        "schema_version": FORMAT,
        "product_version": version("customer-tiers"),
    }


def _insert_quarantined(
    connection: duckdb.DuckDBPyConnection, table: MetaTable, files: Sequence[Path]
) -> None:
    if files:
        connection.execute(
            f"""
            insert into meta.{table.name} by name
            select {", ".join(table.columns)}
            from (
                select * replace (quarantined_at at time zone 'UTC' as quarantined_at)
                from {sql.parquet(files)}
            )
            """
        )


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
