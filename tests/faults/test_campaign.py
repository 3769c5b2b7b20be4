"""A part of the campaign of faults with the slow tests; `make campaign` runs hundreds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import environment
from tests.faults.campaign import FAULTS


@pytest.mark.parametrize(
    ("seed", "faults"), [pytest.param(12, 3, marks=pytest.mark.slow)]
)
def test_whatever_goes_wrong_the_next_refresh_is_right(seed: int, faults: int) -> None:
    arguments = ["--faults", faults, "--seed", seed, "--lanes", 1]
    told = subprocess.run(
        [sys.executable, "-m", "tests.faults.campaign", *map(str, arguments)],
        cwd=PROJECT_ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"{faults} faults" in told.stdout


def test_there_are_faults_of_every_kind() -> None:
    assert len(FAULTS) >= 17
