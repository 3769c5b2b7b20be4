"""Small published releases, whose tables all say which one they are of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from pipeline.common.home import Home
from pipeline.journal import attempts, evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import candidates, catalogue, promotion, sealing
from pipeline.release.catalogue import Release
from pipeline.serving import contents
from pipeline.serving.contents import Contents

RELATIONS: Mapping[str, Any] = {
    "marts.customers": {"keys": [["customer_id"]], "references": {}},
    "marts.order_lines": {
        "keys": [["order_id", "line_number"]],
        "references": {"customer_id": ["marts.customers", "customer_id"]},
    },
    "marts.notes": {"keys": [["customer_id", "note"]], "references": {}},
}

# Whatever a release's file may hold: `{id}` is the release, `{n}` its number.
TABLES = (
    "create table marts.customers as select 'C' || i as customer_id, "
    "'Zoë 王 ' || i as customer_name, '{id}' as release_id from range(20) as r(i)",
    "alter table marts.customers alter customer_id set not null",
    "comment on table marts.customers is 'Who buys. One row per customer.'",
    "comment on column marts.customers.customer_name is 'The name, as it''s written.'",
    "create table marts.order_lines as select 'O' || (i // 3) as order_id, "
    "i % 3 as line_number, 'C' || (i % 20) as customer_id, "
    "cast({n} as decimal(18, 4)) as net_amount, '{id}' as release_id "
    "from range(300) as r(i)",
    "create table marts.notes as select 'C1' as customer_id, "
    "unnest(['a', null]) as note, '{id}' as release_id",
    "create table meta.current_release as select '{id}' as release_id",
    "create table meta.refreshes as select '{id}' as refresh_id, 'sealed' as state",
    "create table marts.customers_private as select 'C1' as customer_id, "
    "'zoe@example.com' as email",
    "create table meta.quarantine as select 'zoe@example.com' as text",
)


def publish(home: Home, *more: str, tables: Sequence[str] = TABLES) -> Release:
    """Publishes a release of these tables, sealed and promoted as in a refresh.

    Args:
        more: Statements after those of `tables`.
        tables: Statements that make its file.
    """
    candidate = candidates.open_candidate(
        home,
        run_id="run",
        as_of_date=dt.date(2024, 1, 31),
        time_zone="Asia/Shanghai",
        reporting_currency="CNY",
    )
    number = int(candidate.refresh_id[1:7])
    with duckdb.connect(str(candidate.warehouse_file)) as connection:
        connection.execute("create schema marts")
        connection.execute("create schema meta")
        for statement in (*tables, *more):
            text = statement.replace("{id}", candidate.refresh_id)
            connection.execute(text.replace("{n}", str(number)))
    check = Check(
        gate="out", subject="marts", name="n", severity="critical", outcome="passed"
    )
    evidence.save(
        candidate.evidence_folder, Evidence("out", candidate.refresh_id, 1, [check])
    )
    sealing.seal(candidate, ["out"], relations=RELATIONS)
    promotion.promote(home, candidate.refresh_id, ["out"])
    attempts.end(home, candidate.refresh_id, "published")
    return catalogue.chosen(home, candidate.refresh_id)


def contents_of(home: Home, *more: str, tables: Sequence[str] = TABLES) -> Contents:
    """The contents of a new release."""
    return contents.read(publish(home, *more, tables=tables))
