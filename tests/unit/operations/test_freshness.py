"""Whether readers have a young release: exit codes, the clock, the as-of lag."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import sha256
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.common.settings import Settings, duration
from pipeline.journal import attempts
from pipeline.operations import freshness
from tests.unit.operations import alerting

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def settings(home: Home) -> Settings:
    return Settings(home=home.root, sources_file=home.root.parent / "sources.yaml")


def test_a_young_release_is_fine(home: Home, settings: Settings) -> None:
    refresh_id = alerting.published(home, age=3 * HOUR)
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.trouble) == (0, "none")
    assert found.release_id == refresh_id
    assert "sealed 3 hours ago; 26 hours are allowed" in found.sentence
    assert found.age_seconds is not None
    assert 3 * 3600 <= found.age_seconds < 3 * 3600 + 600


def test_a_young_release_is_fine_whatever_came_after(
    home: Home, settings: Settings
) -> None:
    alerting.published(home, age=3 * HOUR)
    refused = alerting.refused(home)
    found = freshness.assess(settings, home)
    assert found.exit_code == 0
    assert f"The newest attempt {refused} was refused (gate out)." in found.sentence


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("nothing", 1),
        ("refused", 3),
        ("failed", 1),
        ("no source", 5),
        ("died", 1),
        ("running", 4),
    ],
)
def test_the_code_of_an_old_release_says_what_became_of_the_newest_attempt(
    home: Home, settings: Settings, ending: str, code: int
) -> None:
    alerting.published(home, age=27 * HOUR)
    if ending == "refused":
        alerting.refused(home)
    if ending == "failed":
        alerting.failed(home)
    if ending == "no source":
        alerting.failed(home, exit_code=5)
    if ending == "died":
        alerting.begun(home)
    if ending == "running":
        with refresh_lock(home):
            alerting.begun(home)
            found = freshness.assess(settings, home)
    else:
        found = freshness.assess(settings, home)
    assert (found.trouble, found.exit_code) == ("old", code)
    assert "27 hours ago" in found.sentence


def test_the_age_that_is_allowed_is_a_setting(home: Home, settings: Settings) -> None:
    alerting.published(home, age=27 * HOUR)
    assert freshness.assess(settings, home, max_age=28 * HOUR).exit_code == 0
    assert freshness.assess(settings, home, max_age=26 * HOUR).exit_code == 1


def test_without_a_release(home: Home, settings: Settings) -> None:
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.trouble) == (1, "no release")
    alerting.refused(home)
    assert freshness.assess(settings, home).exit_code == 3


def test_a_clock_that_was_set_back_does_not_make_a_release_young(
    home: Home, settings: Settings
) -> None:
    """Sealed at noon, looked at two days later, then the clock shows one o'clock."""
    alerting.published(home)
    now = dt.datetime.now(dt.UTC)
    assert freshness.assess(settings, home, now=now + 2 * DAY).trouble == "old"
    found = freshness.assess(settings, home, now=now + HOUR)
    assert (found.exit_code, found.trouble) == (1, "clock")
    assert found.age_seconds is not None
    assert found.age_seconds >= 2 * 86_400 - 60
    assert found.clock_behind_seconds == 47 * 3600
    assert "at least 47 hours behind" in found.sentence


def test_a_release_of_the_future_is_not_young(home: Home, settings: Settings) -> None:
    alerting.published(home, age=-5 * DAY)
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.trouble) == (1, "clock")
    # Its attempt ended after it was sealed: until then it is known to have grown old.
    (attempt,) = attempts.history(home)
    assert found.sealed_at is not None and attempt.ended_at is not None
    sealed, ended = map(dt.datetime.fromisoformat, (found.sealed_at, attempt.ended_at))
    assert found.age_seconds == max(ended - sealed, dt.timedelta(0)).total_seconds()


def test_an_attempt_of_the_future_reports_the_clock_too(
    home: Home, settings: Settings
) -> None:
    alerting.published(home)
    refused = alerting.refused(home)
    path = home.attempts / f"{refused}.json"
    attempt = json.loads(path.read_text())
    later = dt.datetime.fromisoformat(attempt["ended_at"]) + 3 * HOUR
    path.write_text(json.dumps({**attempt, "ended_at": later.isoformat()}))
    assert freshness.assess(settings, home).trouble == "clock"


def test_a_clock_that_is_right_again_is_believed_from_the_next_release_on(
    home: Home, settings: Settings
) -> None:
    alerting.published(home, age=-5 * DAY)
    assert freshness.assess(settings, home).trouble == "clock"
    alerting.published(home)
    assert freshness.assess(settings, home).exit_code == 0


def test_small_steps_of_the_clock_are_none(home: Home, settings: Settings) -> None:
    alerting.published(home, age=-dt.timedelta(seconds=60))
    assert freshness.assess(settings, home).exit_code == 0


def test_a_new_release_of_old_days_is_behind(home: Home, settings: Settings) -> None:
    alerting.published(home, as_of=alerting.TODAY - 12 * DAY)
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.trouble) == (1, "behind")
    assert found.lag_days in {11, 12}  # midnight may come while this runs
    alerting.published(home, as_of=alerting.TODAY - 2 * DAY)
    assert freshness.assess(settings, home).trouble == "none"


def test_data_that_ends_in_the_past_by_declaration_is_not_behind(
    home: Home, settings: Settings
) -> None:
    settings.sources_file.write_text(
        "version: 1\nbusiness: {as_of: 2014-01-31}\nsources: ${SECRETS_NOT_NEEDED}\n"
    )
    alerting.published(home, as_of=dt.date(2014, 1, 31))
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.lag_days) == (0, 0)
    alerting.published(home, as_of=dt.date(2014, 2, 1))
    settings.sources_file.write_text("version: 1\nbusiness: {as_of: 2014-02-28}\n")
    assert freshness.assess(settings, home).lag_days == 27


@pytest.mark.parametrize(
    "said", ["2014-02-28", '"2014-02-28"', "${LAST_DAY}", "2014-02-28 00:00:00"]
)
def test_the_declared_day_is_read_as_a_refresh_reads_it(
    home: Home, settings: Settings, said: str
) -> None:
    alerting.published(home, as_of=dt.date(2014, 2, 1))
    settings.sources_file.write_text(
        f"version: 1\nbusiness:\n  as_of: {said}\nsources: ${{NOT_NEEDED}}\n"
    )
    knows = replace(settings, environment={"LAST_DAY": "2014-02-28"})
    assert freshness.assess(knows, home).lag_days == 27


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("business:\n  as_of: ${LAST_DAY}", "business.as_of refers to ${LAST_DAY}"),
        ("business: {as_of: soon}", "business.as_of of"),
        ("business: {as_of: [", "is not valid YAML"),
    ],
)
def test_a_day_that_cannot_be_read_alarms_and_says_why(
    home: Home, settings: Settings, text: str, why: str
) -> None:
    alerting.published(home, as_of=dt.date(2014, 2, 1))
    settings.sources_file.write_text(f"version: 1\n{text}\n")
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.trouble) == (1, "behind")
    assert "yesterday is expected, because" in found.sentence
    assert why in found.sentence
    assert "\n" not in found.sentence


@pytest.mark.parametrize(
    ("text", "hours"), [("26h", 26), ("90m", 1.5), ("2d", 48), ("1d12h30m", 36.5)]
)
def test_lengths_of_time(text: str, hours: float) -> None:
    assert duration(text, "--max-age") == dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    "text", ["", "26", "h", "-1h", "1h2d", "0h", "26 hours", "٢h x"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ConfigurationError, match="26h"):
        duration(text, "--max-age")


def test_the_command(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_SOURCES", str(home.root.parent / "sources.yaml"))
    runner = CliRunner()
    alerting.published(home, age=27 * HOUR)
    refused = alerting.refused(home)
    asked = ["status", "--check", "--home", str(home.root)]
    result = runner.invoke(main, asked)
    assert result.exit_code == 3
    assert result.stdout.startswith("Too old: release r000001-")
    assert len(result.stdout.splitlines()) == 1
    assert (home.metrics / "customer_tiers.prom").exists()
    result = runner.invoke(main, [*asked, "--max-age", "2d", "--json"])
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert (record["attempt_id"], record["attempt_state"]) == (refused, "refused")
    assert record["max_age_seconds"] == 2 * 86_400
    assert runner.invoke(main, [*asked, "--max-age", "long"]).exit_code == 2
    alone = ["status", "--max-age", "2d", "--home", str(home.root)]
    assert runner.invoke(main, alone).exit_code == 2


def test_the_variable_says_what_is_too_old(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_MAX_AGE", "3d")
    assert Settings.load(home.root).max_age == 3 * DAY
    monkeypatch.setenv("CUSTOMER_TIERS_MAX_AGE", "soon")
    with pytest.raises(ConfigurationError, match="CUSTOMER_TIERS_MAX_AGE"):
        Settings.load(home.root)


@pytest.mark.parametrize("name", ["release.json", "warehouse.duckdb", "current"])
def test_damage_is_reported_before_age(
    home: Home, settings: Settings, name: str
) -> None:
    alerting.published(home)
    (home.current if name == "current" else home.current / name).unlink()
    found = freshness.assess(settings, home)
    assert (found.exit_code, found.trouble) == (1, "damaged")
    assert str(home.root) in found.sentence
    alerting.published(home)
    assert freshness.assess(settings, home).exit_code == 0


def test_assessing_changes_no_release(home: Home, settings: Settings) -> None:
    refresh_id = alerting.published(home)
    before = sha256(home.releases / refresh_id / "release.json")
    freshness.assess(settings, home)
    assert sha256(home.releases / refresh_id / "release.json") == before
