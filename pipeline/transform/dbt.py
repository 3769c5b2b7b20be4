"""Runs dbt inside this process: parse once, build one candidate, report what happened.

In-process rather than as a command, because each start of dbt costs more than building
the demonstration's models does, and because a `kill -9` then leaves no orphan that goes
on writing. The manifest is parsed (or its cached parse checked) once and handed to the
build, so that the candidate's path may differ from refresh to refresh without a new
parse. No Dagster here: events are handed to a callback as plain values.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
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
from pipeline.transform import dbt_tests
from pipeline.transform.project import composed

log = logging.getLogger("customer_tiers.transform")

# What a refresh builds: the seeds, the marts, and whatever they need. Staging models of
# sources that are not configured are nobody's ancestors, so they are left alone.
SELECT = "+fqn:customer_tiers.marts +fqn:customer_tiers.meta resource_type:seed"
EXCLUDE = "resource_type:unit_test"

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


@dataclass(frozen=True)
class Project:
    """A parsed dbt project: dbt's own manifest, the same as plain JSON, and its folder."""

    manifest: Any
    manifest_json: Mapping[str, Any]
    folder: Path


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
        _drop_stale_parse(folder, target)
        arguments = ["parse", *_arguments(folder, target, folder)]
        try:
            result = _invoke(arguments)
        except CustomerTiersError:
            # dbt's cached parse trips over descriptions that have moved to another file.
            cached = target / "partial_parse.msgpack"
            if not cached.exists():
                raise
            cached.unlink()
            result = _invoke(arguments)
        return Project(
            manifest=result.result,
            manifest_json=read_json(target / "manifest.json"),
            folder=folder,
        )


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
    on_result: Callable[[dict[str, Any]], None],
) -> Built:
    """Builds and tests everything in the candidate's two files.

    Args:
        on_result: Called with each result event of dbt, from dbt's threads; that of a
            table has its `row_count`.

    Returns:
        The evidence of dbt's tests, and the errors of models that did not build.
    """
    from dbt_common.events.functions import msg_to_dict

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

    def callback(event: Any) -> None:
        if event.info.name in RESULT_EVENTS:
            record = msg_to_dict(event)
            if event.info.name != "LogTestResult":
                record["row_count"] = _row_count(record["data"]["node_info"])
            on_result(record)

    result = _invoke(
        [
            "build",
            "--select",
            *SELECT.split(),
            "--exclude",
            EXCLUDE,
            *_arguments(project.folder, profiles / "target", profiles),
        ],
        manifest=project.manifest,
        callback=callback,
        may_fail=True,
    )
    close_dbt()
    nodes = list(getattr(result.result, "results", None) or [])
    errors = [
        f"{node.node.name}: {' '.join(str(node.message).split())}"
        for node in nodes
        if node.node.resource_type != "test" and str(node.status) in {"error", "fail"}
    ]
    if not nodes:
        errors.append(f"dbt built nothing: {result.exception or 'no reason given'}")
    for path in (candidate.work_file, candidate.warehouse_file):
        with duckdb_files.connect(path) as connection:
            connection.execute("checkpoint")
    tests = [node for node in nodes if node.node.resource_type == "test"]
    return Built(
        evidence=Evidence(
            gate="transform",
            refresh_id=candidate.refresh_id,
            planned=2 + dbt_tests.planned(project.manifest_json, nodes),
            checks=[
                policy_check,
                *dbt_tests.checks_of(candidate, tests),
                _models_check(errors),
            ],
            warehouse_sha256=sha256(candidate.warehouse_file),
        ),
        errors=errors,
    )


def run_command(
    project: Project, candidate: Candidate, settings: Settings, arguments: Sequence[str]
) -> tuple[list[Any], str]:
    """Runs another command of dbt than a build on a candidate's files.

    Returns:
        dbt's result of each node; and why there is none, where that is so.
    """
    profiles = candidate.path / "dbt"
    profiles.mkdir(mode=0o700, exist_ok=True)
    write_text(profiles / "profiles.yml", profile(candidate, settings.threads))
    result = _invoke(
        [*arguments, *_arguments(project.folder, profiles / "target", profiles)],
        manifest=project.manifest,
        may_fail=True,
    )
    close_dbt()
    nodes = list(getattr(result.result, "results", None) or [])
    return nodes, "" if nodes else str(result.exception or "no reason given")


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
                        # A time with a zone compared with one without is one in UTC,
                        # wherever this runs.
                        "settings": {"TimeZone": "UTC"},
                        "config_options": {
                            "autoinstall_known_extensions": "false",
                            "autoload_known_extensions": "false",
                            # Tables have no order; keeping one costs memory.
                            "preserve_insertion_order": "false",
                        },
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
