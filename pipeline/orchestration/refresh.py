"""Runs the Dagster job of a refresh from the command line, and reports how it ended.

It is the job of the schedule, in the same Dagster instance, so that its runs are seen in
the web page. How the progress is rendered is the command line's business.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import uuid
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.common import calendar, collector, limits
from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.common.settings import Settings
from pipeline.gates import advice
from pipeline.journal import acceptances, attempts, disk
from pipeline.journal.attempts import Attempt
from pipeline.landing.entity import refuse_foreign
from pipeline.operations.watch import watched
from pipeline.serving import copies
from pipeline.sources import load_sources

if TYPE_CHECKING:
    import dagster as dg

log = logging.getLogger("customer_tiers.refresh")

# Less would not even hold Dagster's first notes of a run.
LEAST_TO_BEGIN = 4 * 2**20


@dataclass(frozen=True)
class Request:
    """What the command line was asked for."""

    as_of: dt.date | None = None
    full: bool = False
    publish: bool = True
    report: bool = True
    accept: acceptances.Wish | None = None


class RefreshFailed(CustomerTiersError):
    """A refresh that did not publish, with the exit code of what stopped it."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.reason or "no reason given")
        self.attempt = attempt
        self.exit_code = attempt.exit_code or 1


def run(settings: Settings, request: Request) -> Attempt:
    """Runs one refresh to its end, holding the home's lock.

    Returns:
        The attempt, `published` or (without publishing) `built`.

    Raises:
        ConfigurationError: Before anything is done; also where the home is that of
            another project.
        RefreshRunning: Another refresh holds the lock.
        RefreshFailed: The refresh was refused or failed; readers see what they saw.
    """
    sources = load_sources(settings)
    business = sources.business
    if (day := request.as_of or business.as_of) is not None:
        # Opening the candidate refuses it as well; here before anything is begun.
        calendar.refuse_future(day, business.time_zone)
    home = Home.open(settings.home)
    refuse_foreign(home, sources.sources)
    run_id = str(uuid.uuid4())
    with (
        watched(settings, home, run_id),
        refresh_lock(home),
        _room(home),
        collector.seldom(),
    ):
        # Imported late: a wrong setting or a second refresh is refused at once.
        with collector.resting():
            from pipeline.orchestration import dagster_storage, runs
            from pipeline.orchestration.definitions import JOB, build_definitions

        dagster_storage.hold_open(home.dagster)
        log.info("preparing")
        with dagster_storage.open_instance(home.dagster) as instance:
            runs.mark_dead(instance, home, is_mine=True)
            with collector.resting():
                definitions = build_definitions(settings)
                job = definitions.resolve_job_def(JOB)
                graph = definitions.resolve_asset_graph()
            if request.accept is not None:
                _accept(home, settings, request.accept, full=request.full)
            try:
                result = job.execute_in_process(
                    run_id=run_id,
                    instance=instance,
                    raise_on_error=False,
                    tags={runs.TRIGGER: runs.COMMAND_LINE},
                    asset_selection=_selection(
                        graph.materializable_asset_keys, request
                    ),
                    run_config=_run_config(settings, home, request),
                )
            except limits.TimeLimit as error:
                # It came between two steps, where Dagster does not make a failure of it.
                runs.report_failed(home, run_id, str(error))
                if (ended := attempts.of_run(home, run_id)) is not None:
                    raise RefreshFailed(ended) from error
                raise
        failed = {
            event.step_key
            for event in result.all_events
            if event.event_type_value == "STEP_FAILURE"
        }
        return _outcome(home, run_id, request, failed, is_success=result.success)


def _selection(
    everything: Set[dg.AssetKey], request: Request
) -> Sequence[dg.AssetKey] | None:
    """The assets of a refresh that leaves some out; None for all of them."""
    left_out = {
        name
        for name, is_wanted in (
            ("publish", request.publish),
            ("report", request.publish and request.report),
            *((name, request.publish) for name in copies.STEPS.values()),
        )
        if not is_wanted
    }
    if not left_out:
        return None
    return sorted(key for key in everything if key.to_user_string() not in left_out)


def _run_config(settings: Settings, home: Home, request: Request) -> dict[str, Any]:
    """What the run is asked for, as the launchpad of the web page would say it."""
    config = {
        "home": str(home.root),
        "as_of": request.as_of.isoformat() if request.as_of else "",
        "full": request.full,
        "limit_minutes": settings.limits.refresh_minutes,
    }
    return {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "resources": {"request": {"config": config}},
    }


def _outcome(
    home: Home,
    run_id: str,
    request: Request,
    failed: Set[str | None],
    *,
    is_success: bool,
) -> Attempt:
    """How the run ended, by the journal.

    Args:
        failed: The steps that failed.

    Raises:
        RefreshFailed: It was refused or failed.
        CustomerTiersError: It published, and something after that failed.
    """
    attempt = attempts.of_run(home, run_id)
    if attempt is None:
        raise CustomerTiersError(
            f"The run {run_id} ended before it began; `make ui` shows its log."
        )
    if is_success and not request.publish:
        attempts.end(home, attempt.refresh_id, "built")
        return attempts.read(home, attempt.refresh_id) or attempt
    if attempt.state != "published":
        raise RefreshFailed(attempt)
    if not is_success:
        raise CustomerTiersError(
            f"{attempt.refresh_id} is published, but "
            + "; and ".join(_failed_after(home, failed))
        )
    return attempt


def _failed_after(home: Home, failed: Set[str | None]) -> Iterator[str]:
    """What of a published release could not be made, and how it is made again."""
    made = {kind for kind, step in copies.STEPS.items() if step in failed}
    if "report" in failed or not made:
        yield (
            "its report could not be made: `customer-tiers report` tries again and says "
            "why."
        )
    for copy in copies.known(home):
        if copy.kind in made and copy.failed_at:
            made.remove(copy.kind)
            has = copy.release_id or "no release"
            yield f"the copy in {copy.target} has {has}: {copy.problem}"
    for kind in sorted(made):
        yield f"the {kind} copy could not be made: `customer-tiers logs` says why."


@contextmanager
def _room(home: Home) -> Iterator[None]:
    """Reports a full disk where nothing else does: in Dagster's own storage.

    Raises:
        DiskFull: There is no room to begin, or none was left in between.
    """
    if (free := shutil.disk_usage(home.root).free) < LEAST_TO_BEGIN:
        raise disk.DiskFull(
            f"The disk of {home.root} has {free / 1e6:,.1f} MB left, too little to "
            f"begin. The home takes {disk.taken(home)}. Nothing was changed. Make room: "
            "`customer-tiers prune --dry-run` says what may go."
        )
    try:
        yield
    except CustomerTiersError:
        raise
    except Exception as error:
        if not disk.is_full(error):
            raise
        newest = next(iter(attempts.history(home)), None)
        if newest is not None and newest.state == "running":
            disk.make_room(home, newest.refresh_id)
            reason = f"{newest.stage}: {disk.explain_full(home, error)}"
            attempts.end(home, newest.refresh_id, "failed", reason, exit_code=1)
        raise disk.DiskFull(disk.explain_full(home, error)) from error


def _accept(
    home: Home, settings: Settings, wished: acceptances.Wish, *, full: bool
) -> None:
    """Writes into the journal what a person accepts, if it is there and may be."""
    from pipeline.gates import judgement
    from pipeline.transform import dbt as transform

    sources = load_sources(settings)
    applied = sources.applied_to(settings)
    declared = {
        **judgement.declared(sources.sources, applied.expectations, full=full),
        **transform.declared(transform.parse(sources, settings)),
    }
    seen = advice.last_seen(home, attempts.history(home))
    for item in acceptances.accept(home, wished, declared, seen):
        log.info("%s accepted by %s until %s", item.check, item.by, item.until)


def parse_day(text: str) -> dt.date:
    """A day as the command line takes it.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--as-of is {text!r}; give a day such as 2014-01-31."
        ) from error
