"""For every kind of bad data, the gate that is meant to catch it does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import environment
from tests.faults import bad_data

# In the slow tests one, in `make campaign` all.
SOME = {"halved amounts"}


@pytest.fixture(scope="module")
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    wanted = {
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item, "callspec")
    }
    path = tmp_path_factory.mktemp("bad_data") / "found.json"
    told = subprocess.run(
        [sys.executable, "-m", "tests.faults.bad_data", str(path), "", *sorted(wanted)],
        cwd=PROJECT_ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert path.exists(), told.stdout + told.stderr
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_day_with_nothing_bad_passes(found: Any) -> None:
    assert found[""]["exit_code"] == 0, found[""]
    assert [
        check for check in found[""]["not_passed"] if check["severity"] == "critical"
    ] == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.slow if name in SOME else pytest.mark.campaign
        )
        for name in sorted(bad_data.KINDS)
    ],
)
def test_bad_data_is_caught(found: Any, name: str) -> None:
    assert bad_data.problem(name, found[name], found[""]) == "", found[name]


def test_there_are_thirty() -> None:
    assert len(bad_data.KINDS) >= 30
