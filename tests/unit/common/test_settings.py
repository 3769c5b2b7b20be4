"""Settings: who wins, what is refused, and that secrets stay in."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, QUIET_ENVIRONMENT, Settings
from pipeline.sources import load_sources

# What an environment variable can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CUSTOMER_TIERS_")]:
        monkeypatch.delenv(name)
    for name in QUIET_ENVIRONMENT:  # `load` sets them; the fixture takes them back
        monkeypatch.setenv(name, "as it was")


def test_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.load()
    assert settings.home == tmp_path / "data"
    assert settings.sources_file == tmp_path / "sources.yaml"
    assert settings.cron == "0 5 * * *"
    assert (settings.keep_releases, settings.keep_candidates) == (14, 2)
    assert settings.time_zone == "UTC"


@pytest.mark.parametrize(
    ("attribute", "argument", "variable"),
    [
        ("home", "home", "CUSTOMER_TIERS_HOME"),
        ("sources_file", "sources_file", "CUSTOMER_TIERS_SOURCES"),
    ],
)
def test_arguments_win_over_the_environment_and_that_over_defaults(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    attribute: str,
    argument: str,
    variable: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    default = getattr(Settings.load(), attribute)
    monkeypatch.setenv(variable, "")
    assert getattr(Settings.load(), attribute) == default
    monkeypatch.setenv(variable, "from/environment")
    assert getattr(Settings.load(), attribute) == tmp_path / "from" / "environment"
    found = Settings.load(**{argument: "from/argument"})
    assert getattr(found, attribute) == tmp_path / "from" / "argument"
    assert getattr(found, attribute).is_absolute()


@pytest.mark.parametrize(
    ("variable", "text", "attribute", "value"),
    [
        ("CUSTOMER_TIERS_REFRESH_AT", "23:59", "refresh_at", "23:59"),
        ("CUSTOMER_TIERS_REFRESH_AT", "7:05", "cron", "5 7 * * *"),
        ("CUSTOMER_TIERS_TIME_ZONE", "Asia/Shanghai", "time_zone", "Asia/Shanghai"),
        ("CUSTOMER_TIERS_KEEP_RELEASES", "2", "keep_releases", 2),
        ("CUSTOMER_TIERS_KEEP_CANDIDATES", "0", "keep_candidates", 0),
        ("CUSTOMER_TIERS_THREADS", "8", "threads", 8),
        ("CUSTOMER_TIERS_EXPECTATIONS", "/suites", "expectations", Path("/suites")),
    ],
)
def test_a_variable_is_heard(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    attribute: str,
    value: object,
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(Settings.load(), attribute) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CUSTOMER_TIERS_REFRESH_AT", ""),
        ("CUSTOMER_TIERS_REFRESH_AT", "24:00"),
        ("CUSTOMER_TIERS_REFRESH_AT", "5"),
        ("CUSTOMER_TIERS_REFRESH_AT", "05:00\n"),
        ("CUSTOMER_TIERS_TIME_ZONE", ""),
        ("CUSTOMER_TIERS_TIME_ZONE", "Beijing"),
        ("CUSTOMER_TIERS_TIME_ZONE", "Asia"),
        ("CUSTOMER_TIERS_TIME_ZONE", "../etc/passwd"),
        ("CUSTOMER_TIERS_TIME_ZONE", "x" * 300),
        ("CUSTOMER_TIERS_KEEP_RELEASES", "1"),
        ("CUSTOMER_TIERS_KEEP_RELEASES", "many"),
        ("CUSTOMER_TIERS_KEEP_CANDIDATES", "-1"),
        ("CUSTOMER_TIERS_THREADS", "0"),
        ("CUSTOMER_TIERS_THREADS", "1.5"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError) as error:
        Settings.load()
    assert error.value.exit_code == 2
    assert str(error.value).startswith(f"{variable} is {text!r}")


@given(text=TEXTS | st.from_regex(r"[0-9]?[0-9]:[0-9][0-9]", fullmatch=True))
def test_a_time_of_day_is_a_schedule_or_an_error(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CUSTOMER_TIERS_REFRESH_AT", text)
        try:
            minute, hour, *rest = Settings.load().cron.split(" ")
        except ConfigurationError:
            hours, _, minutes = text.partition(":")
            is_time = (hours + minutes).isdigit() and len(minutes) == 2
            assert not (is_time and int(hours) < 24 and int(minutes) < 60)
        else:
            assert rest == ["*", "*", "*"]
            assert (int(hour), int(minute)) == tuple(map(int, text.split(":")))


@given(text=TEXTS)
def test_any_text_is_a_setting_or_an_error_that_names_it(text: str) -> None:
    for variable in ("CUSTOMER_TIERS_TIME_ZONE", "CUSTOMER_TIERS_THREADS"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv(variable, text)
            try:
                Settings.load()
            except ConfigurationError as error:
                assert variable in str(error)


def test_the_environment_is_carried_but_never_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ERP_PASSWORD", "hunter2")
    settings = Settings.load(home=tmp_path)
    assert settings.environment["ERP_PASSWORD"] == "hunter2"
    assert settings.environment["CUSTOMER_TIERS_HOME"] == str(tmp_path)
    assert "hunter2" not in f"{settings} {settings!r}"


def test_nothing_may_phone_home() -> None:
    Settings.load()
    assert {name: os.environ[name] for name in QUIET_ENVIRONMENT} == QUIET_ENVIRONMENT


READS = re.compile(r"\bos\.(environ|getenv)|import .*\b(environ|getenv)\b")


def test_no_other_module_reads_the_environment() -> None:
    readers = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in (PROJECT_ROOT / "pipeline").rglob("*.py")
        if re.search(
            r"\bos\.environ|\bos\.getenv|import .*\b(environ|getenv)\b",
            path.read_text(),
        )
    }
    assert readers == {"pipeline/common/settings.py"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a folder in it, and another beside it."""
    folder = tmp_path / "shop"
    (folder / "inbox" / "2024").mkdir(parents=True)
    (folder / "dbt_project").mkdir()
    (folder / "sources.yaml").touch()
    (tmp_path / "elsewhere").mkdir()
    return folder


@pytest.mark.parametrize("where", ["", "inbox", "inbox/2024", "dbt_project"])
def test_a_project_is_known_anywhere_in_it(
    project: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / where)
    settings = Settings.load()
    assert settings.sources_file == project / "sources.yaml"
    assert settings.home == project / "data"
    assert settings.dbt_project == project / "dbt_project"


def test_the_nearest_project_counts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "inbox" / "sources.yaml").touch()
    monkeypatch.chdir(project / "inbox" / "2024")
    assert Settings.load().home == project / "inbox" / "data"


def test_a_home_that_is_named_leads_to_its_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what `status` prints works wherever it is pasted."""
    monkeypatch.chdir(project.parent / "elsewhere")
    settings = Settings.load(project / "data")
    assert settings.sources_file == project / "sources.yaml"
    other = project.parent / "elsewhere" / "sources.yaml"
    other.touch()
    assert Settings.load(project / "data").sources_file == other


def test_where_no_project_is_it_is_not_ours(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the demonstration company would be published into somebody's home."""
    elsewhere = project.parent / "elsewhere"
    monkeypatch.chdir(elsewhere)
    settings = Settings.load()
    assert settings.sources_file == elsewhere / "sources.yaml"
    with pytest.raises(ConfigurationError, match="go to your project's folder"):
        load_sources(settings)


def test_what_is_named_wins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = project.parent / "elsewhere"
    monkeypatch.chdir(elsewhere)
    settings = Settings.load(sources_file=project / "sources.yaml")
    assert settings.home == elsewhere / "data"
    monkeypatch.chdir(project)
    monkeypatch.setenv("CUSTOMER_TIERS_HOME", str(elsewhere))
    assert Settings.load().home == elsewhere
