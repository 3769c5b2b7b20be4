"""For every kind of bad data, the gate that is meant to catch it does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pipeline.settings import PROJECT_ROOT
from tests.conftest import environment
from tests.faults import bad_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("bad_data") / "found.json"
    told = subprocess.run(
        [sys.executable, "-m", "tests.faults.bad_data", str(path)],
        cwd=PROJECT_ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert path.exists(), told.stdout + told.stderr
    return json.loads(path.read_text())


def test_a_day_with_nothing_bad_passes(found: Any) -> None:
    assert found[""]["exit_code"] == 0, found[""]
    assert [
        check for check in found[""]["not_passed"] if check["severity"] == "critical"
    ] == []


@pytest.mark.parametrize("name", sorted(bad_data.KINDS))
def test_bad_data_is_caught(found: Any, name: str) -> None:
    assert bad_data.problem(name, found[name]) == "", found[name]


def test_there_are_thirty() -> None:
    assert len(bad_data.KINDS) >= 30
