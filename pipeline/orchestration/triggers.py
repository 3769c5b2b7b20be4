"""What starts a refresh by itself: the time of day, and files that arrive.

Both ask for the newest as-of date and nothing else, and both are off until somebody
switches them on. Dagster makes one run of all the ticks that a schedule missed, because
the job has no partitions; its queue lets one run at a time through, and the run then
waits for a refresh of the command line.
"""

from typing import Any

import dagster as dg

from pipeline.common.home import Home
from pipeline.common.lock import is_locked
from pipeline.common.settings import Settings
from pipeline.orchestration import runs
from pipeline.sources import Source
from pipeline.sources.files import arrivals

# A refresh of the command line that takes longer than this is told as one that failed.
WAIT_MINUTES = 120


def daily(job: Any, name: str, settings: Settings) -> dg.ScheduleDefinition:
    """The daily refresh."""

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=settings.cron,
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Off until somebody switches it on. Days that were missed while "
        "nothing ran are made up for by one run, for the newest day.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        home = Home.open(settings.home)
        runs.bury(context.instance, home)
        if waiting := runs.waiting(context.instance):
            return dg.SkipReason(
                f"The run {waiting[0].run_id} has not begun yet, and will know all that "
                "another one would."
            )
        return _request(settings, "schedule")

    return tick


def files_sensor(source: Source, job: Any, settings: Settings) -> dg.SensorDefinition:
    """Starts a refresh once files of the source have arrived, are new or have changed."""

    @dg.sensor(
        name=f"files_of_{source.name}",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Off until somebody switches it on. Looks at the files of "
        f"{source.name} every minute; one refresh for all that arrived, once none of "
        "them is being written.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        home = Home.open(settings.home)
        runs.bury(context.instance, home)
        found = arrivals.look(source)
        if found.print == context.cursor:
            return dg.SkipReason(f"The {found.files} files are those of the last time.")
        if found.unsettled:
            return dg.SkipReason(f"Not whole yet: {'; '.join(found.unsettled[:5])}.")
        if is_locked(home) or runs.unfinished(context.instance):
            return dg.SkipReason(
                "A refresh is running; the files are looked at after it."
            )
        context.update_cursor(found.print)
        return _request(settings, context.sensor_name)

    return look


def _request(settings: Settings, trigger: str) -> dg.RunRequest:
    # Whoever gives one of them gives all: what is left out is the default of the field.
    config = {
        "home": str(settings.home),
        "wait_minutes": WAIT_MINUTES,
        "limit_minutes": settings.limits.refresh_minutes,
    }
    return dg.RunRequest(
        run_config={"resources": {"request": {"config": config}}},
        tags={runs.TRIGGER: trigger},
    )
