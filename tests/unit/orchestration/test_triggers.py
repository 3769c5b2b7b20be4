"""What starts a refresh by itself: once for many missed days and many files."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.common.settings import Settings
from pipeline.journal import attempts
from pipeline.orchestration import runs, triggers
from pipeline.orchestration.definitions import SCHEDULE, build_definitions
from pipeline.sources import Entity, Source
from tests.unit import support

HOLDER = """
import sys
from pathlib import Path
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
with refresh_lock(Home(Path(sys.argv[1]))):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as found:
        yield found


@dg.asset
def thing() -> None:
    """What the job of these tests makes."""


JOB = dg.define_asset_job("refresh")
DEFINITIONS = dg.Definitions([thing], jobs=[JOB])


def a_run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, trigger: str = "schedule"
) -> str:
    """A run of the job in that status."""
    job = DEFINITIONS.resolve_job_def("refresh")
    run = instance.create_run_for_job(job, tags={runs.TRIGGER: trigger}, status=status)
    return run.run_id


def config(request: dg.RunRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.run_config["resources"]["request"]["config"]
    return found


def tick(home: Home, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    settings = Settings(home.root, home.root / "sources.yaml")
    schedule = triggers.daily(JOB, SCHEDULE, settings)
    context = dg.build_schedule_context(
        instance, dt.datetime(2026, 11, 22, 5, tzinfo=dt.UTC)
    )
    found = schedule(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_a_tick_asks_for_the_newest_day(
    home: Home, instance: dg.DagsterInstance
) -> None:
    """And for nothing that a missed day would ask for differently."""
    request = tick(home, instance)
    assert isinstance(request, dg.RunRequest)
    assert config(request) == {
        "home": str(home.root),
        "wait_minutes": 120,
        "limit_minutes": 0,
    }
    assert request.run_key is None
    assert request.tags == {runs.TRIGGER: "schedule"}


def test_the_schedule_makes_up_for_missed_days_once() -> None:
    """Dagster does so for a job without partitions, and for no other."""
    definitions = build_definitions(Settings.load())
    job = definitions.resolve_job_def("refresh")
    assert job.partitions_def is None
    schedule = definitions.resolve_schedule_def(SCHEDULE)
    assert schedule.execution_timezone == "UTC"


def test_a_second_tick_waits_or_is_skipped(
    home: Home, instance: dg.DagsterInstance
) -> None:
    """Beside a run that has read something already it waits; beside one that has not
    begun it is not needed."""
    with refresh_lock(home):
        under_way = a_run(instance, dg.DagsterRunStatus.STARTED)
        assert isinstance(tick(home, instance), dg.RunRequest)
        waiting = a_run(instance, dg.DagsterRunStatus.NOT_STARTED)
        skipped = tick(home, instance)
    assert isinstance(skipped, dg.SkipReason)
    assert waiting in str(skipped.skip_message)
    assert under_way in {run.run_id for run in runs.unfinished(instance)}


def files(folder: Path, *patterns: str) -> Source:
    return Source(
        name="shop",
        kind="files",
        path=folder,
        entities={
            f"e{at}": Entity(name=f"e{at}", key=["id"], files=pattern)
            for at, pattern in enumerate(patterns)
        },
        provides=[],
    )


def put(path: Path, text: str = "id\n1\n", *, age: int = 60) -> None:
    path.write_text(text)
    moment = dt.datetime.now(dt.UTC).timestamp() - age
    os.utime(path, (moment, moment))


class Sensor:
    """The sensor of a folder, whose cursor and runs are kept as by the daemon."""

    def __init__(self, home: Home, instance: dg.DagsterInstance, folder: Path) -> None:
        folder.mkdir()
        settings = Settings(home.root, home.root / "sources.yaml")
        source = files(folder, "*.csv", "*.xlsx")
        self._sensor = triggers.files_sensor(source, JOB, settings)
        self._instance = instance
        self._home = home
        self.cursor: str | None = None

    def asks_for_a_run(self, ends: attempts.State | None = "published") -> bool:
        """Whether it asks for a run, which then ends so at once; with None it is queued.

        Args:
            ends: The state of its attempt in the journal.
        """
        context = dg.build_sensor_context(
            instance=self._instance,
            cursor=self.cursor,
            sensor_name="files_of_shop",
            definitions=DEFINITIONS,
        )
        found = self._sensor(context)
        self.cursor = context.cursor
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        if not isinstance(found, dg.RunRequest):
            return False
        statuses = {None: "NOT_STARTED", "published": "SUCCESS"}
        job = DEFINITIONS.resolve_job_def("refresh")
        run = self._instance.create_run_for_job(
            job,
            tags=dict(found.tags),
            status=dg.DagsterRunStatus(statuses.get(ends, "FAILURE")),
        )
        if ends is not None:
            begun = len(list(self._home.attempts.iterdir()))
            refresh_id = f"r{begun + 1:06d}-20140131"
            day = dt.date(2014, 1, 31)
            attempts.begin(self._home, refresh_id, run.run_id, day)
            attempts.end(self._home, refresh_id, ends)
        return True


@pytest.fixture
def sensor(home: Home, instance: dg.DagsterInstance, tmp_path: Path) -> Sensor:
    return Sensor(home, instance, tmp_path / "inbox")


def test_one_run_for_many_files(sensor: Sensor, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    assert sensor.asks_for_a_run()
    assert not sensor.asks_for_a_run()
    for number in range(30):
        put(inbox / f"{number}.csv")
    put(inbox / "a.xlsx")
    put(inbox / "unknown.txt")
    assert sensor.asks_for_a_run()
    assert not sensor.asks_for_a_run()
    put(inbox / "unknown.txt", "changed")
    assert not sensor.asks_for_a_run()


def test_a_file_that_changes_or_goes_is_news(sensor: Sensor, tmp_path: Path) -> None:
    path = tmp_path / "inbox" / "a.csv"
    put(path)
    assert sensor.asks_for_a_run()
    put(path, age=50)
    assert sensor.asks_for_a_run()
    put(path, "id\n1\n2\n", age=50)
    assert sensor.asks_for_a_run()
    path.rename(path.with_name("b.csv"))
    assert sensor.asks_for_a_run()
    path.with_name("b.csv").unlink()
    assert sensor.asks_for_a_run()
    assert not sensor.asks_for_a_run()


def test_it_waits_until_all_files_have_settled(sensor: Sensor, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    put(inbox / "a.csv")
    put(inbox / "b.csv", age=0)
    assert not sensor.asks_for_a_run()
    put(inbox / "b.csv")
    assert sensor.asks_for_a_run()
    put(inbox / "~$a.xlsx")
    assert not sensor.asks_for_a_run()


def test_it_does_not_run_beside_another_refresh(
    sensor: Sensor, home: Home, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Of the command line or of Dagster; the files are not forgotten."""
    put(tmp_path / "inbox" / "a.csv")
    holder: subprocess.Popen[str] = support.start(HOLDER, home.root)
    assert not sensor.asks_for_a_run()
    holder.communicate()
    waiting = a_run(instance, dg.DagsterRunStatus.NOT_STARTED)
    assert not sensor.asks_for_a_run()
    instance.delete_run(waiting)
    assert sensor.asks_for_a_run()


def test_files_whose_run_failed_are_asked_for_again(
    sensor: Sensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not every minute, and not once their release is there."""
    put(tmp_path / "inbox" / "a.csv")
    assert sensor.asks_for_a_run(ends="refused")
    assert [sensor.asks_for_a_run() for _ in range(5)] == [False] * 5
    assert sensor.cursor is None
    monkeypatch.setattr(triggers, "FIRST_WAIT", dt.timedelta(0))
    assert sensor.asks_for_a_run(ends="failed")
    assert sensor.asks_for_a_run(ends="published")
    assert [sensor.asks_for_a_run() for _ in range(5)] == [False] * 5
    assert sensor.cursor is not None


def test_the_wait_grows_with_each_failure() -> None:
    waits = [
        triggers.wait_after(failures) for failures in range(1, runs.MOST_ASKED + 1)
    ]
    minutes = [wait.total_seconds() / 60 for wait in waits]
    assert minutes == [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]


def test_files_that_change_after_a_failure_are_asked_for_at_once(
    sensor: Sensor, tmp_path: Path
) -> None:
    """And what was in a release before is asked for when it comes back."""
    path = tmp_path / "inbox" / "a.csv"
    put(path)
    moment = path.stat().st_mtime_ns
    assert sensor.asks_for_a_run()
    assert not sensor.asks_for_a_run()
    put(path, "id\n2\n")
    assert sensor.asks_for_a_run(ends="refused")
    put(path)
    os.utime(path, ns=(moment, moment))
    assert not sensor.asks_for_a_run()  # that is what is in the release
    put(path, "id\n3\n", age=40)
    assert sensor.asks_for_a_run()
    put(path)
    os.utime(path, ns=(moment, moment))
    assert sensor.asks_for_a_run()


def test_files_that_somebody_else_has_published_are_not_asked_for(
    sensor: Sensor, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has mended what was refused refreshes at once, by the command line."""
    put(tmp_path / "inbox" / "a.csv")
    assert sensor.asks_for_a_run(ends="refused")
    monkeypatch.setattr(triggers, "FIRST_WAIT", dt.timedelta(0))
    attempts.begin(home, "r000002-20140131", "by hand", dt.date(2014, 1, 31))
    path = home.attempts / "r000002-20140131.json"
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    write_json(path, {**read_json(path), "started_at": later.isoformat()})
    attempts.end(home, "r000002-20140131", "published")
    assert not sensor.asks_for_a_run()
    assert sensor.cursor is not None


def test_a_release_without_its_report_is_not_made_again(
    sensor: Sensor, instance: dg.DagsterInstance, home: Home, tmp_path: Path
) -> None:
    put(tmp_path / "inbox" / "a.csv")
    assert sensor.asks_for_a_run(ends=None)
    assert not sensor.asks_for_a_run()  # queued
    (run,) = instance.get_runs()
    attempts.begin(home, "r000001-20140131", run.run_id, dt.date(2014, 1, 31))
    attempts.end(home, "r000001-20140131", "published")
    instance.report_run_failed(run, "report: no room")
    assert not sensor.asks_for_a_run()
    assert sensor.cursor is not None


def test_every_source_of_files_has_a_sensor_that_is_off() -> None:
    definitions = build_definitions(Settings.load())
    found = {
        sensor.name: sensor.default_status
        for sensor in definitions.get_repository_def().sensor_defs
    }
    assert found == {
        "files_of_helpdesk": dg.DefaultSensorStatus.STOPPED,
        "files_of_crm": dg.DefaultSensorStatus.STOPPED,
    }


def test_a_run_that_died_does_not_block_the_queue(
    home: Home, instance: dg.DagsterInstance
) -> None:
    """A killed refresh of the command line is under way for ever, as Dagster sees it."""
    dead = a_run(instance, dg.DagsterRunStatus.STARTED, runs.COMMAND_LINE)
    young = a_run(instance, dg.DagsterRunStatus.STARTED)
    waiting = a_run(instance, dg.DagsterRunStatus.NOT_STARTED, runs.COMMAND_LINE)
    with refresh_lock(home):
        assert runs.mark_dead(instance, home) == []
        assert runs.mark_dead(instance, home, is_mine=True) == [dead]
    found = instance.get_run_by_id(dead)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.FAILURE
    left = {run.run_id for run in runs.unfinished(instance)}
    assert waiting in left
    # Its start is not on record, which is long ago.
    assert runs.mark_dead(instance, home) == [young]


def test_a_run_waits_for_the_lock(home: Home) -> None:
    holder: subprocess.Popen[str] = support.start(HOLDER, home.root)
    waiter = support.start(
        """
        import sys
        from pathlib import Path
        from pipeline.common.home import Home
        from pipeline.common.lock import refresh_lock
        print("ready", flush=True)
        with refresh_lock(Home(Path(sys.argv[1])), wait_seconds=120):
            pass
        """,
        home.root,
    )
    assert waiter.poll() is None
    holder.communicate(timeout=60)
    waiter.communicate(timeout=60)
    assert waiter.returncode == 0
