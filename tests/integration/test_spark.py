"""The same project on Spark makes the same tables as on DuckDB, from landing to marts.

The slow tests need Spark (`make spark-env`) and Java, and are skipped without.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common import sql
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.gates.suite import product_suites
from pipeline.release.layout import Candidate
from pipeline.sources import SourcesFile, load_sources
from pipeline.transform import dbt as transform
from pipeline.transform import foundation
from pipeline.transform.nodes import Result
from pipeline.transform.spark import build as spark_build
from pipeline.transform.spark import inputs
from pipeline.transform.spark import session as spark_session
from pipeline.transform.spark.session import Session, SparkFailed
from tests import dialects
from tests.integration import spark_cluster, spark_tables
from tests.integration.spark_cluster import Cluster, Installation
from tests.unit.transform.test_engines import REFUSED

# Hashes are each engine's own, and stay within it. What is drawn by one is another draw,
# as large: only the number of rows is compared.
HASHES = {"core_customer_prints": ["print"], "policy_prints": ["policy_print"]}
DRAWN_BY_A_HASH = {"match_sample": ["customer_type", "match_rule"]}
# So many tables of core are built when something is killed.
AT_THE_KILL = 4


@dataclass(frozen=True)
class Company:
    """A home with one release, and what Spark is to make again.

    Attributes:
        release: The home of the release.
        home: The same, without what identity remembers: all is worked out anew.
        sources: Its `sources.yaml`.
        project: Its dbt project.
        candidate: As the release says of itself.
    """

    release: Path
    home: Home
    sources: SourcesFile
    project: transform.Project
    candidate: Candidate

    @property
    def nodes(self) -> list[Mapping[str, Any]]:
        """The nodes of its dbt project."""
        return [*self.project.manifest_json["nodes"].values()]

    def refresh(
        self,
        session: Session,
        folder: Path,
        on_result: Callable[[Result], None] = lambda result: None,
    ) -> list[Result]:
        """Builds all of it on Spark."""
        folder.mkdir()
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            sources = self.sources.sources
            foundation.write_landing(
                connection, self.home, self.candidate, sources, None
            )
            inputs.give(session, connection, self.home, sources, folder / "known")
        place = spark_build.Place(session, folder)
        return spark_build.build(self.project, place, on_result)


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
    folder = tmp_path_factory.mktemp("spark") / "home"
    shutil.copytree(published_home, folder, symlinks=True)
    shutil.rmtree(folder / "identity")
    settings = Settings.load(folder, company_sources)
    sources = load_sources(settings)
    current = (published_home / "current").resolve()
    said = json.loads((current / "release.json").read_text(encoding="utf-8"))
    candidate = Candidate(
        path=folder / "candidates" / current.name,
        refresh_id=current.name,
        run_id="",
        as_of_date=dt.date.fromisoformat(said["as_of_date"]),
        time_zone=sources.business.time_zone,
        reporting_currency=sources.business.reporting_currency,
        opened_at="",
    )
    return Company(
        published_home,
        Home.open(folder),
        sources,
        transform.parse(sources, settings),
        candidate,
    )


@contextmanager
def opened(spark: Installation, cluster: Cluster, folder: Path) -> Iterator[Session]:
    """A session on a cluster; the folder holds its tables, and is the same each time."""
    configuration = spark_cluster.configuration(cluster.address, folder)
    with spark_session.opened(
        spark.python, spark.environment, configuration, folder / "driver"
    ) as session:
        yield session


def failures(results: list[Result]) -> dict[str, str]:
    """Why each node failed that did."""
    return {
        result.node["name"]: result.message
        for result in results
        if result.status not in ("success", "pass", "warn")
    }


@pytest.mark.slow
def test_every_table_is_the_one_of_duckdb(
    spark: Installation, company: Company, tmp_path: Path
) -> None:
    with (
        spark_cluster.running(spark, tmp_path / "cluster") as cluster,
        opened(spark, cluster, tmp_path) as session,
    ):
        # What the lint believes of Spark is what Spark says.
        assert all(session.do("refuses", query=query) for query in REFUSED)
        named = {
            name for (name,) in session.run("show functions") if name.isidentifier()
        }
        assert named == dialects.FUNCTIONS
        results = company.refresh(session, tmp_path / "build")
        assert session.do("executors") == spark_cluster.WORKERS
    assert failures(results) == {}
    # dbt's tests were run too.
    assert {result.node["resource_type"] for result in results} == {
        *("seed", "model", "test")
    }
    assert_equal(company, tmp_path / "tables")


@pytest.mark.slow
def test_a_driver_and_a_worker_that_are_lost_cost_time_alone(
    spark: Installation, company: Company, tmp_path: Path
) -> None:
    """The driver is killed, and the next refresh succeeds without help, while it loses
    a worker."""
    tables = tmp_path / "tables"
    killed: list[int] = []

    def amid_the_build(kill: Callable[[], object]) -> Callable[[Result], None]:
        """Kills while dbt builds the first models, of which the last seed tells."""

        def wait() -> None:
            while (built := len([*tables.glob("core.db/*/_SUCCESS")])) < AT_THE_KILL:
                time.sleep(0.1)
            kill()
            killed.append(built)

        thread = threading.Thread(target=wait, daemon=True)

        def on_result(result: Result) -> None:
            if thread.ident is None:  # schemas are empty by the first result
                thread.start()

        return on_result

    with spark_cluster.running(spark, tmp_path / "cluster") as cluster:
        with (
            pytest.raises(SparkFailed, match="ended with -9"),
            opened(spark, cluster, tmp_path) as session,
        ):
            company.refresh(session, tmp_path / "lost", amid_the_build(session.kill))
        with opened(spark, cluster, tmp_path) as session:
            results = company.refresh(
                session, tmp_path / "build", amid_the_build(cluster.kill_a_worker)
            )
            assert session.do("executors") == spark_cluster.WORKERS - 1
    assert len(killed) == 2
    assert max(killed) < len([*tables.glob("core.db/*")])
    assert failures(results) == {}
    assert_equal(company, tables)


def is_table(node: Mapping[str, Any]) -> bool:
    """Whether a refresh makes a table of the node."""
    return bool(
        node["resource_type"] == "seed"
        or (
            node["resource_type"] == "model"
            and node["config"]["materialized"] == "table"
        )
    )


def assert_equal(company: Company, tables: Path) -> None:
    """Every table that Spark has built is DuckDB's."""
    with spark_tables.opened(company.release) as connection:
        compared, found = differences(connection, company.nodes, tables)
    assert found == {}
    assert compared == {node["name"] for node in company.nodes if is_table(node)}


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
