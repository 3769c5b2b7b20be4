"""A staged table by itself: its columns and types, its keys, what a line must say.

Not here: what needs other tables or the settings (`staged_trial`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError, GateRefused
from pipeline.common.language import said
from pipeline.gates.trial_findings import Finding, line_with
from pipeline.transform import canonical


@dataclass(frozen=True)
class Staged:
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
        """The staging model."""
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


def types(
    connection: duckdb.DuckDBPyConnection, item: Staged, view: str
) -> Iterator[Finding]:
    """Makes the table; columns that are not canonical, and values of another type."""
    wanted = canonical.columns(item.entity)
    for name in sorted(item.columns - wanted.keys()):
        yield item.finding(
            said(
                "{model} gives the column {column}, which {entity} does not have. It has: "
                "{columns}.",
                model=item.model,
                column=name,
                entity=item.entity,
                columns=", ".join(wanted),
            ),
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
            said(
                "{model} does not work: {problem}",
                model=item.model,
                problem=_words(whole),
            ),
            ConfigurationError.exit_code,
        )
        return
    for name, words in failed.items():
        yield item.finding(
            said(
                "{model}: {column} is no {type}: {problem}",
                model=item.model,
                column=name,
                type=wanted[name],
                problem=words,
            ),
            ConfigurationError.exit_code,
            name,
        )


def _words(error: duckdb.Error) -> str:
    """What the engine says, without its listing of the query."""
    return " ".join(str(error).split("\nLINE ")[0].split())


def keys(
    connection: duckdb.DuckDBPyConnection, item: Staged, manifest: Mapping[str, Any]
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
            said(
                "{model}: {count:,} values of {key} stand in several rows, such as "
                "{example}; {entity} has one row each.",
                model=item.model,
                count=row[0],
                key=", ".join(key),
                example=row[1],
                entity=item.entity,
            ),
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
                said(
                    "{model}: {column} is empty in {count:,} rows, and tells the rows of "
                    "{entity} apart. Leave such rows out, or give them one.",
                    model=item.model,
                    column=name,
                    count=row[0],
                    entity=item.entity,
                ),
                GateRefused.exit_code,
                name,
            )


def lines_without_values(
    connection: duckdb.DuckDBPyConnection, item: Staged
) -> Iterator[Finding]:
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
                said(
                    "{model}: {column} is empty in {count:,} order lines, such as one of "
                    "order {order}: such a line cannot count. Leave it out, or give it "
                    "one.",
                    model=item.model,
                    column=name,
                    count=row[0],
                    order=row[1],
                ),
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
