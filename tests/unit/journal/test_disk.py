"""Room for a refresh: asked before, and reported when there is none in the middle."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.common.errors import CustomerTiersError, GateRefused
from pipeline.common.files import write_json
from pipeline.common.home import Home
from pipeline.journal import attempts, disk
from pipeline.journal.disk import DiskFull
from pipeline.journal.evidence import Check, Evidence, Severity
from pipeline.landing.entity import LandedEntity
from pipeline.orchestration.assets.gates import pass_through
from pipeline.release import catalogue, verification
from tests.unit.landing import test_compaction
from tests.unit.release import test_release
from tests.unit.support import files_source


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A real file system of that size; skips where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Takes all the room that is left."""
    ballast = folder / "ballast"
    # Without a buffer: what is left in one would be written, and fail, once more at the end.
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 2**16)
        except OSError as error:
            assert error.errno == errno.ENOSPC
            return ballast


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_the_estimate_is_what_the_last_refresh_took(home: Home) -> None:
    disk.note(home, disk.Took(work=300, release=200, landed=100))
    need = disk.need(home, source_files=[], free_megabytes=7)
    parts = dict(need.parts)
    assert (parts["the candidate"], parts["the release"]) == (300, 200)
    assert parts["what the engine puts aside"] == 300
    assert parts["new batches in landing"] == 100
    assert need.bytes == sum(parts.values())
    assert need.least == 7 * 2**20
    assert need.is_there


def test_before_the_first_refresh_it_is_from_the_files(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * 1_000_000)
    files = [tmp_path / "a.csv", tmp_path / "gone.csv"]
    small = disk.need(home, source_files=[], free_megabytes=0)
    large = disk.need(home, source_files=files, free_megabytes=0)
    assert large.bytes - small.bytes >= 8_000_000


def test_a_note_that_is_damaged_is_no_note(home: Home) -> None:
    (home.logs / "disk.json").write_text("{")
    assert disk.need(home, source_files=[], free_megabytes=0).bytes > 0
    write_json(home.logs / "disk.json", {"another": 1})
    assert disk.need(home, source_files=[], free_megabytes=0).bytes > 0


def test_it_says_what_takes_how_much_and_what_to_do(home: Home) -> None:
    (home.releases / "r000001-20140131").mkdir()
    (home.releases / "r000001-20140131" / "warehouse.duckdb").write_bytes(
        b"x" * 3_000_000
    )
    disk.note(home, disk.Took(work=10**15, release=1, landed=1))
    with pytest.raises(disk.DiskFull) as error:
        disk.check(home, disk.need(home, source_files=[], free_megabytes=500))
    text = str(error.value)
    assert error.value.exit_code == 1
    for words in ("1,000,000,000 MB", "releases 3 MB", "prune --dry-run", "524 MB"):
        assert words in text
    disk.note(home, disk.Took(work=1, release=1, landed=1))
    disk.check(home, disk.need(home, source_files=[], free_megabytes=0))
    with pytest.raises(disk.DiskFull):
        disk.check(home, disk.need(home, source_files=[], free_megabytes=10**9))


def test_what_a_full_disk_says_is_known(tmp_path: Path) -> None:
    """In the words of every engine that writes for us."""
    with small_disk(tmp_path / "disk", 4) as folder:
        errors: list[BaseException] = []
        table = pa.table({"a": [os.urandom(1_000_000) for _ in range(8)]})
        with pytest.raises(OSError) as by_arrow:
            pq.write_table(table, folder / "a.parquet", compression="none")
        errors.append(by_arrow.value)
        (folder / "a.parquet").unlink(missing_ok=True)
        with (
            pytest.raises(duckdb.Error) as by_duckdb,
            duckdb.connect(str(folder / "a.duckdb")) as connection,
        ):
            connection.execute("create table t as select uuid() from range(1000000)")
            connection.execute("checkpoint")
        errors.append(by_duckdb.value)
        for path in folder.glob("a.duckdb*"):
            path.unlink()
        with (
            pytest.raises(sqlite3.OperationalError) as by_sqlite,
            closing(sqlite3.connect(folder / "a.sqlite")) as database,
        ):
            database.execute("create table t (v blob)")
            database.execute("insert into t values (randomblob(9000000))")
            database.commit()
        errors.append(by_sqlite.value)
        for error in errors:
            assert disk.is_full(error), error
            outer = CustomerTiersError("could not go on")
            outer.__cause__ = error
            assert disk.is_full(outer)
    assert not disk.is_full(FileNotFoundError(errno.ENOENT, "no such file"))
    assert not disk.is_full(GateRefused("id=7 note='no space left on device'"))


@pytest.mark.parametrize(
    ("said", "severity", "state"),
    [
        ('IO Error: Could not write all bytes to file "x": No space left on device',
         "critical", "failed"),
        ("Catalog Error: Table t does not exist", "critical", "refused"),
        ("No space left on device", "warning", "running"),
    ],
)  # fmt: skip
def test_a_check_that_has_no_room_is_a_failure_and_no_refusal(
    home: Home, said: str, severity: Severity, state: str
) -> None:
    """Bad data is not what stopped it, and a monitor must be told to make room."""
    candidate = test_release.candidate_with(home, 1)
    crashed = Check(
        gate="out",
        subject="marts.customers",
        name="grain",
        severity=severity,
        outcome="crashed",
        expected="one row a customer",
        observed=said,
    )
    found = Evidence("out", candidate.refresh_id, 1, [crashed])
    with suppress(DiskFull):
        pass_through(home, candidate, "gate out", lambda: found)
    attempt = attempts.read(home, candidate.refresh_id)
    assert attempt is not None
    assert attempt.state == state
    if state == "failed":
        assert attempt.exit_code == 1
        assert "is full" in (attempt.reason or "")


def test_landing_on_a_full_disk(tmp_path: Path) -> None:
    """The attempt is recorded as failed, what landed before stays, and then it goes on."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source = files_source(inbox, "*.csv")
    (entity,) = source.entities.values()
    with small_disk(tmp_path / "disk", 8) as folder:
        home = Home.open(folder / "home")
        (inbox / "a.csv").write_text("id\n1\n2\n")
        test_compaction.load(home, source)
        before = test_compaction.seen(home, entity)
        rows = "\n".join(os.urandom(24).hex() for _ in range(400_000))
        (inbox / "b.csv").write_text(f"id\n{rows}\n")
        candidate = test_release.candidate_with(home, 1)
        with (
            pytest.raises(OSError),
            attempts.stage(home, candidate.refresh_id, "read shop"),
        ):
            test_compaction.load(home, source)
        attempt = attempts.read(home, candidate.refresh_id)
        assert attempt is not None
        assert (attempt.state, attempt.exit_code) == ("failed", 1)
        assert attempt.reason is not None
        assert attempt.reason.startswith("read shop: the disk of")
        assert "prune --dry-run" in attempt.reason
        assert test_compaction.seen(home, entity) == before
        (inbox / "b.csv").write_text("id\n3\n")
        os.utime(inbox / "b.csv", (0, 0))
        assert len(test_compaction.load(home, source).batches) == 1
        assert len(LandedEntity(home, "shop", entity).in_force()) == 2


def test_the_journal_is_written_when_nothing_is_left(tmp_path: Path) -> None:
    """By the room that was put aside; nothing else can be freed here."""
    with small_disk(tmp_path / "disk", 6) as folder:
        home = Home.open(folder / "home")
        candidate = test_release.candidate_with(home, 1)
        shutil.rmtree(candidate.path)
        disk.reserve(home)
        fill(folder)
        with (
            pytest.raises(OSError),
            attempts.stage(home, candidate.refresh_id, "read shop"),
        ):
            fill_more = folder / "more"
            fill_more.write_bytes(b"x" * 2**20)
        attempt = attempts.read(home, candidate.refresh_id)
        assert attempt is not None
        assert attempt.state == "failed"
        (folder / "ballast").unlink()
        disk.reserve(home)
        assert disk.size_of(home.logs / ".reserve") == 2 * 2**20


def test_a_candidate_that_fills_the_disk_gives_it_back(tmp_path: Path) -> None:
    """So that the journal can be written; what is published stays as it is."""
    with small_disk(tmp_path / "disk", 12) as folder:
        home = Home.open(folder / "home")
        test_release.published(home, 1)
        candidate = test_release.candidate_with(home, 2)
        with (
            pytest.raises(duckdb.Error),
            attempts.stage(home, candidate.refresh_id, "transform"),
            duckdb.connect(str(candidate.work_file)) as connection,
        ):
            connection.execute("create table t as select uuid() from range(5000000)")
            connection.execute("checkpoint")
        attempt = attempts.read(home, candidate.refresh_id)
        assert attempt is not None
        assert attempt.state == "failed"
        assert not candidate.work_file.exists()
        assert (candidate.path / "evidence").exists()
        assert test_release.value_seen(home) == 1
        for item in catalogue.releases(home):
            assert verification.verify(item.path, test_release.GATES) == []
        ballast = fill(folder)
        ballast.unlink()
        test_release.published(home, 3)
        assert test_release.value_seen(home) == 3
