"""What a refresh builds is what `dbt build` builds of the same project, to the last row."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from pipeline.common.settings import Settings
from pipeline.release import layout
from pipeline.sources import load_sources
from pipeline.transform import dbt_runner, lineage, project
from pipeline.transform.nodes import EXCLUDE, SELECT

# What of a relation a reader sees, and dbt writes.
RELATIONS = """
    select schema_name, table_name, comment from duckdb_tables()
    where database_name = ? and not internal
    union all
    select schema_name, view_name, comment from duckdb_views()
    where database_name = ? and not internal
    order by all
"""
COLUMNS = """
    select
        schema_name, table_name, column_name, column_index, data_type, is_nullable, comment
    from duckdb_columns()
    where database_name = ? and not internal
    order by all
"""

# What the product writes of dbt's manifest; a test of its own says what it holds.
OF_THE_PRODUCT = {lineage.TABLE}


def candidate_files(candidate: Path) -> dict[str, Path]:
    return {
        "work": candidate / "work.duckdb",
        "warehouse": candidate / "release" / "warehouse.duckdb",
        "private": candidate / "release" / "private.duckdb",
    }


def described(connection: duckdb.DuckDBPyConnection, name: str) -> list[Any]:
    """All that a reader sees of a database but its rows."""
    rows = [
        *connection.execute(RELATIONS, [name, name]).fetchall(),
        *connection.execute(COLUMNS, [name]).fetchall(),
    ]
    return [row for row in rows if f"{row[0]}.{row[1]}" not in OF_THE_PRODUCT]


@pytest.mark.slow
def test_dbt_build_gives_the_same_tables(built_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(built_home, home, symlinks=True)
    (ours,) = (built_home / "candidates").iterdir()
    (theirs,) = (home / "candidates").iterdir()
    settings = Settings.load(home)
    profile = theirs / "dbt" / "profiles.yml"
    profile.write_text(profile.read_text().replace(str(built_home), str(home)))
    with duckdb.connect(str(candidate_files(theirs)["work"])) as connection:
        connection.execute("drop schema core cascade; drop schema staging cascade")
    for name in layout.DATABASES:
        with duckdb.connect(str(candidate_files(theirs)[name])) as connection:
            connection.execute("drop schema marts cascade; drop schema meta cascade")
            connection.execute("create schema marts; create schema meta")
    result = dbtRunner().invoke(
        [
            *("build", "--select", *SELECT.split(), "--exclude", EXCLUDE),
            "--project-dir",
            str(project.compose(load_sources(settings), settings)),
            *("--profiles-dir", str(theirs / "dbt")),
            *("--target-path", str(home / "target"), "--quiet"),
        ]
    )
    dbt_runner.close_dbt()
    assert result.success, result.exception

    with duckdb.connect() as connection:
        for side, candidate in (("ours", ours), ("theirs", theirs)):
            for name, path in candidate_files(candidate).items():
                # Views in the work file name their database, so both sides get its name.
                connection.execute(f"attach '{path}' as {side}_{name} (read_only)")
        compared = 0
        for name in ("work", *layout.DATABASES):
            assert described(connection, f"ours_{name}") == described(
                connection, f"theirs_{name}"
            )
            tables = connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables() "
                "where database_name = ? and not internal",
                [f"ours_{name}"],
            ).fetchall()
            for table in {name for (name,) in tables} - OF_THE_PRODUCT:
                left, right = f"ours_{name}.{table}", f"theirs_{name}.{table}"
                (differing,) = connection.execute(
                    f"select count(*) from ((from {left} except all from {right}) "
                    f"union all (from {right} except all from {left}))"
                ).fetchone() or (None,)
                assert differing == 0, table
                compared += 1
    assert compared > 120
