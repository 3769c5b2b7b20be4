"""Every setting of the program, typed, read once from the environment.

No other module reads the environment. Where the data comes from is not a setting but
`sources.yaml` (see `pipeline.sources.config`); the business policy is neither, but the
seeds of the dbt project.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.common import language, secrets
from pipeline.common.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
POSTGRES = "CUSTOMER_TIERS_POSTGRES_URL"
LANGUAGE = "CUSTOMER_TIERS_LANGUAGE"
# What makes a folder a project.
SOURCES = "sources.yaml"

# Nothing that we run may phone home, and nothing may be fetched at run time. These are
# set before the libraries are imported, because two of them read them at import.
QUIET_ENVIRONMENT = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}


@dataclass(frozen=True)
class Keeping:
    """How much of what a home gathers is kept; 0 days is for ever.

    Attributes:
        monthly_releases: Beside the newest releases, the newest one of each of so many
            months.
        attempts: Attempts in the journal.
        logs_days: Logs, and the evidence of what was refused.
        runs_days: Runs in Dagster, with their events.
        refused_days: Batches that the gate refused; they never counted.
        exports_days: Exports, which can be made again from a release.
        compact_files: So many small files of an entity are put together into one; 0 for
            never.
        compact_megabytes: A file of at least this size stays as it is.
    """

    monthly_releases: int = 0
    attempts: int = 1_000
    logs_days: int = 90
    runs_days: int = 90
    refused_days: int = 90
    exports_days: int = 0
    compact_files: int = 100
    compact_megabytes: int = 16

    @classmethod
    def load(cls, env: Mapping[str, str]) -> Keeping:
        """From the environment; each is `CUSTOMER_TIERS_KEEP_` or `..._COMPACT_`."""
        return cls(
            **{
                name: _count(env, variable, default, least=0)
                for name, variable, default in (
                    (item.name, _variable(item.name), int(str(item.default)))
                    for item in fields(cls)
                )
            }
        )


def _variable(name: str) -> str:
    prefix = "" if name.startswith("compact_") else "KEEP_"
    return f"CUSTOMER_TIERS_{prefix}{name.upper()}"


@dataclass(frozen=True)
class Limits:
    """What a refresh may take; 0 is no limit.

    Attributes:
        free_megabytes: Room that a refresh leaves on the disk, beside what it needs.
        refresh_minutes: After so long a refresh ends as failed.
        source_minutes: After so long the reading of one source does, unless
            sources.yaml gives that source a limit of its own.
    """

    free_megabytes: int = 500
    refresh_minutes: float = 0
    source_minutes: float = 0

    @classmethod
    def load(cls, env: Mapping[str, str]) -> Limits:
        """From the environment."""
        return cls(
            free_megabytes=_count(
                env, "CUSTOMER_TIERS_FREE_MEGABYTES", cls.free_megabytes, least=0
            ),
            refresh_minutes=_minutes(env, "CUSTOMER_TIERS_REFRESH_MINUTES"),
            source_minutes=_minutes(env, "CUSTOMER_TIERS_SOURCE_MINUTES"),
        )


@dataclass(frozen=True)
class Serving:
    """Which copies of a release every refresh makes, beside those asked for by hand.

    Attributes:
        duckdb: The folder of the DuckDB copy.
        parquet: The folder of the Parquet copies.
        keep_parquet: Releases kept there, the current one included.
        postgres: The URL of the PostgreSQL database; it may hold a password.
    """

    duckdb: Path | None = None
    parquet: Path | None = None
    keep_parquet: int = 2
    postgres: str = field(default="", repr=False)

    @classmethod
    def load(cls, env: Mapping[str, str]) -> Serving:
        """From the environment; the URL's password is a secret from here on."""
        url = env.get(POSTGRES, "").strip()
        secrets.remember(
            text for text in secrets.in_url(url) if len(text) >= secrets.SHORTEST
        )
        return cls(
            duckdb=_path(env, "CUSTOMER_TIERS_SERVE_DUCKDB"),
            parquet=_path(env, "CUSTOMER_TIERS_SERVE_PARQUET"),
            keep_parquet=_count(
                env, "CUSTOMER_TIERS_KEEP_PARQUET", cls.keep_parquet, least=1
            ),
            postgres=url,
        )


@dataclass(frozen=True)
class Settings:
    """What a refresh runs under.

    Attributes:
        home: The folder that holds landing, candidates, releases, logs (`0700`).
        sources_file: The `sources.yaml` in force.
        refresh_at: Local time of the daily refresh, `HH:MM`.
        time_zone: IANA name; the schedule's, and the business day's unless
            `sources.yaml` says otherwise.
        keep_releases: Releases kept for rollback, the current one included.
        keep_candidates: Unpublished candidates kept to inspect what was refused.
        keeping: How much of everything else is kept.
        limits: What a refresh may take of time and disk.
        threads: Threads of dbt (each model is itself parallel inside DuckDB).
        expectations: The folder of the suites: `marts/*.py` and `landing/<source>.py`.
        dbt_project: The project's own staging models, policy and whatever else it puts
            in the place of the product's; beside `sources.yaml` unless a variable or
            `sources.yaml` says otherwise, and so are the suites.
        max_age: A release older than this is late.
        alerts_file: The `alerts.yaml` that was named; beside `sources.yaml` otherwise.
        alerts_off: Nobody is notified, whatever file there is.
        metrics_file: Where the metrics are written; in the home otherwise.
        pages_url: Where `ui` serves the pages of the home; empty where it does not.
        serving: Which copies every refresh makes.
        spark: The folder of an environment with Spark and dbt's adapter for it, where
            the transformation runs there; None for DuckDB.
        language: In which commands and alerts speak, unless they are asked for another.
        environment: What `${NAME}` in `sources.yaml` may refer to; secrets, so never
            printed.
    """

    home: Path
    sources_file: Path
    refresh_at: str = "05:00"
    time_zone: str = "UTC"
    keep_releases: int = 14
    keep_candidates: int = 2
    threads: int = 2
    expectations: Path = PROJECT_ROOT / "expectations"
    dbt_project: Path = PROJECT_ROOT / "dbt_project"
    max_age: dt.timedelta = dt.timedelta(hours=26)
    alerts_file: Path | None = None
    alerts_off: bool = False
    metrics_file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    keeping: Keeping = Keeping()
    limits: Limits = Limits()
    serving: Serving = Serving()
    pages_url: str = ""
    spark: Path | None = None
    language: language.Code = "en"

    @classmethod
    def load(
        cls, home: Path | str | None = None, sources_file: Path | str | None = None
    ) -> Settings:
        """Reads the environment; arguments given on the command line win.

        Without either the sources are those of the project in which the command is given
        (the working folder or one above it), and the home is its `data`.

        Raises:
            ConfigurationError: A variable does not hold what it should.
        """
        env = dict(os.environ)
        is_quiet = env.get("CUSTOMER_TIERS_ALERTS") == "none"
        os.environ.update(QUIET_ENVIRONMENT)
        home = home or env.get("CUSTOMER_TIERS_HOME")
        named = sources_file or env.get("CUSTOMER_TIERS_SOURCES")
        project = Path() if named else _project(Path(home).resolve() if home else None)
        sources_file = Path(named or project / SOURCES).resolve()
        settings = cls(
            home=Path(home or project / "data").resolve(),
            sources_file=sources_file,
            refresh_at=_clock(env, "CUSTOMER_TIERS_REFRESH_AT", cls.refresh_at),
            time_zone=_zone(env, "CUSTOMER_TIERS_TIME_ZONE", cls.time_zone),
            keep_releases=_count(
                env, "CUSTOMER_TIERS_KEEP_RELEASES", cls.keep_releases, least=2
            ),
            keep_candidates=_count(
                env, "CUSTOMER_TIERS_KEEP_CANDIDATES", cls.keep_candidates, least=0
            ),
            threads=_count(env, "CUSTOMER_TIERS_THREADS", cls.threads, least=1),
            expectations=_path(env, "CUSTOMER_TIERS_EXPECTATIONS")
            or _beside(sources_file, cls.expectations),
            dbt_project=_path(env, "CUSTOMER_TIERS_DBT_PROJECT")
            or _beside(sources_file, cls.dbt_project),
            keeping=Keeping.load(env),
            limits=Limits.load(env),
            serving=Serving.load(env),
            max_age=duration(
                env.get("CUSTOMER_TIERS_MAX_AGE") or "26h", "CUSTOMER_TIERS_MAX_AGE"
            ),
            alerts_file=None if is_quiet else _path(env, "CUSTOMER_TIERS_ALERTS"),
            alerts_off=is_quiet,
            metrics_file=_path(env, "CUSTOMER_TIERS_METRICS"),
            pages_url=_web_address(env, "CUSTOMER_TIERS_PAGES_URL"),
            spark=_path(env, "CUSTOMER_TIERS_SPARK"),
            language=spoken(env),
        )
        env["CUSTOMER_TIERS_HOME"] = str(settings.home)
        return replace(settings, environment=env)

    def child_environment(self) -> dict[str, str]:
        """The environment in which another process finds the same settings."""
        named = {
            "CUSTOMER_TIERS_ALERTS": "none" if self.alerts_off else self.alerts_file,
            "CUSTOMER_TIERS_METRICS": self.metrics_file,
            "CUSTOMER_TIERS_SERVE_DUCKDB": self.serving.duckdb,
            "CUSTOMER_TIERS_SERVE_PARQUET": self.serving.parquet,
            "CUSTOMER_TIERS_PAGES_URL": self.pages_url,
            "CUSTOMER_TIERS_SPARK": self.spark,
        }
        return {
            **self.environment,
            **QUIET_ENVIRONMENT,
            "CUSTOMER_TIERS_HOME": str(self.home),
            "CUSTOMER_TIERS_SOURCES": str(self.sources_file),
            "CUSTOMER_TIERS_EXPECTATIONS": str(self.expectations),
            "CUSTOMER_TIERS_DBT_PROJECT": str(self.dbt_project),
            **{name: str(path) for name, path in named.items() if path},
        }

    @property
    def cron(self) -> str:
        """The daily schedule as a cron expression."""
        hour, minute = self.refresh_at.split(":")
        return f"{int(minute)} {int(hour)} * * *"


def _project(home: Path | None) -> Path:
    """The folder of the project in which a command is given.

    That of the nearest `sources.yaml`, in the working folder or above it; else above the
    home that was named, so that a command works from anywhere. Nowhere is it the
    product's own: where there is none, whoever needs one says so.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, *(home.parents if home else ())):
        if (folder / SOURCES).is_file():
            return folder
    return here


def _beside(sources_file: Path, product: Path) -> Path:
    """The project's own folder, which lies beside its `sources.yaml`, or the product's."""
    own = sources_file.parent / product.name
    return own if own.is_dir() else product


def _clock(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name, default)
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text):
        raise ConfigurationError(
            f"{name} is {text!r}; give a time of day such as 05:00."
        )
    return text


def _zone(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name, default)
    check_time_zone(text, name)
    return text


def spoken(env: Mapping[str, str] | None = None) -> language.Code:
    """The language in which commands and alerts speak, unless asked for another.

    Args:
        env: The environment; that of the process otherwise.

    Raises:
        ConfigurationError: CUSTOMER_TIERS_LANGUAGE is no language of ours.
    """
    text = (os.environ if env is None else env).get(LANGUAGE) or "en"
    for known in language.LANGUAGES:
        if text == known:
            return known
    raise ConfigurationError(f"{LANGUAGE} is {text!r}; give en or zh.")


def variable(name: str) -> str:
    """What the environment holds under a name that a project's own files give.

    Returns:
        The value; empty where there is none.
    """
    return os.environ.get(name, "")


def check_time_zone(name: str, where: str) -> None:
    """Raises ConfigurationError when `name` is not an IANA time zone."""
    if not is_time_zone(name):
        raise ConfigurationError(
            f"{where} is {name!r}, which is no time zone; give one such as "
            "Asia/Shanghai or UTC."
        )


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False  # OSError: `Asia` is a folder of the time zone database
    return True


def duration(text: str, where: str) -> dt.timedelta:
    """A length of time as `26h`, `90m`, `2d` or `1d12h` says it.

    Raises:
        ConfigurationError: It is none, or nothing at all.
    """
    match = re.fullmatch(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?", text.strip())
    parts = [int(part or 0) for part in match.groups()] if match else [0, 0, 0]
    length = dt.timedelta(days=parts[0], hours=parts[1], minutes=parts[2])
    if not length:
        raise ConfigurationError(
            f"{where} is {text!r}; give a length of time such as 26h, 90m or 1d12h."
        )
    return length


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).resolve() if env.get(name) else None


def _web_address(env: Mapping[str, str], name: str) -> str:
    text = env.get(name, "").strip()
    if text and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        raise ConfigurationError(
            f"{name} is {text!r}; give an address such as http://127.0.0.1:3001."
        )
    return text.rstrip("/")


def _count(env: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = env.get(name, str(default))
    if not re.fullmatch(r"\d+", text) or int(text) < least:
        raise ConfigurationError(
            f"{name} is {text!r}; give a whole number of at least {least}."
        )
    return int(text)


def _minutes(env: Mapping[str, str], name: str) -> float:
    text = env.get(name, "0")
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ConfigurationError(
            f"{name} is {text!r}; give a number of minutes, 0 for no limit."
        )
    return float(text)
