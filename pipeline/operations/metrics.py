"""The figures of a home as a text file that Prometheus's node_exporter collects.

Written at the end of each attempt and at each `status --check`, whole or not at all. The
file holds no names and no personal data, and unlike everything else in a home anybody
may read it; ages are moments, so that they go on growing when nothing runs any more.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import attempts, log_reading
from pipeline.journal.attempts import Attempt, State
from pipeline.operations import freshness
from pipeline.operations.alerts import ledger
from pipeline.release import catalogue
from pipeline.serving import copies

PREFIX = "customer_tiers_"
LEFT_OVER_SECONDS = 3_600
FOLDERS = ("landing", "quarantine", "candidates", "releases", "dagster", "logs")


def _family(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, about, labels=labels)


def write(settings: Settings, home: Home) -> Path:
    """Writes the file anew.

    Returns:
        Where it is.
    """
    path = file_of(settings, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = render(collect(settings, home))
    _sweep(path)
    # A name of its own: two may write at once. The collector reads *.prom only.
    own = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
    try:
        with own.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # The home is its owner's alone; a place outside it was named for a collector.
        own.chmod(0o600 if path.is_relative_to(home.root) else 0o644)
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return path


def _sweep(path: Path) -> None:
    """Removes what killed processes were writing an hour ago or longer."""
    for left in path.parent.glob(f".{path.name}.*.partial"):
        try:
            if time.time() - left.stat().st_mtime > LEFT_OVER_SECONDS:
                left.unlink()
        except OSError:
            continue


def file_of(settings: Settings, home: Home) -> Path:
    """Where the file is written."""
    return settings.metrics_file or home.metrics / "customer_tiers.prom"


def render(families: Iterable[Metric]) -> str:
    """The families in Prometheus's text format; one without a value is left out."""
    registry = CollectorRegistry()
    registry.register(_Collected([family for family in families if family.samples]))
    return generate_latest(registry).decode()


class _Collected(Collector):
    """What was collected already, in the form in which the client asks for it."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def collect(settings: Settings, home: Home) -> list[GaugeMetricFamily]:
    """All figures of the home as it is now."""
    tried = freshness.numbered(attempts.history(home))
    seen = freshness.assess(settings, home)
    return [
        *_of_release(home, seen),
        *_of_attempts(tried),
        *_of_newest(home, tried[0] if tried else None),
        *_of_copies(home),
        *_of_home(home),
    ]


def _of_release(home: Home, seen: freshness.Freshness) -> list[GaugeMetricFamily]:
    code = _family("status_exit_code", "What `status --check` ends with; 0 is fine.")
    code.add_metric([], seen.exit_code)
    sealed = _family(
        "release_sealed_timestamp_seconds", "When the current release was sealed."
    )
    as_of = _family(
        "release_as_of_timestamp_seconds",
        "End of the last business day that the current release knows of, as UTC.",
    )
    lag = _family(
        "release_as_of_lag_days",
        "Days that had ended at the last look and are not in the current release.",
    )
    checks = _family("release_checks", "Checks of the current release.")
    warnings = _family(
        "release_warnings", "Checks of the current release that did not pass."
    )
    allowed = _family("release_max_age_seconds", "The age from which it is too old.")
    allowed.add_metric([], seen.max_age_seconds)
    clock = _family(
        "clock_behind_seconds",
        "How far the clock is behind what the home has recorded; 0 is fine.",
    )
    clock.add_metric([], seen.clock_behind_seconds)
    kept = catalogue.releases(home)
    count = _family("releases_kept", "Releases in the home.")
    count.add_metric([], len(kept))
    for item in kept:
        if item.is_current and not item.damage:
            midnight = dt.datetime.combine(item.as_of_date, dt.time(), dt.UTC)
            sealed.add_metric([], item.sealed_at.timestamp())
            as_of.add_metric([], (midnight + dt.timedelta(days=1)).timestamp())
            checks.add_metric([], item.checks)
            warnings.add_metric([], item.warnings)
            lag.add_metric([], seen.lag_days or 0)
    return [code, sealed, as_of, lag, allowed, checks, warnings, clock, count]


def _of_attempts(tried: list[Attempt]) -> list[GaugeMetricFamily]:
    count = _family("attempts", "Attempts in the journal by how they ended.", "state")
    newest = _family(
        "last_attempt_state", "1 for the state of the newest attempt.", "state"
    )
    states = Counter(attempt.state for attempt in tried)
    for state in get_args(State):
        count.add_metric([state], states[state])
        if tried:
            newest.add_metric([state], float(tried[0].state == state))
    started = _family(
        "last_attempt_started_timestamp_seconds", "When the newest attempt began."
    )
    ended = _family(
        "last_attempt_ended_timestamp_seconds",
        "When the newest attempt that has ended did so.",
    )
    took = _family(
        "last_attempt_duration_seconds", "How long the newest ended attempt took."
    )
    code = _family(
        "last_attempt_exit_code", "With what the newest ended attempt ended."
    )
    if tried:
        started.add_metric([], _moment(tried[0].started_at))
    for attempt in tried:
        if attempt.ended_at is not None:
            ended.add_metric([], _moment(attempt.ended_at))
            took.add_metric(
                [], max(_moment(attempt.ended_at) - _moment(attempt.started_at), 0)
            )
            code.add_metric([], attempt.exit_code)
            break
    return [newest, started, ended, took, code, count]


def _of_newest(home: Home, newest: Attempt | None) -> list[GaugeMetricFamily]:
    rows = _family(
        "last_attempt_rows",
        "Rows that the newest attempt read anew, by what they became.",
        "source",
        "outcome",
    )
    stages = _family("last_attempt_stage_seconds", "How long its stages took.", "stage")
    checks = _family(
        "last_attempt_checks",
        "Its checks by outcome and severity.",
        "outcome",
        "severity",
    )
    accepted = _family(
        "last_attempt_checks_accepted", "Its checks that a person has accepted."
    )
    if newest is None:
        return []
    lines = log_reading.read(home, newest.refresh_id)
    for source, counts in sorted(log_reading.rows_by_source(lines).items()):
        for outcome, number in counts.items():
            rows.add_metric([source, outcome], number)
    for stage, seconds in log_reading.stage_seconds(lines).items():
        stages.add_metric([stage], seconds)
    found = catalogue.checks_of(home, newest.refresh_id)
    counted = Counter((check["outcome"], check["severity"]) for check in found)
    for outcome in ("passed", "failed", "crashed"):
        for severity in ("critical", "warning"):
            checks.add_metric([outcome, severity], counted[outcome, severity])
    accepted.add_metric([], sum(bool(check.get("accepted")) for check in found))
    return [rows, stages, checks, accepted]


def _of_copies(home: Home) -> list[GaugeMetricFamily]:
    behind = _family(
        "copy_behind",
        "1 for a copy that has not the current release, or that could not be made.",
        "kind",
        "target",
    )
    current = catalogue.current_id(home)
    for copy in copies.known(home):
        is_current = copy.release_id == current and copy.failed_at is None
        behind.add_metric([copy.kind, copy.target], float(not is_current))
    return [behind]


def _of_home(home: Home) -> list[GaugeMetricFamily]:
    held = _family("home_bytes", "Bytes in the folders of the home.", "folder")
    for name in FOLDERS:
        held.add_metric([name], _bytes(home.root / name))
    free = _family("disk_free_bytes", "Bytes that are free where the home is.")
    free.add_metric([], shutil.disk_usage(home.root).free)
    pending = _family("alerts_pending", "Alerts that are still to be sent.")
    pending.add_metric([], ledger.read(home).pending())
    written = _family("metrics_written_timestamp_seconds", "When this was written.")
    written.add_metric([], dt.datetime.now(dt.UTC).timestamp())
    return [held, free, pending, written]


def _bytes(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).lstat().st_size
            except OSError:
                continue  # it went away while we read
    return total


def _moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()
