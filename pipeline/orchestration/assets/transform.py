"""The dbt project as Dagster assets: one step from the seeds to the marts."""

import datetime as dt
import logging
import math
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import dagster as dg

from pipeline.common.errors import GateRefused
from pipeline.common.home import Home
from pipeline.common.postponed import unavailable
from pipeline.common.settings import Settings
from pipeline.gates import data_docs
from pipeline.journal import acceptances, attempts, disk, evidence
from pipeline.journal.refresh_log import facts
from pipeline.orchestration.assets.ingest import (
    BUSINESS_TEAM,
    DATA_TEAM,
    POOL,
    landing_key,
)
from pipeline.orchestration.request import RefreshRequest
from pipeline.release import candidates, layout
from pipeline.release.layout import Candidate
from pipeline.sources import SourcesFile
from pipeline.transform import dbt as transform
from pipeline.transform import dbt_tests, foundation
from pipeline.transform.nodes import Node, Result, Selection
from pipeline.transform.spark import refresh as refresh_on_spark

# It imports dbt, which takes a second and is needed to parse only, for names of its own
# for words such as "success". Where there is no dbt it has them itself.
with unavailable("dbt.version"):
    from dagster_dbt import (
        DagsterDbtTranslator,
        DagsterDbtTranslatorSettings,
        DbtProject,
        dbt_assets,
    )
    from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

log = logging.getLogger("customer_tiers.transform")

BUILT = ":".join(transform.BUILT)  # reported by its errors

LONGEST_HELD = 3.0  # seconds until Dagster hears of a test


class Translator(DagsterDbtTranslator):
    """Asset key = table name; group = folder; a dbt source is a landed entity."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_asset_checks=True,
                enable_source_tests_as_checks=False,
                # Several tables are written by the same asset, `candidate`.
                enable_duplicate_source_asset_keys=True,
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`landing/<source>/<entity>` for a source, the table's name for the rest."""
        if dbt_resource_props["resource_type"] == "source":
            configured = dbt_resource_props.get("config", {}).get("meta", {})
            if key := configured.get("dagster", {}).get("asset_key"):
                return dg.AssetKey(key)
            return landing_key(
                dbt_resource_props["source_name"], dbt_resource_props["name"]
            )
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The folder of the model; seeds are the policy."""
        if dbt_resource_props["resource_type"] == "seed":
            return "policy"
        folder = dbt_resource_props["fqn"][1:-1]
        return str(folder[0]) if folder else None

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """Who answers for it: for the policy the business, unless the project says."""
        stated = super().get_owners(dbt_resource_props)
        if stated:
            return stated
        is_policy = dbt_resource_props["resource_type"] == "seed"
        return [BUSINESS_TEAM if is_policy else DATA_TEAM]

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """The check with what must hold in a sentence, which its name only hints at."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        node = manifest["nodes"][unique_id]
        why = str(node.get("description") or "").strip()
        return spec._replace(
            description=" ".join(filter(None, (dbt_tests.demand_of(node), why)))
        )


def transform_assets(
    project: transform.Project, sources: SourcesFile, settings: Settings
) -> dg.AssetsDefinition:
    """All models and seeds of a refresh, with dbt's tests as blocking checks."""
    translator = Translator()
    selection = Selection(project.manifest_json)
    chosen = {**selection.tables, **selection.tests}

    @dbt_assets(
        # All of it, because what is chosen is chosen already, and not by dbt.
        manifest=_only(project.manifest_json, chosen),
        dagster_dbt_translator=translator,
        name="transform",
        pool=POOL,
    )
    def transformed(
        context: dg.AssetExecutionContext, request: RefreshRequest
    ) -> Iterator[Any]:
        refuse_a_part(context)
        home = request.open_home()
        candidate = candidates.latest_candidate(home)
        with attempts.stage(home, candidate.refresh_id, "transform"):
            former = foundation.prepare(home, candidate, sources.sources)
            runner = None
            if settings.spark is not None:
                runner = refresh_on_spark.runner(home, sources.sources, settings)
            results: queue.Queue[Result | None] = queue.Queue()
            outcome: list[transform.Built | BaseException] = []
            stopped = threading.Event()

            def run_dbt() -> None:
                try:
                    outcome.append(
                        transform.build(
                            project,
                            candidate,
                            settings,
                            results.put,
                            stopped,
                            former,
                            runner,
                        )
                    )
                except BaseException as error:
                    outcome.append(error)
                finally:
                    results.put(None)

            # It runs beside us, so that Dagster hears of each model as it is built.
            thread = threading.Thread(target=run_dbt, name="dbt")
            thread.start()
            models = carried = 0
            try:
                for result in _as_they_come(results):
                    if result.node["resource_type"] != "test":
                        models += 1
                        carried += result.carried
                        _log_model(result, models)
                    for made in DbtCoreCliEventMessage(
                        raw_event=_event(result, candidate.refresh_id),
                        event_history_metadata={},
                    ).to_default_asset_events(
                        manifest=project.manifest_json,
                        dagster_dbt_translator=translator,
                        context=context,
                    ):
                        yield _with_row_count(made, result.rows)
            finally:
                stopped.set()
                thread.join()
            (built,) = outcome
            if isinstance(built, BaseException):
                raise built
            _conclude(home, candidate, built, models, carried)

    return transformed


def _only(manifest: Mapping[str, Any], chosen: Mapping[str, Node]) -> dict[str, Any]:
    """The manifest as if the chosen nodes were all that there are."""
    gone = manifest["nodes"].keys() - chosen.keys()
    children = {
        name: [child for child in found if child not in gone]
        for name, found in manifest["child_map"].items()
        if name not in gone
    }
    return {**manifest, "nodes": chosen, "child_map": children}


def refuse_a_part(context: dg.AssetExecutionContext) -> None:
    """Refuses a run that was asked for some tables only.

    Dagster offers every table of dbt's by itself, and cannot be told not to; a release is
    built whole, or it is none.

    Raises:
        GateRefused: It was; nothing was changed.
    """
    if context.assets_def.is_subset:
        asked = sorted(key.to_user_string() for key in context.selected_asset_keys)
        raise GateRefused(
            f"The tables of a release are built together, and {', '.join(asked[:5])} "
            f"cannot be built alone. Nothing was changed. Materialize all of the job "
            "`refresh`, or run `customer-tiers refresh`: what is as it was is taken "
            "over, and not built again."
        )


def _conclude(
    home: Home,
    candidate: Candidate,
    built: transform.Built,
    models: int,
    carried: int,
) -> None:
    """Keeps the evidence of a build and shows it; stops what may not go on."""
    checks = evidence.with_acceptances(built.evidence.checks, acceptances.held(home))
    found = replace(built.evidence, checks=checks)
    evidence.save(candidate.evidence_folder, found)
    data_docs.show(home, candidate, found)
    log.info(
        "dbt: %d models and seeds, of which %d are as they were; %d tests",
        models,
        carried,
        sum(check.id != BUILT for check in found.checks),
    )
    judge_build(home, replace(built, evidence=found))


def _as_they_come(results: queue.Queue[Result | None]) -> Iterator[Result]:
    """The results until None: tables at once, tests a few seconds' worth together.

    Before the first test after a table is recorded, Dagster writes what it holds and
    reads it back, so that the fewer turns, the better.
    """
    tests: list[Result] = []
    due = math.inf
    is_last = False
    while not is_last:
        with suppress(queue.Empty):
            found = results.get(
                timeout=max(due - time.monotonic(), 0) if tests else None
            )
            is_last = found is None
            if found is not None and found.node["resource_type"] != "test":
                yield found
            elif found is not None:
                if not tests:
                    due = time.monotonic() + LONGEST_HELD
                tests.append(found)
        if is_last or time.monotonic() >= due:
            yield from tests
            tests, due = [], math.inf


def _log_model(result: Result, built: int) -> None:
    """Logs that a model or seed is built."""
    name = result.node["name"]
    log.debug(
        "transform: %d built, now after %s",
        built,
        name,
        extra=facts(
            event="model",
            model=name,
            status=result.status,
            carried=result.carried,
            seconds=round(result.seconds, 3),
        ),
    )


def _event(result: Result, refresh_id: str) -> dict[str, Any]:
    """A result as the event that dbt would log of it, which Dagster understands."""
    kind = {"test": "LogTestResult", "seed": "LogSeedResult"}
    ended = dt.datetime.fromtimestamp(result.ended_at, dt.UTC)
    begun = ended - dt.timedelta(seconds=result.seconds)
    return {
        "info": {
            "name": kind.get(result.node["resource_type"], "LogModelResult"),
            "invocation_id": refresh_id,
        },
        "data": {
            "status": result.status,
            "num_failures": result.failures,
            "execution_time": result.seconds,
            "node_info": {
                "unique_id": result.node["unique_id"],
                "node_name": result.node["name"],
                "resource_type": result.node["resource_type"],
                "node_status": result.status,
                "node_started_at": begun.isoformat(),
                "node_finished_at": ended.isoformat(),
            },
        },
    }


def judge_build(home: Home, built: transform.Built) -> None:
    """Reports what dbt's tests found, and stops what may not go on.

    Args:
        home: Where the candidate is.
        built: How the build ended, with the acceptances that hold.

    Raises:
        DiskFull: There was no room for it.
        GateRefused: The data are not what they should be.
        CustomerTiersError: A model does not work.
    """
    found = built.evidence
    failed = [
        check
        for check in found.checks
        if check.outcome == "failed" and check.id != BUILT
    ]
    for check in failed:
        log.warning(
            "%s %s", check.severity, check.sentence(), extra=facts(**check.facts())
        )
    disk.raise_if_full(home, found.crashes())
    if blocking := [check.sentence() for check in failed if check.blocks]:
        raise GateRefused("; ".join(blocking))
    built.assert_complete()
    if problems := found.problems():
        raise GateRefused("; ".join(problems))


def _with_row_count(event: Any, row_count: int | None) -> Any:
    if row_count is None or not isinstance(event, dg.Output):
        return event
    return event.with_metadata({**event.metadata, "dagster/row_count": row_count})


def mart_keys(project: transform.Project) -> dict[str, dg.AssetKey]:
    """Asset by table, of every table that dbt builds into the release's files."""
    return {
        f"{node['schema']}.{node['name']}": dg.AssetKey(node["name"])
        for node in project.manifest_json["nodes"].values()
        if node["resource_type"] == "model" and node["database"] in layout.DATABASES
    }
