"""A refresh on Spark: the same release, and views there that follow it.

Needs Spark (`make spark-env`) and Java. The whole way twice, with a rollback: some ten
minutes on two cores.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest

from pipeline.common.settings import Settings
from pipeline.transform.spark import refresh as refresh_on_spark
from tests import conftest
from tests.integration import spark_cluster, spark_tables

pytestmark = pytest.mark.slow

# What a release says of itself, of its moment and of hashes: another one has others.
OF_ITS_OWN = {
    "current_release",
    "refreshes",
    "check_history",
    "check_results",
    "policy_prints",
}
DRAWN = {"match_sample"}


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, str]]:
    """The settings under which commands find a cluster, and a catalog that outlives them."""
    spark = spark_cluster.installation()
    folder = tmp_path_factory.mktemp("spark")
    with spark_cluster.running(spark, folder / "cluster") as cluster:
        lines = {
            **spark_cluster.configuration(cluster.address, folder),
            "spark.sql.catalogImplementation": "hive",
            "spark.hadoop.javax.jdo.option.ConnectionURL": (
                f"jdbc:derby:;databaseName={folder}/metastore;create=true"
            ),
        }
        (folder / "conf").mkdir()
        (folder / "conf" / "spark-defaults.conf").write_text(
            "".join(f"{name} {value}\n" for name, value in lines.items())
        )
        yield {
            "CUSTOMER_TIERS_SPARK": str(spark.python.parent.parent),
            "SPARK_CONF_DIR": str(folder / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }


def test_a_refresh_on_spark_publishes_the_same_release(
    environment: Mapping[str, str],
    published_home: Path,
    company_sources: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    # What has landed, and nothing of what was made of it.
    home.mkdir(mode=0o700)
    for name in ("landing", "quarantine", "demonstration"):
        shutil.copytree(published_home / name, home / name)
    first = refreshed(home, environment)
    assert differences(published_home, home) == {}

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load(home, company_sources)

    def of_the_views() -> set[str]:
        with refresh_on_spark.session(settings, tmp_path / "looked") as session:
            schemas = {name for (name,) in session.run("show schemas")}
            (seen,) = session.run("select count(*) from marts.customer_tiers")
            assert seen[0] > 0
            (shown,) = session.run("show create table marts.customer_tiers")
        return {
            schema.removesuffix("_marts")
            for schema in schemas
            if schema.endswith("_marts") and f"{schema}." in shown[0].replace("`", "")
        }

    assert of_the_views() == {refresh_on_spark.prefix(first)[:-1]}
    # The second goes on from the first, and looks the same; a rollback turns the views.
    second = refreshed(home, environment)
    assert of_the_views() == {refresh_on_spark.prefix(second)[:-1]}
    commanded("rollback", "--home", home, **environment)
    assert of_the_views() == {refresh_on_spark.prefix(first)[:-1]}


def refreshed(home: Path, changes: Mapping[str, str]) -> str:
    """Refreshes; the id of the release that was published."""
    said = json.loads(commanded("refresh", "--home", home, "--json", **changes))
    assert said["state"] == "published"
    return (home / "current").resolve().name


def commanded(*arguments: str | Path, **changes: str) -> str:
    """What a command prints; one that may take longer than those of other tests."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        env=conftest.environment(**changes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def differences(one: Path, other: Path) -> dict[str, str]:
    """The first difference of each table of two homes' releases that has one."""
    found: dict[str, str] = {}
    with duckdb.connect() as connection:
        for side, home in (("one", one), ("other", other)):
            for file in ("warehouse", "private"):
                path = (home / "current" / f"{file}.duckdb").resolve()
                connection.execute(f"attach '{path}' as {side}_{file} (read_only)")
        tables = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() "
            "where database_name like 'one_%' order by all"
        ).fetchall()
        for database, schema, name in tables:
            if name in OF_ITS_OWN | DRAWN:
                continue
            theirs = f"{database.replace('one_', 'other_')}.{schema}.{name}"
            difference = spark_tables.first_difference(
                connection, f"{database}.{schema}.{name}", theirs, []
            )
            if difference is not None:
                found[name] = difference
    return found
