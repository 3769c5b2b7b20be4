"""The stage `transform` of a refresh on Spark, and the schemas of its releases there.

What Spark builds for a release lies in schemas of this refresh (`r000012_20140131_marts`).
Marts and meta are copied into the candidate's files, which the gates judge and which become
the release. Once that is current, the views in `marts`, `meta` and the private ones are
turned to the schemas of the same refresh (`follow`), and the schemas of releases that are
kept no more are dropped.

Where the master is, the catalog and what else a cluster needs stands in Spark's own
`spark-defaults.conf`. The catalog has to outlive a session, as Hive's does.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.release import catalogue, duckdb_files
from pipeline.release.layout import Candidate
from pipeline.sources import Source
from pipeline.transform.dbt import Project
from pipeline.transform.nodes import Result
from pipeline.transform.spark import build, copies, inputs
from pipeline.transform.spark.landed import quoted
from pipeline.transform.spark.session import Session, opened

log = logging.getLogger("customer_tiers.transform")

RELEASED: Final = ("marts", "meta", "private_marts", "private_meta")
_OF_A_REFRESH: Final = re.compile(r"(r\d{6,}_\d{8})_(?:private_)?(?:marts|meta)")


def prefix(refresh_id: str) -> str:
    """What the names of a refresh's schemas begin with."""
    return refresh_id.replace("-", "_") + "_"


@contextmanager
def session(settings: Settings, folder: Path) -> Iterator[Session]:
    """A session of Spark's as the settings have it.

    Args:
        settings: That name Spark's environment.
        folder: For what passes between us and the session.

    Raises:
        ConfigurationError: There is no such environment.
    """
    assert settings.spark is not None
    environment = dict(settings.environment)
    python = settings.spark / "bin" / "python"
    if not python.is_file():
        raise ConfigurationError(
            f"CUSTOMER_TIERS_SPARK is {str(settings.spark)!r}, where there is no "
            "bin/python; give the folder of an environment with pyspark and dbt-spark."
        )
    environment["PYSPARK_PYTHON"] = str(python)
    environment["PATH"] = os.pathsep.join([str(python.parent), environment["PATH"]])
    with opened(python, environment, {}, folder) as found:
        yield found


def runner(
    home: Home, sources: Sequence[Source], settings: Settings
) -> Callable[[Project, Candidate, Callable[[Result], None]], list[Result]]:
    """What builds a project on Spark, for `transform.dbt.build`."""

    def run(
        project: Project, candidate: Candidate, on_result: Callable[[Result], None]
    ) -> list[Result]:
        folder = candidate.path / "spark"
        with session(settings, folder / "driver") as spark:
            _follow(spark, home, {candidate.refresh_id})
            with duckdb_files.connect(candidate.work_file, read_only=True) as known:
                inputs.give(spark, known, home, sources, folder / "known")
            place = build.Place(
                spark, folder, prefix(candidate.refresh_id), settings.threads
            )
            building = build.run(project, place, on_result)
            if not building.is_sound:
                return building.results
            problems = copies.copy(
                candidate, lambda: iter(building.tables.values()), building.files
            )
        return [
            replace(result, status="error", message=problems[name])
            if (name := result.node["unique_id"]) in problems
            else result
            for result in building.results
        ]

    return run


def follow(home: Home, settings: Settings) -> None:
    """Turns the views of Spark's catalog to the current release.

    Whatever was interrupted before is made good; where nothing has changed, nothing is.

    Raises:
        ConfigurationError: There is no Spark where the settings have it.
        SparkFailed: It did not turn them, or not all.
    """
    with (
        TemporaryDirectory(prefix="customer-tiers-") as folder,
        session(settings, Path(folder)) as spark,
    ):
        _follow(spark, home, set())


def _follow(spark: Session, home: Home, more: Collection[str]) -> None:
    current = catalogue.current(home)
    kept = {path.name for path in home.releases.glob("r*-*")} | set(more)
    kept |= {path.name for path in home.candidates.glob("r*-*")}
    schemas = {name for (name,) in spark.run("show schemas")}
    if current is not None and f"{prefix(current.refresh_id)}marts" in schemas:
        for schema in RELEASED:
            own = f"{prefix(current.refresh_id)}{schema}"
            if own in schemas:
                _point(spark, schema, own)
    for name in sorted(schemas):
        match = _OF_A_REFRESH.fullmatch(name)
        if match and match[1].replace("_", "-") not in kept:
            spark.run(f"drop schema {name} cascade")
            log.info("spark: %s dropped, its release is kept no more", name)


def _point(spark: Session, schema: str, own: str) -> None:
    """Makes the views of a schema those of a release's, and no others."""
    spark.run(f"create schema if not exists {schema}")
    tables = {name for _, name, _ in spark.run(f"show tables in {own}")}
    there = {name for _, name, *_ in spark.run(f"show views in {schema}")}
    for name in sorted(tables):
        spark.run(
            f"create or replace view {schema}.{quoted(name)} as "
            f"select * from {own}.{quoted(name)}"
        )
    for name in sorted(there - tables):
        spark.run(f"drop view {schema}.{quoted(name)}")
