"""Runs in Dagster's storage: which are under way, which are dead, and which are old.

Old ones go with their events and their output: through Dagster's own interface, as far as
there is one. It deletes a run and its events, and leaves the file of the events and the
folder of the output, which go here.
"""

import datetime as dt
import logging
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import dagster as dg

from pipeline.common.home import Home
from pipeline.common.lock import is_locked

log = logging.getLogger("customer_tiers.retention")

# The tag that says what started a run.
TRIGGER = "customer_tiers/trigger"
COMMAND_LINE = "command line"
# The tag that says which release a run makes; Dagster shows it in the list of runs.
RELEASE = "customer_tiers/release"
# The tag that says which files a sensor saw when it asked for a run.
FILES = "customer_tiers/files"
# So many runs for the same files are counted; by then the wait is the longest.
MOST_ASKED = 10

# A run that has begun takes the lock as soon as it has imported what it needs.
_SURELY_BEGUN = dt.timedelta(minutes=10)

# Runs are deleted in portions, so that a home of many years is not read into memory.
_PORTION = 100
# A database is written anew once so much of it is empty.
_EMPTY_BYTES = 16 * 2**20


def waiting(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """Runs that have not begun."""
    return instance.get_runs(
        dg.RunsFilter(
            statuses=[
                dg.DagsterRunStatus.QUEUED,
                dg.DagsterRunStatus.NOT_STARTED,
                dg.DagsterRunStatus.STARTING,
            ]
        )
    )


def unfinished(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """Runs that wait or are under way."""
    under_way = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    return [
        *waiting(instance),
        *instance.get_runs(dg.RunsFilter(statuses=under_way)),
    ]


def asked_for(instance: dg.DagsterInstance, sensor: str) -> list[dg.RunRecord]:
    """The newest runs that the sensor asked for, each with the tag `FILES`."""
    found = instance.get_run_records(
        dg.RunsFilter(tags={TRIGGER: sensor}), limit=MOST_ASKED, ascending=False
    )
    return [record for record in found if FILES in record.dagster_run.tags]


def mark_dead(
    instance: dg.DagsterInstance, home: Home, *, is_mine: bool = False
) -> list[str]:
    """Marks runs that died without a word as failed; the queue waits for them else.

    A refresh holds the home's lock from before its run to after it. So while the lock is
    free, or ours before our own run has begun, a run of the command line that is said to
    be under way is dead; and so is one of the daemon that has had time to take the lock.

    Args:
        is_mine: The caller holds the lock, and has begun no run yet.
    """
    records = instance.get_run_records(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
        )
    )
    # After the runs were read: one that ends now says so before it frees the lock.
    if is_locked(home) and not is_mine:
        return []
    dead = []
    now = dt.datetime.now(dt.UTC)
    for record in records:
        run = instance.get_run_by_id(record.dagster_run.run_id)
        if run is None or run.is_finished:
            continue
        of_command_line = run.tags.get(TRIGGER) == COMMAND_LINE
        began = dt.datetime.fromtimestamp(record.start_time or 0, dt.UTC)
        if of_command_line or (not is_mine and now - began > _SURELY_BEGUN):
            instance.report_run_failed(run, "It ended without a word.")
            dead.append(run.run_id)
    if dead:
        log.info(
            "%d runs of Dagster had ended without a word; they are marked failed",
            len(dead),
        )
    return dead


def report_failed(home: Home, run_id: str, why: str) -> None:
    """Reports to Dagster, from a process that is about to end, that a run has failed."""
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, why)


def old_runs(
    instance: dg.DagsterInstance,
    days: int,
    *,
    now: dt.datetime,
    most: int | None = None,
) -> Sequence[dg.DagsterRun]:
    """Finished runs that began so many days ago; none where 0 days are asked for."""
    if not days:
        return []
    return instance.get_runs(
        dg.RunsFilter(
            statuses=[
                dg.DagsterRunStatus.SUCCESS,
                dg.DagsterRunStatus.FAILURE,
                dg.DagsterRunStatus.CANCELED,
            ],
            created_before=now - dt.timedelta(days=days),
        ),
        limit=most,
    )


def prune(
    instance: dg.DagsterInstance, home: Home, days: int, *, now: dt.datetime
) -> int:
    """Deletes runs that are older; how many there were."""
    count = 0
    while found := old_runs(instance, days, now=now, most=_PORTION):
        for run in found:
            instance.delete_run(run.run_id)
            for path in (home.dagster / "history" / "runs").glob(f"{run.run_id}.db*"):
                path.unlink(missing_ok=True)
            shutil.rmtree(home.dagster / "storage" / run.run_id, ignore_errors=True)
        count += len(found)
    if count:
        log.info("removed %d runs of Dagster older than %d days", count, days)
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        _vacuum(home, name)
    return count


def prune_home(home: Home, days: int, *, now: dt.datetime, dry_run: bool) -> int:
    """`prune` in the home's own instance; with `dry_run` only how many runs would go."""
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        if dry_run:
            return len(old_runs(instance, days, now=now))
        return prune(instance, home, days, now=now)


def _vacuum(home: Home, name: str) -> None:
    path = home.dagster / name
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
        (free,) = connection.execute("pragma freelist_count").fetchone()
        (size,) = connection.execute("pragma page_size").fetchone()
        if free * size < _EMPTY_BYTES:
            return
        try:
            connection.execute("vacuum")
        except sqlite3.OperationalError as error:
            # Somebody writes to it, or there is no room for a copy: another time.
            log.info("%s is not packed now: %s", path.name, error)
