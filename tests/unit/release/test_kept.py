"""What the next refresh goes on from is the work file of this very release, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.release import catalogue, kept, layout, promotion, sealing
from pipeline.release.layout import Candidate
from tests.unit.release.test_release import GATES, candidate_with

NODES = {"version": "1", "nodes": {"model.a": {"key": "k", "content": "c", "rows": 1}}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def built(home: Home, value: int) -> Candidate:
    """A candidate with a work file, and what was noted of it."""
    candidate = candidate_with(home, value)
    with duckdb.connect(str(candidate.work_file)) as connection:
        connection.execute(f"create table t as select {value} as value")
    kept.note(candidate, NODES)
    return candidate


def publish(home: Home, candidate: Candidate) -> None:
    sealing.seal(candidate, GATES)
    promotion.promote(home, candidate.refresh_id, GATES)


def taken(home: Home, candidate: Candidate) -> kept.Kept | None:
    return kept.take(home, candidate, catalogue.newest_whole(home))


def test_a_published_work_file_is_gone_on_from_once(home: Home) -> None:
    publish(home, built(home, 1))
    following = candidate_with(home, 2)
    found = taken(home, following)
    assert found is not None
    assert found.nodes == NODES
    assert found.release == home.current.resolve()
    with duckdb.connect(str(following.work_file)) as connection:
        assert connection.execute("from t").fetchall() == [(1,)]
    # Whoever comes after a refresh that did not publish builds everything.
    assert not kept.folder(home).exists()
    assert taken(home, candidate_with(home, 3)) is None


def rolled_back(home: Home) -> None:
    promotion.rollback(home)


def touched(home: Home) -> None:
    os.utime(kept.folder(home) / "work.duckdb", (1, 1))


def written_to(home: Home, file: str = layout.WAREHOUSE) -> None:
    """By root, or somebody who took the right to."""
    path = (home.current / file).resolve()
    path.chmod(0o600)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update marts.t set value = 7")


def private_written_to(home: Home) -> None:
    written_to(home, layout.PRIVATE)


def noted_before_there_were_two_files(home: Home) -> None:
    path = kept.folder(home) / "nodes.json"
    record = read_json(path)
    (sha256,) = record.pop("files")[layout.WAREHOUSE]
    write_json(path, {**record, "sha256": sha256}, hashed=True)


def one_bit_turned(home: Home) -> None:
    path = kept.folder(home) / "nodes.json"
    path.write_text(path.read_text().replace('"rows": 1', '"rows": 2'))


def damaged(home: Home) -> None:
    """Of the same size and time."""
    path = kept.folder(home) / "work.duckdb"
    found = path.stat()
    path.write_bytes(b"x" * found.st_size)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def emptied(home: Home) -> None:
    """Of a file that is mostly room for what was dropped, a new one is made."""
    path = kept.folder(home) / "work.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table big as select hash(i) from range(2000000) r(i)"
        )
        connection.execute("create table last as select 1")
        connection.execute("checkpoint")
        connection.execute("drop table big")
        connection.execute("checkpoint")
    noted = kept.folder(home) / "nodes.json"
    state = [path.stat().st_size, path.stat().st_mtime_ns]
    write_json(noted, {**read_json(noted), "work": state}, hashed=True)


def without_notes(home: Home) -> None:
    (kept.folder(home) / "nodes.json").unlink()


def without_work(home: Home) -> None:
    (kept.folder(home) / "work.duckdb").unlink()


@pytest.mark.parametrize(
    "change",
    [
        rolled_back,
        touched,
        written_to,
        private_written_to,
        noted_before_there_were_two_files,
        one_bit_turned,
        damaged,
        emptied,
        without_notes,
        without_work,
    ],
)
def test_what_cannot_be_trusted_is_thrown_away(
    home: Home, change: Callable[[Home], None]
) -> None:
    publish(home, built(home, 1))
    publish(home, built(home, 2))
    change(home)
    following = candidate_with(home, 3)
    assert taken(home, following) is None
    assert not following.work_file.exists()
    assert not kept.folder(home).exists()


def test_a_release_that_noted_nothing_leaves_nothing(home: Home) -> None:
    publish(home, built(home, 1))
    publish(home, candidate_with(home, 2))
    assert not kept.folder(home).exists()


def test_a_release_is_published_though_nothing_can_be_kept(home: Home) -> None:
    """What was noted cannot be read; the release is current by then, and stays it."""
    candidate = built(home, 1)
    (candidate.path / "nodes.json").write_text("half a rec")
    publish(home, candidate)
    current = catalogue.current(home)
    assert current is not None
    assert current.refresh_id == candidate.refresh_id
    assert not kept.folder(home).exists()


def test_what_lies_in_its_place_is_no_hindrance(home: Home) -> None:
    kept.folder(home).write_text("a file of somebody's")
    publish(home, built(home, 1))
    assert taken(home, candidate_with(home, 2)) is not None


def test_a_work_file_that_somebody_has_open_is_left_to_its_reader(home: Home) -> None:
    """The next refresh builds everything; the reader goes on reading."""
    publish(home, built(home, 1))
    reading = (
        "import duckdb, sys; "
        "connection = duckdb.connect(sys.argv[1], read_only=True); "
        "print('open', flush=True); sys.stdin.read(); "
        "print(connection.execute('from t').fetchall())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", reading, str(kept.folder(home) / "work.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        following = candidate_with(home, 2)
        assert taken(home, following) is None
        assert not following.work_file.exists()
        said, _ = reader.communicate()
    assert said == "[(1,)]\n"
