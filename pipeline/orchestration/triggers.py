"""What starts a refresh by itself: the time of day, and files that arrive.

Both ask for the newest as-of date and nothing else, and both are off until somebody
switches them on. Dagster makes one run of all the ticks that a schedule missed, because
the job has no partitions; its queue lets one run at a time through, and the run then
waits for a refresh of the command line.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import dagster as dg

from pipeline.common.home import Home
from pipeline.common.lock import is_locked
from pipeline.common.settings import Settings
from pipeline.journal import attempts
from pipeline.orchestration import runs
from pipeline.sources import Source
from pipeline.sources.files import arrivals

# A run that waits longer than this for a refresh of the command line fails.
WAIT_MINUTES = 120

# After a run that did not publish, the same files are asked for again: first so much
# later, and at most so much.
FIRST_WAIT = dt.timedelta(minutes=10)
LONGEST_WAIT = dt.timedelta(days=1)


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
        runs.mark_dead(context.instance, home)
        if waiting := runs.waiting(context.instance):
            return dg.SkipReason(
                f"The run {waiting[0].run_id} has not begun yet, and will know all that "
                "another one would."
            )
        return _request(settings, "schedule")

    return tick


def files_sensor(source: Source, job: Any, settings: Settings) -> dg.SensorDefinition:
    """Starts a refresh once files of the source have arrived, are new or have changed.

    The cursor says which files are in a release, and so moves when the run that they
    started has published. Which run that is says a tag of the run. After one that failed
    they are asked for again, each time later.
    """

    @dg.sensor(
        name=f"files_of_{source.name}",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Off until somebody switches it on. Scans the files of "
        f"{source.name} every minute; one refresh for all that arrived, once none of "
        "them is being written.",
    )
    def scan(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        home = Home.open(settings.home)
        runs.mark_dead(context.instance, home)
        asked = runs.asked_for(context.instance, context.sensor_name)
        if asked and _has_published(home, asked[0].dagster_run):
            context.update_cursor(asked[0].dagster_run.tags[runs.FILES])
        found = arrivals.scan(source)
        if found.print == context.cursor:
            return dg.SkipReason(f"The {found.files} files are those of the last time.")
        if found.unsettled:
            return dg.SkipReason(f"Not whole yet: {'; '.join(found.unsettled[:5])}.")
        if is_locked(home) or runs.unfinished(context.instance):
            return dg.SkipReason(
                "A refresh is running; the files are looked at after it."
            )
        failed = list(
            takewhile(
                lambda record: record.dagster_run.tags[runs.FILES] == found.print, asked
            )
        )
        if failed and _was_mended(home, _ended_at(failed[0])):
            context.update_cursor(found.print)
            return dg.SkipReason("Another refresh has published these files.")
        if failed and (again_at := _again_at(failed)) > dt.datetime.now(dt.UTC):
            return dg.SkipReason(
                f"The run {failed[0].dagster_run.run_id} for these files did not "
                f"publish; they are asked for again after {again_at:%Y-%m-%d %H:%M} UTC, "
                "or at once when they change."
            )
        return _request(settings, context.sensor_name, **{runs.FILES: found.print})

    return scan


def _has_published(home: Home, run: dg.DagsterRun) -> bool:
    """Whether the run made a release; its report may have failed all the same."""
    attempt = attempts.of_run(home, run.run_id)
    if attempt is None:  # the journal keeps a limited number
        return run.status == dg.DagsterRunStatus.SUCCESS
    return attempt.state == "published"


def wait_after(failures: int) -> dt.timedelta:
    """How long the same files wait after so many runs that did not publish.

    What was refused is refused again most of the time, until somebody mends it; and who
    has mended it can refresh at once.
    """
    return min(FIRST_WAIT * (1 << failures - 1), LONGEST_WAIT)


def _again_at(failed: Sequence[dg.RunRecord]) -> dt.datetime:
    """When files whose runs have failed are asked for again."""
    return _ended_at(failed[0]) + wait_after(len(failed))


def _ended_at(record: dg.RunRecord) -> dt.datetime:
    if record.end_time is None:
        return record.update_timestamp
    return dt.datetime.fromtimestamp(record.end_time, dt.UTC)


def _was_mended(home: Home, ended_at: dt.datetime) -> bool:
    """Whether a refresh of anybody's has published that began after a failed run."""
    return any(
        attempt.state == "published"
        and dt.datetime.fromisoformat(attempt.started_at) >= ended_at
        for attempt in attempts.history(home)
    )


def _request(settings: Settings, trigger: str, **tags: str) -> dg.RunRequest:
    # Whoever gives one of them gives all: what is left out is the default of the field.
    config = {
        "home": str(settings.home),
        "wait_minutes": WAIT_MINUTES,
        "limit_minutes": settings.limits.refresh_minutes,
    }
    return dg.RunRequest(
        run_config={"resources": {"request": {"config": config}}},
        tags={runs.TRIGGER: trigger, **tags},
    )
