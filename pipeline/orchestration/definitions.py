"""Assembles assets, checks, the job, the schedule and the sensors; nothing else.

Importing this module does no I/O: `defs` is a function that Dagster calls when it needs
the definitions. Then `sources.yaml` is read and the dbt project parsed, because both
decide which assets there are.
"""

from __future__ import annotations

import dagster as dg

from pipeline.common.settings import Settings

JOB = "refresh"
SCHEDULE = "daily_refresh"


def build_definitions(settings: Settings) -> dg.Definitions:
    """The whole pipeline for these settings.

    Raises:
        ConfigurationError: `sources.yaml` makes no sense.
    """
    from pipeline.orchestration import dagster_storage, triggers
    from pipeline.orchestration.assets import gates, ingest, publish, serving
    from pipeline.orchestration.assets.transform import mart_keys, transform_assets
    from pipeline.orchestration.request import RefreshRequest
    from pipeline.sources import load_sources
    from pipeline.transform import dbt as transform

    dagster_storage.hold_open(settings.home / "dagster")
    sources = load_sources(settings)
    settings = sources.applied_to(settings)
    project = transform.parse(sources, settings)
    marts = mart_keys(project)
    landed = [
        ingest.landing_key(source.name, name)
        for source in sources.sources
        for name in source.entities
    ]
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="The whole way, from the sources to the release and its report.",
        # One process a run: each step in a process of its own would import Dagster and
        # dbt again, which takes longer than the steps do.
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=[
            ingest.candidate_asset(sources, settings),
            *(ingest.landing_asset(source, settings) for source in sources.sources),
            transform_assets(project, sources, settings),
            publish.publish_asset(
                sources, settings, project, [*landed, *marts.values()]
            ),
            publish.report_asset(settings),
            *serving.serving_assets(settings),
        ],
        asset_checks=[
            *(gates.gate_in(source, settings) for source in sources.sources),
            gates.gate_out(marts, sources.sources, settings),
        ],
        jobs=[job],
        schedules=[triggers.daily(job, SCHEDULE, settings)],
        sensors=[
            triggers.files_sensor(source, job, settings)
            for source in sources.sources
            if source.kind == "files"
        ],
        resources={
            "request": RefreshRequest(
                home=str(settings.home), limit_minutes=settings.limits.refresh_minutes
            )
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings of the environment, made when they are asked for."""
    return build_definitions(Settings.load())
