"""The metrics: a file that a strict reader of Prometheus's text format takes, and no lies."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.core import GaugeMetricFamily

from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import attempts, refresh_log
from pipeline.journal.evidence import Evidence, save
from pipeline.operations import metrics
from pipeline.operations.alerts import ledger
from tests.unit.operations import alerting

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|Inf)|NaN")


def parsed(text: str) -> Samples:
    """Reads the exposition format, version 0.0.4, and complains of all that is odd.

    The textfile collector refuses timestamps, a HELP or TYPE that comes twice or after
    its samples, families in pieces, and one set of labels twice.
    """
    assert text.endswith("\n")
    samples: Samples = {}
    described: dict[str, set[str]] = {}
    family: str | None = None
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            match = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
            assert match, line
            kind, name, rest = match.groups()
            known = described.setdefault(name, set())
            assert kind not in known, f"{line}: twice"
            assert kind == "HELP" or rest in {"gauge", "counter"}, line
            assert name == family or not known, f"{line}: in pieces"
            known.add(kind)
            family = name
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name, labels, value = match[1], match[2] or "", match[match.lastindex or 0]
        assert name == family, f"{line}: out of its family"
        assert described[name] == {"HELP", "TYPE"}, line
        assert NUMBER.fullmatch(value), line
        found = re.findall(LABEL, labels)
        assert len({key for key, _ in found}) == len(found), line
        key = (name.removeprefix("customer_tiers_"), tuple(sorted(found)))
        assert key not in samples, f"{line}: twice"
        samples[key] = float(value)
    return samples


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def settings(home: Home) -> Settings:
    return Settings(home=home.root, sources_file=home.root.parent / "sources.yaml")


def read(settings: Settings, home: Home) -> Samples:
    return parsed(metrics.write(settings, home).read_text())


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_an_empty_home_has_metrics(home: Home, settings: Settings) -> None:
    samples = read(settings, home)
    assert value(samples, "status_exit_code") == 1
    assert value(samples, "releases_kept") == 0
    assert value(samples, "disk_free_bytes") > 0
    assert not any(name.startswith("release_sealed") for name, _ in samples)
    assert not any(name.startswith("last_attempt") for name, _ in samples)


def test_a_home_after_a_refusal(home: Home, settings: Settings) -> None:
    alerting.published(home, age=dt.timedelta(hours=27))
    with refresh_log.recording(home, "run"):
        candidate = alerting.begun(home)
        with attempts.stage(home, candidate.refresh_id, "read shop"):
            for entity, landed, quarantined in (("items", 10, 2), ("orders", 5, 0)):
                refresh_log.note(
                    "INFO",
                    "landed",
                    "told",
                    source="shop",
                    entity=entity,
                    rows_landed=landed,
                    rows_quarantined=quarantined,
                )
        checks = [
            alerting.broken("a"),
            alerting.broken("b", severity="warning"),
            alerting.broken("c", outcome="crashed"),
            alerting.broken("d", outcome="passed"),
            alerting.broken("e", outcome="passed"),
        ]
        save(
            candidate.evidence_folder,
            Evidence("out", candidate.refresh_id, len(checks), checks),
        )
        attempts.end(home, candidate.refresh_id, "refused", "gate out", exit_code=3)
    state = ledger.Ledger()
    event = state.raise_event("late", "none", "2026-01-01T00:00:00+00:00", {})
    event.deliveries = {
        "a": ledger.Delivery(state="sent"),
        "b": ledger.Delivery(),
        "c": ledger.Delivery(state="sending"),
    }
    home.alerts.mkdir()
    ledger.write(home, state)

    samples = read(settings, home)
    now = dt.datetime.now(dt.UTC).timestamp()
    assert value(samples, "status_exit_code") == 3
    sealed = value(samples, "release_sealed_timestamp_seconds")
    assert now - sealed == pytest.approx(27 * 3600, abs=600)
    as_of = dt.datetime.combine(alerting.TODAY, dt.time(), dt.UTC)
    assert value(samples, "release_as_of_timestamp_seconds") == as_of.timestamp()
    assert value(samples, "last_attempt_state", state="refused") == 1
    states = [v for (name, _), v in samples.items() if name == "last_attempt_state"]
    assert (sum(states), len(states)) == (1, 6)
    assert value(samples, "last_attempt_exit_code") == 3
    assert value(samples, "last_attempt_rows", source="shop", outcome="landed") == 15
    assert (
        value(samples, "last_attempt_rows", source="shop", outcome="quarantined") == 2
    )
    assert value(samples, "last_attempt_stage_seconds", stage="read shop") >= 0
    counted = {
        (outcome, severity): value(
            samples, "last_attempt_checks", outcome=outcome, severity=severity
        )
        for outcome in ("passed", "failed", "crashed")
        for severity in ("critical", "warning")
    }
    assert counted == {
        ("passed", "critical"): 2,
        ("passed", "warning"): 0,
        ("failed", "critical"): 1,
        ("failed", "warning"): 1,
        ("crashed", "critical"): 1,
        ("crashed", "warning"): 0,
    }
    assert value(samples, "attempts", state="published") == 1
    assert value(samples, "release_checks") == 3
    assert value(samples, "release_warnings") == 0
    assert value(samples, "alerts_pending") == 2
    assert value(samples, "home_bytes", folder="releases") > 1000


def test_the_file_can_be_read_by_the_collector_and_may_be_elsewhere(
    home: Home, settings: Settings, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "textfile" / "customer_tiers.prom"
    path = metrics.write(replace(settings, metrics_file=elsewhere), home)
    assert path == elsewhere
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [item.name for item in elsewhere.parent.iterdir()] == [path.name]
    # What lies in the home is as private as the rest of it.
    inside = metrics.write(settings, home)
    assert stat.S_IMODE(inside.stat().st_mode) == 0o600


def test_two_that_write_at_once_leave_one_whole_file(
    home: Home, settings: Settings
) -> None:
    alerting.published(home)
    problems: list[BaseException] = []

    def go() -> None:
        try:
            for _ in range(5):
                read(settings, home)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [item.name for item in home.metrics.iterdir()] == ["customer_tiers.prom"]


def test_what_a_killed_process_left_is_swept(home: Home, settings: Settings) -> None:
    home.metrics.mkdir()
    old = home.metrics / ".customer_tiers.prom.1.2.partial"
    new = home.metrics / ".customer_tiers.prom.3.4.partial"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))
    metrics.write(settings, home)
    assert (old.exists(), new.exists()) == (False, True)


def test_odd_names_and_numbers_stay_well_formed() -> None:
    family = GaugeMetricFamily(
        "customer_tiers_x", "with a \\ and\na new line", labels=["stage"]
    )
    family.add_metric(['read "shop"\\\n'], 1.5)
    family.add_metric(["b"], 1e300)
    family.add_metric(["c"], math.nan)
    family.add_metric(["d"], math.inf)
    family.add_metric(["e"], -0.25)
    empty = GaugeMetricFamily("customer_tiers_empty", "of none")
    samples = parsed(metrics.render([family, empty]))
    assert len(samples) == 5
    assert value(samples, "x", stage='read \\"shop\\"\\\\\\n') == 1.5
    assert value(samples, "x", stage="d") == math.inf


@pytest.mark.parametrize(
    "text",
    [
        "a 1\n",
        "# HELP a b\n# TYPE a gauge\na 1 1700000000\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 1\n",
        '# HELP a b\n# TYPE a gauge\na{x="1" ,y="2"} 1\n',
        "# HELP a b\n# TYPE a gauge\na 1",
        "# TYPE a gauge\n# TYPE a gauge\na 1\n",
        "# HELP a b\n# TYPE a gauge\na None\n",
    ],
)
def test_the_reader_is_strict(text: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        parsed(text)
