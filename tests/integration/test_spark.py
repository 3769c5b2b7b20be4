"""The same dbt package on Spark makes the same tables as on DuckDB.

The slow test needs Spark (`make spark-env`) and Java, and is skipped without. What Spark
takes from DuckDB as it is stands in `spark_tables.given` and in docs/engines.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common import sql
from pipeline.common.settings import Settings
from pipeline.gates.suite import product_suites
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform
from pipeline.transform import project
from pipeline.transform.package import PACKAGE
from tests import dialects
from tests.integration import spark_cluster, spark_tables
from tests.integration.spark_cluster import Cluster, Installation
from tests.unit.transform.test_engines import REFUSED

# Hashes are each engine's own, and stay within it. What is drawn by one is another draw,
# as large: only the number of rows is compared.
HASHES = {"core_customer_prints": ["print"], "policy_prints": ["policy_print"]}
DRAWN_BY_A_HASH = {"match_sample": ["customer_type", "match_rule"]}
# The Python models of the schema `core`, which Spark is given.
GIVEN_IN_CORE = len([*(PACKAGE / "models" / "core").glob("*.py")])


@dataclass(frozen=True)
class Company:
    """A home with one release, and what Spark needs of it.

    Attributes:
        home: The home.
        nodes: Those of its dbt project.
        project: The composed dbt project.
        tables: What Spark takes as it is.
    """

    home: Path
    nodes: list[Mapping[str, Any]]
    project: Path
    tables: list[dict[str, Any]]

    def plan(self, cluster: Cluster, folder: Path, *commands: str) -> dict[str, Any]:
        """What the driver does: these commands of dbt's."""
        options = [
            *("--target", "spark", "--quiet", "--indirect-selection", "empty"),
            *("--project-dir", str(self.project), "--profiles-dir", str(PACKAGE)),
            *("--target-path", str(folder / "dbt"), "--log-path", str(folder / "dbt")),
        ]
        return {
            "conf": spark_cluster.configuration(cluster.address, folder),
            "tables": self.tables,
            "refused": [*REFUSED],
            "dbt": [[*command.split(), *options] for command in commands],
        }


@pytest.fixture(scope="module")
def spark() -> Installation:
    return spark_cluster.installation()


@pytest.fixture(scope="module")
def company(
    spark: Installation,
    published_home: Path,
    company_sources: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Company:
    settings = Settings.load(published_home, company_sources)
    sources = load_sources(settings)
    nodes = [*transform.parse(sources, settings).manifest_json["nodes"].values()]
    folder = tmp_path_factory.mktemp("spark") / "given"
    with spark_tables.opened(published_home) as connection:
        tables = spark_tables.given(
            connection, published_home, sources.sources, nodes, folder
        )
    return Company(published_home, nodes, project.compose(sources, settings), tables)


def failures(report: Mapping[str, Any]) -> dict[str, str]:
    """Why each node failed that did."""
    return {
        node["name"]: node["message"]
        for node in report["nodes"]
        if node["status"] not in ("success", "pass", "warn")
    }


@pytest.mark.slow
def test_every_table_is_the_one_of_duckdb(
    spark: Installation, company: Company, tmp_path: Path
) -> None:
    with spark_cluster.running(spark, tmp_path / "cluster") as cluster:
        plan = company.plan(
            *(cluster, tmp_path),
            "run --exclude file:*.py",
            "test --exclude test_type:unit",
        )
        report = spark_cluster.drive(spark, plan, tmp_path)
    assert report["executors"] == spark_cluster.WORKERS
    assert failures(report) == {}
    # What the lint believes of Spark is what Spark says.
    assert report["accepted"] == []
    named = {name for name in report["functions"] if name.isidentifier()}
    assert named == dialects.FUNCTIONS
    with spark_tables.opened(company.home) as connection:
        compared, found = differences(connection, company.nodes, tmp_path / "tables")
    assert found == {}
    assert compared == {node["name"] for node in company.nodes if is_table(node)}


@pytest.mark.slow
def test_a_worker_that_is_lost_costs_time_alone(
    spark: Installation, company: Company, tmp_path: Path
) -> None:
    tables = tmp_path / "tables"
    with spark_cluster.running(spark, tmp_path / "cluster") as cluster:
        killed: list[int] = []

        def kill_once_some_tables_are_built() -> None:
            built = len([*tables.glob("core.db/core_*/_SUCCESS")])
            if built > GIVEN_IN_CORE + 2 and not killed:
                cluster.kill_a_worker()
                killed.append(built)

        plan = company.plan(
            *(cluster, tmp_path),
            "run --exclude file:*.py --select +core_customer_totals",
        )
        report = spark_cluster.drive(
            spark, plan, tmp_path, kill_once_some_tables_are_built
        )
    assert failures(report) == {}
    built = {node["name"] for node in report["nodes"]} & {
        node["name"] for node in company.nodes if is_table(node)
    }
    # Some were built before, the others after.
    (at_the_time,) = killed
    assert at_the_time < GIVEN_IN_CORE + len(built)
    assert report["executors"] == spark_cluster.WORKERS - 1
    with spark_tables.opened(company.home) as connection:
        compared, found = differences(connection, company.nodes, tables)
    assert found == {}
    assert compared == built


def is_table(node: Mapping[str, Any]) -> bool:
    """Whether Spark builds a table of the node."""
    return bool(
        node["resource_type"] == "model"
        and node.get("language") != "python"
        and node["config"]["materialized"] == "table"
    )


def keys_of(nodes: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By what a person finds a row of a table again: as its suite says, or its test."""
    by_name = {suite.table: [*suite.key] for suite in product_suites()}
    found = {
        node["unique_id"]: by_name[node["name"]]
        for node in nodes
        if node["name"] in by_name
    }
    for node in nodes:
        if (node.get("test_metadata") or {}).get("name") == "key":
            found[node["attached_node"]] = node["test_metadata"]["kwargs"]["columns"]
    return found


def differences(
    connection: duckdb.DuckDBPyConnection,
    nodes: list[Mapping[str, Any]],
    tables: Path,
) -> tuple[set[str], dict[str, str]]:
    """The tables that Spark has built, and the first difference of each that has one."""
    keys = keys_of(nodes)
    found: dict[str, str] = {}
    compared: set[str] = set()
    for node in filter(is_table, nodes):
        folder = spark_tables.folder(tables, node)
        if not folder.exists():
            continue
        ours = f"{spark_tables.database(node)}.{node['schema']}.{node['alias']}"
        theirs = f"read_parquet({sql.literal(folder / '*.parquet')})"
        key = keys.get(node["unique_id"], [])
        if key and not spark_tables.is_key(connection, ours, key):
            key = []
        if drawn := DRAWN_BY_A_HASH.get(node["name"]):
            key = drawn
            ours, theirs = (
                f"(select {sql.columns(drawn)}, count(*) as rows from {each} group by all)"
                for each in (ours, theirs)
            )
        difference = spark_tables.first_difference(
            connection, ours, theirs, key, HASHES.get(node["name"], [])
        )
        compared.add(node["name"])
        if difference is not None:
            found[node["name"]] = difference
    return compared, found


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
