"""A source that hangs and a refresh that takes too long, with the real pipeline."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from pipeline.common.home import Home
from pipeline.common.lock import is_locked
from tests.conftest import command
from tests.integration.test_faults import attempts, own_sources, seen


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def with_erp(folder: Path, port: int, **options: Any) -> Path:
    path = own_sources(folder)
    described = yaml.safe_load(path.read_text())
    (erp,) = (item for item in described["sources"] if item["name"] == "erp")
    erp["url"] = f"mysql://reader:secret@127.0.0.1:{port}/erp?connect_timeout=3600"
    erp.update(options)
    path.write_text(yaml.safe_dump(described, allow_unicode=True))
    return path


def statuses(home: Path) -> list[dg.DagsterRunStatus]:
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        return [run.status for run in instance.get_runs()]


@pytest.mark.slow
def test_a_source_that_hangs(home: Path, tmp_path: Path, silent: int) -> None:
    """It ends as failed with a sentence; the lock is free, and readers see no change."""
    before = seen(home)
    sources = with_erp(tmp_path, silent, limit_minutes=0.05)
    result = command("refresh", "--home", home, "--sources", sources)
    assert result.returncode == 5, result.stderr
    assert "erp was not read within 0.05 minutes" in result.stderr
    assert "secret" not in result.stderr
    assert seen(home) == before
    assert not is_locked(Home(home))
    (failed, *_) = attempts(home)
    assert (failed["state"], failed["exit_code"]) == ("failed", 5)
    assert failed["reason"].startswith("read erp: erp was not read within 0.05 minutes")
    assert statuses(home)[0] == dg.DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_a_refresh_that_takes_too_long(home: Path, tmp_path: Path, silent: int) -> None:
    before = seen(home)
    sources = with_erp(tmp_path, silent)
    result = command(
        "refresh",
        "--home",
        home,
        "--sources",
        sources,
        CUSTOMER_TIERS_REFRESH_MINUTES="0.3",
    )
    assert result.returncode == 1, result.stderr
    assert "took longer than 0.3 minutes" in result.stderr
    assert seen(home) == before
    assert not is_locked(Home(home))
    assert attempts(home)[0]["state"] == "failed"
    assert statuses(home)[0] == dg.DagsterRunStatus.FAILURE
