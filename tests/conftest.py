"""Fixtures that run the real pipeline on a demonstration company, once a session.

On a twentieth of it (`sampled`), which tells the same of nearly all there is to be told;
the whole one is `test_demonstration`'s.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import filelock
import hypothesis
import pytest
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common import collector
from pipeline.common.settings import PROJECT_ROOT
from pipeline.transform.package import PACKAGE
from tests import sampled, warm
from tests.profiles import examples

# A machine that is busy is no reason to fail.
hypothesis.settings.register_profile(
    "untimed", deadline=None, max_examples=examples(100, fast=33)
)
hypothesis.settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Keeps what is imported by now out of every search for garbage that follows.

    A worker has a million objects that stay, and thousands of tests that each make some.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*collector.SELDOM)


Refresh = Callable[..., subprocess.CompletedProcess[str]]


# The sources of a test's commands that name none; this project's own where it is empty.
_sources: dict[str, str] = {}


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without settings of a developer's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CUSTOMER_TIERS_", "DAGSTER_"))
    }
    return {
        **kept,
        # A developer's own alerts.yaml must not tell anybody of tests.
        "CUSTOMER_TIERS_ALERTS": "none",
        # The workers of the tests share the cores already. Two threads of dbt wait for each
        # other's interpreter lock: a quarter more processor time for the same refresh.
        "CUSTOMER_TIERS_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **_sources,
        **changes,
    }


def command(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs `customer-tiers` as a person would, and returns what it said."""
    return warm.run(
        [*map(str, arguments)],
        folder=PROJECT_ROOT,
        environment=environment(**changes),
        timeout=300,
    )


def invoke(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """As `command`, but inside this process, which saves the start of another.

    For what a command prints and ends with; not for a whole refresh, nor where another
    process is the point.
    """
    wanted = environment(**changes)
    whole = {name: wanted.get(name) for name in {*os.environ, *wanted}}
    before = os.umask(0)
    os.umask(before)
    try:
        with contextlib.chdir(PROJECT_ROOT):
            result = CliRunner(env=whole).invoke(main, [*map(str, arguments)])
    finally:
        os.umask(before)  # a home sets it, for its own process
    return subprocess.CompletedProcess(
        [*map(str, arguments)], result.exit_code, result.stdout, result.stderr
    )


def start(*arguments: str | Path, **changes: str) -> warm.Running:
    """Starts `customer-tiers` in the background."""
    return warm.Running(
        [*map(str, arguments)], folder=PROJECT_ROOT, environment=environment(**changes)
    )


def publish_alone(home: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """A later run of Dagster that materializes `publish` and nothing else."""
    script = f"""
        import dagster as dg
        from pipeline.orchestration.definitions import build_definitions
        from pipeline.common.settings import Settings
        instance = dg.DagsterInstance.from_config({str(home / "dagster")!r})
        job = build_definitions(Settings.load({str(home)!r})).resolve_job_def("refresh")
        result = job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("publish")],
            raise_on_error=False,
        )
        raise SystemExit(0 if result.success else 1)
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=PROJECT_ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """A folder that the first worker who needs it makes, for all of them.

    Args:
        factory: pytest's own.
        name: What the folder is called below the temporary folder of this run.
        make: Fills the folder, which is there and empty.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with filelock.FileLock(f"{folder}.lock"):
        if not (whole := base / f"{name}.whole").exists():
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


def opened(home: Path) -> duckdb.DuckDBPyConnection:
    """The current release of a home, to be read."""
    path = (home / "current" / "warehouse.duckdb").resolve()
    return duckdb.connect(str(path), read_only=True)


@pytest.fixture(scope="session")
def company_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `sources.yaml` of the sampled demonstration company."""
    return made_once(tmp_path_factory, "sampled", sampled.make) / "sources.yaml"


@pytest.fixture(autouse=True)
def _commands_of_the_company(request: pytest.FixtureRequest) -> Iterator[None]:
    """Commands of a test that takes a home of the company are about its sources."""
    if "company_sources" in request.fixturenames:
        _sources["CUSTOMER_TIERS_SOURCES"] = str(
            request.getfixturevalue("company_sources")
        )
    yield
    _sources.clear()


@pytest.fixture(scope="session")
def published_home(
    company_sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home with one release of the company; look, do not touch."""

    def make(folder: Path) -> None:
        result = command(
            *("refresh", "--home", folder / "home"),
            CUSTOMER_TIERS_SOURCES=str(company_sources),
        )
        assert result.returncode == 0, result.stderr
        # What its SQL was, before another test has the project compiled over other data.
        from pipeline.common.settings import Settings
        from pipeline.sources import load_sources
        from pipeline.transform import project
        from pipeline.transform.compiled import COMPILED

        settings = Settings.load(sources_file=company_sources)
        composed = project.compose(load_sources(settings), settings)
        shutil.copy(composed / COMPILED, folder / "compiled.json")

    return made_once(tmp_path_factory, "published", make) / "home"


@pytest.fixture(scope="session")
def built_home(
    company_sources: Path,
    published_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The home with one release, and beside it a candidate that was not published.

    What the second refresh said lies in `said` beside the home.
    """

    def make(folder: Path) -> None:
        shutil.copytree(published_home, folder / "home", symlinks=True)
        result = command(
            *("refresh", "--home", folder / "home", "--no-publish", "--json"),
            CUSTOMER_TIERS_SOURCES=str(company_sources),
        )
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["state"] == "built"
        (folder / "said").write_text(result.stderr)

    return made_once(tmp_path_factory, "built", make) / "home"


@pytest.fixture(scope="session")
def whole_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one release of the whole demonstration; slow."""

    def make(folder: Path) -> None:
        result = command("refresh", "--home", folder / "home")
        assert result.returncode == 0, result.stderr

    return made_once(tmp_path_factory, "whole", make) / "home"


@pytest.fixture
def whole_warehouse(whole_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release of the whole demonstration as a reader opens it."""
    with opened(whole_home) as connection:
        yield connection


# A month end inside the demonstration's data.
EARLIER = "2013-06-30"


@pytest.fixture(scope="session")
def earlier_home(
    company_sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home whose only candidate is as of an earlier day; look, do not touch."""

    def make(folder: Path) -> None:
        result = command(
            *("refresh", "--home", folder / "home"),
            *("--as-of", EARLIER, "--no-publish"),
            CUSTOMER_TIERS_SOURCES=str(company_sources),
        )
        assert result.returncode == 0, result.stderr

    return made_once(tmp_path_factory, "earlier", make) / "home"


@pytest.fixture
def built(built_home: Path, tmp_path: Path) -> Path:
    """A copy of the home with a candidate that waits, to break at will."""
    copy = tmp_path / "home"
    shutil.copytree(built_home, copy, symlinks=True)
    return copy


@pytest.fixture
def home(published_home: Path, tmp_path: Path) -> Path:
    """A copy of the home with one release, to break at will."""
    copy = tmp_path / "home"
    shutil.copytree(published_home, copy, symlinks=True)
    return copy


@pytest.fixture
def whole_copy(whole_home: Path, tmp_path: Path) -> Path:
    """A copy of the home of the whole demonstration, to break at will."""
    copy = tmp_path / "home"
    shutil.copytree(whole_home, copy, symlinks=True)
    return copy


@pytest.fixture
def warehouse(published_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published release as a reader opens it."""
    with opened(published_home) as connection:
        yield connection


# A project's own suite in the place of the product's: see docs/gates.md.
OWN_SUITE = """
from dataclasses import replace

from expectations.marts import tiers
from expectations.vocabulary import row_count


def customer_tiers():
    suite = tiers.customer_tiers()
    most = row_count(1, 10, why="ten at most", acceptable={acceptable})
    return replace(suite, expectations=[most, *suite.expectations[1:]])


SUITES = [customer_tiers]
"""


def own_project(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    """A project of the demonstration with a file of its own in the product's place.

    Args:
        folder: Is made.
        name: The file of the product, by its path in the dbt project.
        change: Of its text.
    """
    shutil.copytree(PACKAGE / "models" / "staging", folder / "models" / "staging")
    text = (PACKAGE / name).read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(changed, encoding="utf-8")
    return folder


def own_suites(folder: Path, *, acceptable: bool) -> Path:
    """Suites of a project that allows ten customers; a few more is a failure."""
    shutil.copytree(PROJECT_ROOT / "expectations" / "landing", folder / "landing")
    (folder / "marts").mkdir()
    (folder / "marts" / "own.py").write_text(OWN_SUITE.format(acceptable=acceptable))
    return folder
