"""Trying sources out: every state that a folder can be in is an outcome, no crash."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipeline.common.errors import GateRefused, SourceUnavailable
from pipeline.gates import source_trial
from pipeline.gates.source_trial import Tried
from pipeline.gates.trial_findings import worst
from tests.unit.support import files_source

SETTLE_SECONDS = 60.0


def put(folder: Path, name: str, text: str, *, age: float) -> None:
    """Writes a file that was changed so many seconds ago."""
    path = folder / name
    path.write_text(text)
    changed = time.time() - age
    os.utime(path, (changed, changed))


def tried(folder: Path, files: str = "*.csv", load: str = "append") -> Tried:
    source = files_source(folder, files, load=load, settle_seconds=SETTLE_SECONDS)
    (found,) = source_trial.try_source(source, folder / "expectations")
    return found


@pytest.mark.parametrize("load", ["append", "snapshot"])
def test_a_young_file_is_named_and_the_others_are_checked(
    tmp_path: Path, load: str
) -> None:
    put(tmp_path, "a.csv", "id,v\n1,x\n,y\n", age=SETTLE_SECONDS * 2)
    put(tmp_path, "b.csv", "id\n", age=0)
    found = tried(tmp_path, load=load)
    assert (found.rows, list(found.columns), found.problem) == (2, ["id", "v"], "")
    assert found.unsettled == ["b.csv changed less than 60 seconds ago"]
    assert len(found.failed) == 1, "a row without its key"
    assert isinstance(worst(found.findings), GateRefused)


@pytest.mark.parametrize("name", ["a.csv", "b.csv.part"])
def test_where_all_are_young_nothing_could_be_read(tmp_path: Path, name: str) -> None:
    """Not a pass, and it says what to do; the next question finds them whole."""
    put(tmp_path, name, "id\n1\n", age=0)
    found = tried(tmp_path, "*")
    assert (found.rows, found.checks) == (0, [])
    assert found.problem.startswith(
        f"shop.items: its files are still being written: {name} "
    )
    assert "settle_seconds" in found.problem
    assert isinstance(worst(found.findings), SourceUnavailable)
    put(tmp_path, "a.csv", "id\n1\n", age=SETTLE_SECONDS * 2)
    assert tried(tmp_path).problem == ""


def test_a_young_entity_does_not_hide_the_others(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "id\n1\n", age=0)
    put(tmp_path, "b.tsv", "id\n1\n2\n", age=SETTLE_SECONDS * 2)
    source = files_source(tmp_path, "*.csv", settle_seconds=SETTLE_SECONDS)
    (young,) = source.entities.values()
    old = young.model_copy(update={"name": "old", "files": "*.tsv"})
    source = source.model_copy(update={"entities": {"items": young, "old": old}})
    first, second = source_trial.try_source(source, tmp_path / "expectations")
    assert first.problem
    assert (second.rows, second.problem, second.failed) == (2, "", [])


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "[]"), ("a.jsonl", ""), ("a.csv", "id,v\n"), ("a.csv", "")],
)
def test_files_without_a_row(tmp_path: Path, name: str, text: str) -> None:
    """What holds nothing is read or is a problem that has a name."""
    put(tmp_path, name, text, age=SETTLE_SECONDS * 2)
    found = tried(tmp_path, "a.*")
    assert found.rows == 0
    assert found.problem or not found.failed


def test_no_file_at_all(tmp_path: Path) -> None:
    assert "no file matches" in tried(tmp_path).problem
