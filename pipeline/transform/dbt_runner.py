"""Asks dbt to parse, to compile or to build, inside this process.

In-process rather than as a command, because each start of dbt costs more than building
the demonstration's models does, and because a `kill -9` then leaves no orphan that goes
on writing. No Dagster here, and nothing of the product's own project.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import write_text
from pipeline.release.layout import Candidate
from pipeline.transform.materialization import SETTINGS, config, log_kept
from pipeline.transform.nodes import EXCLUDE, SELECT, Node, Result, Status

log = logging.getLogger("customer_tiers.transform")

RESULT_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogTestResult"})


def parse(folder: Path) -> Any:
    """Dbt's manifest of a composed project; written beside it as well."""
    target = folder / "parsed"
    cached = target / "partial_parse.msgpack"
    has_cache = cached.exists()
    arguments = ["parse", *_arguments(folder, target, folder)]
    try:
        manifest = _invoke(arguments).result
    except CustomerTiersError:
        # dbt's cached parse trips over descriptions that have moved to another file.
        if not has_cache:
            raise
    else:
        if not (has_cache and _has_lost_descriptions(manifest)):
            return manifest
    cached.unlink(missing_ok=True)
    return _invoke(arguments).result


def _has_lost_descriptions(manifest: Any) -> bool:
    """Whether a singular test is without what a YAML file says of it.

    From its cached parse dbt drops description, severity and `meta` of singular tests that
    it parses again: because they, a macro, or anything above them changed.
    """
    described = {
        test["name"]
        for file in manifest.files.values()
        for test in (getattr(file, "dict_from_yaml", None) or {}).get("data_tests", ())
    }
    return any(
        node.resource_type == "test"
        and node.test_node_type == "singular"
        and node.name in described
        and node.patch_path is None
        for node in manifest.nodes.values()
    )


def write_docs(folder: Path, target: Path) -> Path:
    """Has dbt write its own documentation of a composed project; nothing is built.

    Returns:
        One page that needs no server and no network.
    """
    wanted = ["--static", "--empty-catalog", "--target", "compile"]
    _invoke(["docs", "generate", *wanted, *_arguments(folder, target, folder)])
    return target / "static_index.html"


def compile_nodes(
    nodes: Iterable[Node], manifest: Any, folder: Path, profiles: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Has dbt compile nodes, against what is built of a candidate.

    Args:
        nodes: What is compiled, as the manifest describes it.
        manifest: dbt's own manifest of the project.
        folder: The composed project.
        profiles: The folder of the profile that names the candidate's files.

    Returns:
        The SQL of each node by its id, and of those that cannot be compiled why.
    """
    result = _invoke(
        [
            "compile",
            "--no-write-json",
            "--no-populate-cache",
            "--threads",
            "1",
            "--select",
            *(f"fqn:{'.'.join(node['fqn'])}" for node in nodes),
            *_arguments(folder, profiles / "target", profiles),
        ],
        manifest=manifest,
        may_fail=True,
    )
    close_dbt()
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    for each in getattr(result.result, "results", None) or []:
        if each.node.compiled_code is not None and str(each.status) == "success":
            found[each.node.unique_id] = each.node.compiled_code
        else:
            problems[each.node.unique_id] = str(each.message)
    if not found and not problems:
        raise CustomerTiersError(f"dbt compiled nothing: {result.exception}")
    return found, problems


def build(
    nodes: Mapping[str, Node],
    manifest: Any,
    folder: Path,
    profiles: Path,
    on_result: Callable[[Result], None],
    selection: Sequence[str] = ("--select", *SELECT.split(), "--exclude", EXCLUDE),
) -> list[Result]:
    """Has dbt build and test nodes itself; arguments as for `compile_nodes`.

    Args:
        on_result: Called with each result, from dbt's threads.
        selection: Which, as arguments of dbt.
    """

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
            *selection,
            *_arguments(folder, profiles / "target", profiles),
        ],
        manifest=manifest,
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


def write_profile(candidate: Candidate, threads: int) -> Path:
    """Writes the profile of a candidate beside it; its folder."""
    folder = candidate.path / "dbt"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_text(folder / "profiles.yml", profile(candidate, threads))
    return folder


def profile(candidate: Candidate, threads: int) -> str:
    """The dbt profile that points at the candidate's files."""
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
                        "config_options": config(),
                        "attach": [
                            {"path": str(path.resolve()), "alias": name}
                            for name, path in candidate.databases.items()
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
    # dbt changes into the project's folder and stays there.
    folder = Path.cwd()
    try:
        with log_kept():
            from dbt.cli.main import dbtRunner

            callbacks = [callback] if callback else []
            runner = dbtRunner(manifest=manifest, callbacks=callbacks)
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
