"""The commands of operations as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.common.home import Home
from tests.conftest import invoke
from tests.unit.release import test_release


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home.open(tmp_path / "home")
    for value in range(4):
        test_release.published(found, value)
    return found


def test_prune_says_first_and_does_then(home: Home) -> None:
    settings = {"CUSTOMER_TIERS_KEEP_RELEASES": "2"}
    dry = invoke("prune", "--dry-run", "--home", home.root, **settings)
    assert dry.returncode == 0, dry.stderr
    assert "Would remove 2 things" in dry.stdout
    assert "the newest 2 are kept" in " ".join(dry.stdout.split())
    assert len(list(home.releases.iterdir())) == 4
    done = invoke("prune", "--json", "--home", home.root, **settings)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert [item["what"] for item in record["gone"]] == ["releases", "releases"]
    assert (record["runs"], record["dry_run"]) == (0, False)
    assert len(list(home.releases.iterdir())) == 2
    assert test_release.value_seen(home) == 3


def test_backup_and_restore(home: Home, tmp_path: Path) -> None:
    archive, new = tmp_path / "home.tar.gz", tmp_path / "new"
    made = invoke("backup", archive, "--home", home.root)
    assert made.returncode == 0, made.stderr
    assert "current release r000004-20140131" in " ".join(made.stdout.split())
    shutil.rmtree(home.root)
    found = invoke("restore", archive, "--home", new)
    assert found.returncode == 0, found.stderr
    assert "are back" in found.stdout
    assert test_release.value_seen(Home(new)) == 3
    again = invoke("restore", archive, "--home", new)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
    archive.write_bytes(archive.read_bytes()[:-4_000])
    damaged = invoke("restore", archive, "--home", tmp_path / "other")
    assert damaged.returncode == 1
    assert "is damaged" in damaged.stderr
    assert not (tmp_path / "other").exists()
