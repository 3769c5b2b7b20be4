"""The assets at the end: the release, and the reports that read it."""

import logging
from collections.abc import Iterable

import dagster as dg

from pipeline import attempts, evidence, release, reports, warehouse
from pipeline.assets.ingest import POOL
from pipeline.assets.request import RefreshRequest
from pipeline.errors import GateRefused
from pipeline.identity import memory
from pipeline.settings import Settings
from pipeline.sources import SourcesFile

log = logging.getLogger("customer_tiers.publish")


def publish_asset(
    sources: SourcesFile, settings: Settings, gated: Iterable[dg.AssetKey]
) -> dg.AssetsDefinition:
    """The release.

    It depends on every gated asset, because a blocking check stops only the steps
    directly below it; and it believes the evidence on disk, not the run.
    """
    gates = evidence.required_gates(source.name for source in sources.sources)

    @dg.asset(
        key="publish",
        deps=list(gated),
        group_name="release",
        kinds={"duckdb"},
        pool=POOL,
        description="Seals the candidate, verifies its evidence and makes it current.",
    )
    def publish(request: RefreshRequest) -> dg.MaterializeResult[None]:
        home = request.open_home()
        candidate = release.latest_candidate(home)
        refresh_id = candidate.refresh_id
        with attempts.stage(home, refresh_id, "publish"):
            if not release.is_sealed(home, candidate):
                if problems := release.judge(candidate, gates):
                    raise GateRefused(
                        f"{refresh_id} is not published: " + "; ".join(problems)
                    )
                warehouse.write_meta(
                    home,
                    candidate,
                    sources.sources,
                    evidence.load_all(candidate.evidence_folder),
                )
                release.seal(candidate, gates)
                try:
                    memory.remember(home, candidate.work_file)
                except Exception as error:
                    # It only saves work: without it the next refresh takes longer.
                    log.warning("identity: nothing kept for the next time: %s", error)
            folder = release.promote(home, refresh_id, gates)
            attempts.end(home, refresh_id, "published")
            pruned = release.prune(
                home,
                keep_releases=settings.keep_releases,
                keep_candidates=settings.keep_candidates,
            )
        log.info("release %s is current", refresh_id)
        return dg.MaterializeResult(
            metadata={
                "refresh_id": refresh_id,
                "release": dg.MetadataValue.path(str(folder)),
                "pruned": [path.name for path in pruned],
            }
        )

    return publish


def report_asset() -> dg.AssetsDefinition:
    """The HTML report of the current release."""

    @dg.asset(
        key="report",
        deps=["publish"],
        group_name="release",
        kinds={"html"},
        pool=POOL,
        description="The report of the current release, made from it alone.",
    )
    def report(request: RefreshRequest) -> dg.MaterializeResult[None]:
        home = request.open_home()
        folder = home.current.resolve(strict=True)
        with attempts.stage(home, folder.name, "report"):
            path = reports.build_report(folder)
        log.info("report %s", path)
        return dg.MaterializeResult(
            metadata={"report": dg.MetadataValue.url(path.as_uri())}
        )

    return report
