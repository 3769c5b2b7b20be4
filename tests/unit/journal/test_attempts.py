"""The journal of refreshes: how each attempt ended, also one that could not say so."""

from __future__ import annotations

import datetime as dt
import os
import signal
from pathlib import Path

import pytest

from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    GateRefused,
    RefreshRunning,
    SourceUnavailable,
)
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.journal import attempts
from pipeline.journal.attempts import Attempt, State
from tests.unit import support

DAY = dt.date(2014, 1, 31)
FIRST, SECOND = "r000001-20140131", "r000002-20140131"

REFRESH = """
import datetime as dt, sys
from pathlib import Path
from pipeline.journal import attempts
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
home = Home(Path(sys.argv[1]))
with refresh_lock(home):
    attempts.begin(home, sys.argv[2], "run", dt.date(2014, 1, 31))
    with attempts.stage(home, sys.argv[2], "read shop"):
        print("ready", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def begun(home: Home, refresh_id: str = FIRST) -> Attempt:
    return attempts.begin(home, refresh_id, f"run of {refresh_id}", DAY)


def read(home: Home, refresh_id: str = FIRST) -> Attempt:
    attempt = attempts.read(home, refresh_id)
    assert attempt is not None
    return attempt


def states(home: Home) -> dict[str, str]:
    return {attempt.refresh_id: attempt.state for attempt in attempts.history(home)}


def test_an_attempt_begins(home: Home) -> None:
    before = attempts.now()
    attempt = begun(home)
    assert read(home) == attempt
    assert before <= dt.datetime.fromisoformat(attempt.started_at) <= attempts.now()
    assert attempt == Attempt(
        refresh_id=FIRST,
        run_id=f"run of {FIRST}",
        as_of_date="2014-01-31",
        state="running",
        stage="start",
        started_at=attempt.started_at,
        process=os.getpid(),
    )


def test_what_never_began_is_not_there(home: Home) -> None:
    attempts.end(home, FIRST, "published")
    with attempts.stage(home, FIRST, "read shop"):
        pass
    assert attempts.read(home, FIRST) is None
    assert attempts.history(home) == []


def test_stages_are_reported_as_they_come(home: Home) -> None:
    begun(home)
    for name in ("open candidate", "read shop"):
        with attempts.stage(home, FIRST, name):
            assert read(home).stage == name
    assert (read(home).stage, read(home).state) == ("read shop", "running")
    attempts.end(home, FIRST, "published")
    with attempts.stage(home, FIRST, "report"):
        pass
    assert read(home).stage == "read shop"


@pytest.mark.parametrize(
    ("error", "state", "exit_code", "reason"),
    [
        (GateRefused("3 rows too many"), "refused", 3, "gate: 3 rows too many"),
        (SourceUnavailable("no file"), "failed", 5, "gate: no file"),
        (RefreshRunning("another"), "failed", 4, "gate: another"),
        (ConfigurationError("no zone"), "failed", 2, "gate: no zone"),
        (CustomerTiersError("odd"), "failed", 1, "gate: odd"),
        (ZeroDivisionError("by zero"), "failed", 1, "gate: ZeroDivisionError: by zero"),
        (KeyboardInterrupt(), "failed", 1, "gate: KeyboardInterrupt: "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_ends_the_attempt_with_reason_and_exit_code(
    home: Home, error: BaseException, state: str, exit_code: int, reason: str
) -> None:
    begun(home)
    with (
        pytest.raises(type(error)),
        attempts.stage(home, FIRST, "outer"),
        attempts.stage(home, FIRST, "gate"),
    ):
        raise error
    attempt = read(home)
    assert (attempt.state, attempt.exit_code) == (state, exit_code)
    assert (attempt.stage, attempt.reason) == ("gate", reason)
    assert attempt.ended_at is not None
    assert attempts.history(home) == [attempt]


ENDINGS: list[State] = ["published", "built", "refused", "failed"]


@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", ENDINGS)
def test_the_first_ending_counts_unless_a_later_one_publishes(
    home: Home, first: State, second: State
) -> None:
    begun(home)
    attempts.end(home, FIRST, first, "the first", exit_code=3)
    attempts.end(home, FIRST, second, "the second", exit_code=5)
    is_published = second == "published"
    attempt = read(home)
    assert attempt.state == (second if is_published else first)
    assert attempt.reason == ("the second" if is_published else "the first")
    assert attempt.exit_code == (5 if is_published else 3)


def test_history_begins_with_the_newest(home: Home) -> None:
    names = [f"r{number:06d}-20140131" for number in (2, 10, 1)]
    for name in names:
        begun(home, name)
        attempts.end(home, name, "published")
    assert list(states(home)) == sorted(names, reverse=True)


def test_running_without_the_lock_is_dead(home: Home) -> None:
    begun(home, FIRST)
    with attempts.stage(home, FIRST, "build models"):
        pass
    (attempt,) = attempts.history(home)
    assert attempt.state == "died"
    assert attempt.reason == "ended without a word in build models"
    assert read(home).state == "running", "it is derived, not written"


def test_under_the_lock_only_the_newest_is_alive(home: Home) -> None:
    begun(home, FIRST)
    with refresh_lock(home):
        begun(home, SECOND)
        assert states(home) == {SECOND: "running", FIRST: "died"}
        attempts.end(home, SECOND, "failed")
        assert states(home) == {SECOND: "failed", FIRST: "died"}


def test_a_killed_refresh_has_died(home: Home) -> None:
    refresh = support.start(REFRESH, home.root, FIRST)
    try:
        (attempt,) = attempts.history(home)
        assert (attempt.state, attempt.process) == ("running", refresh.pid)
    finally:
        refresh.kill()
        assert refresh.wait() == -signal.SIGKILL
        refresh.communicate()
    (attempt,) = attempts.history(home)
    assert attempt.state == "died"
    assert attempt.reason == "ended without a word in read shop"


def test_a_refresh_that_ends_while_somebody_reads_has_not_died(home: Home) -> None:
    """It ends after its record was read and before the lock was looked at."""
    code, answer = support.run(
        """
        import datetime as dt, json, sys
        from pathlib import Path
        from pipeline.journal import attempts
        from pipeline.common.home import Home

        home, refresh_id = Home(Path(sys.argv[1])), sys.argv[2]
        attempts.begin(home, refresh_id, "run", dt.date(2014, 1, 31))
        (home.root / "refresh.lock").touch()

        def hook(event, arguments):
            if event == "fcntl.flock":
                attempts.end(home, refresh_id, "published")

        sys.addaudithook(hook)
        print(json.dumps([attempt.state for attempt in attempts.history(home)]))
        """,
        home.root,
        FIRST,
    )
    assert (code, answer) == (0, ["published"])
