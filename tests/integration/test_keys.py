"""The keys that a release declares of the tables that Python writes: all, and true."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.common.home import Home
from pipeline.release import catalogue
from pipeline.serving import contents
from pipeline.transform import meta

KEYS = {
    "acceptances": ("check_id",),
    "check_history": ("refresh_id", "check_id"),
    "check_results": ("check_id",),
    "current_release": ("refresh_id",),
    "lineage": ("table_name", "reads_name"),
    "refreshes": ("refresh_id",),
    "source_freshness": ("source", "entity"),
}


def test_a_copy_has_a_primary_key_for_each(published_home: Path) -> None:
    release = catalogue.chosen(Home(published_home))
    found = {
        table.name: tuple(table.key)
        for table in contents.read(release).tables
        if table.schema == "meta"
    }
    assert {name: found[name] for name in KEYS} == KEYS


@pytest.mark.parametrize("second", ["'a'", "null"])
def test_what_is_no_key_is_not_declared(tmp_path: Path, second: str) -> None:
    """As where a project's own suite names two checks alike."""
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema meta")
        connection.execute(
            "create table meta.check_results as select unnest(['a', 'b']) as check_id"
        )
        connection.execute("create table meta.refreshes (refresh_id varchar)")
    keys = {"keys": [["check_id"]], "references": {}}
    assert meta.proved_keys(file)["meta.check_results"] == keys
    assert "meta.refreshes" in meta.proved_keys(file)  # no row breaks it
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"insert into meta.check_results values ({second})")
    assert "meta.check_results" not in meta.proved_keys(file)
