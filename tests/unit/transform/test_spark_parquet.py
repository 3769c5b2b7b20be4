"""What passes between us and Spark as Parquet: Python models, and copies for a release.

Needs neither Java nor Spark: the files are written by DuckDB, as Spark writes them.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release.duckdb_files import connect
from pipeline.release.layout import Candidate
from pipeline.transform.package import PACKAGE
from pipeline.transform.spark import copies, inputs, python_models
from pipeline.transform.spark.refresh import follow, prefix

MODEL = """
def model(dbt, session):
    session.register("_orders", dbt.ref("orders"))
    session.register("_kept", dbt.source("refresh", "kept"))
    return session.sql(
        "select o.id, o.at, k.note, s.weight from _orders as o "
        "left join _kept as k using (id) cross join warehouse.meta.weights as s"
    )
"""


def written(folder: Path, name: str, query: str) -> str:
    """A file that the query's rows are written to, as the address that Spark gives."""
    path = folder / f"{name} [1].parquet"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy ({query}) to '{path}'")
    return path.as_uri()


def node(name: str, schema: str = "core", **others: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "unique_id": f"model.customer_tiers.{name}",
        "name": name,
        "alias": name,
        "resource_type": "model",
        "language": "sql",
        "schema": schema,
        "database": "work",
        "description": "",
        "columns": {},
        "config": {"materialized": "table", "persist_docs": {}},
        "contract": {"enforced": False},
        **others,
    }
    described["relation_name"] = f'"{described["database"]}"."{schema}"."{name}"'
    return described


def test_a_python_model_reads_and_gives_parquet(tmp_path: Path) -> None:
    files = {
        "orders": written(
            tmp_path,
            "orders",
            "select 1 as id, timestamptz '2014-01-31 10:00:00+00' as at",
        ),
        "kept": written(tmp_path, "kept", "select 1 as id, 'seen' as note"),
        "weights": written(tmp_path, "weights", "select 0.5::decimal(9, 4) as weight"),
    }
    output = tmp_path / "out.parquet"
    kept = node("kept", resource_type="source", source_name="refresh")
    del kept["alias"]
    rows = python_models.run(
        node("mine", raw_code=MODEL, original_file_path="mine.py"),
        [node("orders"), kept],
        # It is named by no parent, and is there all the same.
        [node("weights", "meta", resource_type="seed")],
        lambda table: [files[table["name"]]],
        output,
    )
    assert rows == 1
    with duckdb.connect() as connection:
        found = connection.execute("from read_parquet(?)", [str(output)]).fetchall()
    # A moment of Spark's is a time in UTC to a model, as on DuckDB.
    assert [(*row[:3], float(row[3])) for row in found] == [
        (1, dt.datetime(2014, 1, 31, 10), "seen", 0.5)
    ]


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    made = Candidate(
        path=tmp_path / "r000001-20140131",
        refresh_id="r000001-20140131",
        run_id="",
        as_of_date=dt.date(2014, 1, 31),
        time_zone="UTC",
        reporting_currency="USD",
        opened_at="",
    )
    made.release_folder.mkdir(parents=True)
    for path in (made.work_file, *made.databases.values()):
        with connect(path) as connection:
            connection.execute("create schema marts")
    return made


def contracted(name: str, database: str) -> dict[str, Any]:
    return node(
        name,
        "marts",
        database=database,
        contract={"enforced": True},
        columns={
            "id": {
                "name": "id",
                "data_type": "varchar",
                "description": "Who.",
                "constraints": [{"type": "not_null"}],
            },
            "rows": {
                "name": "rows",
                "data_type": "bigint",
                "description": "How many.",
                "constraints": [],
            },
        },
    )


def test_the_products_python_models_find_all_that_they_ask_of_dbt() -> None:
    """Such as the table of before, which is never there on Spark."""
    asked = {
        name
        for path in (PACKAGE / "models").rglob("*.py")
        for name in re.findall(r"\bdbt\.(\w+)", path.read_text(encoding="utf-8"))
    }
    assert {"ref", "this"} <= asked
    assert asked <= {*dir(python_models._Dbt)}
    with duckdb.connect() as connection, pytest.raises(duckdb.CatalogException):
        connection.execute(f"from {python_models._Dbt({}).this}")


def test_marts_are_copied_with_their_contracts(
    candidate: Candidate, tmp_path: Path
) -> None:
    mart, private = (
        contracted("tiers", "warehouse"),
        contracted("people", "private"),
    )
    files = [written(tmp_path, "tiers", "select 3::integer as rows, 'a' as id")]
    nodes = [node("core_lines"), mart, private]
    assert copies.copy(candidate, lambda: iter(nodes), lambda table: files) == {}
    with connect(candidate.warehouse_file) as connection:
        assert connection.execute("from marts.tiers").fetchall() == [("a", 3)]
        described = connection.execute("describe marts.tiers").fetchall()
        assert [(name, kind, null) for name, kind, null, *_ in described] == [
            ("id", "VARCHAR", "NO"),
            ("rows", "BIGINT", "YES"),
        ]
    with connect(candidate.private_file) as connection:
        assert connection.execute("from marts.people").fetchall() == [("a", 3)]
    with connect(candidate.work_file) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert tables == []  # what is no mart stays where it is


def test_a_row_that_breaks_a_contract_is_said(
    candidate: Candidate, tmp_path: Path
) -> None:
    mart = contracted("tiers", "warehouse")
    files = [written(tmp_path, "tiers", "select 3 as rows, null::varchar as id")]
    found = copies.copy(candidate, lambda: iter([mart]), lambda table: files)
    assert "NOT NULL" in found.pop(mart["unique_id"])
    assert found == {}


def test_schemas_of_a_release_are_called_after_it() -> None:
    begin = prefix("r000012-20140131")
    assert inputs.table_of(node("a"), begin) == "core.`a`"
    assert (
        inputs.table_of(node("a", "marts", database="warehouse"), begin)
        == "r000012_20140131_marts.`a`"
    )
    assert (
        inputs.table_of(node("a", "meta", database="private"), begin)
        == "r000012_20140131_private_meta.`a`"
    )


def test_an_environment_that_is_not_there_is_said(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yaml", spark=tmp_path / "none")
    with pytest.raises(ConfigurationError, match=r"CUSTOMER_TIERS_SPARK is .*none"):
        follow(Home.open(tmp_path / "home"), settings)
