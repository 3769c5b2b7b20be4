"""Assets that open a candidate and land the sources, one multi-asset a source."""

import datetime as dt
import logging
import time
from collections.abc import Iterator

import dagster as dg

from pipeline import attempts, demonstration, landing, release, warehouse
from pipeline.assets.request import RefreshRequest
from pipeline.refresh_log import facts
from pipeline.settings import Settings
from pipeline.sources import Source, SourcesFile, open_reader

log = logging.getLogger("customer_tiers.ingest")

CANDIDATE = dg.AssetKey("candidate")
POOL = "candidate"


def candidate_asset(sources: SourcesFile, settings: Settings) -> dg.AssetsDefinition:
    """The asset that opens the candidate which everything downstream works on."""

    @dg.asset(
        key=CANDIDATE,
        group_name="landing",
        kinds={"duckdb"},
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
            or warehouse.default_as_of(business.time_zone)
        )
        # Refused ones would pile up where nothing is ever published.
        release.prune(
            home,
            keep_releases=settings.keep_releases,
            keep_candidates=settings.keep_candidates,
        )
        opened = release.open_candidate(
            home,
            run_id=context.run_id,
            as_of_date=as_of_date,
            time_zone=business.time_zone,
            reporting_currency=business.reporting_currency,
        )
        with attempts.stage(home, opened.refresh_id, "open candidate"):
            if sources.demonstration is not None:
                demonstration.lay_out(
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


def landing_key(source: str, entity: str) -> dg.AssetKey:
    """The asset of a landed entity."""
    return dg.AssetKey(["landing", source, entity])


def landing_asset(source: Source) -> dg.AssetsDefinition:
    """The multi-asset that lands all entities of one source over one connection."""

    @dg.multi_asset(
        name=f"land_{source.name}",
        specs=[
            dg.AssetSpec(
                landing_key(source.name, name),
                deps=[CANDIDATE],
                group_name="landing",
                kinds={"sqlite" if _is_sqlite(source) else source.kind, "parquet"},
                description=f"Batches of {name} as {source.name} gave them.",
            )
            for name in source.entities
        ],
        pool=POOL,
    )
    def land(
        request: RefreshRequest,
    ) -> Iterator[dg.MaterializeResult[None]]:
        home = request.open_home()
        opened = release.latest_candidate(home)
        with (
            attempts.stage(home, opened.refresh_id, f"read {source.name}"),
            open_reader(source) as reader,
        ):
            for name, entity in source.entities.items():
                started = time.monotonic()
                landed = landing.land(
                    home,
                    source.name,
                    entity,
                    reader,
                    now=dt.datetime.now(dt.UTC),
                    full=request.full,
                )
                rows = sum(batch.rows_landed for batch in landed.batches)
                quarantined = sum(batch.rows_quarantined for batch in landed.batches)
                forgotten = sum(batch.rows_forgotten for batch in landed.batches)
                log.info(
                    "%s",
                    _told(source.name, name, landed, rows, quarantined),
                    extra=facts(
                        event="landed",
                        source=source.name,
                        entity=name,
                        rows_landed=rows,
                        rows_quarantined=quarantined,
                        batches=len(landed.batches),
                        seconds=round(time.monotonic() - started, 3),
                    ),
                )
                yield dg.MaterializeResult(
                    asset_key=landing_key(source.name, name),
                    metadata={
                        "dagster/partition_row_count": rows,
                        "batches": len(landed.batches),
                        "rows_read": rows + quarantined + forgotten,
                        "rows_landed": rows,
                        "rows_quarantined": quarantined,
                        "rows_forgotten": forgotten,
                        "already_landed": landed.already_landed,
                        "folder": dg.MetadataValue.path(
                            str(landing.entity_folder(home, source.name, name))
                        ),
                    },
                )

    return land


def _is_sqlite(source: Source) -> bool:
    return bool(source.url and source.url.startswith("sqlite"))


def _told(
    source: str, entity: str, landed: landing.Landed, rows: int, quarantined: int
) -> str:
    name = f"{source}.{entity}"
    if not landed.batches:
        return f"{name}: nothing new"
    text = f"{name}: {rows:,} rows landed"
    if quarantined:
        text += f", {quarantined:,} quarantined"
    return text
