"""Runs dbt inside this process: parse once, build one candidate, report what happened.

In-process rather than as a command, because each start of dbt costs more than building
the demonstration's models does, and because a `kill -9` then leaves no orphan that goes
on writing. The manifest is parsed (or its cached parse checked) once and handed to the
build, so that the candidate's path may differ from refresh to refresh without a new
parse. dbt parses and compiles; what it compiled is run by `execution`, or by dbt itself
where a project uses more of it than the product does. No Dagster here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    GateRefused,
)
from pipeline.common.files import read_json, sha256, write_text
from pipeline.common.settings import Settings
from pipeline.journal.evidence import (
    EXAMPLES_KEPT,
    Check,
    Declared,
    Evidence,
    Outcome,
)
from pipeline.release import duckdb_files
from pipeline.release.layout import Candidate
from pipeline.sources import SourcesFile
from pipeline.tiers import policy_checks, policy_tables
from pipeline.transform import dbt_tests, package
from pipeline.transform.compiled import COMPILED, Compiled, Compiler
from pipeline.transform.execution import CONFIG, SETTINGS, Execution
from pipeline.transform.nodes import (
    EXCLUDE,
    SELECT,
    Result,
    Selection,
    Status,
    why_dbt_itself,
)
from pipeline.transform.project import composed

log = logging.getLogger("customer_tiers.transform")

RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogTestResult"})

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
            self._manifest = _parse(self.folder)
        return self._manifest


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
        manifest = _parse(folder)
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


def _parse(folder: Path) -> Any:
    """Dbt's manifest of a composed project; written beside it as well."""
    target = folder / "parsed"
    _drop_stale_parse(folder, target)
    arguments = ["parse", *_arguments(folder, target, folder)]
    try:
        return _invoke(arguments).result
    except CustomerTiersError:
        # dbt's cached parse trips over descriptions that have moved to another file.
        cached = target / "partial_parse.msgpack"
        if not cached.exists():
            raise
        cached.unlink()
        return _invoke(arguments).result


def _drop_stale_parse(folder: Path, target: Path) -> None:
    """Has dbt parse everything anew where a macro or a singular test is another.

    From its cached parse dbt drops the descriptions and severities of singular tests whose
    file changed, and what is described with them.
    """
    content = hashlib.sha256()
    for kind in ("macros", "tests"):
        for path in sorted((folder / kind).rglob("*")):
            if path.is_file():
                content.update(f"{path.relative_to(folder)}\0".encode())
                content.update(path.read_bytes() + b"\0")
    noted = target / "parsed_from"
    if noted.exists() and noted.read_text() == content.hexdigest():
        return
    target.mkdir(parents=True, exist_ok=True)
    (target / "partial_parse.msgpack").unlink(missing_ok=True)
    noted.write_text(content.hexdigest())


def build(
    project: Project,
    candidate: Candidate,
    settings: Settings,
    on_result: Callable[[Result], None],
    stopped: threading.Event | None = None,
) -> Built:
    """Builds and tests everything in the candidate's two files.

    Args:
        on_result: Called with the result of each node, from other threads.
        stopped: Once it is set, nothing new is begun.

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
                warehouse_sha256=sha256(candidate.warehouse_file),
            ),
            errors=[],
        )
    profiles = candidate.path / "dbt"
    profiles.mkdir(mode=0o700, exist_ok=True)
    write_text(profiles / "profiles.yml", profile(candidate, settings.threads))
    selection = Selection(project.manifest_json)
    if reason := why_dbt_itself(project.manifest_json, selection):
        log.info("dbt runs the project itself: %s", reason)
        results = _run_dbt(project, profiles, on_result)
    else:
        results = Execution(
            selection,
            compiled(project, profiles),
            candidate,
            settings.threads,
            on_result,
            stopped or threading.Event(),
        ).run()
    errors = [
        f"{result.node['name']}: {' '.join(result.message.split())}"
        for result in results
        if result.node["resource_type"] != "test" and result.status == "error"
    ]
    if not results:
        errors.append("dbt built nothing")
    for path in (candidate.work_file, candidate.warehouse_file):
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
            warehouse_sha256=sha256(candidate.warehouse_file),
        ),
        errors=errors,
    )


def compiled(project: Project, profiles: Path) -> Compiled:
    """The SQL of a project's nodes.

    Args:
        profiles: The folder of the dbt profile that names the two files.
    """
    return Compiled(project.folder, project.manifest_json, _compiler(project, profiles))


def _compiler(project: Project, profiles: Path) -> Compiler:
    """Has dbt compile nodes of a project, against what is built of the candidate."""

    def compile_now(names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        fqns = [".".join(project.manifest_json["nodes"][name]["fqn"]) for name in names]
        result = _invoke(
            [
                "compile",
                "--no-write-json",
                "--no-populate-cache",
                "--threads",
                "1",
                "--select",
                *(f"fqn:{fqn}" for fqn in fqns),
                *_arguments(project.folder, profiles / "target", profiles),
            ],
            manifest=project.manifest(),
            may_fail=True,
        )
        close_dbt()
        found: dict[str, str] = {}
        problems: dict[str, str] = {}
        for node in getattr(result.result, "results", None) or []:
            if node.node.compiled_code is not None and str(node.status) == "success":
                found[node.node.unique_id] = node.node.compiled_code
            else:
                problems[node.node.unique_id] = str(node.message)
        if not found and not problems:
            raise CustomerTiersError(f"dbt compiled nothing: {result.exception}")
        return found, problems

    return compile_now


def _run_dbt(
    project: Project, profiles: Path, on_result: Callable[[Result], None]
) -> list[Result]:
    """Has dbt build and test everything itself."""
    nodes = project.manifest_json["nodes"]

    def callback(event: Any) -> None:
        from dbt_common.events.functions import msg_to_dict

        if event.info.name in RESULT_EVENTS:
            data = msg_to_dict(event)["data"]
            info = data["node_info"]
            on_result(
                Result(
                    node=nodes[info["unique_id"]],
                    status=status_of(info["node_status"] or data["status"]),
                    failures=data.get("num_failures"),
                    rows=_row_count(info),
                    seconds=float(data.get("execution_time") or 0),
                    ended_at=time.time(),
                )
            )

    result = _invoke(
        [
            "build",
            "--select",
            *SELECT.split(),
            "--exclude",
            EXCLUDE,
            *_arguments(project.folder, profiles / "target", profiles),
        ],
        manifest=project.manifest(),
        callback=callback,
        may_fail=True,
    )
    close_dbt()
    found = [
        Result(
            node=nodes[each.node.unique_id],
            status=status_of(each.status),
            message=str(each.message or ""),
            sql=getattr(each.node, "compiled_code", None) or "",
            failures=each.failures,
            seconds=each.execution_time,
        )
        for each in getattr(result.result, "results", None) or []
        if each.node.unique_id in nodes
    ]
    if not found:
        raise CustomerTiersError(
            f"dbt built nothing: {result.exception or 'no reason given'}"
        )
    return found


def status_of(text: object) -> Status:
    """A status of dbt's; what it has besides ours is an error."""
    said = str(text).lower()
    known: tuple[Status, ...] = ("success", "pass", "warn", "fail", "skipped")
    return next((status for status in known if status == said), "error")


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
        observed="; ".join(errors)[:2000],
        failing_rows=None,
        examples=[{"error": error[:500]} for error in errors[:EXAMPLES_KEPT]],
    )


def _row_count(node: Mapping[str, Any]) -> int | None:
    """How many rows a table has that dbt has just built, as the engine's catalog says.

    Nothing is counted. Only inside dbt, while its database is open.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if node.get("materialized") not in {"table", "seed"}:
        return None
    relation = node.get("node_relation") or {}
    handle = DuckDBConnectionManager.env().handle()
    try:
        found = handle.cursor().execute(
            "select estimated_size from duckdb_tables() "
            "where database_name = ? and schema_name = ? and table_name = ?",
            [relation["database"], relation["schema"], relation["alias"]],
        )
        row = found.fetchone()
    except Exception:
        # It is for the log alone; that it is not known is no reason to stop.
        log.debug("no row count of %s", relation, exc_info=True)
        return None
    finally:
        handle.close()
    return None if row is None else int(row[0])


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


def profile(candidate: Candidate, threads: int) -> str:
    """The dbt profile that points at the candidate's two files."""
    return json.dumps(
        {
            "customer_tiers": {
                "target": "candidate",
                "outputs": {
                    "candidate": {
                        "type": "duckdb",
                        "path": str(candidate.work_file.resolve()),
                        "threads": threads,
                        "settings": SETTINGS,
                        "config_options": CONFIG,
                        "attach": [
                            {
                                "path": str(candidate.warehouse_file.resolve()),
                                "alias": "warehouse",
                            }
                        ],
                    }
                },
            }
        },
        indent=2,
    )


def _arguments(project: Path, target: Path, profiles: Path) -> list[str]:
    return [
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(profiles),
        "--target-path",
        str(target),
        "--log-level-file",
        "none",
        # What went wrong comes back in the result, and is reported where it is handled.
        "--log-level",
        "none",
        "--quiet",
    ]


def _invoke(
    arguments: Sequence[str],
    *,
    manifest: Any = None,
    callback: Callable[[Any], None] | None = None,
    may_fail: bool = False,
) -> Any:
    from dbt.cli.main import dbtRunner

    runner = dbtRunner(manifest=manifest, callbacks=[callback] if callback else [])
    # dbt changes into the project's folder and stays there.
    folder = Path.cwd()
    try:
        result = runner.invoke(list(arguments))
    finally:
        os.chdir(folder)
    if not result.success and not may_fail:
        raise CustomerTiersError(
            f"The dbt project does not parse: {result.exception or 'see the log above'}"
        )
    return result


def close_dbt() -> None:
    """Closes the database that dbt-duckdb keeps open for its next command.

    Nobody else could open the candidate's files while it does.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        environment = DuckDBConnectionManager.env()
    except Exception:
        # It says so with a bare Exception when dbt failed before it opened anything.
        return
    environment.close()
    DuckDBConnectionManager.close_all_connections()
