"""What each table of a release is made of: `meta.lineage`, from dbt's manifest.

In the release itself, so that it says where a figure comes from for as long as it is kept,
whatever the project has become since. Not here: what the tables mean (their comments).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.common import sql
from pipeline.release.duckdb_files import connect
from pipeline.transform.nodes import Node, Selection

TABLE = "meta.lineage"
DESCRIPTION = (
    "What each table of the refresh is made of, directly. "
    "One row per table and table that it reads."
)
KEY = ("table_name", "reads_name")
COLUMNS: Mapping[str, str] = {
    "table_name": "The table, with its schema; core and staging stay in the candidate.",
    "reads_name": (
        "What it reads, with its schema; `landing.<source>.<entity>` is what a source gave."
    ),
    "reads_kind": "model, seed (the policy), or landed (what a source gave).",
}


def write(warehouse: Path, manifest: Mapping[str, Any]) -> None:
    """Writes the table, in place of one that is there.

    Args:
        warehouse: The candidate's file of marts and meta.
        manifest: dbt's manifest as plain JSON.
    """
    with connect(warehouse) as connection:
        columns = ", ".join(f"{name} varchar not null" for name in COLUMNS)
        connection.execute("create schema if not exists meta")
        connection.execute(f"create or replace table {TABLE} ({columns})")
        connection.execute(f"comment on table {TABLE} is {sql.literal(DESCRIPTION)}")
        for name, description in COLUMNS.items():
            connection.execute(
                f"comment on column {TABLE}.{name} is {sql.literal(description)}"
            )
        if rows := sorted(set(edges(manifest))):
            connection.executemany(f"insert into {TABLE} values (?, ?, ?)", rows)


def edges(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Table, what it reads, and of which kind that is, of all that a refresh builds."""
    known: Mapping[str, Node] = {**manifest["sources"], **manifest["nodes"]}
    for node in Selection(manifest).tables.values():
        for name in node["depends_on"].get("nodes", []):
            read = known.get(name)
            if read is None or _is_of_the_refresh(read):
                continue
            kind = str(read["resource_type"])
            yield _name(node), _name(read), "landed" if kind == "source" else kind


def _is_of_the_refresh(node: Node) -> bool:
    """Whether it is a fact about the refresh itself, such as its day: no data."""
    return bool(node["resource_type"] == "source" and node["source_name"] == "refresh")


def _name(node: Node) -> str:
    if node["resource_type"] == "source":
        return f"landing.{node['source_name']}.{node['name']}"
    return f"{node['schema']}.{node['alias']}"
