"""What can be tried of a dbt project without building it: its models' SQL, its seeds.

Not here: on what it is tried, and what is made of the errors (`pipeline.gates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.settings import Settings
from pipeline.landing import accounting
from pipeline.landing.entity import LandedEntity
from pipeline.release.layout import Candidate
from pipeline.sources import Entity
from pipeline.transform import dbt, dbt_runner, dbt_tests
from pipeline.transform.dbt import Project


@dataclass(frozen=True)
class Compiled:
    """A model as SQL of the engine, and the file that a person edits.

    Attributes:
        problem: Why it could not be made, or nothing.
    """

    name: str
    schema: str
    sql: str
    file: Path
    problem: str = ""


def compile_models(
    project: Project, candidate: Candidate, settings: Settings, names: Sequence[str]
) -> list[Compiled]:
    """Compiles models without building any, in the order of the names.

    Args:
        project: The parsed project.
        candidate: Whose work file queries of macros may read.
        settings: For the threads.
        names: Models of the project that are SQL, by their ids.

    Raises:
        CustomerTiersError: dbt compiled nothing, and says why.
    """
    nodes = project.manifest_json["nodes"]
    compiled = dbt.compiled(
        project, dbt_runner.write_profile(candidate, settings.threads)
    )
    compiled.prepare(names)
    # No relation is there yet, so that nothing is known of its columns.
    compiled.compile([name for name in names if not compiled.has(name)], {})
    found = []
    for name in names:
        text, problem = "", ""
        try:
            text = compiled.sql(name)
        except CustomerTiersError as error:
            problem = str(error)
        node = nodes[name]
        file = (project.folder / node["original_file_path"]).resolve()
        found.append(Compiled(node["name"], node["schema"], text, file, problem))
    return found


def try_seeds(
    project: Project, candidate: Candidate, settings: Settings, names: Sequence[str]
) -> list[tuple[str, str]]:
    """Loads seeds, and runs the tests of error severity that are about them alone.

    Returns:
        Seed and why it cannot be loaded or used.
    """
    if not names:
        return []
    results = dbt_runner.build(
        project.manifest_json["nodes"],
        project.manifest(),
        project.folder,
        dbt_runner.write_profile(candidate, settings.threads),
        lambda _: None,
        [
            "--select",
            *(f"resource_type:seed,{name}" for name in names),
            *("--indirect-selection", "cautious"),
        ],
    )
    found = []
    for result in results:
        if result.status not in {"error", "fail"}:
            continue
        if result.node["resource_type"] == "seed":
            found.append((result.node["name"], result.message))
        elif (check := dbt_tests.check_of(result)).blocks:
            found.append((check.subject, f"{check.demand} {result.message}"))
    return found


def try_becomes(
    connection: duckdb.DuckDBPyConnection,
    landed: LandedEntity,
    alone: Entity,
    time_zone: str,
    among: Sequence[LandedEntity],
) -> str | None:
    """Counts what an entity becomes: why it cannot be counted, or nothing.

    Args:
        connection: A work file with the view of the entity.
        landed: The entity.
        alone: The entity with the one item of `becomes` that is tried.
        time_zone: That of the business.
        among: All tables that there are.
    """
    item = LandedEntity(landed.home, landed.source, alone)
    try:
        accounting.count(connection, [item], time_zone, among)
    except ConfigurationError as error:
        return str(error)
    return None
