"""Assets that open a candidate and land the sources, one multi-asset a source."""

import datetime as dt
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from pipeline.common import calendar, limits
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import attempts, disk
from pipeline.journal.refresh_log import facts
from pipeline.landing import retrying
from pipeline.landing.entity import refuse_foreign
from pipeline.landing.load import Landed
from pipeline.landing.store import BatchStore
from pipeline.operations import retention
from pipeline.orchestration import runs
from pipeline.orchestration.request import RefreshRequest, limit
from pipeline.release import candidates, pruning
from pipeline.scaffold import demonstration
from pipeline.sources import Source, SourcesFile

log = logging.getLogger("customer_tiers.ingest")

CANDIDATE = dg.AssetKey("candidate")
POOL = "candidate"
# Who answers for an asset: the business for its policy, the data team for all else.
BUSINESS_TEAM = "team:business"
DATA_TEAM = "team:data"


def candidate_asset(sources: SourcesFile, settings: Settings) -> dg.AssetsDefinition:
    """The asset that opens the candidate which everything downstream works on."""

    @dg.asset(
        key=CANDIDATE,
        group_name="landing",
        kinds={"duckdb"},
        owners=[DATA_TEAM],
        pool=POOL,
        description="The facts under which this refresh is built: its id, as-of date, "
        "time zone and currency.",
    )
    def candidate(
        context: dg.AssetExecutionContext, request: RefreshRequest
    ) -> dg.MaterializeResult[None]:
        home = request.open_home()
        business = sources.business
        as_of_date = (
            request.as_of_date()
            or business.as_of
            or calendar.default_as_of(business.time_zone)
        )
        retention.sweep(home, now=dt.datetime.now(dt.UTC))
        # Refused ones would pile up where nothing is ever published.
        pruning.prune(
            home,
            keep_releases=settings.keep_releases,
            keep_candidates=settings.keep_candidates,
            keep_months=settings.keeping.monthly_releases,
        )
        opened = candidates.open_candidate(
            home,
            run_id=context.run.run_id,
            as_of_date=as_of_date,
            time_zone=business.time_zone,
            reporting_currency=business.reporting_currency,
            full=request.full,
            sources_file=settings.sources_file,
        )
        context.instance.add_run_tags(
            context.run.run_id, {runs.RELEASE: opened.refresh_id}
        )
        with attempts.stage(home, opened.refresh_id, "open candidate"):
            refuse_foreign(home, sources.sources)
            wanted = disk.need(
                home,
                source_files=files_of(sources),
                free_megabytes=settings.limits.free_megabytes,
            )
            try:
                disk.check(home, wanted)
            except disk.DiskFull:
                shutil.rmtree(opened.path)  # nothing is in it yet
                raise
            disk.reserve(home)
            if sources.demonstration is not None:
                demonstration.build_database(
                    sources.demonstration, home.root / "demonstration" / "erp.sqlite"
                )
        log.info("refresh %s as of %s", opened.refresh_id, as_of_date)
        return dg.MaterializeResult(
            metadata={
                "refresh_id": opened.refresh_id,
                "as_of_date": as_of_date.isoformat(),
                "folder": dg.MetadataValue.path(str(opened.path)),
            }
        )

    return candidate


def files_of(sources: SourcesFile) -> list[Path]:
    """The files that the sources are read from, as far as they are files."""
    found: list[Path] = []
    for source in sources.sources:
        if source.path is not None:
            for entity in source.entities.values():
                found += source.path.glob(entity.files or "*")
        elif source.url is not None and _is_sqlite(source):
            found.append(Path(source.url.split("///", 1)[-1].split("?")[0]))
    return list(dict.fromkeys(found))


def landing_key(source: str, entity: str) -> dg.AssetKey:
    """The asset of a landed entity."""
    return dg.AssetKey(["landing", source, entity])


def landing_asset(source: Source, settings: Settings) -> dg.AssetsDefinition:
    """The multi-asset that lands all entities of one source over one connection."""

    @dg.multi_asset(
        name=f"land_{source.name}",
        specs=[
            dg.AssetSpec(
                landing_key(source.name, name),
                deps=[CANDIDATE],
                group_name="landing",
                kinds={"sqlite" if _is_sqlite(source) else source.kind, "parquet"},
                owners=[DATA_TEAM],
                description=f"Batches of {name} as {source.name} gave them.",
            )
            for name in source.entities
        ],
        pool=POOL,
    )
    def land(
        context: dg.AssetExecutionContext, request: RefreshRequest
    ) -> Iterator[dg.MaterializeResult[None]]:
        home = request.open_home()
        opened = candidates.latest_candidate(home)
        minutes = source.limit_minutes
        if minutes is None:
            minutes = settings.limits.source_minutes
        too_long = limits.SourceTimeLimit(
            f"{source.name} was not read within {limits.format_minutes(minutes)} "
            "(limit_minutes in sources.yaml, or CUSTOMER_TIERS_SOURCE_MINUTES); nothing "
            "of it counts."
        )
        retries = 0

        def before_retry(tried: int) -> None:
            nonlocal retries
            retries = tried
            attempts.count_retry(home, opened.refresh_id)

        with (
            attempts.stage(home, opened.refresh_id, f"read {source.name}"),
            limit(home, context.run.run_id, minutes, too_long),
        ):
            found = retrying.land_source(
                home,
                source,
                now=dt.datetime.now(dt.UTC),
                full=request.full,
                before_retry=before_retry,
            )
            for name, landed in found.items():
                yield _materialized(home, source.name, name, landed, retries)

    return land


def _materialized(
    home: Home, source: str, entity: str, landed: Landed, retries: int
) -> dg.MaterializeResult[None]:
    """Logs what landed of an entity, and says it to Dagster."""
    rows = sum(batch.rows_landed for batch in landed.batches)
    quarantined = sum(batch.rows_quarantined for batch in landed.batches)
    forgotten = sum(batch.rows_forgotten for batch in landed.batches)
    log.info(
        "%s",
        _summarise(source, entity, landed, rows, quarantined),
        extra=facts(
            event="landed",
            source=source,
            entity=entity,
            rows_landed=rows,
            rows_quarantined=quarantined,
            batches=len(landed.batches),
            seconds=round(landed.seconds, 3),
        ),
    )
    return dg.MaterializeResult(
        asset_key=landing_key(source, entity),
        metadata={
            "dagster/partition_row_count": rows,
            "batches": len(landed.batches),
            "rows_read": rows + quarantined + forgotten,
            "rows_landed": rows,
            "rows_quarantined": quarantined,
            "rows_forgotten": forgotten,
            "already_landed": landed.already_landed,
            "retries": retries,
            "seconds": round(landed.seconds, 2),
            "folder": dg.MetadataValue.path(
                str(BatchStore(home, source, entity).folder)
            ),
        },
    )


def _is_sqlite(source: Source) -> bool:
    return bool(source.url and source.url.startswith("sqlite"))


def _summarise(
    source: str, entity: str, landed: Landed, rows: int, quarantined: int
) -> str:
    name = f"{source}.{entity}"
    if not landed.batches:
        return f"{name}: nothing new"
    text = f"{name}: {rows:,} rows landed"
    if quarantined:
        text += f", {quarantined:,} quarantined"
    return text
