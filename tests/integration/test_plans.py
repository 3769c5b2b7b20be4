"""How the engine joins: nothing compares every row of one table with every row of another.

A join whose condition has an equality is a hash join, unless it is an outer one with an
`or` beside the equality. DuckDB then runs it as a nested loop, without a word: with
hundreds of rows nobody notices, with twenty million lines it takes days.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common import sql
from pipeline.common.files import read_json
from pipeline.common.settings import Settings
from pipeline.release import duckdb_files
from pipeline.sources import load_sources
from pipeline.transform import dbt

# Of two columns, among the conditions that the engine lists.
_EQUALITY = re.compile(r"\((\w+) = ([a-z_]\w*)\)")

# One side of these joins is a list of a few names, whatever the company.
OF_A_FEW_ROWS = {"figure_quality", "settings_are_whole"}


def _nested_loops(plan: Mapping[str, Any]) -> Iterator[str]:
    """The conditions of joins that are nested loops and have an equality."""
    if re.search(r"NL_JOIN|NESTED_LOOP", plan["name"]):
        said = plan.get("extra_info", {})
        condition = str(said.get("Conditions") or said.get("Condition"))
        if _EQUALITY.search(condition):
            yield condition
    for child in plan.get("children", []):
        yield from _nested_loops(child)


def _found(connection: duckdb.DuckDBPyConnection, statement: str) -> list[str]:
    (row,) = connection.execute(f"explain (format json) {statement}").fetchall()
    return [found for plan in json.loads(row[1]) for found in _nested_loops(plan)]


@pytest.fixture(scope="module")
def connection(published_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the work file and of the release, by the names that models use."""
    with duckdb.connect() as connection:
        kept = published_home / "candidates" / "kept" / "work.duckdb"
        connection.execute(f"attach {sql.literal(kept)} as work (read_only)")
        release = (published_home / "current").resolve()
        duckdb_files.attach(connection, duckdb_files.databases(release))
        yield connection


def test_no_join_of_a_node_is_a_nested_loop_over_its_equality(
    connection: duckdb.DuckDBPyConnection, published_home: Path, company_sources: Path
) -> None:
    settings = Settings.load(sources_file=company_sources)
    parsed = dbt.parse(load_sources(settings), settings)
    # The file also holds what was compiled of another project, with which it began.
    compiled = {
        name: statement
        for name, (_, statement) in read_json(
            published_home.parent / "compiled.json"
        ).items()
        if name in parsed.manifest_json["nodes"]
        if statement and "def model(" not in statement  # seeds, and Python
    }
    assert len(compiled) > 300
    found = {
        name: conditions
        for name, statement in compiled.items()
        if OF_A_FEW_ROWS.isdisjoint(name.split("."))
        and (conditions := _found(connection, statement))
    }
    assert found == {}


def test_a_nested_loop_would_be_found(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create or replace temp table spells as select range as customer, "
        "range as begins, null::bigint as ends from range(100)"
    )
    outer = (
        "select * from range(1000) as lines(line) left join spells "
        "on line = customer and line >= begins and "
    )
    assert _found(connection, outer + "(ends is null or line < ends)")
    assert not _found(connection, outer + "line < coalesce(ends, 1000000)")
    assert not _found(
        connection, "select * from range(9) a(x), range(9) b(y) where x<y"
    )
