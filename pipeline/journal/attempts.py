"""The journal of refreshes: one small file an attempt, so that `status` says the truth.

An attempt that says `running` while nobody holds the lock has died; that is derived
when it is read, because a killed process writes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.common.errors import CustomerTiersError, GateRefused
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.lock import is_locked
from pipeline.common.secrets import clear_error, cleared
from pipeline.journal import disk, refresh_log

log = logging.getLogger("customer_tiers.attempts")

# A limit of time ends an attempt from a thread of its own.
_WRITING = threading.Lock()

State = Literal["running", "published", "built", "refused", "failed", "died"]


@dataclass(frozen=True)
class Attempt:
    """One attempt at a refresh, however it ended.

    `built` is a refresh that passed every gate and was asked not to publish; `retries`
    counts how often a source was read again after an error; `sources_file` is the
    `sources.yaml` that was in force.
    """

    refresh_id: str
    run_id: str
    as_of_date: str
    state: State
    stage: str
    started_at: str
    ended_at: str | None = None
    reason: str | None = None
    exit_code: int = 0
    process: int = 0
    retries: int = 0
    sources_file: str | None = None


def now() -> dt.datetime:
    """The present moment, aware, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def begin(
    home: Home,
    refresh_id: str,
    run_id: str,
    as_of_date: dt.date,
    sources_file: Path | None = None,
) -> Attempt:
    """Opens the record of a new attempt."""
    attempt = Attempt(
        refresh_id=refresh_id,
        run_id=run_id,
        as_of_date=as_of_date.isoformat(),
        state="running",
        stage="start",
        started_at=now().isoformat(),
        process=os.getpid(),
        sources_file=str(sources_file) if sources_file else None,
    )
    _save(home, attempt)
    refresh_log.enter(refresh_id, attempt.stage)
    refresh_log.note("INFO", "attempt_begin", f"{refresh_id} begins", as_of=as_of_date)
    return attempt


def end(
    home: Home,
    refresh_id: str,
    state: State,
    reason: str | None = None,
    exit_code: int = 0,
) -> None:
    """Closes the record. The first ending counts, unless a later one publishes.

    The reason is cleared of secrets: it goes into status and alerts.
    """
    reason = cleared(reason) if reason else reason
    with _WRITING:
        attempt = read(home, refresh_id)
        if attempt is None or (attempt.state != "running" and state != "published"):
            return
        _save(
            home,
            replace(
                attempt,
                state=state,
                reason=reason,
                exit_code=exit_code,
                ended_at=now().isoformat(),
            ),
        )
    refresh_log.note(
        "INFO" if exit_code == 0 else "ERROR",
        "attempt_end",
        f"{refresh_id} is {state}" + (f": {reason.splitlines()[0]}" if reason else ""),
        state=state,
        exit_code=exit_code,
    )


def count_retry(home: Home, refresh_id: str) -> None:
    """Notes that a source is read once more."""
    with _WRITING:
        attempt = read(home, refresh_id)
        if attempt is not None:
            _save(home, replace(attempt, retries=attempt.retries + 1))


@contextmanager
def stage(home: Home, refresh_id: str, name: str) -> Iterator[None]:
    """Says where the attempt stands, and why it ended if this stage raises."""
    started = time.monotonic()
    try:
        with _WRITING:
            attempt = read(home, refresh_id)
            if attempt is not None and attempt.state == "running":
                _save(home, replace(attempt, stage=name))
        refresh_log.enter(refresh_id, name)
        log.debug("%s", name, extra=refresh_log.facts(event="stage_begin"))
        yield
    except BaseException as error:
        # Dagster keeps the error, too, with those that led to it.
        clear_error(error)
        if disk.is_full(error):
            disk.make_room(home, refresh_id)
            if not isinstance(error, disk.DiskFull):
                error = disk.DiskFull(disk.explain_full(home, error))
        refresh_log.note(
            "ERROR",
            "stage_end",
            f"{name} ended with an error",
            seconds=round(time.monotonic() - started, 3),
            exception=refresh_log.summarise_error(error),
        )
        refused = isinstance(error, GateRefused)
        is_ours = isinstance(error, CustomerTiersError)
        end(
            home,
            refresh_id,
            "refused" if refused else "failed",
            f"{name}: {error}"
            if is_ours
            else f"{name}: {type(error).__name__}: {error}",
            exit_code=error.exit_code if isinstance(error, CustomerTiersError) else 1,
        )
        raise
    refresh_log.note(
        "INFO",
        "stage_end",
        f"{name} is done",
        seconds=round(time.monotonic() - started, 3),
    )


def read(home: Home, refresh_id: str) -> Attempt | None:
    """The record of one attempt, as it was written."""
    path = home.attempts / f"{refresh_id}.json"
    return _read(path) if path.exists() else None


def day_in(refresh_id: str) -> dt.date:
    """The as-of date in an id, for when nothing else says it any more."""
    try:
        return dt.datetime.strptime(refresh_id[-8:], "%Y%m%d").date()
    except ValueError:
        return dt.date.min


def _read(path: Path) -> Attempt:
    """The record; of a damaged one what its name says, so that nothing is hidden."""
    try:
        return Attempt(**read_json(path))
    except (OSError, ValueError, TypeError) as error:
        modified = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        started = modified.replace(microsecond=0).isoformat()
        return Attempt(
            refresh_id=path.stem,
            run_id="",
            as_of_date=day_in(path.stem).isoformat(),
            state="died",
            stage="",
            started_at=started,
            reason=f"its record {path} is damaged ({error})",
        )


def of_run(home: Home, run_id: str) -> Attempt | None:
    """The attempt of a run in Dagster, as it was written; None before it has begun."""
    for path in sorted(home.attempts.glob("r*.json"), reverse=True):
        attempt = _read(path)
        if attempt.run_id == run_id:
            return attempt
    return None


def history(home: Home) -> list[Attempt]:
    """Every attempt, newest first; one left `running` by a dead process is `died`."""
    records = [_read(path) for path in home.attempts.glob("r*.json")]
    records.sort(key=lambda attempt: attempt.refresh_id, reverse=True)
    if any(attempt.state == "running" for attempt in records):
        alive = is_locked(home)
        newest = records[0].refresh_id
        # Read again: it may have ended between the first reading and that of the lock.
        records = [
            _died_or_ended(read(home, attempt.refresh_id) or attempt)
            if attempt.state == "running"
            and not (alive and attempt.refresh_id == newest)
            else attempt
            for attempt in records
        ]
    return records


def _died_or_ended(attempt: Attempt) -> Attempt:
    if attempt.state != "running":
        return attempt
    return replace(
        attempt, state="died", reason=f"ended without a word in {attempt.stage}"
    )


def _save(home: Home, attempt: Attempt) -> None:
    write_json(home.attempts / f"{attempt.refresh_id}.json", asdict(attempt))
