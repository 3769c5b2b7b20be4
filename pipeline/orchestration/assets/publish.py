"""The assets at the end: the release, and the reports that read it."""

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from pipeline import reports
from pipeline.common.errors import CustomerTiersError, GateRefused
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.gates import data_docs, judgement, relations
from pipeline.identity import memory
from pipeline.journal import acceptances, attempts, disk, evidence
from pipeline.landing.store import bytes_written_since
from pipeline.operations import pages, retention
from pipeline.orchestration import runs
from pipeline.orchestration.assets import figures
from pipeline.orchestration.assets.ingest import DATA_TEAM, POOL
from pipeline.orchestration.request import RefreshRequest
from pipeline.release import (
    candidates,
    catalogue,
    duckdb_files,
    layout,
    permissions,
    promotion,
    pruning,
    sealing,
    verification,
)
from pipeline.sources import SourcesFile
from pipeline.transform import dbt as transform
from pipeline.transform import meta
from pipeline.transform.spark import refresh as refresh_on_spark

log = logging.getLogger("customer_tiers.publish")


def publish_asset(
    sources: SourcesFile,
    settings: Settings,
    project: transform.Project,
    gated: Iterable[dg.AssetKey],
) -> dg.AssetsDefinition:
    """The release.

    It depends on every gated asset, because a blocking check stops only the steps
    directly below it; and it believes the evidence on disk, not the run.
    """
    needed = evidence.required_gates(source.name for source in sources.sources)

    @dg.asset(
        key="publish",
        deps=list(gated),
        group_name="release",
        kinds={"duckdb"},
        owners=[DATA_TEAM],
        pool=POOL,
        description="Seals the candidate, verifies its evidence and makes it current.",
    )
    def publish(
        context: dg.AssetExecutionContext, request: RefreshRequest
    ) -> dg.MaterializeResult[None]:
        home = request.open_home()
        candidate = candidates.latest_candidate(home)
        refresh_id = candidate.refresh_id
        with attempts.stage(home, refresh_id, "publish"):
            terms = _terms(home, sources, settings, project, full=candidate.full)
            if not sealing.is_sealed(home, candidate):
                if problems := verification.judge(candidate, needed, terms):
                    raise GateRefused(
                        f"{refresh_id} is not published: {'; '.join(problems)}. Readers "
                        "see what they saw. `customer-tiers status` says of each what "
                        "to do; then materialize the whole job, or run "
                        "`customer-tiers refresh`."
                    )
                declared = relations.declared(
                    project.manifest_json, sources.sources, settings.expectations
                )
                _seal(home, candidate, sources, needed, terms, declared)
            # Asked for before the candidate is gone.
            took = disk.Took(
                work=disk.size_of(candidate.work_file),
                release=disk.size_of(candidate.release_folder),
                landed=bytes_written_since(home, candidate.opened_at),
            )
            request.before_publishing()
            folder = promotion.promote(home, refresh_id, needed, terms)
            attempts.end(home, refresh_id, "published")
        log.info("release %s is current", refresh_id)
        pruned = _keep_house(context.instance, home, settings, took)
        if settings.spark is not None:
            _turn_views(home, settings)
        published = catalogue.chosen(home, refresh_id)
        return dg.MaterializeResult(
            metadata={
                "refresh_id": refresh_id,
                "as_of_date": published.as_of_date.isoformat(),
                "release": dg.MetadataValue.path(str(folder)),
                "bytes": sum(
                    path.stat().st_size
                    for path in duckdb_files.databases(folder).values()
                ),
                "checks": published.checks,
                "warnings": published.warnings,
                "accepted": published.accepted,
                "pruned": pruned,
                **_data_docs(home, refresh_id, settings),
                **figures.of_release(folder),
            }
        )

    return publish


def _terms(
    home: Home,
    sources: SourcesFile,
    settings: Settings,
    project: transform.Project,
    *,
    full: bool,
) -> evidence.Terms:
    """What the suites and dbt's tests declare now, and which acceptances hold."""
    return evidence.Terms(
        declared={
            **judgement.declared(sources.sources, settings.expectations, full=full),
            **transform.declared(project),
        },
        held=acceptances.held(home),
        always=judgement.always_made(sources.sources, settings.expectations),
    )


def _seal(
    home: Home,
    candidate: layout.Candidate,
    sources: SourcesFile,
    needed: Sequence[str],
    terms: evidence.Terms,
    declared: Mapping[str, Any],
) -> None:
    """Writes what is known at the end only, and closes the candidate for good."""
    found = evidence.load_all(candidate.evidence_folder)
    uses = acceptances.uses(terms.held, found)
    sealed_at = attempts.now().isoformat()
    meta.write_meta(home, candidate, sources.sources, found, uses, sealed_at=sealed_at)
    known = {**declared, **meta.proved_keys(candidate.warehouse_file)}
    sealing.seal(candidate, needed, uses, sealed_at=sealed_at, relations=known)
    _warn_of_idle(uses)
    try:
        memory.remember(home, candidate.work_file)
    except Exception as error:
        # It only saves work: without it the next refresh takes longer.
        log.warning("identity: nothing kept for the next time: %s", error)


def _turn_views(home: Home, settings: Settings) -> None:
    """Has Spark's views follow; the release is published whether they do or not."""
    try:
        refresh_on_spark.follow(home, settings)
    except CustomerTiersError as error:
        log.warning(
            "spark: the views are not all those of the current release, which the next "
            "refresh or rollback makes good: %s",
            error,
        )


def _keep_house(
    instance: dg.DagsterInstance, home: Home, settings: Settings, took: disk.Took
) -> list[str]:
    """Notes what the refresh took, and removes what need not be kept.

    The release is published: whatever goes wrong here is said in the log, and can wait
    for the next refresh.

    Returns:
        The releases and candidates that are gone.
    """
    now = dt.datetime.now(dt.UTC)
    gone: list[str] = []
    try:
        pruned = retention.prune(home, settings, now=now)
        gone = [
            item.path.name
            for item in pruned.gone
            if item.path.parent in (home.releases, home.candidates)
        ]
        runs.prune(instance, home, settings.keeping.runs_days, now=now)
    except Exception as error:
        log.warning("not everything old could be removed: %s", error)
    try:
        disk.note(home, took)
    except OSError as error:
        log.warning("what the refresh took of the disk is not noted: %s", error)
    return gone


def _warn_of_idle(uses: Sequence[acceptances.Use]) -> None:
    """Says of each acceptance that does nothing that it does nothing."""
    for use in uses:
        if use.state == "unused":
            log.warning(
                "the acceptance of %s is unused, for the check passes; withdraw it: "
                "customer-tiers acceptances --withdraw %s",
                use.check,
                use.check,
            )
        elif use.state == "void":
            log.warning("the acceptance of %s is void", use.check)


def _data_docs(
    home: Home, refresh_id: str, settings: Settings
) -> dict[str, dg.UrlMetadataValue]:
    index = data_docs.address(home, refresh_id)
    return {} if index is None else {"data_docs": _link(index, home, settings)}


def _link(page: Path, home: Home, settings: Settings) -> dg.UrlMetadataValue:
    """The page where it is served; a browser opens no file from Dagster's page."""
    return dg.MetadataValue.url(pages.address_of(settings.pages_url, page, home))


def report_asset(settings: Settings) -> dg.AssetsDefinition:
    """The HTML report of the current release."""

    @dg.asset(
        key="report",
        deps=["publish"],
        group_name="release",
        kinds={"html"},
        owners=[DATA_TEAM],
        pool=POOL,
        description="The report of the current release, made from it alone.",
    )
    def report(request: RefreshRequest) -> dg.MaterializeResult[None]:
        home = request.open_home()
        folder = home.current.resolve(strict=True)
        with attempts.stage(home, folder.name, "report"):
            path = reports.build_report(folder)
            permissions.protect(folder)
            pruning.link_data_docs(home)
        log.info("report %s", path)
        return dg.MaterializeResult(
            metadata={
                "report": _link(path, home, settings),
                "release": dg.MetadataValue.path(str(folder)),
                **_data_docs(home, folder.name, settings),
            }
        )

    return report
