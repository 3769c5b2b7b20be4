"""The log of a refresh: what stands in it, what never does, and how it is read."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common.discretion import discreet, secrets_in
from pipeline.common.errors import GateRefused, SourceUnavailable
from pipeline.common.home import Home
from pipeline.journal import attempts, log_reading, refresh_log
from tests.unit.operations.alerting import broken

DAY = dt.date(2014, 1, 31)
FIRST, SECOND = "r000001-20140131", "r000002-20140131"
log = logging.getLogger("customer_tiers.ingest")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_every_line_can_be_followed(home: Home) -> None:
    with refresh_log.recording(home, "run-1"):
        log.info("preparing")
        attempts.begin(home, FIRST, "run-1", DAY)
        with attempts.stage(home, FIRST, "read shop"):
            log.info(
                "shop.items: 3 rows landed",
                extra=refresh_log.facts(
                    event="landed", source="shop", rows_landed=3, rows_quarantined=1
                ),
            )
            logging.getLogger("pipeline.sources.files").warning("a %s", "warning")
        attempts.end(home, FIRST, "published")
    lines = log_reading.read(home, FIRST)
    assert {line["refresh_id"] for line in lines} == {FIRST}
    assert {line["run_id"] for line in lines} == {"run-1"}
    assert [(line["event"], line["stage"], line["level"]) for line in lines] == [
        ("log", None, "INFO"),
        ("attempt_begin", "start", "INFO"),
        ("stage_begin", "read shop", "DEBUG"),
        ("landed", "read shop", "INFO"),
        ("log", "read shop", "WARNING"),
        ("stage_end", "read shop", "INFO"),
        ("attempt_end", "read shop", "INFO"),
    ]
    moments = [dt.datetime.fromisoformat(line["ts"]) for line in lines]
    assert moments == sorted(moments)
    assert all(line["ts"][-5] == "." and line["ts"].endswith("Z") for line in lines)
    (landed,) = [line for line in lines if line["event"] == "landed"]
    assert (landed["rows_landed"], landed["logger"]) == (3, "ingest")
    assert log_reading.rows_by_source(lines) == {
        "shop": {"landed": 3, "quarantined": 1}
    }
    assert set(log_reading.stage_seconds(lines)) == {"read shop"}


def test_what_comes_after_is_not_in_it(home: Home) -> None:
    logger = logging.getLogger("customer_tiers")
    level = logger.level
    with refresh_log.recording(home, "run-1"):
        attempts.begin(home, FIRST, "run-1", DAY)
    log.warning("after")
    assert [line["event"] for line in log_reading.read(home, FIRST)] == [
        "attempt_begin"
    ]
    assert logger.level == level


def test_an_inner_recording_leaves_it_to_the_outer_one(home: Home) -> None:
    with refresh_log.recording(home, "run-1") as outer:
        with refresh_log.recording(home, "run-2") as inner:
            attempts.begin(home, FIRST, "run-1", DAY)
        log.info("still there")
    assert (outer, inner) == (True, False)
    lines = log_reading.read(home, FIRST)
    assert [line["message"] for line in lines] == [f"{FIRST} begins", "still there"]
    assert {line["run_id"] for line in lines} == {"run-1"}


def test_a_run_without_a_refresh_leaves_no_file(home: Home) -> None:
    with refresh_log.recording(home, "run-1"):
        log.info("nothing came of it")
    assert log_reading.kept(home) == []


def test_no_values_of_rows_and_no_secrets(home: Home) -> None:
    check = broken("names_are_unique")
    with refresh_log.recording(home, "run-1", {"s3cret-word"}):
        attempts.begin(home, FIRST, "run-1", DAY)
        log.warning(
            "%s %s",
            check.severity,
            check.sentence(),
            extra=refresh_log.facts(**check.facts()),
        )
        with pytest.raises(GateRefused), attempts.stage(home, FIRST, "gate out"):
            raise GateRefused(check.sentence())
        with (
            pytest.raises(SourceUnavailable),
            attempts.stage(home, FIRST, "read shop"),
        ):
            raise SourceUnavailable("postgresql://me:s3cret-word@erp/db: no answer")
        try:
            raise ValueError("could not convert string 'Jon Yang' to INT32\n1,Jon")
        except ValueError:
            log.exception("jon24@example.com is odd")
    text = refresh_log.log_file(home, FIRST).read_text()
    for word in ("Jon", "Yang", "jon24", "s3cret"):
        assert word not in text
    lines = log_reading.read(home, FIRST)
    (found,) = [line for line in lines if line["event"] == "check"]
    assert (found["subject"], found["failing_rows"]) == ("marts.customers", 12)
    assert found["message"] == "critical marts.customers: names_are_unique failed"
    (odd,) = [line for line in lines if "exception" in line and line["event"] == "log"]
    assert odd["exception"] == "ValueError: could not convert string '…' to INT32"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "no file matches 'incidents_*.csv.gz'",
            "no file matches 'incidents_*.csv.gz'",
        ),
        ("/srv/in is not there", "/srv/in is not there"),
        ('Referenced column "Jon" not found', 'Referenced column "Jon" not found'),
        ('Duplicate key "customer: 7"', 'Duplicate key "…"'),
        ("write to a.b+c@mail.example.com now", "write to … now"),
        ("mysql://user:pw@host/db", "mysql://…@host/db"),
        ("delimiter ';' (detected)", "delimiter ';' (detected)"),
        ("Key (name)=(Jon) is there", "Key (name)=(…) is there"),
        ("3 rows; such as name=Jon; Yang", "3 rows; such as …"),
        (
            "marts.customers: unique(customer_id)",
            "marts.customers: unique(customer_id)",
        ),
    ],
)
def test_discretion(text: str, expected: str) -> None:
    assert discreet(text) == expected


def test_secrets_are_the_values_that_files_refer_to(tmp_path: Path) -> None:
    described = tmp_path / "sources.yaml"
    described.write_text(
        "url: ${ERP}\nother: ${SHORT} ${MISSING} ${CUSTOMER_TIERS_HOME}"
    )
    environment = {"ERP": "postgresql://x", "SHORT": "abc", "UNUSED": "not asked for"}
    environment["CUSTOMER_TIERS_HOME"] = "/srv/home"
    found = secrets_in([described, tmp_path / "no.yaml"], environment)
    assert found == {"postgresql://x"}


def test_a_log_that_cannot_be_written_stops_nothing(home: Home) -> None:
    home.refresh_logs.write_text("a file where the folder should be")
    with refresh_log.recording(home, "run-1"):
        attempts.begin(home, FIRST, "run-1", DAY)
        log.info("goes on")
        attempts.end(home, FIRST, "published")
    attempt = attempts.read(home, FIRST)
    assert attempt is not None
    assert attempt.state == "published"


def test_lines_of_many_threads_stay_whole(home: Home) -> None:
    def talk(number: int) -> None:
        for at in range(50):
            log.info("%d-%d %s", number, at, "x" * 500)

    with refresh_log.recording(home, "run-1"):
        attempts.begin(home, FIRST, "run-1", DAY)
        threads = [threading.Thread(target=talk, args=(item,)) for item in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    text = refresh_log.log_file(home, FIRST).read_text()
    words = [json.loads(line)["message"].split()[0] for line in text.splitlines()[1:]]
    assert sorted(words) == sorted(f"{n}-{at}" for n in range(4) for at in range(50))


def test_logs_are_listed_and_removed(home: Home) -> None:
    for name in (FIRST, SECOND):
        with refresh_log.recording(home, "run"):
            attempts.begin(home, name, "run", DAY)
    assert [item.refresh_id for item in log_reading.kept(home)] == [SECOND, FIRST]
    (gone,) = log_reading.remove(home, [FIRST, "r000009-20140131"])
    assert gone.refresh_id == FIRST
    assert gone.bytes > 0
    assert [item.refresh_id for item in log_reading.kept(home)] == [SECOND]


def test_the_command_prints_them(home: Home) -> None:
    for name in (FIRST, SECOND):
        with refresh_log.recording(home, "run"):
            attempts.begin(home, name, "run", DAY)
            with attempts.stage(home, name, "read shop"):
                log.info("[3] rows", extra=refresh_log.facts(rows=3))
            attempts.end(home, name, "published")
    # A killed process leaves a torn line.
    with refresh_log.log_file(home, SECOND).open("a") as file:
        file.write('{"ts": "2014-')
    runner = CliRunner()
    newest = runner.invoke(main, ["logs", "--home", str(home.root)])
    assert newest.exit_code == 0, newest.output
    assert f"{SECOND} begins" in newest.output
    assert "[3] rows  (rows=3)" in newest.output
    assert FIRST not in newest.output
    asked = ["logs", FIRST, "--json", "--follow", "--home", str(home.root)]
    result = runner.invoke(main, asked)
    lines = [json.loads(line) for line in result.output.splitlines()]
    assert lines == log_reading.read(home, FIRST)
    assert len(lines) == 5
    missing = runner.invoke(
        main, ["logs", "r000009-20140131", "--home", str(home.root)]
    )
    assert missing.exit_code == 2


def test_following_goes_on_until_the_refresh_ends(home: Home) -> None:
    from pipeline.common.lock import refresh_lock

    with refresh_lock(home), refresh_log.recording(home, "run"):
        attempts.begin(home, FIRST, "run", DAY)
        found = log_reading.lines(home, FIRST, follow=True)
        assert next(found)["event"] == "attempt_begin"
        log.info("more")
        attempts.end(home, FIRST, "published")
        assert [line["event"] for line in found] == ["log", "attempt_end"]
