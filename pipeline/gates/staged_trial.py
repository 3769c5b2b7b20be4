"""What staging made of the samples, held against what the core and its tests demand.

Columns and their types, keys, days against the as-of day, customers and currencies of
order lines. What only the whole of the data can show is asked where the sample is the
whole. Not here: how the views came to be (`project_trial`).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import calendar, sql
from pipeline.common.errors import GateRefused
from pipeline.common.language import joined, said
from pipeline.common.yaml_places import Places
from pipeline.gates import staged_table
from pipeline.gates.source_trial import Tried
from pipeline.gates.staged_table import Staged
from pipeline.gates.trial_findings import Finding, declared_at, listed
from pipeline.release import duckdb_files
from pipeline.release.duckdb_files import connect
from pipeline.release.layout import Candidate
from pipeline.sources import SourcesFile
from pipeline.transform import canonical

# Data that ends longer before the as-of day than this is probably another year's.
LATE_DAYS = 31
# As the gate out has it (expectations.marts.common.attributed).
LEAST_ATTRIBUTED = 0.1
# The entities whose days say until when a company's records go.
_OF_BUSINESS = ("order_lines", "service_tickets", "interactions")


def judge(
    sources: SourcesFile,
    candidate: Candidate,
    tried: Sequence[Tried],
    views: Mapping[tuple[str, str], str],
    manifest: Mapping[str, Any],
    places: Places,
    folder: Path,
) -> list[Finding]:
    """Everything that a refresh would refuse of what staging made.

    Args:
        sources: What `sources.yaml` says.
        candidate: In whose work file the views are.
        tried: What was read of each landed entity.
        views: (source, entity) → the view of its staging model.
        manifest: dbt's, which has the models' files and the keys of the core.
        places: The lines of `sources.yaml`.
        folder: The composed dbt project.
    """
    broken = {
        (item.source, item.entity)
        for item in tried
        if item.problem or any(finding.exit_code for finding in item.findings)
    }
    partial = {(item.source, item.entity) for item in tried if not item.is_whole}
    findings: list[Finding] = []
    staged: list[Staged] = []
    with connect(candidate.work_file) as connection:
        duckdb_files.attach(connection, candidate.databases)
        for (source, entity), view in views.items():
            unique_id = f"model.customer_tiers.stg_{source}__{entity}"
            node = manifest["nodes"][unique_id]
            made_of = _landed(manifest["nodes"], unique_id)
            found = Staged(
                source,
                entity,
                f"staged.{sql.quoted(f'{source}__{entity}')}",
                (folder / node["original_file_path"]).resolve(),
                frozenset(_columns(connection, view)),
                made_of.isdisjoint(broken),
                made_of.isdisjoint(broken | partial),
            )
            problems = list(staged_table.types(connection, found, view))
            findings += problems
            if not problems and found.is_sound:
                staged.append(found)
        for item in staged:
            findings += staged_table.keys(connection, item, manifest)
            findings += staged_table.lines_without_values(connection, item)
        findings += _days(connection, staged, candidate.as_of_date, places)
        findings += _customers(connection, sources, staged, candidate.as_of_date)
        findings += _currencies(connection, sources, staged, places)
    return findings


def _landed(nodes: Mapping[str, Any], unique_id: str) -> set[tuple[str, str]]:
    """The landed entities that a model is made of, by source and name."""
    if unique_id.startswith("source."):
        source, entity = unique_id.split(".")[2:4]
        return {(source, entity)}
    parents = nodes[unique_id]["depends_on"]["nodes"] if unique_id in nodes else []
    return {found for parent in parents for found in _landed(nodes, parent)}


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {
        str(name).lower(): str(kind)
        for name, kind, *_ in connection.execute(f"describe {relation}").fetchall()
    }


def _days(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[Staged],
    as_of: dt.date,
    places: Places,
) -> Iterator[Finding]:
    """The days of the records against the as-of day."""
    first, last = None, None
    for item in staged:
        begins = [
            sql.quoted(name)
            for name in canonical.event_times(item.entity).get("begins", [])
            if name in item.columns
        ]
        if not begins or item.entity not in _OF_BUSINESS or not item.is_whole:
            continue
        day = f"cast(coalesce({', '.join(f'cast({one} as date)' for one in begins)}) as date)"
        row = connection.execute(
            f"select min(day), max(day), count(distinct day) > 1 "
            "and bool_and(extract(day from day) = 1), "
            "bool_and(extract(month from day) = 1) "
            f"from (select {day} as day from {item.table})"
        ).fetchone()
        assert row is not None
        begun, ended, by_month, by_year = row
        if ended is not None:
            if by_month:
                ended = calendar.last_day_from(ended, 12 if by_year else 1)
            first = min(begun, first or begun)
            last = max(ended, last or ended)
    if first is None or last is None:
        return
    line = places.line("business", "as_of") or places.line("business") or 1
    where = functools.partial(
        Finding, exit_code=0, subject="business", file=places.file, line=line
    )
    if last < as_of - dt.timedelta(days=LATE_DAYS):
        yield where(
            said(
                "Your data ends on {last}, and a refresh would know of everything until "
                "{day}: nothing has happened since then. Set `as_of: {last}` under "
                "`business` in sources.yaml if there is no newer data.",
                last=last,
                day=as_of,
            )
        )
    elif first > as_of:
        yield where(
            said(
                "Your data begins on {first}, after the as-of day {day}: a refresh would "
                "know of nothing. Mend `as_of` under `business` in sources.yaml.",
                first=first,
                day=as_of,
            )
        )


def _customers(
    connection: duckdb.DuckDBPyConnection,
    sources: SourcesFile,
    staged: Sequence[Staged],
    as_of: dt.date,
) -> Iterator[Finding]:
    """Lines and tickets whose customer nobody gives, where everything was read."""
    given = [item for item in staged if item.entity == "customers"]
    names = {item.source for item in given}
    if names != set(sources.provides().get("customers", [])) or not all(
        item.is_whole and "source_customer_id" in item.columns for item in given
    ):
        return
    customers = " union all ".join(
        f"select {sql.literal(item.source)} as source, source_customer_id from "
        f"{item.table}"
        for item in given
    )
    treatments = sources.unknown_customers()
    for item in staged:
        judged = {"order_lines", "service_tickets"}
        needed = {"customer_source", "source_customer_id"}
        if item.entity in judged and item.is_whole and needed <= item.columns:
            rows, unknown = _unknown(connection, item, customers, as_of)
            treatment = treatments.get(item.source, "refuse")
            yield from _of_unknown(item, rows, unknown, treatment)


def _unknown(
    connection: duckdb.DuckDBPyConnection,
    item: Staged,
    customers: str,
    as_of: dt.date,
) -> tuple[int, list[tuple[str, int]]]:
    """How many rows are known on the as-of day; keys of no customer, with their rows."""
    begins = [
        f"cast({sql.quoted(name)} as date)"
        for name in canonical.event_times(item.entity)["begins"]
        if name in item.columns
    ]
    day = f"coalesce({', '.join(begins)}, date '0001-01-01')" if begins else "null"
    found = connection.execute(
        f"""
        select
            case when customers.source is null
                then coalesce(nullif(trim(facts.source_customer_id), ''), '(empty)')
            end as unknown_key,
            count(*)
        from {item.table} as facts
        left join (select distinct * from ({customers})) as customers
            on
                facts.customer_source = customers.source
                and facts.source_customer_id = customers.source_customer_id
        where coalesce({day} <= {sql.literal(as_of)}, true)
        group by 1
        order by 2 desc, 1
        """
    ).fetchall()
    unknown = [(str(key), int(rows)) for key, rows in found if key is not None]
    return sum(int(rows) for _, rows in found), unknown


def _of_unknown(
    item: Staged, rows: int, unknown: Sequence[tuple[str, int]], treatment: str
) -> Iterator[Finding]:
    """What a refresh makes of rows whose customer nobody gives."""
    count = sum(number for _, number in unknown)
    keys = listed([key for key, _ in unknown])
    if item.entity == "service_tickets":
        if not count:
            return
        yield item.finding(
            said(
                "{model}: {count:,} of {rows:,} tickets name a customer whom no source "
                "gives: {keys}. They count for nobody; give them in customers, if they are.",
                model=item.model,
                count=count,
                rows=rows,
                keys=keys,
            ),
            GateRefused.exit_code if rows - count < LEAST_ATTRIBUTED * rows else 0,
            "source_customer_id",
        )
        return
    if not unknown:
        return
    text = said(
        "{model}: {count:,} order lines name a customer whom no source gives: {keys}.",
        model=item.model,
        count=count,
        keys=keys,
    )
    if treatment == "refuse":
        yield item.finding(
            joined(
                [
                    text,
                    said(
                        "Give them in customers, or say in sources.yaml what becomes of "
                        "such lines: `unknown_customers: unknown_customer` or `leave_out`."
                    ),
                ]
            ),
            GateRefused.exit_code,
            "source_customer_id",
        )
    else:
        yield item.finding(
            joined(
                [
                    text,
                    said(
                        "They are treated as sources.yaml says: {treatment}.",
                        treatment=treatment,
                    ),
                ]
            ),
            0,
            "source_customer_id",
        )


def _currencies(
    connection: duckdb.DuckDBPyConnection,
    sources: SourcesFile,
    staged: Sequence[Staged],
    places: Places,
) -> Iterator[Finding]:
    """Currencies of amounts for which nobody gives a rate at all."""
    reporting = sources.business.reporting_currency
    rates = [item for item in staged if item.entity == "fx_rates"]
    if len(rates) != len(sources.provides().get("fx_rates", [])):
        return
    there = {reporting}
    for item in rates:
        for name in ("from_currency", "to_currency"):
            if name in item.columns:
                there |= {
                    str(row[0])
                    for row in connection.execute(
                        f"select distinct {name} from {item.table}"
                    ).fetchall()
                }
        if not item.is_whole:
            return
    for item in staged:
        if item.entity != "order_lines" or "currency" not in item.columns:
            continue
        found = {
            str(row[0])
            for row in connection.execute(
                f"select distinct currency from {item.table} where currency is not null"
            ).fetchall()
        }
        if unknown := sorted(found - there):
            line = places.line("business", "reporting_currency")
            yield item.finding(
                said(
                    "{model}: amounts are in {currencies}, figures are in "
                    "{reporting}{place}, and nobody gives a rate. Mend "
                    "`business.reporting_currency` or the column currency, or provide "
                    "fx_rates.",
                    model=item.model,
                    currencies=listed(unknown),
                    reporting=reporting,
                    place=declared_at(places, line),
                ),
                GateRefused.exit_code,
                "currency",
            )
