"""The assets after the release: its copies, where a refresh is to make them."""

import logging

import dagster as dg

from pipeline.common.settings import Settings
from pipeline.journal import attempts
from pipeline.orchestration.assets.ingest import DATA_TEAM, POOL
from pipeline.orchestration.request import RefreshRequest
from pipeline.release import catalogue
from pipeline.serving import copies
from pipeline.serving.copies import Kind

log = logging.getLogger("customer_tiers.serving")


def serving_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each copy that is configured.

    They come after the release and not before anything: a copy that fails takes nothing
    back, and the run says that it failed.
    """
    wanted = settings.serving
    if not (wanted.duckdb or wanted.parquet or wanted.postgres):
        return []
    # The driver of a database is imported where there is one to be served.
    from pipeline.serving import serve

    return [
        _serving_asset(kind, target, settings)
        for kind, target in serve.configured(wanted).items()
    ]


def _serving_asset(kind: Kind, target: str, settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=copies.STEPS[kind],
        deps=["publish"],
        group_name="release",
        kinds={kind},
        owners=[DATA_TEAM],
        pool=POOL,
        description=f"The copy of the current release in {target}.",
    )
    def copy(request: RefreshRequest) -> dg.MaterializeResult[None]:
        from pipeline.serving import serve

        home = request.open_home()
        release = catalogue.chosen(home)
        with attempts.stage(home, release.refresh_id, f"{kind} copy"):
            serve.make(home, release, kind, settings.serving)
        log.info("%s has %s", target, release.refresh_id)
        return dg.MaterializeResult(
            metadata={"refresh_id": release.refresh_id, "target": target}
        )

    return copy
