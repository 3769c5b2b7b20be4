"""What dbt builds on, given to Spark: landed rows, seeds, and what the pipeline knows.

Landed rows are views over the Parquet files of the batches in force. Seeds are loaded by
Spark's own reader of CSV, with the types that they declare. What the pipeline itself lays
below `landing` (the refresh, the registry of ids, what was published, the accounts of what
landed) is reckoned where the rows were landed, by `foundation.write_landing`, and handed
over as Parquet.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from pipeline.common import sql
from pipeline.common.home import Home
from pipeline.landing.entity import landed_entities
from pipeline.sources import Source
from pipeline.transform.materialization import inferred_types
from pipeline.transform.nodes import Node
from pipeline.transform.spark import landed as landed_sql
from pipeline.transform.spark.session import Session

# A text of any length; all other types are called alike.
_TEXT: Final = ("varchar", "text", "string")


def table_of(node: Node, release: str = "") -> str:
    """What Spark calls the table of a node, as the macro `schema_name` has it.

    Args:
        node: The node, as the manifest of DuckDB's target describes it.
        release: The beginning of the names of schemas of this release.
    """
    private = "private_" if node["database"] == "private" else ""
    is_released = private or node["schema"] in ("marts", "meta")
    return (
        f"{release if is_released else ''}{private}{node['schema']}."
        f"{landed_sql.quoted(node['alias'])}"
    )


def empty(session: Session, schemas: Iterable[str]) -> None:
    """Makes schemas anew, with nothing in them.

    A driver that was killed leaves folders of tables that no catalog knows, in which Spark
    would make no others: they go with the folder of their schema.
    """
    for schema in schemas:
        session.run(f"create schema if not exists {schema}")
        session.run(f"drop schema {schema} cascade")
        session.run(f"create schema {schema}")


def give(
    session: Session,
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    sources: Sequence[Source],
    folder: Path,
) -> None:
    """Makes the schema `landing` in Spark, anew.

    Args:
        session: Spark's.
        connection: Has the schema `landing` as `foundation.write_landing` makes it.
        home: Whose batches are read.
        sources: Those of `sources.yaml`.
        folder: For the Parquet files of what the pipeline knows.

    Raises:
        SparkFailed: Spark cannot read something.
    """
    empty(session, ["landing"])
    folder.mkdir(parents=True, exist_ok=True)
    known = connection.execute(
        "select distinct table_name from duckdb_tables() "
        "where schema_name = 'landing' order by table_name"
    ).fetchall()
    for (name,) in known:
        file = folder / f"{name}.parquet"
        connection.execute(f"copy landing.{sql.quoted(name)} to {sql.literal(file)}")
        session.do("load_parquet", table=f"landing.{name}", files=[str(file)])
    for entity in landed_entities(home, sources):
        query = landed_sql.relation(entity, entity.in_force())
        name = landed_sql.quoted(f"{entity.source}__{entity.name}")
        session.run(f"create view landing.{name} as {query}")


def seed(session: Session, node: Node, release: str) -> None:
    """Loads a seed.

    Raises:
        SparkFailed: A value is not of the type that its column declares.
    """
    path = Path(node["root_path"]) / node["original_file_path"]
    delimiter = node["config"].get("delimiter") or ","
    session.do(
        "load_csv",
        table=table_of(node, release),
        file=str(path.resolve()),
        columns=_definitions(path, node["config"].get("column_types") or {}, delimiter),
        delimiter=delimiter,
    )


def _definitions(path: Path, declared: Mapping[str, str], delimiter: str) -> str:
    """The columns of a seed as Spark's reader of CSV takes them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header: Iterable[str] = next(csv.reader(file, delimiter=delimiter), [])
    types = dict(declared)
    if set(header) - declared.keys():
        types = {**inferred_types(path, declared, delimiter), **declared}
    return ", ".join(
        f"{landed_sql.quoted(name)} "
        + ("string" if types[name].lower() in _TEXT else types[name])
        for name in header
    )
