"""The same dbt package on Spark makes the same tables as on DuckDB.

The slow test needs Spark (`make spark-env`) and Java, and is skipped without. What Spark
takes from DuckDB as it is stands in `spark_tables.given` and in docs/engines.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.settings import Settings
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform
from pipeline.transform import project
from pipeline.transform.package import PACKAGE
from tests import dialects
from tests.integration import spark_cluster, spark_tables
from tests.unit.transform.test_engines import REFUSED

# Hashes are each engine's own, and stay within it. What is drawn by one is another draw,
# as large: only the number of rows is compared.
HASHES = {"core_customer_prints": ["print"], "policy_prints": ["policy_print"]}
DRAWN_BY_A_HASH = {"match_sample": ["customer_type", "match_rule"]}


@pytest.mark.slow
def test_every_table_is_the_one_of_duckdb(
    published_home: Path, company_sources: Path, tmp_path: Path
) -> None:
    spark = spark_cluster.installation()
    settings = Settings.load(published_home, company_sources)
    sources = load_sources(settings)
    nodes = [*transform.parse(sources, settings).manifest_json["nodes"].values()]
    with spark_tables.opened(published_home) as connection:
        tables = spark_tables.given(
            connection, published_home, sources.sources, nodes, tmp_path / "given"
        )
    plan = {
        "tables": tables,
        "refused": [*REFUSED],
        "dbt": [
            *("run", "--target", "spark", "--exclude", "file:*.py", "--quiet"),
            *("--project-dir", str(project.compose(sources, settings))),
            *("--profiles-dir", str(PACKAGE), "--target-path", str(tmp_path / "dbt")),
            *("--log-path", str(tmp_path / "dbt")),
        ],
    }
    with spark_cluster.running(spark, tmp_path / "cluster") as address:
        conf = spark_cluster.configuration(address, tmp_path)
        report = spark_cluster.drive(spark, {**plan, "conf": conf}, tmp_path)
    assert report["workers"] == spark_cluster.WORKERS
    failed = {
        node["name"]: node["message"]
        for node in report["nodes"]
        if node["status"] != "success"
    }
    assert failed == {}
    # What the lint believes of Spark is what Spark says.
    assert report["accepted"] == []
    named = {name for name in report["functions"] if name.isidentifier()}
    assert named == dialects.FUNCTIONS
    with spark_tables.opened(published_home) as connection:
        found = differences(connection, nodes, tmp_path / "tables")
    assert found == {}


def differences(
    connection: duckdb.DuckDBPyConnection,
    nodes: list[Mapping[str, Any]],
    tables: Path,
) -> dict[str, str]:
    """The first difference of every table that has one."""
    keys: dict[str, list[str]] = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in nodes
        if (node.get("test_metadata") or {}).get("name") == "key"
    }
    found = {}
    compared = 0
    for node in nodes:
        if (
            node["resource_type"] != "model"
            or node.get("language") == "python"
            or node["config"]["materialized"] != "table"
        ):
            continue
        ours = f"{spark_tables.database(node)}.{node['schema']}.{node['alias']}"
        files = tables / f"{node['schema']}.db" / node["alias"] / "*.parquet"
        theirs = f"read_parquet('{files}')"
        key = keys.get(node["unique_id"], [])
        if drawn := DRAWN_BY_A_HASH.get(node["name"]):
            key = drawn
            ours, theirs = (
                f"(select {', '.join(drawn)}, count(*) as rows from {each} group by all)"
                for each in (ours, theirs)
            )
        difference = spark_tables.first_difference(
            connection, ours, theirs, key, HASHES.get(node["name"], [])
        )
        compared += 1
        if difference is not None:
            found[node["name"]] = difference
    assert compared > 100
    return found


OURS = "(values (1, 'a', 1.25, 0.1::double), (2, 'b', null, 2e9)) as t(id, name, sum, share)"


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("(2, 'b', null, 2e9), (1, 'a', 1.2500, 0.1000000000001::double)", None),
        ("(1, 'a', 1.26, 0.1::double), (2, 'b', null, 2e9)", "'id': 1}: sum is"),
        ("(1, 'a', 1.25, 0.1::double), (2, 'b', 0.00, 2e9)", "'id': 2}: sum is None"),
        (
            "(1, 'a', 1.25, 0.1001::double), (2, 'b', null, 2e9)",
            "share is 0.1 and 0.1001",
        ),
        ("(1, 'a', 1.25, null), (2, 'b', null, 2e9)", "share is 0.1 and None"),
        ("(1, 'a', 1.25, 0.1::double)", "'id': 2}: whether there is the row"),
        ("(1, 'a', 1.25, 0.1::double), (2, 'c', null, 2e9)", "name is 'b' and 'c'"),
    ],
)
def test_the_first_difference_is_named(theirs: str, said: str | None) -> None:
    other = f"(values {theirs}) as t(id, name, sum, share)"
    with duckdb.connect() as connection:
        for key in (["id"], []):
            found = spark_tables.first_difference(connection, OURS, other, key)
            if said is None:
                assert found is None
            elif key:
                assert found is not None
                assert said in found
            else:
                assert found is not None
                assert "alone has" in found


def test_a_column_that_is_not_there_is_named() -> None:
    with duckdb.connect() as connection:
        found = spark_tables.first_difference(
            connection, OURS, "(values (1, 'a', 1.25)) as t(id, name, sum)", ["id"]
        )
    assert found == "columns ['share'] are in one alone"
