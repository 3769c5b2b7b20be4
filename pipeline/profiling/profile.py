"""The profile of what somebody brings: every table read, measured, and put in relation."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from pipeline.common import sql
from pipeline.profiling import columns, counted, keys, sample, wide
from pipeline.profiling.tables import Profile, Table


def profile(
    connection: duckdb.DuckDBPyConnection,
    what: str,
    environment: Mapping[str, str] | None = None,
) -> Profile:
    """Reads and measures all tables of a folder, a file, a workbook or a database.

    Args:
        connection: Where the samples are kept, from `sample.opened`.
        what: A path, or the URL of a database, which may refer to the environment.
        environment: What it may refer to.

    Raises:
        ConfigurationError: There is nothing that can be read.
        SourceUnavailable: The database cannot be reached.
    """
    found = sample.take(connection, what, environment or {})
    for table in found.tables.values():
        columns.measure(connection, table)
        wide.lengthen(connection, table)
        if (day := counted.join(connection, table)) is not None:
            columns.count(connection, table, day)
            table.columns[day.name] = day
        keys.find_keys(connection, table)
        table.is_repeated = _is_repeated(connection, table)
    keys.find_references(connection, found)
    return found


def _is_repeated(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Whether the last part holds nearly all keys of the one before: whole exports.

    A table whose parts are whole exports has no key over all of them; the first column
    that looks like one stands for it.
    """
    if len(table.parts) < 2 or table.source.kind != "files":
        return False
    relation = sql.quoted(table.relation)
    parts = [
        part
        for (part,) in connection.execute(
            f"select distinct _part from {relation} order by 1"
        ).fetchall()
    ][-2:]
    named = [
        column
        for column in table.columns.values()
        if keys.is_named_as_an_id(column.name) and column.nulls == 0
    ]
    for column in named:
        value = columns.identity(column)
        row = connection.execute(
            f"""
            select
                count(distinct v), count(*),
                count(distinct v) filter (where v in (
                    select {value} from {relation} where _part = ?
                ))
            from (select {value} as v from {relation} where _part = ?)
            """,
            [parts[1], parts[0]],
        ).fetchone()
        if row is not None and row[0] == row[1] and row[0] > 0:
            return bool(row[2] / row[0] > 0.9)
    return False
