"""Builds the whole project on Spark, from what landed to the marts.

dbt's own adapter for Spark runs SQL only, so that dbt is asked for what can be built until
a Python model is needed, these are run beside it (`python_models`), and so on. Tests come
once all is built.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.transform.dbt import Project
from pipeline.transform.nodes import Node, Result, Selection
from pipeline.transform.package import PACKAGE
from pipeline.transform.spark import inputs, python_models
from pipeline.transform.spark.session import Session

log = logging.getLogger("customer_tiers.transform")

_PASSED = ("success", "pass", "warn")


@dataclass(frozen=True)
class Place:
    """Where a build happens.

    Attributes:
        session: Spark's.
        folder: For what passes between us, dbt and Spark; it lies where all workers see
            it, and is kept as long as the tables are.
        release: What the schemas of the release begin with; may be empty.
        threads: How many models dbt has built at once.
    """

    session: Session
    folder: Path
    release: str = ""
    threads: int = 2


def build(
    project: Project,
    place: Place,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Builds and tests everything; what failed is a result, and ends the build.

    Args:
        project: Parsed.
        place: Where; `inputs.give` has made the schema `landing` there.
        on_result: Called with each result.
    """
    return run(project, place, on_result).results


def run(
    project: Project, place: Place, on_result: Callable[[Result], None]
) -> Building:
    """As `build`; what was done, for what is made of it next."""
    building = Building(project, place, on_result)
    building.seeds()
    while building.left and building.is_sound:
        before = len(building.left)
        building.sql()
        building.python()
        if len(building.left) == before:
            raise AssertionError(f"nothing can be built of {sorted(building.left)}")
    if building.is_sound:
        building.tests()
    return building


class Building:
    """One build.

    Attributes:
        tables: All that is built, each after what it is made of.
        left: What of it is not built yet.
        results: What became of the rest.
    """

    def __init__(
        self, project: Project, place: Place, on_result: Callable[[Result], None]
    ) -> None:
        manifest = project.manifest_json
        selection = Selection(manifest)
        self.tables = dict(selection.tables)
        self.left = dict(self.tables)
        self._tests = selection.tests
        self.results: list[Result] = []
        self._project = project
        self._place = place
        self._on_result = on_result
        self._nodes: Mapping[str, Node] = {**manifest["sources"], **manifest["nodes"]}
        self._seeds = [
            node for node in self.left.values() if node["resource_type"] == "seed"
        ]
        self._files_of: dict[str, list[str]] = {}

    @property
    def is_sound(self) -> bool:
        """Whether nothing has failed."""
        return all(result.status in _PASSED for result in self.results)

    def seeds(self) -> None:
        """Loads all seeds, in schemas that are made for them."""
        schemas = {
            inputs.table_of(node, self._place.release).split(".")[0]
            for node in self.left.values()
        }
        inputs.empty(self._place.session, sorted(schemas))
        for node in list(self.left.values()):
            if node["resource_type"] == "seed":
                self._do(
                    node,
                    lambda node: inputs.seed(
                        self._place.session, node, self._place.release
                    ),
                )

    def sql(self) -> None:
        """Has dbt build every SQL model that waits for no Python model."""
        waiting: set[str] = set()
        ready: list[str] = []
        for name, node in self.left.items():  # each after all that it is made of
            if _is_python(node) or not waiting.isdisjoint(self._parents(name)):
                waiting.add(name)
            else:
                ready.append(name)
        if ready and self.is_sound:
            self._dbt("run", "--select", *(_fqn(self.left[name]) for name in ready))

    def python(self) -> None:
        """Runs the Python models of which all is built that they are made of."""
        for name, node in list(self.left.items()):
            if (
                _is_python(node)
                and self.is_sound
                and self.left.keys().isdisjoint(self._parents(name))
            ):
                self._do(node, self._run_python)

    def tests(self) -> None:
        """Has dbt run the tests of what is built."""
        self._dbt("test", "--select", *map(_fqn, self._tests.values()))

    def _parents(self, name: str) -> Iterable[str]:
        parents: list[str] = self._nodes[name]["depends_on"].get("nodes", [])
        return parents

    def _run_python(self, node: Node) -> None:
        place = self._place
        output = place.folder / f"{node['name']}.parquet"
        python_models.run(
            node,
            [self._nodes[name] for name in self._parents(node["unique_id"])],
            self._seeds,
            self.files,
            output,
        )
        place.session.do(
            "load_parquet",
            table=inputs.table_of(node, place.release),
            files=[str(output)],
        )

    def files(self, node: Node) -> list[str]:
        """The Parquet files of a table that is built."""
        name = node["unique_id"]
        if name not in self._files_of:
            self._files_of[name] = self._place.session.do(
                "files",
                table=_name_of(node, self._place.release),
                scratch=str(self._place.folder / f"{node['name']}.view"),
            )
        return self._files_of[name]

    def _do(self, node: Node, make: Callable[[Node], object]) -> None:
        """Makes a table ourselves."""
        begun = time.perf_counter()
        found: dict[str, Any] = {"status": "success"}
        try:
            make(node)
        except Exception as error:
            log.debug("%s failed", node["name"], exc_info=True)
            found = {"status": "error", "message": str(error)}
        self._note(
            Result(
                node=node,
                seconds=time.perf_counter() - begun,
                ended_at=time.time(),
                **found,
            )
        )

    def _dbt(self, *arguments: str) -> None:
        """Has dbt do something in Spark's session."""
        target = str(self._place.folder / "dbt")
        done = self._place.session.do(
            "dbt",
            arguments=[
                *arguments,
                *("--target", "spark", "--quiet", "--indirect-selection", "empty"),
                *("--project-dir", str(self._project.folder)),
                *("--profiles-dir", str(PACKAGE)),
                *("--target-path", target, "--log-path", target),
                *("--threads", str(self._place.threads)),
                *("--vars", f"{{spark_release: '{self._place.release}'}}"),
            ],
        )
        for each in done:
            self._note(
                Result(
                    node=self._nodes[each["unique_id"]],
                    status=each["status"],
                    message=each["message"],
                    failures=each["failures"],
                    seconds=each["seconds"],
                    ended_at=each["ended_at"],
                )
            )

    def _note(self, result: Result) -> None:
        self.results.append(result)
        self.left.pop(result.node["unique_id"], None)
        self._on_result(result)


def _fqn(node: Node) -> str:
    """What chooses the node alone: its name may be that of a folder or of the project."""
    return "fqn:" + ".".join(node["fqn"])


def _is_python(node: Node) -> bool:
    return node.get("language") == "python"


def _name_of(node: Node, release: str) -> str:
    if node["resource_type"] == "source":
        return f"landing.{node['identifier']}"
    return inputs.table_of(node, release)
