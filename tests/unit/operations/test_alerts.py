"""Alerts: what is raised, once each; how it is configured and worded; who is notified."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.common.settings import Settings
from pipeline.journal import attempts
from pipeline.operations import freshness
from pipeline.operations.alerts import config, ledger, sentences
from pipeline.operations.alerts import run as alerting
from pipeline.operations.alerts.ledger import Delivery, Event
from pipeline.operations.alerts.message import HEADINGS, Message, compose
from pipeline.operations.alerts.run import Dispatched
from pipeline.operations.alerts.sending import Patience
from pipeline.operations.alerts.sentences import Place
from pipeline.release import catalogue
from pipeline.serving import copies
from pipeline.serving.contents import Contents
from tests.unit.operations import alerting as given
from tests.unit.operations.alerting import broken

HOUR = dt.timedelta(hours=1)
QUICK = Patience(tries=2, first_pause=0.01, longest_pause=0.5)
EVERYTHING = ["refused", "failed", "late", "copy", "recovered"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def hook(chat: given.Chat, **changes: Any) -> dict[str, Any]:
    """A channel of kind json to this server."""
    return {"name": "ops", "kind": "json", "url": f"{chat.url}/hook"} | changes


def dispatch(
    settings: Settings, home: Home, *, after: dt.timedelta = dt.timedelta(0)
) -> Dispatched:
    """One dispatch, some time from now."""
    now = dt.datetime.now(dt.UTC) + after
    seen = freshness.assess(settings, home, now=now)
    dispatched = alerting.dispatch(settings, home, seen, QUICK)
    assert dispatched is not None
    return dispatched


def kinds(dispatched: Dispatched) -> list[str]:
    return [item.split("-")[0] for item in dispatched.raised]


# What is raised


def test_each_bad_attempt_is_sent_once(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        assert kinds(dispatch(settings, home)) == []
        first = given.refused(home)
        assert kinds(dispatch(settings, home)) == ["refused"]
        assert kinds(dispatch(settings, home)) == []
        second = given.failed(home)
        third = given.refused(home)
        assert kinds(dispatch(settings, home)) == ["failed", "refused"]
        assert kinds(dispatch(settings, home)) == []
    sent = [request.json()["facts"]["refresh_id"] for request in room.requests]
    assert sent == [first, second, third]
    assert len({request.json()["id"] for request in room.requests}) == 3


def test_a_refresh_that_died_is_found_at_the_next_dispatch(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        dispatch(settings, home)
        with refresh_lock(home):
            given.begun(home)
            assert kinds(dispatch(settings, home)) == [], "it is running"
        assert kinds(dispatch(settings, home)) == ["failed"]
        assert kinds(dispatch(settings, home)) == []
    (request,) = room.requests
    assert request.json()["facts"]["state"] == "died"


def test_what_is_long_over_is_nobodys_alarm(home: Home) -> None:
    """Alerts are configured in a home with a past."""
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.failed(home)
        given.refused(home)
        given.published(home)
        assert dispatch(settings, home) == Dispatched([], [], 0)


def test_the_newest_attempt_counts_at_the_first_dispatch(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.failed(home)
        given.refused(home)
        assert kinds(dispatch(settings, home)) == ["refused"]


def test_late_is_sent_once_until_it_is_over(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        assert kinds(dispatch(settings, home)) == []
        assert kinds(dispatch(settings, home, after=27 * HOUR)) == ["late"]
        assert kinds(dispatch(settings, home, after=28 * HOUR)) == []
        later = given.published(home)
        given.shift(home, later, -29 * HOUR)
        assert kinds(dispatch(settings, home, after=30 * HOUR)) == ["recovered"]
        assert kinds(dispatch(settings, home, after=31 * HOUR)) == []
        assert kinds(dispatch(settings, home, after=60 * HOUR)) == ["late"]
    ids = [request.json()["id"] for request in room.requests]
    assert len(set(ids)) == len(ids) == 3


def test_late_without_any_release(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        assert kinds(dispatch(settings, home)) == []
        assert kinds(dispatch(settings, home, after=27 * HOUR)) == [], (
            "nobody ever tried"
        )
    home = Home.open(home.root.parent / "another")
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.failed(home)
        assert kinds(dispatch(settings, home)) == ["failed"]
        assert kinds(dispatch(settings, home, after=27 * HOUR)) == ["late"]
        assert kinds(dispatch(settings, home, after=28 * HOUR)) == []


def test_a_clock_set_back_is_reported(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home, age=-5 * 24 * HOUR)
        assert kinds(dispatch(settings, home)) == ["late"]
        assert room.requests[0].json()["facts"]["trouble"] == "clock"


def test_damage_is_reported_and_its_end_too(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        dispatch(settings, home)
        record = home.current / "release.json"
        kept = record.read_text()
        record.unlink()
        assert kinds(dispatch(settings, home)) == ["late"]
        assert kinds(dispatch(settings, home)) == []
        assert room.requests[-1].json()["facts"]["trouble"] == "damaged"
        record.write_text(kept)
        assert kinds(dispatch(settings, home)) == ["recovered"]
        given.shift(home, "r000001-" + home.current.readlink().name[-8:], 27 * HOUR)
        assert kinds(dispatch(settings, home)) == ["late"], "too old"
        home.current.unlink()
        assert kinds(dispatch(settings, home)) == ["late"]
        (home.attempts / "r-odd.json").write_text("{")
        assert kinds(dispatch(settings, home)) == []


def export(home: Home, folder: Path) -> None:
    """An export of the current release to a folder, as far as alerts are concerned."""
    release = catalogue.chosen(home)
    contents = Contents(
        release_id=release.refresh_id,
        as_of_date=release.as_of_date,
        sealed_at=release.sealed_at,
        time_zone="UTC",
        reporting_currency="USD",
        file=release.path / "warehouse.duckdb",
        tables=[],
    )
    with suppress(OSError), copies.noted(home, "parquet", str(folder), contents):
        folder.mkdir()


def test_a_copy_that_could_not_be_made_is_told_of_once_and_when_it_is_made(
    home: Home, tmp_path: Path
) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        stands_in_the_way = tmp_path / "share"
        stands_in_the_way.write_text("a file")
        export(home, stands_in_the_way)
        assert kinds(dispatch(settings, home)) == ["copy"]
        assert kinds(dispatch(settings, home)) == []
        export(home, stands_in_the_way)
        assert kinds(dispatch(settings, home)) == []  # it is still the same trouble
        given.failed(home)
        assert kinds(dispatch(settings, home)) == ["failed"]
        given.published(home)
        # The release is well again, and the copy is not.
        assert kinds(dispatch(settings, home)) == ["recovered"]
        assert kinds(dispatch(settings, home)) == []
        stands_in_the_way.unlink()
        export(home, stands_in_the_way)
        assert kinds(dispatch(settings, home)) == ["recovered"]
    over = [item.json()["facts"].get("over") for item in room.requests]
    assert [item[0]["kind"] for item in over if item] == ["failed", "copy"]
    assert over[-1][0]["refresh_id"] == str(stands_in_the_way)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_to_do_about_a_copy_is_said(
    home: Home, tmp_path: Path, language: config.Language
) -> None:
    folder = tmp_path / "a share"
    folder.write_text("a file")
    settings = raised(home, lambda: export(home, folder))
    message = composed(home, settings, language)
    assert str(folder) in message.title
    assert f"customer-tiers export parquet '{folder}'" in message.text()
    assert "r000001-" in message.text(), "what readers see"


def test_recovered_needs_a_release_newer_than_the_trouble(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        dispatch(settings, home)
        given.refused(home)
        assert kinds(dispatch(settings, home)) == ["refused"]
        assert kinds(dispatch(settings, home)) == [], "readers have the old one still"
        given.published(home)
        assert kinds(dispatch(settings, home)) == ["recovered"]
        assert kinds(dispatch(settings, home)) == []
    over = room.requests[-1].json()["facts"]["over"]
    assert [item["kind"] for item in over] == ["refused"]


def test_a_death_and_the_recovery_may_be_found_together(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home)
        dispatch(settings, home)
        given.begun(home)
        given.published(home)
        assert kinds(dispatch(settings, home)) == ["failed", "recovered"]
    assert [item.json()["event"] for item in room.requests] == ["failed", "recovered"]


def test_channels_hear_what_they_asked_for(home: Home) -> None:
    with given.chat() as room:
        channels = [
            hook(room, name="late-only", events=["late", "recovered"]),
            hook(room, name="everything", url=f"{room.url}/all"),
        ]
        settings = given.settings_of(home, channels)
        given.published(home)
        dispatch(settings, home)
        given.refused(home)
        dispatch(settings, home)
        given.published(home)
        dispatched = dispatch(settings, home)
    # Who never heard of the trouble does not hear that it is over.
    assert [name for _, name in dispatched.sent] == ["everything"]
    assert [item.path for item in room.requests] == ["/all", "/all"]


def test_a_channel_that_is_taken_out_is_waited_for_no_more(home: Home) -> None:
    with given.chat(lambda _: (500, {}, b"")) as broken_room, given.chat() as room:
        both = [hook(broken_room, name="old"), hook(room, name="new")]
        settings = given.settings_of(home, both)
        given.refused(home)
        assert dispatch(settings, home).pending == 1
        settings = given.settings_of(home, [hook(room, name="new")])
        assert dispatch(settings, home).pending == 0


def test_a_new_channel_hears_of_new_events_only(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room, name="one")])
        given.refused(home)
        dispatch(settings, home)
        both = [hook(room, name="one"), hook(room, name="two")]
        settings = given.settings_of(home, both)
        assert dispatch(settings, home).sent == []
        given.refused(home)
        assert [name for _, name in dispatch(settings, home).sent] == ["one", "two"]


def test_without_a_file_nobody_is_notified(home: Home) -> None:
    settings = Settings(home=home.root, sources_file=home.root.parent / "sources.yaml")
    given.refused(home)
    seen = freshness.assess(settings, home)
    assert alerting.dispatch(settings, home, seen) is None
    assert not home.alerts.exists()


def test_alerts_can_be_switched_off(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with given.chat() as room:
        given.settings_of(home, [hook(room)])
        monkeypatch.setenv("CUSTOMER_TIERS_ALERTS", "none")
        settings = Settings.load(home.root, home.root.parent / "sources.yaml")
        assert settings.child_environment()["CUSTOMER_TIERS_ALERTS"] == "none"
        given.refused(home)
        assert (
            alerting.dispatch(settings, home, freshness.assess(settings, home)) is None
        )
        asked = ["alerts", "test", "--home", str(home.root)]
        assert CliRunner().invoke(main, asked).exit_code == 2
        assert room.requests == []


def test_the_state_does_not_grow_for_ever(home: Home) -> None:
    with given.chat(lambda _: (500, {}, b"")) as room:
        settings = given.settings_of(home, [hook(room)])
        for _ in range(2):
            given.failed(home)
            assert kinds(dispatch(settings, home)) == ["failed"]
        state = ledger.read(home)
        pending = state.pending()
        for _ in range(200):
            event = state.raise_event("late", "r", "2026-01-01T00:00:00+00:00", {})
            event.deliveries = {"ops": Delivery(state="sent")}
        ledger.write(home, state)
        kept = ledger.read(home)
        assert len(kept.events) == ledger.KEPT + 2
        assert kept.pending() == pending == 2
        assert dispatch(settings, home).raised == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"events": [{}]}', '{"events": 3}'])
def test_a_damaged_state_is_begun_anew(home: Home, text: str) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        home.alerts.mkdir()
        (home.alerts / "state.json").write_text(text)
        given.failed(home)
        given.failed(home)
        assert kinds(dispatch(settings, home)) == ["failed"]
        assert kinds(dispatch(settings, home)) == []


# How it is configured


GOOD: dict[str, Any] = {"name": "ops", "kind": "slack", "url": "https://example.com/x"}
MAIL: dict[str, Any] = {
    "name": "mail",
    "kind": "email",
    "host": "smtp.example.com",
    "from": "tiers@example.com",
    "to": ["ops@example.com"],
}


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (GOOD | {"kind": "teams"}, "channels.ops: kind should be one of 'slack'"),
        (GOOD | {"url": "ftp://example.com/s3cret"}, "no address"),
        (GOOD | {"url": "https://example.com/s3cret word"}, "holds a space"),
        (GOOD | {"url": "https://me:s3cret@example.com/"}, "login"),
        (GOOD | {"url": "http://example.com/s3cret"}, "give https"),
        (GOOD | {"url": "https://example.com:99999/"}, "no address"),
        (GOOD | {"secret": "s3cret"}, "slack signs nothing"),
        (GOOD | {"headers": {"a": "s3cret"}}, "for kind: json only"),
        (GOOD | {"events": ["success"]}, "events"),
        (GOOD | {"events": []}, "events"),
        (GOOD | {"language": "de"}, "language"),
        (GOOD | {"name": "Ops Team"}, "name"),
        (GOOD | {"colour": "red"}, "colour"),
        (GOOD | {"timeout_seconds": 0}, "timeout_seconds"),
        (GOOD | {"ca_file": "no.pem"}, "no.pem is not there"),
        (MAIL | {"to": []}, "to"),
        (MAIL | {"to": ["nobody"]}, "to"),
        (MAIL | {"to": ["a@b\nBcc: c@d"]}, "to"),
        (MAIL | {"user": "me"}, "user and password"),
        (
            MAIL | {"user": "me", "password": "s3cret", "security": "none"},
            "would show the password",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    home: Home, channel: dict[str, Any], expected: str
) -> None:
    settings = given.settings_of(home, [channel])
    with pytest.raises(ConfigurationError) as refusal:
        config.load(settings)
    assert str(config.path_of(settings)) in str(refusal.value)
    assert expected in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_other_mistakes_in_the_file(home: Home) -> None:
    settings = given.settings_of(home, [GOOD, GOOD])
    with pytest.raises(ConfigurationError, match="two channels are called ops"):
        config.load(settings)
    settings = given.settings_of(home, [GOOD | {"url": "${HOOK}"}])
    with pytest.raises(ConfigurationError, match=r"HOOK.* not set"):
        config.load(settings)
    for text, expected in [
        ("", "is empty"),
        ("version: [", "YAML"),
        ("- a", "version"),
    ]:
        config.path_of(settings).write_text(text)
        with pytest.raises(ConfigurationError, match=expected):
            config.load(settings)


def test_a_channel_speaks_the_language_of_the_settings_unless_it_says_another(
    home: Home,
) -> None:
    channels = [GOOD, GOOD | {"name": "both", "language": "en"}]
    settings = given.settings_of(home, channels)
    languages: tuple[config.Language, ...] = ("en", "zh")
    for language in languages:
        described = config.load(replace(settings, language=language))
        assert described is not None
        spoken = [channel.language for channel in described.channels]
        assert spoken == [language, "en"]


def test_secrets_come_from_the_environment_and_are_not_printed(home: Home) -> None:
    channels = [
        {"name": "a", "kind": "feishu", "url": "${HOOK}", "secret": "${SIGN}"},
        MAIL | {"user": "${USER_NAME}", "password": "${PASSWORD}"},
    ]
    hidden = {
        "HOOK": "https://open.feishu.cn/open-apis/bot/v2/hook/0123456789",
        "SIGN": "sign-secret",
        "USER_NAME": "smtp-user",
        "PASSWORD": "smtp-password",
    }
    described = config.load(given.settings_of(home, channels, **hidden))
    assert described is not None
    first, second = described.channels
    assert isinstance(first, config.Webhook)
    assert first.url == hidden["HOOK"]
    assert isinstance(second, config.Email)
    assert second.address == ("smtp.example.com", 587)
    for secret in ("0123456789", "sign-secret", "smtp-user", "smtp-password"):
        assert secret not in repr(described)
        assert any(secret in found for c in described.channels for found in c.secrets())


def test_the_example_is_a_good_one(tmp_path: Path) -> None:
    from pipeline.common.settings import PROJECT_ROOT

    example = PROJECT_ROOT / "alerts.yaml.example"
    names = set(message_names(example.read_text()))
    environment = dict.fromkeys(names, "https://example.com/hook/0123456789")
    settings = Settings(
        tmp_path,
        tmp_path / "sources.yaml",
        alerts_file=example,
        environment=environment,
    )
    described = config.load(settings)
    assert described is not None
    assert {channel.kind for channel in described.channels} == {
        "slack", "feishu", "dingtalk", "wecom", "json", "email",
    }  # fmt: skip


def message_names(text: str) -> list[str]:
    import re

    return re.findall(r"\$\{([A-Z_]+)\}", text)


# How it is worded


def composed(
    home: Home, settings: Settings, language: config.Language, **delivery: Any
) -> Message:
    """The message of the newest event."""
    event = ledger.read(home).events[-1]
    place = Place(
        "/srv/home", "Asia/Shanghai", "production", "https://dagster.example.com"
    )
    seen = freshness.assess(settings, home)
    return compose(event, Delivery(**delivery), language, place, seen)


def raised(home: Home, make: Callable[[], object]) -> Settings:
    """Settings of a home in which this was found after a release of 3 hours ago."""
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home, age=3 * HOUR)
        dispatch(settings, home)
        make()
        dispatch(settings, home)
    return settings


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refusal_is_reported_with_all_that_is_needed(
    home: Home, language: config.Language
) -> None:
    checks = [broken(f"check_{number}") for number in range(7)]
    checks.append(broken("only_a_warning", severity="warning"))
    checks.append(broken("did_pass", outcome="passed"))
    settings = raised(home, lambda: given.refused(home, checks))
    message = composed(home, settings, language)
    text = message.text()
    assert [heading for heading, _ in message.sections] == list(HEADINGS[language])
    assert message.title.startswith("[customer-tiers production] ")
    assert "r000002-" in message.title
    assert "gate out" in text
    assert "r000001-" in text, "what readers see"
    assert ("3 hours ago" if language == "en" else "3 小时前") in text
    assert "marts.customers:check_0" in text
    assert ("12 rows" if language == "en" else "12 行") in text
    assert text.count("check_") == 5
    assert ("and 2 more" if language == "en" else "另有 2 项") in text
    assert "only_a_warning" not in text
    assert "did_pass" not in text
    assert "customer-tiers logs r000002-" in text
    assert "https://dagster.example.com" in text
    assert "(Asia/Shanghai)" in text
    for word in ("Jon", "Yang", "example.com/"):
        assert word not in text.replace("dagster.example.com", "")


@pytest.mark.parametrize(
    ("make", "english", "chinese"),
    [
        (given.failed, "failed", "失败"),
        (
            lambda home: given.failed(home, exit_code=5),
            "check-sources",
            "check-sources",
        ),
        (given.begun, "without a word", "中断"),
        (
            lambda home: given.refused(home, []),
            "refused",
            "被关口拒绝",
        ),
    ],
)
def test_other_troubles_in_both_languages(
    home: Home, make: Callable[[Home], object], english: str, chinese: str
) -> None:
    settings = raised(home, lambda: make(home))
    assert english in composed(home, settings, "en").text()
    assert chinese in composed(home, settings, "zh").text()


def test_reasons_come_without_values_of_rows(home: Home) -> None:
    reason = (
        "transform: dbt: Constraint Error: Duplicate key \"name: Jon Yang\" of 'x y'"
    )
    settings = raised(home, lambda: given.failed(home, reason))
    text = composed(home, settings, "en").text()
    assert "Constraint Error" in text
    assert "Jon" not in text
    assert "Jon" not in (home.alerts / "state.json").read_text()


def test_how_long_nothing_was_published_is_reported(home: Home) -> None:
    def thrice() -> None:
        for _ in range(3):
            given.failed(home)

    settings = raised(home, thrice)
    assert (
        "3 attempts in a row published nothing" in composed(home, settings, "en").text()
    )
    assert "已连续 3 次没有发布新版本" in composed(home, settings, "zh").text()


def test_late_and_recovered_in_both_languages(home: Home) -> None:
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        given.published(home, age=27 * HOUR)
        dispatch(settings, home)
        late = (composed(home, settings, "en"), composed(home, settings, "zh"))
        given.published(home)
        dispatch(settings, home)
        over = (composed(home, settings, "en"), composed(home, settings, "zh"))
    assert "27 hours ago; 26 hours are allowed" in late[0].text()
    assert "schedule is on" in late[0].text()
    assert "最多允许 26 小时" in late[1].text()
    assert "过旧" in late[1].title
    assert "is current" in over[0].title
    assert "已恢复" in over[1].title


def test_a_late_or_repeated_message_says_so(home: Home) -> None:
    settings = raised(home, lambda: given.failed(home))
    plain = composed(home, settings, "en").text()
    assert "could not be sent then" not in plain
    assert "repeat" not in plain
    event = ledger.read(home).events[-1]
    place = Place("/srv/home", "UTC")
    now = dt.datetime.now(dt.UTC) + 2 * HOUR
    seen = freshness.assess(settings, home, now=now)
    message = compose(event, Delivery(is_uncertain=True), "en", place, seen)
    assert "could not be sent then" in message.text()
    assert "This may be a repeat" in message.text()
    message = compose(event, Delivery(is_uncertain=True), "zh", place, seen)
    assert "可能重复" in message.text()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("trouble", ["no release", "damaged", "clock", "behind", "old"])
def test_every_kind_of_late_has_words(language: config.Language, trouble: str) -> None:
    facts = {
        "trouble": trouble,
        "problem": "it is gone",
        "release_id": "r000001-20260101",
        "release_as_of": "2026-01-01",
        "sealed_at": "2026-01-02T05:00:00+00:00",
        "age_seconds": 100_000.0,
        "lag_days": 9,
        "max_age_seconds": 93_600.0,
        "clock_behind_seconds": 86_400.0,
        "newest_id": "r000002-20260102",
        "newest_state": "running",
    }
    event = Event("late-1", "late", "2026-01-03T09:00:00+00:00", facts)
    seen = freshness.Freshness(1, "old", "", "2026-01-03T09:00:00+00:00", 93_600.0)
    message = compose(event, Delivery(), language, Place("/srv", "UTC"), seen)
    assert len(message.sections) == 5
    assert "None" not in message.text()
    assert sentences.format_moment(None, "UTC") == "?"


# The commands


def test_the_commands_show_the_state_and_no_secret(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    monkeypatch.setenv("CUSTOMER_TIERS_SOURCES", str(home.root.parent / "sources.yaml"))
    at = ["--home", str(home.root)]
    missing = runner.invoke(main, ["alerts", *at])
    assert missing.exit_code == 2
    assert "alerts.yaml.example" in missing.stderr
    with given.chat() as room, given.chat(lambda _: (403, {}, b"s3cret-path")) as deaf:
        given.settings_of(
            home,
            [
                hook(room, name="good"),
                hook(deaf, name="deaf", url=f"{deaf.url}/s3cret-path"),
            ],
        )
        refused = given.refused(home)
        checked = runner.invoke(main, ["status", "--check", "--notify", *at])
        assert checked.exit_code == 3
        assert "1 alerts could not be sent" in checked.stderr
        printed = runner.invoke(main, ["alerts", *at], env={"COLUMNS": "200"})
        assert printed.exit_code == 0, printed.output
        assert refused in printed.output
        assert "answered 403" in printed.output
        as_json = runner.invoke(main, ["alerts", "--json", *at])
        channels = json.loads(as_json.output)["channels"]
        assert [(item["sent"], item["pending"]) for item in channels] == [
            (1, 0),
            (0, 1),
        ]
        tested = runner.invoke(main, ["alerts", "test", "good", *at])
        assert (tested.exit_code, tested.stdout) == (0, "good: sent\n")
        assert room.requests[-1].json()["event"] == "test"
        tested = runner.invoke(main, ["alerts", "test", *at])
        assert tested.exit_code == 1
        assert "deaf: 127.0.0.1 answered 403" in tested.output
        unknown = runner.invoke(main, ["alerts", "test", "nobody", *at])
        assert unknown.exit_code == 2
        for result in (checked, printed, as_json, tested):
            assert "s3cret" not in result.output


def test_notify_without_alerts_is_wrong_usage(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_SOURCES", str(home.root.parent / "sources.yaml"))
    given.published(home)
    asked = ["status", "--check", "--notify", "--home", str(home.root)]
    assert CliRunner().invoke(main, asked).exit_code == 2


def test_a_refresh_never_fails_because_of_alerts(home: Home) -> None:
    """The file makes no sense: that is said in the log of the refresh, and no more."""
    from pipeline.journal import log_reading
    from pipeline.operations.watch import watched

    settings = given.settings_of(home, [GOOD | {"kind": "teams"}])
    with watched(settings, home, "run"):
        candidate = given.begun(home)
        attempts.end(home, candidate.refresh_id, "failed", "no", exit_code=1)
    lines = log_reading.read(home, candidate.refresh_id)
    (found,) = [line for line in lines if line["logger"] == "watch"]
    assert found["message"].startswith("alerts: not sent")
    assert (home.metrics / "customer_tiers.prom").exists()


def test_a_watched_run_reports_how_it_went(home: Home) -> None:
    from pipeline.operations.watch import watched

    with given.chat() as room:
        settings = given.settings_of(home, [hook(room)])
        with pytest.raises(ZeroDivisionError), watched(settings, home, "run"):  # noqa: SIM117
            with watched(settings, home, "run"), refresh_lock(home):
                candidate = given.begun(home)
                with attempts.stage(home, candidate.refresh_id, "read shop"):
                    raise ZeroDivisionError
    (request,) = room.requests
    assert request.json()["facts"]["refresh_id"] == candidate.refresh_id
