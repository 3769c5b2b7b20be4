"""The project's own models on tables that a test lays out.

dbt compiles every model once a session; `Warehouse` runs the compiled SQL in DuckDB on
whatever relations a test gives it. So a property can be asked of hundreds of small worlds,
and a benchmark can time one model, without a refresh for each. Python models are not run
here; a test lays their result out like any other table.
"""

from __future__ import annotations

import csv
import functools
import itertools
import json
import re
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


@functools.cache
def parsed() -> transform.Project:
    """The project as dbt parses it, without what is compiled later."""
    settings = Settings.load()
    return transform.parse(load_sources(settings), settings)


@functools.cache
def compiled() -> Mapping[str, tuple[str, str, str]]:
    """Model or test → the relation that it makes, its SQL as dbt compiles it, its kind.

    The kind of a model is `table` or `view`. Of the tests those that have a file of their
    own; they make no relation.
    """
    project = parsed()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        profile = {
            "type": "duckdb",
            "path": str(there / "work.duckdb"),
            "attach": [
                {"path": str(there / f"{name}.duckdb"), "alias": name}
                for name in ("warehouse", "private")
            ],
        }
        (there / "profiles.yml").write_text(
            json.dumps(
                {"customer_tiers": {"target": "test", "outputs": {"test": profile}}}
            )
        )
        (there / "target").mkdir()
        nodes = {
            name: node
            for name, node in project.manifest_json["nodes"].items()
            if node.get("language") == "sql"
            and (
                node["resource_type"] == "model"
                or (node["resource_type"] == "test" and not node.get("test_metadata"))
            )
        }
        found = transform.compiled(project, there)
        found.prepare(nodes)
        found.compile([name for name in nodes if not found.has(name)], {})
    return {
        node["name"]: (
            node["relation_name"] or "",
            found.sql(name),
            node["config"]["materialized"],
        )
        for name, node in nodes.items()
    }


def seed_path(name: str) -> Path:
    """The CSV file of a seed, in whatever folder it lies."""
    (path,) = SEEDS.rglob(f"{name}.csv")
    return path


@functools.cache
def seed_types() -> Mapping[str, Mapping[str, str]]:
    """Seed → its columns and their types, from all yml files beside the seeds."""
    return {
        seed["name"]: seed["config"]["column_types"]
        for path in sorted(SEEDS.rglob("*.yml"))
        for seed in yaml.safe_load(path.read_text())["seeds"]
    }


# Engines whose warehouse is gone: to start one costs four times as much as all that
# `Warehouse` does with it.
_IDLE: list[duckdb.DuckDBPyConnection] = []


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection whose engine serves the next warehouse when this one is gone."""
    engine = _IDLE.pop() if _IDLE else duckdb.connect()
    connection = engine.cursor()
    finalizer = weakref.finalize(connection, _release, engine)
    finalizer.atexit = False  # type: ignore[misc]
    return connection


def _release(engine: duckdb.DuckDBPyConnection) -> None:
    engine.execute("detach work; detach warehouse; detach private")
    _IDLE.append(engine)


class Warehouse:
    """A candidate in memory: the schemas `core`, `marts` and `meta`, and the seeds.

    Args:
        path: A file for what would fill the memory; in memory without it.
    """

    def __init__(self, path: str | None = None) -> None:
        self.connection = duckdb.connect() if path else _connection()
        self.connection.execute(
            f"attach '{path or ':memory:'}' as work; "
            f"attach '{f'{path}.marts' if path else ':memory:'}' as warehouse; "
            f"attach '{f'{path}.private' if path else ':memory:'}' as private; "
            "set preserve_insertion_order = false; set TimeZone = 'UTC'; "
            "create schema work.core; create schema work.staging; "
            "create schema work.landing; create schema warehouse.marts; "
            "create schema warehouse.meta; create schema private.marts; use work.core"
        )

    def seed(self, *names: str) -> Warehouse:
        """Loads seeds as the project has them."""
        types = seed_types()
        for name in names:
            columns = ", ".join(
                f"'{key}': '{kind}'" for key, kind in types[name].items()
            )
            self.connection.execute(
                f"create or replace table warehouse.meta.{name} as from read_csv("
                f"'{seed_path(name)}', header = true, types = {{{columns}}})"
            )
        return self

    def lay(
        self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
    ) -> Warehouse:
        """Lays out a table in the place of a model or seed.

        Args:
            name: The model or seed.
            columns: Column → type.
            rows: Values in the order of the columns.
        """
        relation = self.relation(name)
        typed = ", ".join(f"{key} {kind}" for key, kind in columns.items())
        self.connection.execute(f"create or replace table {relation} ({typed})")
        # Many rows in one statement: each of its own costs half a millisecond.
        marks = ", ".join(f"cast(? as {kind})" for kind in columns.values())
        for begin in range(0, len(rows), 200):
            some = rows[begin : begin + 200]
            self.connection.execute(
                f"insert into {relation} values "
                + ", ".join([f"({marks})"] * len(some)),
                list(itertools.chain.from_iterable(some)),
            )
        return self

    def lay_query(self, name: str, query: str) -> Warehouse:
        """Lays out the result of a query in the place of a model or seed."""
        self.connection.execute(
            f"create or replace table {self.relation(name)} as {query}"
        )
        return self

    def build(self, *names: str) -> Warehouse:
        """Runs models in this order, each from what is laid out."""
        for name in names:
            relation, query, kind = compiled()[name]
            kind = "view" if kind == "view" else "table"
            self.connection.execute(f"create or replace {kind} {relation} as {query}")
        return self

    def found_by(self, test: str) -> list[dict[str, Any]]:
        """The rows that a test of the project finds wrong."""
        return self.rows(compiled()[test][1])

    def relation(self, name: str) -> str:
        """Where a model or seed stands, or what is landed as `<source>__<entity>`."""
        if name in compiled():
            return compiled()[name][0]
        if name in seed_types():
            return f"warehouse.meta.{name}"
        if "__" in name:
            return f"work.landing.{name}"
        return f"work.core.{name}"

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query finds; models by their names in braces."""
        found = self.connection.execute(
            re.sub(r"\{(\w+)\}", lambda match: self.relation(match[1]), query)
        )
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def seed_rows(name: str) -> list[dict[str, str]]:
    """The rows of a seed as text."""
    with seed_path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
