"""What staging made of the samples, held against what the core and its tests demand.

Columns and their types, keys, days against the as-of day, customers and currencies of
order lines. What only the whole of the data can show is asked where the sample is the
whole. Not here: how the views came to be (`project_trial`).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError, GateRefused
from pipeline.common.yaml_places import Places
from pipeline.gates.source_trial import Tried
from pipeline.gates.trial_findings import Finding, line_with, listed
from pipeline.release import duckdb_files
from pipeline.release.duckdb_files import connect
from pipeline.release.layout import Candidate
from pipeline.sources import SourcesFile
from pipeline.transform import canonical

# Data that ends longer before the as-of day than this is probably another year's.
LATE_DAYS = 31
# As the gate out has it (most_tickets_have_a_customer).
MOST_UNKNOWN_TICKETS = 0.05
# The entities whose days say until when a company's records go.
_OF_BUSINESS = ("order_lines", "service_tickets", "interactions")


@dataclass(frozen=True)
class _Staged:
    """What a source gives of an entity, as a typed table.

    Attributes:
        table: The table in the candidate's work file.
        file: The staging model.
        columns: Those that the model gives.
        is_sound: Nothing is wrong with what it is made of, as far as it was read.
        is_whole: It is sound, and all of what it is made of was read.
    """

    source: str
    entity: str
    table: str
    file: Path
    columns: frozenset[str]
    is_sound: bool
    is_whole: bool

    @property
    def model(self) -> str:
        return f"stg_{self.source}__{self.entity}"

    def finding(
        self, message: str, exit_code: int, words: str = "", line: int | None = None
    ) -> Finding:
        """A finding whose place is the staging model, at the words if they are there."""
        return Finding(
            message,
            exit_code,
            self.model,
            self.file,
            line or line_with(self.file, words),
        )


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
    staged: list[_Staged] = []
    with connect(candidate.work_file) as connection:
        duckdb_files.attach(connection, candidate.databases)
        for (source, entity), view in views.items():
            unique_id = f"model.customer_tiers.stg_{source}__{entity}"
            node = manifest["nodes"][unique_id]
            made_of = _landed(manifest["nodes"], unique_id)
            found = _Staged(
                source,
                entity,
                f"staged.{sql.quoted(f'{source}__{entity}')}",
                (folder / node["original_file_path"]).resolve(),
                frozenset(_columns(connection, view)),
                made_of.isdisjoint(broken),
                made_of.isdisjoint(broken | partial),
            )
            problems = list(_types(connection, found, view))
            findings += problems
            if not problems and found.is_sound:
                staged.append(found)
        for item in staged:
            findings += _keys(connection, item, manifest)
            findings += _empty(connection, item)
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


def _types(
    connection: duckdb.DuckDBPyConnection, item: _Staged, view: str
) -> Iterator[Finding]:
    """Makes the table; columns that are not canonical, and values of another type."""
    wanted = canonical.columns(item.entity)
    for name in sorted(item.columns - wanted.keys()):
        yield item.finding(
            f"{item.model} gives the column {name}, which {item.entity} does not have. "
            f"It has: {', '.join(wanted)}.",
            ConfigurationError.exit_code,
            name,
        )
    cast = {
        name: f"cast({sql.quoted(name)} as {kind}) as {sql.quoted(name)}"
        for name, kind in wanted.items()
        if name in item.columns
    }
    connection.execute("create schema if not exists staged")
    try:
        connection.execute(
            f"create or replace table {item.table} as select "
            f"{', '.join(cast.values()) or 'null as nothing'} from {view}"
        )
        return
    except duckdb.Error as error:
        whole = error
    # Which column it is, the engine does not say.
    failed: dict[str, str] = {}
    for name, expression in cast.items():
        try:
            connection.execute(
                f"create or replace temp table one as select {expression} from {view}"
            )
        except duckdb.Error as error:
            failed[name] = _words(error)
    if len(failed) in {0, len(cast)} and len(cast) > 1:
        # Not a column, but what all of them are taken from.
        yield item.finding(
            f"{item.model} does not work: {_words(whole)}", ConfigurationError.exit_code
        )
        return
    for name, words in failed.items():
        yield item.finding(
            f"{item.model}: {name} is no {wanted[name]}: {words}",
            ConfigurationError.exit_code,
            name,
        )


def _words(error: duckdb.Error) -> str:
    """What the engine says, without its listing of the query."""
    return " ".join(str(error).split("\nLINE ")[0].split())


def _keys(
    connection: duckdb.DuckDBPyConnection, item: _Staged, manifest: Mapping[str, Any]
) -> Iterator[Finding]:
    """What tells the rows of the core apart, as dbt's tests of it demand."""
    key = _core_keys(manifest, item.entity)
    if not key or not set(key) <= item.columns:
        return
    listing = sql.columns(key)
    missing = " or ".join(f"{sql.quoted(name)} is null" for name in key)
    row = connection.execute(
        f"select count(*), any_value(key), sum(rows) from ("
        f"select concat_ws(', ', {listing}) as key, count(*) as rows from {item.table} "
        f"where not ({missing}) group by {listing} having count(*) > 1)"
    ).fetchone()
    assert row is not None
    if row[0]:
        yield item.finding(
            f"{item.model}: {row[0]:,} values of {', '.join(key)} stand in several rows, "
            f"such as {row[1]}; {item.entity} has one row each.",
            GateRefused.exit_code,
            key[-1],
        )
    for name in key:
        row = connection.execute(
            f"select count(*) from {item.table} where {sql.quoted(name)} is null"
        ).fetchone()
        assert row is not None
        if row[0]:
            yield item.finding(
                f"{item.model}: {name} is empty in {row[0]:,} rows, and tells the rows of "
                f"{item.entity} apart. Leave such rows out, or give them one.",
                GateRefused.exit_code,
                name,
            )


def _empty(connection: duckdb.DuckDBPyConnection, item: _Staged) -> Iterator[Finding]:
    """What an order line must say, or it would not count (order_lines_say_what_counts)."""
    if item.entity != "order_lines":
        return
    for name in ("order_date", "quantity", "net_amount", "currency"):
        if name not in item.columns:
            continue  # said already, as a column that is not given
        row = connection.execute(
            f"select count(*), any_value(order_id) from {item.table} "
            f"where {sql.quoted(name)} is null"
        ).fetchone()
        assert row is not None
        if row[0]:
            yield item.finding(
                f"{item.model}: {name} is empty in {row[0]:,} order lines, such as one of "
                f"order {row[1]}: such a line cannot count. Leave it out, or give it one.",
                GateRefused.exit_code,
                name,
            )


def _core_keys(manifest: Mapping[str, Any], entity: str) -> list[str]:
    """The columns of an entity that tell its rows apart within a source."""
    model = "core_source_customers" if entity == "customers" else f"core_{entity}"
    wanted = canonical.columns(entity)
    for node in manifest["nodes"].values():
        metadata = node.get("test_metadata") or {}
        if metadata.get("name") == "key" and str(node.get("attached_node")).endswith(
            f".{model}"
        ):
            found = [
                f"source_{name}" if f"source_{name}" in wanted else name
                for name in metadata["kwargs"]["columns"]
                if name != "source"
            ]
            return found if set(found) <= wanted.keys() else []
    return []


def _days(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[_Staged],
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
            f"select min({day}), max({day}) from {item.table}"
        ).fetchone()
        assert row is not None
        if row[1] is not None:
            first = min(row[0], first or row[0])
            last = max(row[1], last or row[1])
    if first is None or last is None:
        return
    line = places.line("business", "as_of") or places.line("business") or 1
    where = functools.partial(
        Finding, exit_code=0, subject="business", file=places.file, line=line
    )
    if last < as_of - dt.timedelta(days=LATE_DAYS):
        yield where(
            f"Your data ends on {last}, and a refresh would know of everything until "
            f"{as_of}: nothing has happened since then. Set `as_of: {last}` under "
            "`business` in sources.yaml if there is no newer data."
        )
    elif first > as_of:
        yield where(
            f"Your data begins on {first}, after the as-of day {as_of}: a refresh would "
            "know of nothing. Mend `as_of` under `business` in sources.yaml."
        )


def _customers(
    connection: duckdb.DuckDBPyConnection,
    sources: SourcesFile,
    staged: Sequence[_Staged],
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
    item: _Staged,
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
    item: _Staged, rows: int, unknown: Sequence[tuple[str, int]], treatment: str
) -> Iterator[Finding]:
    """What a refresh makes of rows whose customer nobody gives."""
    count = sum(number for _, number in unknown)
    keys = listed([key for key, _ in unknown])
    if item.entity == "service_tickets":
        if count > MOST_UNKNOWN_TICKETS * rows:
            yield item.finding(
                f"{item.model}: {count:,} of {rows:,} tickets name a customer whom no "
                f"source gives: {keys}. Give them in customers, or leave such tickets "
                f"out: at most {MOST_UNKNOWN_TICKETS:.0%} may be nobody's.",
                GateRefused.exit_code,
                "source_customer_id",
            )
        return
    if not unknown:
        return
    text = (
        f"{item.model}: {count:,} order lines name a customer whom no source gives: "
        f"{keys}."
    )
    if treatment == "refuse":
        yield item.finding(
            f"{text} Give them in customers, or say in sources.yaml what becomes of "
            "such lines: `unknown_customers: unknown_customer` or `leave_out`.",
            GateRefused.exit_code,
            "source_customer_id",
        )
    else:
        yield item.finding(
            f"{text} They are treated as sources.yaml says: {treatment}.",
            0,
            "source_customer_id",
        )


def _currencies(
    connection: duckdb.DuckDBPyConnection,
    sources: SourcesFile,
    staged: Sequence[_Staged],
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
            said = f" (line {line} of {places.file.name})" if line else ""
            yield item.finding(
                f"{item.model}: amounts are in {listed(unknown)}, figures are in "
                f"{reporting}{said}, and nobody gives a rate. Mend "
                "`business.reporting_currency` or the column currency, or provide "
                "fx_rates.",
                GateRefused.exit_code,
                "currency",
            )
