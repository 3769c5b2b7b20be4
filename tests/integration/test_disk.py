"""A disk that is full at each stage of a real refresh, and room again after it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.common.home import Home
from pipeline.journal import disk
from pipeline.release import catalogue
from tests.conftest import command, start
from tests.faults.company import Company, read_facts
from tests.integration.test_faults import (
    attempts,
    first_release,
    refresh_id,
    seen,
    stage_of,
)
from tests.unit.journal.test_disk import fill, small_disk

__all__ = ["first_release"]  # a fixture


@pytest.mark.slow
def test_too_little_room_is_told_before(home: Path) -> None:
    before = seen(home)
    result = command(
        "refresh", "--home", home, CUSTOMER_TIERS_FREE_MEGABYTES="99999999"
    )
    assert result.returncode == 1, result.stderr
    assert "a refresh needs about" in result.stderr
    assert "prune --dry-run" in result.stderr
    assert seen(home) == before
    (failed, *_) = attempts(home)
    assert (failed["state"], failed["stage"]) == ("failed", "open candidate")
    assert list((home / "candidates").glob("r*")) == []


@pytest.mark.slow
def test_a_disk_that_fills_up_at_any_stage(
    first_release: Company, tmp_path: Path
) -> None:
    used = disk.size_of(first_release.folder) // 2**20
    with small_disk(tmp_path / "disk", used + 150) as folder:
        company = first_release.copied_to(folder / "company")
        home = company.home
        variables = {**company.variables, "CUSTOMER_TIERS_FREE_MEGABYTES": "0"}
        before = seen(home)
        failed = []
        stages = ("read shop", "gate in: shop", "transform", "gate out", "publish")
        for number, stage in enumerate(stages, start=2):
            company.next_day()
            process = start(*company.refresh(), **variables)
            while stage_of(home, refresh_id(company, number)) != stage:
                assert process.poll() is None, (stage, attempts(home)[0])
                time.sleep(0.005)
            fill(folder)
            process.wait(900)
            state = attempts(home)[0]
            assert state["refresh_id"] == refresh_id(company, number)
            if process.returncode:
                assert process.returncode == 1, (stage, state)
                assert state["state"] == "failed", (stage, state)
                assert "is full" in state["reason"], (stage, state)
                failed.append(stage)
                assert seen(home) == before, stage
            else:
                assert state["state"] == "published"
                before = seen(home)
            (folder / "ballast").unlink()
            for item in catalogue.releases(Home(home)):
                assert item.path.exists()
        assert len(failed) >= 3
        result = command(*company.refresh(), **variables)
        assert result.returncode == 0, result.stderr
        assert attempts(home)[0]["state"] == "published"
        assert (
            read_facts((home / "current" / "warehouse.duckdb").resolve())[1]
            == company.facts()
        )
