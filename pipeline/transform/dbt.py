"""Builds a candidate out of the dbt project: parsed once, compiled, run and judged.

dbt parses and compiles (`dbt_runner`); what it compiled is run by `execution`, or by dbt
itself where a project uses more of dbt than the product does. Both what is parsed and
what is compiled are kept beside the composed project for as long as they would be the
same. No Dagster here: results are handed to a callback.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    GateRefused,
)
from pipeline.common.files import read_json, write_text
from pipeline.common.settings import Settings
from pipeline.journal.evidence import (
    EXAMPLES_KEPT,
    Check,
    Declared,
    Evidence,
    Outcome,
)
from pipeline.release import duckdb_files, kept, verification
from pipeline.release.kept import Kept
from pipeline.release.layout import Candidate
from pipeline.sources import SourcesFile
from pipeline.tiers import policy_checks, policy_tables
from pipeline.transform import dbt_runner, dbt_tests, lineage, package
from pipeline.transform.compiled import COMPILED, Compiled
from pipeline.transform.execution import Execution
from pipeline.transform.nodes import (
    Result,
    Selection,
    why_dbt_itself,
)
from pipeline.transform.project import composed
from pipeline.transform.traces import Traces

log = logging.getLogger("customer_tiers.transform")

# Seeds that nothing reads any more, and where what they said stands now. A project that
# still has one would be valued by the product's numbers instead of its own.
SUPERSEDED = {
    f"{subject}_settings": "settings"
    for subject in ("lifecycle", "matrix", "potential", "value")
}

# How the engine says that a row breaks the contract of a table.
BROKEN_CONTRACT = "Constraint Error"

# Checks of ours beside dbt's tests: before the first model, and after the last.
POLICIES = ("policy", "policies_are_whole")
BUILT = ("dbt", "every_model_is_built")


@dataclass
class Project:
    """A parsed dbt project.

    Attributes:
        manifest_json: dbt's manifest as plain JSON.
        folder: The composed project.
    """

    manifest_json: Mapping[str, Any]
    folder: Path
    _manifest: Any = None

    def manifest(self) -> Any:
        """Dbt's own manifest, for its commands; parsed when one is needed."""
        if self._manifest is None:
            self._manifest = dbt_runner.parse(self.folder)
        return self._manifest


# Builds a project for a candidate, and tells of each result as it comes.
Runner = Callable[[Project, Candidate, Callable[[Result], None]], list[Result]]


@dataclass(frozen=True)
class Built:
    """How a build ended."""

    evidence: Evidence
    errors: Sequence[str]

    def assert_complete(self) -> None:
        """Nothing goes on without a model that was not built.

        Raises:
            GateRefused: The data break the contract of a table.
            CustomerTiersError: A model does not work.
        """
        outcome = outcome_of_build(self.errors)
        if outcome != "passed":
            reason = "dbt: " + "; ".join(self.errors)
            raise (
                GateRefused(reason)
                if outcome == "failed"
                else CustomerTiersError(reason)
            )


def outcome_of_build(errors: Sequence[str]) -> Outcome:
    """What it means that models were not built, for these reasons.

    A null where the contract of a mart allows none is bad data, which is what a gate is
    for: `failed`. Anything else is a model that does not work, so that nothing is known of
    the data: `crashed`.
    """
    if not errors:
        return "passed"
    return "failed" if all(BROKEN_CONTRACT in each for each in errors) else "crashed"


def parse(sources: SourcesFile, settings: Settings) -> Project:
    """Parses the dbt project for these sources; a fraction of a second when unchanged.

    Raises:
        ConfigurationError: The project's own files do not fit the product's package.
        CustomerTiersError: The project does not parse.
    """
    with composed(sources, settings) as folder:
        target = folder / "parsed"
        noted = target / "parsed_of"
        content = package.fingerprint(folder)
        with suppress(OSError, ValueError):
            # dbt itself would take a second to find that nothing has changed.
            if noted.read_text() == content:
                return Project(read_json(target / "manifest.json"), folder)
        noted.unlink(missing_ok=True)
        _begin_with_another(folder)
        manifest = dbt_runner.parse(folder)
        write_text(noted, content)
        return Project(read_json(target / "manifest.json"), folder, manifest)


def _begin_with_another(folder: Path) -> None:
    """Has a new composed project begin with what dbt compiled for another one.

    Most nodes are the same in both: after a change of `sources.yaml`, and in a checkout
    for every new project. Each is known by what it is made of.
    """
    mine = folder / COMPILED
    if mine.exists():
        return
    others = [
        path
        for place in (folder.parent, package.PACKAGE / "target")
        for path in place.glob(f"*/{COMPILED}")
    ]
    if others:
        mine.parent.mkdir(parents=True, exist_ok=True)
        # What is gone again, or half written, costs time and nothing else.
        with suppress(OSError):
            shutil.copyfile(max(others, key=os.path.getmtime), mine)


def build(
    project: Project,
    candidate: Candidate,
    settings: Settings,
    on_result: Callable[[Result], None],
    stopped: threading.Event | None = None,
    former: Kept | None = None,
    runner: Runner | None = None,
) -> Built:
    """Builds and tests everything in the candidate's files.

    Args:
        on_result: Called with the result of each node, from other threads.
        stopped: Once it is set, nothing new is begun.
        former: The tables of the release before, which the work file holds; what would
            be the same is taken over.
        runner: Builds it all on another engine, and leaves marts and meta in the
            candidate's files; None for DuckDB.

    Returns:
        The evidence of dbt's tests, and the errors of models that did not build.
    """
    policy_check = check_policy(project.folder / "seeds")
    if policy_check.blocks:
        return Built(
            evidence=Evidence(
                gate="transform",
                refresh_id=candidate.refresh_id,
                planned=1,
                checks=[policy_check],
                files=verification.hashes(candidate),
            ),
            errors=[],
        )
    selection = Selection(project.manifest_json)
    if runner is not None:
        results = runner(project, candidate, on_result)
    else:
        results = _on_duckdb(
            project, selection, candidate, settings, on_result, stopped, former
        )
    errors = [
        f"{result.node['name']}: {' '.join(result.message.split())}"
        for result in results
        if result.node["resource_type"] != "test" and result.status == "error"
    ]
    if not errors:  # where the disk is full, that is what should be said
        lineage.write(candidate.warehouse_file, project.manifest_json)
    if not results:
        errors.append("dbt built nothing")
    for path in (candidate.work_file, *candidate.databases.values()):
        with duckdb_files.connect(path) as connection:
            connection.execute("checkpoint")
    tests = [result for result in results if result.node["resource_type"] == "test"]
    return Built(
        evidence=Evidence(
            gate="transform",
            refresh_id=candidate.refresh_id,
            planned=2 + len(selection.tests),
            checks=[
                policy_check,
                *dbt_tests.checks_of(candidate, tests),
                _models_check(errors),
            ],
            files=verification.hashes(candidate),
        ),
        errors=errors,
    )


def _on_duckdb(
    project: Project,
    selection: Selection,
    candidate: Candidate,
    settings: Settings,
    on_result: Callable[[Result], None],
    stopped: threading.Event | None,
    former: Kept | None,
) -> list[Result]:
    """Runs the nodes in the candidate's files, ourselves where it is known how.

    What they were made of is noted for the next time.
    """
    profiles = dbt_runner.write_profile(candidate, settings.threads)
    if reason := why_dbt_itself(project.manifest_json, selection):
        log.info("dbt runs the project itself: %s", reason)
        return dbt_runner.build(
            project.manifest_json["nodes"],
            project.manifest(),
            project.folder,
            profiles,
            on_result,
        )
    manifest = project.manifest_json
    traces = Traces(
        project.folder,
        {**manifest["sources"], **manifest["nodes"]},
        candidate.home,
        former.nodes if former else {},
    )
    results = Execution(
        selection,
        compiled(project, profiles),
        candidate,
        settings.threads,
        on_result,
        stopped or threading.Event(),
        traces,
        former.release if former else None,
    ).run()
    kept.note(candidate, traces.noted())
    return results


def compiled(project: Project, profiles: Path) -> Compiled:
    """The SQL of a project's nodes.

    Args:
        profiles: The folder of the dbt profile that names the files.
    """

    def compile_now(names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        nodes = (project.manifest_json["nodes"][name] for name in names)
        return dbt_runner.compile_nodes(
            nodes, project.manifest(), project.folder, profiles
        )

    return Compiled(project.folder, project.manifest_json, compile_now)


def declared(project: Project) -> dict[str, Declared]:
    """What the project says of every check of this gate, by its id.

    A dbt test of error severity keeps keys, references and sums whole, so that nobody can
    accept that it failed.
    """
    tests = {
        f"{dbt_tests.subject_of(node)}:{node['name']}": Declared(
            dbt_tests.severity_of(node["config"].get("severity"))
        )
        for node in project.manifest_json["nodes"].values()
        if node["resource_type"] == "test"
    }
    ours = {":".join(name): Declared("critical") for name in (POLICIES, BUILT)}
    return {**tests, **ours}


def _models_check(errors: Sequence[str]) -> Check:
    """That all was built: a table that is not there has no test that could fail."""
    return Check(
        gate="transform",
        subject=BUILT[0],
        name=BUILT[1],
        severity="critical",
        outcome=outcome_of_build(errors),
        expected="readers count on every table, and the gates on what they look at",
        demand="Every model and seed is built, and keeps its contract.",
        expected_zh="读者依赖每一张表，关口依赖它们所检查的表",
        demand_zh="每个模型和种子文件都已构建，并遵守其契约。",
        observed="; ".join(errors)[:2000],
        failing_rows=None,
        examples=[{"error": error[:500]} for error in errors[:EXAMPLES_KEPT]],
    )


def check_policy(seeds: Path) -> Check:
    """Whether the policies can grade anybody, before anybody is graded.

    Args:
        seeds: The folder of the seeds.

    Returns:
        A check whose examples are the rows that cannot stand.
    """
    try:
        found = policy_checks.problems(policy_tables.load_folder(seeds))
        found += [
            policy_checks.Problem(
                name, "all", f"its values belong into {successor}.csv now"
            )
            for name, successor in SUPERSEDED.items()
            if policy_tables.seed_file(seeds, name)
        ]
        examples = [
            {"seed": problem.table, "row": problem.row, "problem": problem.reason}
            for problem in found
        ]
    except ConfigurationError as error:
        examples = [{"problem": str(error)}]
    return Check(
        gate="transform",
        subject=POLICIES[0],
        name=POLICIES[1],
        severity="critical",
        outcome="failed" if examples else "passed",
        expected="every weight, anchor, tier and rule of the seeds can be used",
        expected_zh="种子文件中的每个权重、锚点、等级和规则都可以使用",
        observed="; ".join(
            ": ".join(
                f"{example['seed']} ({example['row']})" if key == "row" else value
                for key, value in example.items()
                if key != "seed"
            )
            for example in examples
        ),
        failing_rows=len(examples) or None,
        examples=examples[:EXAMPLES_KEPT],
    )


def write_docs(sources: SourcesFile, settings: Settings, output: Path) -> None:
    """Writes dbt's own documentation of the project as one page.

    Raises:
        ConfigurationError: The project does not fit the package, or the page cannot be
            written.
    """
    with composed(sources, settings) as folder, TemporaryDirectory() as target:
        page = dbt_runner.write_docs(folder, Path(target))
        try:
            output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_text(output, page.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError(
                f"{output} cannot be written ({error.strerror}); name another file with "
                "--output."
            ) from error
