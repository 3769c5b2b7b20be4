"""What Spark made of a home beside what DuckDB made of it.

Not here: the cluster (`spark_cluster`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common import sql

Node = Mapping[str, Any]

# Floats may differ by so much of themselves: sums are made in another order.
TOLERANCE = 1e-9


@contextmanager
def opened(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The three files of which the current release of a home was made."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, path in {
            "work": home / "candidates" / "kept" / "work.duckdb",
            "warehouse": home / "current" / "warehouse.duckdb",
            "private": home / "current" / "private.duckdb",
        }.items():
            connection.execute(
                f"attach {sql.literal(path.resolve())} as {name} (read_only)"
            )
        yield connection


def database(node: Node) -> str:
    """The file in which DuckDB keeps the table of a node."""
    kept: str = node["database"]
    return kept if kept in ("warehouse", "private") else "work"


def folder(tables: Path, node: Node) -> Path:
    """Where Spark keeps the table of a node, in the folder of its tables."""
    private = "private_" if node["database"] == "private" else ""
    place: Path = tables / f"{private}{node['schema']}.db" / node["alias"]
    return place


def is_key(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> bool:
    """Whether no two rows share the values of the columns."""
    twice = connection.execute(
        f"select 1 from {relation} group by {sql.columns(columns)} "
        "having count(*) > 1 limit 1"
    ).fetchone()
    return twice is None


def first_difference(
    connection: duckdb.DuckDBPyConnection,
    ours: str,
    theirs: str,
    key: Sequence[str],
    excused: Sequence[str] = (),
) -> str | None:
    """The first difference of two relations: key, column and both values.

    Money and all that is exact must be equal, floats nearly; the order of rows is nothing.
    A column of another width, such as a decimal with more digits, is no difference.

    Args:
        connection: Knows both.
        ours: A relation, in SQL.
        theirs: The other.
        key: The columns that no two rows share; without any, whole rows are compared.
        excused: Columns that are not compared.
    """
    types = [_types(connection, relation) for relation in (ours, theirs)]
    if types[0].keys() != types[1].keys():
        return f"columns {sorted(types[0].keys() ^ types[1].keys())} are in one alone"
    columns = [name for name in types[0] if name not in excused]
    if not key:
        return _different_rows(connection, ours, theirs, columns, types)
    joined = " and ".join(
        f"ours.{quoted} is not distinct from theirs.{quoted}"
        for quoted in map(sql.quoted, key)
    )
    keys = ", ".join(
        f"coalesce(ours.{quoted}, theirs.{quoted})" for quoted in map(sql.quoted, key)
    )
    differing = [
        (
            "whether there is the row",
            "ours.there is null or theirs.there is null",
            ("ours.there", "theirs.there"),
        ),
        *(
            (name, _differs(name, types[0][name], types[1][name]), _both(name))
            for name in columns
            if name not in key
        ),
    ]
    for name, condition, (one, other) in differing:
        row = connection.execute(
            f"select {keys}, {one}, {other} "
            f"from (select *, true as there from {ours}) as ours "
            f"full join (select *, true as there from {theirs}) as theirs on {joined} "
            f"where {condition} order by all limit 1"
        ).fetchone()
        if row is not None:
            found = dict(zip(key, row, strict=False))
            return f"{found}: {name} is {row[-2]!r} and {row[-1]!r}"
    return None


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {name: kind for name, kind, *_ in described}


def _both(name: str) -> tuple[str, str]:
    quoted = sql.quoted(name)
    return f"ours.{quoted}", f"theirs.{quoted}"


def _differs(name: str, ours: str, theirs: str) -> str:
    """The condition under which two values differ."""
    one, other = _both(name)
    if "DOUBLE" in (ours, theirs):
        one, other = f"cast({one} as double)", f"cast({other} as double)"
        return (
            f"{one} is distinct from {other} and coalesce(abs({one} - {other}) "
            f"> {TOLERANCE} * greatest(1, abs({one}), abs({other})), true)"
        )
    if theirs == "TIMESTAMP WITH TIME ZONE" and ours == "TIMESTAMP":
        one = f"cast({one} as timestamptz)"
    return f"{one} is distinct from {other}"


def _different_rows(
    connection: duckdb.DuckDBPyConnection,
    ours: str,
    theirs: str,
    columns: Sequence[str],
    types: Sequence[Mapping[str, str]],
) -> str | None:
    """A row that one relation has more often than the other, floats cut to nine digits."""

    def rows(relation: str) -> str:
        cut = ", ".join(
            f"{_cut(name, types[0][name], types[1][name])} as {sql.quoted(name)}"
            for name in columns
        )
        return f"select {cut} from {relation}"

    for one, other, side in ((ours, theirs, "first"), (theirs, ours, "second")):
        row = connection.execute(
            f"{rows(one)} except all {rows(other)} order by all limit 1"
        ).fetchone()
        if row is not None:
            return f"the {side} alone has {dict(zip(columns, row, strict=True))}"
    return None


def _cut(name: str, ours: str, theirs: str) -> str:
    """A value as it is compared in a row."""
    quoted = sql.quoted(name)
    if "TIMESTAMP WITH TIME ZONE" in (ours, theirs):
        return f"cast({quoted} as timestamptz)"
    if "DOUBLE" not in (ours, theirs):
        return quoted
    value = f"cast({quoted} as double)"
    digits = f"cast(9 - ceil(log10(abs({value}))) as integer)"
    return (
        f"case when {value} = 0 or isinf({value}) or isnan({value}) then {value} "
        f"else round({value}, {digits}) end"
    )
