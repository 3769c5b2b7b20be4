"""Old runs in Dagster's storage: gone with their events and their output.

Through Dagster's own interface, as far as there is one: it deletes a run and its events,
and leaves the file of the events and the folder of the output, which go here.
"""

import datetime as dt
import logging
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import dagster as dg

from pipeline.home import Home

log = logging.getLogger("customer_tiers.retention")

# Runs are deleted in portions, so that a home of many years is not read into memory.
_PORTION = 100
# A database is written anew once so much of it is empty.
_EMPTY_BYTES = 16 * 2**20


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
