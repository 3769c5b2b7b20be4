"""The kept releases without the customer: new files, and readers notice nothing.

An UPDATE would leave the old bytes in the file. So the tables are copied into a new one,
with their types, constraints, comments and order of rows, and his values are left behind
on the way. Rows and amounts stay; what they belong to is a customer without attributes.
Not here: how the new files take the place of the old ones (`release.sealing`).
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline import reports
from pipeline.common import engine, sql
from pipeline.common.files import read_json
from pipeline.common.home import Home
from pipeline.forget import proof
from pipeline.forget.redact import Redactor
from pipeline.forget.registry import ids_in
from pipeline.forget.subject import DIAGNOSTIC, NAME, Subject
from pipeline.gates import data_docs
from pipeline.release import duckdb_files, layout, permissions, sealing

log = logging.getLogger("customer_tiers.forget")

# Of his row in a table, what stays; every other column is emptied.
STAYS: Final = {
    "customers": {
        "customer_id",
        "customer_type",
        "parent_customer_id",
        "ultimate_parent_customer_id",
        "source_count",
    },
    "customers_private": {"customer_id", "customer_type"},
}
# Of his rows in a table, what goes.
GOES: Final = {
    "leads": {"lead_name"},
    "interactions": {"subject"},
    # What was measured of him; score and contribution are what was published.
    "customer_score_factors": {"raw_value"},
    "customer_value": {"purchasing_power"},
    "customer_value_history": {"purchasing_power"},
    "lead_score_factors": {"raw_value"},
    "customer_health_factors": {"raw_value"},
}
# Tables whose rows are nothing but him.
DROPPED: Final = {
    "contacts",
    "account_coverage",
    "badly_served",
    # What account managers think of him, what he publishes, what is hoped of him.
    "account_matrix",
    "account_matrix_factors",
    "account_financials",
    "account_outlook",
    # What was to be done for him, with reasons that are about him.
    "customer_actions",
    "customer_verdicts",
    "verdict_evidence",
    # All of it stands in other tables too.
    "customer_360",
    "identity_links",
    "match_candidates",
    "match_decisions",
    "match_sample",
}


@dataclass(frozen=True)
class Column:
    """A column of a table in a release."""

    name: str
    kind: str
    nullable: bool


def holds(folder: Path, subject: Subject) -> bool:
    """Whether a release knows the customer at all."""
    if ids_in(folder, subject) or proof.traces_in(folder / "release.json", subject):
        return True
    files = duckdb_files.databases(folder).values()
    return any(proof.traces_in(path, subject) for path in files)


def rewrite(home: Home, subject: Subject, folder: Path, why: dict[str, Any]) -> bool:
    """Rewrites a release, if it knows the customer, and makes its report again.

    Args:
        why: The entry for `rewritten` in its release.json.

    Returns:
        Whether it was rewritten.
    """
    for leftover in folder.glob(".*.duckdb.*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    known = holds(folder, subject)
    if known:
        new = {}
        for path in duckdb_files.databases(folder).values():
            new[path.name] = folder / f".{path.name}.partial"
            rebuild_clean(path, new[path.name], subject)
        sealing.replace_files(folder, new, Redactor(subject).value, why)
    pages = folder / layout.DATA_DOCS
    written = list(pages.glob("*.html"))
    if written and (known or any(proof.traces_in(path, subject) for path in written)):
        data_docs.of_release(folder, read_json(folder / "release.json"))
    page = folder / "reports" / "index.html"
    if page.exists() and (known or proof.traces_in(page, subject)):
        reports.build_report(folder)
    for path in sorted((folder / "reports").rglob("*")):
        # They are made from the release, and can be again.
        if path != page and path.is_file() and proof.traces_in(path, subject):
            path.unlink()
    permissions.protect(folder)
    return known


def rebuild_clean(old: Path, new: Path, subject: Subject) -> None:
    """`rebuild`, until the bytes between the rows are free of him too.

    DuckDB writes blocks whole, and what lies in a block behind its rows is what was in
    memory there: now and then the very values that the query searches for. Other threads
    leave other bytes; what is in the file after all the proof finds out.
    """
    rebuild(old, new, subject)
    for threads in (1, 2, 3, 4):
        # What stands in the rows themselves would only stand there again.
        if {place for place, _ in proof.traces_in(new, subject)} != {"bytes"}:
            return
        log.info("%s: traces beside the rows; it is written again", new)
        rebuild(old, new, subject, threads)


def rebuild(old: Path, new: Path, subject: Subject, threads: int | None = None) -> None:
    """Writes a copy of one file of a release without the customer.

    Args:
        old: The file as it is; only read.
        new: Where the copy goes; what is there is replaced.
        threads: How many threads write it; the engine's own choice without.
    """
    new.unlink(missing_ok=True)
    with duckdb.connect(
        config={
            **({"threads": threads} if threads else {}),
            **engine.config(),
            "temp_directory": f"{new}.tmp",
        }
    ) as connection:
        connection.execute(f"attach {sql.literal(old)} as before (read_only)")
        connection.execute(f"attach {sql.literal(new)} as after")
        # The schema alone: types, constraints and comments, and no row of it.
        connection.execute("copy from database before to after (schema)")
        known = _known(connection, old.parent, subject)
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'before' order by all"
        ).fetchall()
        for schema, table in tables:
            place = f"{sql.quoted(schema)}.{sql.quoted(table)}"
            connection.execute(
                f"insert into after.{place} "
                + _query(connection, schema, table, subject, known)
            )
        connection.execute("checkpoint after")
        connection.execute("detach after")
    shutil.rmtree(f"{new}.tmp", ignore_errors=True)


@dataclass(frozen=True)
class _Known:
    """What of the customer stands in one release.

    Attributes:
        ids: The ids that any of his keys has there, old and new.
        texts: Texts about checks and errors → the same without him.
    """

    ids: set[str]
    texts: dict[str, str]


def _known(
    connection: duckdb.DuckDBPyConnection, folder: Path, subject: Subject
) -> _Known:
    redactor = Redactor(subject)
    texts: dict[str, str] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = 'before' and data_type = 'VARCHAR' "
        "and list_contains(?, table_name)",
        [list(DIAGNOSTIC)],
    ).fetchall():
        rows = connection.execute(
            f"select distinct {sql.quoted(column)} from "
            f"before.{sql.quoted(schema)}.{sql.quoted(table)} "
            f"where {sql.quoted(column)} is not null"
        ).fetchall()
        for (text,) in rows:
            changed = (
                redactor.json_text(text)
                if column == "examples"
                else redactor.text(text)
            )
            if changed != text:
                texts[text] = changed
    return _Known(ids_in(folder, subject), texts)


def _query(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    subject: Subject,
    known: _Known,
) -> str:
    """SQL of a table's rows without him.

    Without any join or subquery, which might change the order of the rows.
    """
    rows = connection.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() "
        "where database_name = 'before' and schema_name = ? and table_name = ? "
        "order by column_index",
        [schema, table],
    ).fetchall()
    columns = [Column(*row) for row in rows]
    names = {column.name for column in columns}
    place = f"before.{sql.quoted(schema)}.{sql.quoted(table)}"
    swept = _to_sweep(connection, place, columns, subject)
    parts = [
        f"{_expression(table, column, names, subject, known, swept)} as "
        f"{sql.quoted(column.name)}"
        for column in columns
    ]
    condition = _condition(table, names, subject, known)
    return f"select {', '.join(parts)} from {place}{condition}"


def _to_sweep(
    connection: duckdb.DuckDBPyConnection,
    place: str,
    columns: Sequence[Column],
    subject: Subject,
) -> set[str]:
    """The text columns in which one of his values stands."""
    pattern = subject.pattern
    texts = [column.name for column in columns if column.kind == "VARCHAR"]
    if pattern is None or not texts:
        return set()
    hits = ", ".join(
        f"coalesce(bool_or(regexp_matches({sql.quoted(name)}, $pattern, 'i')), false)"
        for name in texts
    )
    found = connection.execute(
        f"select {hits} from {place}", {"pattern": pattern}
    ).fetchone()
    return {name for name, hit in zip(texts, found or (), strict=True) if hit}


def _expression(
    table: str,
    column: Column,
    names: set[str],
    subject: Subject,
    known: _Known,
    swept: set[str],
) -> str:
    name = sql.quoted(column.name)
    if table == "current_release" and column.name == "rewritten_at":
        # The same in every file, so that a reader of two knows that they belong together.
        moment = dt.datetime.fromisoformat(subject.asked_at).astimezone(dt.UTC)
        return (
            f"timestamp {sql.literal(moment.replace(tzinfo=None).isoformat(sep=' '))}"
        )
    if table in STAYS and column.name not in STAYS[table]:
        return _emptied(column, ["customer_id"], known)
    if column.name in GOES.get(table, ()):
        # A lead that only seems to be his bears his name as well.
        keys = [key for key in ("customer_id", "matched_customer_id") if key in names]
        return _emptied(column, keys, known)
    if table == "customer_groups" and column.name == "group_name":
        return _emptied(column, ["ultimate_parent_customer_id"], known)
    if column.kind != "VARCHAR":
        return name
    expression = name
    if column.name in swept:
        for value in subject.values:
            pattern = sql.literal(re.escape(value.text))
            put = sql.literal(value.replacement)
            expression = f"regexp_replace({expression}, {pattern}, {put}, 'gi')"
    cases: list[tuple[str, str]] = []
    if column.name.endswith("customer_id"):
        whose = _source_of(column.name, names)
        if whose is None:
            cases = [(_is(name, old), new) for old, new in subject.ids.items()]
        else:
            cases = [
                (f"{_is(whose, item.source)} and {_is(name, item.key)}", item.pseudonym)
                for item in subject.records
            ]
    if table in DIAGNOSTIC:
        cases += [(_is(name, old), new) for old, new in known.texts.items()]
    if not cases:
        return expression
    whens = " ".join(
        f"when {condition} then {sql.literal(new)}" for condition, new in cases
    )
    return f"case {whens} else {expression} end"


def _is(name: str, text: str) -> str:
    return f"{name} = {sql.literal(text)}"


def _among(name: str, ids: set[str]) -> str:
    listed = ", ".join(sql.literal(item) for item in sorted(ids))
    return f"coalesce({name} in ({listed}), false)" if listed else "false"


def _emptied(column: Column, keys: Sequence[str], known: _Known) -> str:
    name = sql.quoted(column.name)
    if column.name in {"customer_name", "group_name"}:
        put = sql.literal(NAME)
    elif column.nullable:
        put = "null"
    elif column.kind == "VARCHAR":
        put = sql.literal(NAME)
    else:
        return name
    his = " or ".join(_among(key, known.ids) for key in keys)
    return f"case when {his} then {put} else {name} end"


def _source_of(column: str, names: set[str]) -> str | None:
    """The column that says of which source a column's keys are, if it holds such."""
    side = column.removesuffix("customer_id")
    for candidate in (side.removesuffix("_"), f"{side}source") if side else ():
        if candidate.endswith("source") and candidate in names:
            return sql.quoted(candidate)
    return None


def _condition(table: str, names: set[str], subject: Subject, known: _Known) -> str:
    if table not in DROPPED:
        return ""
    if "customer_id" in names:
        return f" where not {_among('customer_id', known.ids)}"
    tests = [
        f"coalesce({_is(whose, item.source)} and "
        f"{sql.quoted(name)} in ({sql.literal(item.key)}, "
        f"{sql.literal(item.pseudonym)}), false)"
        for name in sorted(names)
        if name.endswith("_customer_id") and (whose := _source_of(name, names))
        for item in subject.records
    ]
    return f" where not ({' or '.join(tests)})" if tests else ""
