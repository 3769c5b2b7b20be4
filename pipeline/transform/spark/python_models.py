"""dbt's Python models beside Spark: on this machine, from Parquet to Parquet.

A Python model takes tables from dbt's session, which is a connection of DuckDB's, and
gives one back. Here that connection has no tables of its own: it reads the Parquet files
that Spark made of the models before, column by column as it needs them, and what comes of
it is a Parquet file that Spark takes as a table. The models are the same files with the
same code as on DuckDB. How large what they read may be stands in docs/engines.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import duckdb

from pipeline.common import engine, sql
from pipeline.transform.nodes import Node

# The Parquet files of a table that a node reads → by the table's node.
Files = Callable[[Node], list[str]]


class _Dbt:
    """What a model is given as `dbt`: the tables that it is made of.

    Args:
        tables: The relation of each, by the name that the model calls it by.
    """

    # The table of before, which is never there: each build begins with empty schemas.
    this = '"none of before"'

    def __init__(self, tables: Mapping[tuple[str, ...], Any]) -> None:
        self._tables = tables

    def ref(self, name: str) -> Any:
        return self._tables[name,]

    def source(self, source: str, name: str) -> Any:
        return self._tables[source, name]


def run(
    node: Node,
    parents: Iterable[Node],
    seeds: Iterable[Node],
    files: Files,
    output: Path,
) -> int:
    """Runs a Python model.

    Args:
        node: The model.
        parents: What it is made of.
        seeds: All that there are: models read them where they stand in a release.
        files: Gives the Parquet files of each of these.
        output: The Parquet file for what it gives back.

    Returns:
        How many rows that are.
    """
    config = engine.config()
    config.setdefault("temp_directory", str(output.with_suffix(".tmp")))
    with duckdb.connect(config=config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "attach ':memory:' as warehouse; create schema warehouse.meta"
        )
        for seed in seeds:
            _view(connection, seed, files(seed))
        tables: dict[tuple[str, ...], Any] = {}
        for parent in parents:
            view = _name(parent)
            if parent["resource_type"] != "seed":
                _view(connection, parent, files(parent))
            name = (
                (parent["source_name"], parent["name"])
                if parent["resource_type"] == "source"
                else (parent["name"],)
            )
            tables[name] = connection.query(f"select * from {view}")
        namespace: dict[str, Any] = {"__name__": f"dbt_model_{node['name']}"}
        exec(compile(node["raw_code"], node["original_file_path"], "exec"), namespace)
        frame = namespace["model"](_Dbt(tables), connection)
        # Rows that are read from a connection as they are written need another.
        writer = (
            connection
            if isinstance(frame, duckdb.DuckDBPyRelation)
            else connection.cursor()
        )
        writer.register("_model", frame)
        row = writer.execute(
            f"copy (select * from _model) to {sql.literal(output)} "
            "(format parquet, compression zstd)"
        ).fetchone()
        return int(row[0]) if row else 0


def _name(table: Node) -> str:
    """What the view of a table is called."""
    schema = "warehouse.meta" if table["resource_type"] == "seed" else "main"
    return f"{schema}.{sql.quoted(table.get('alias') or table['name'])}"


def _view(connection: duckdb.DuckDBPyConnection, table: Node, files: list[str]) -> None:
    """Makes a view of a table of Spark's."""
    connection.execute(
        f"create view {_name(table)} as select * from {read(connection, files)}"
    )


def read(connection: duckdb.DuckDBPyConnection, files: list[str]) -> str:
    """SQL of the rows of a table of Spark's, with times as DuckDB's models have them.

    Args:
        connection: That will read them.
        files: Those of the table.
    """
    rows = sql.parquet([_path(file) for file in files])
    kinds = connection.execute(f"describe select * from {rows}").fetchall()
    zoned = ", ".join(
        f"cast({sql.quoted(name)} as timestamp) as {sql.quoted(name)}"
        for name, kind, *_ in kinds
        if kind == "TIMESTAMP WITH TIME ZONE"
    )
    return f"(select * replace ({zoned}) from {rows})" if zoned else rows


def _path(file: str) -> Path:
    """The path of a file that Spark names by its URL."""
    parsed = urlparse(file)
    return Path(unquote(parsed.path)) if parsed.scheme == "file" else Path(file)
