"""A home in one file and back: all of it, or nothing; and the forgotten stay forgotten."""

from __future__ import annotations

import io
import os
import shutil
import signal
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError, RefreshRunning
from pipeline.common.home import Home
from pipeline.journal.disk import DiskFull
from pipeline.operations import backup
from pipeline.operations.backup import BackupDamaged
from pipeline.release import catalogue, layout, verification
from pipeline.suppression.suppression_list import Suppression
from tests.profiles import examples
from tests.unit import support
from tests.unit.forget.test_forget import GATES, Company, traces_of_ann
from tests.unit.journal.test_disk import small_disk
from tests.unit.orchestration.test_triggers import HOLDER


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    Company(folder).set_up()
    return folder


@pytest.fixture
def company(template: Path, tmp_path: Path) -> Company:
    shutil.copytree(template, tmp_path / "company", symlinks=True)
    return Company(tmp_path / "company")


def content(root: Path) -> dict[str, bytes]:
    """The files of a home that a backup holds."""
    return {
        place: path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and "current" not in path.relative_to(root).parts
        and not (place := path.relative_to(root).as_posix()).startswith(
            ("candidates/", "exports/", "dagster/", "refresh.lock")
        )
        and not place.endswith(".partial")
    }


@pytest.mark.parametrize("name", ["home.tar", "home.tar.gz", "home.tgz"])
def test_there_and_back(company: Company, tmp_path: Path, name: str) -> None:
    before = content(company.home.root)
    assert {path.split("/")[0] for path in before} == {
        "landing",
        "quarantine",
        "releases",
        "identity",
        "logs",
    }
    made = backup.backup(company.home, tmp_path / name)
    assert made.files == len(before) + 1  # Dagster's configuration
    assert made.current == "r000002-20140131"
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    restored = backup.restore(tmp_path / name, tmp_path / "new")
    assert (restored.backup, restored.forgotten_again) == (made, 0)
    assert content(tmp_path / "new") == before
    home = Home.open(tmp_path / "new")
    assert catalogue.current_id(home) == "r000002-20140131"
    for item in catalogue.releases(home):
        assert verification.verify(item.path, GATES) == []
    again = Company(tmp_path)
    again.home = home
    assert again.totals() == company.totals()
    for path in home.root.rglob("*"):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) in {0o600, 0o700}, path
    assert not list(tmp_path.glob(".*"))


def test_nothing_lands_again_in_a_restored_home(
    company: Company, tmp_path: Path
) -> None:
    backup.backup(company.home, tmp_path / "home.tar")
    shutil.rmtree(company.home.root)
    backup.restore(tmp_path / "home.tar", company.home.root)
    assert company.land() == []


def test_readers_are_not_disturbed(company: Company, tmp_path: Path) -> None:
    path = (company.home.current / layout.WAREHOUSE).resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        backup.backup(company.home, tmp_path / "home.tar")
        assert connection.execute("select count(*) from marts.order_lines").fetchone()
    assert not list(company.home.releases.rglob("*.wal"))


def test_it_waits_for_a_refresh(company: Company, tmp_path: Path) -> None:
    holder = support.start(HOLDER, company.home.root)
    with pytest.raises(RefreshRunning):
        backup.backup(company.home, tmp_path / "home.tar")
    assert not (tmp_path / "home.tar").exists()
    holder.communicate(timeout=60)
    backup.backup(company.home, tmp_path / "home.tar", wait_seconds=60)


def test_where_it_cannot_go(company: Company, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("something")
    for path, words in (
        (tmp_path / "there.tar", "is there already"),
        (tmp_path / "home.zip", "should end in"),
        (company.home.root / "home.tar", "lies in the home"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            backup.backup(company.home, path)
    assert (tmp_path / "there.tar").read_text() == "something"


def test_a_home_with_something_in_it_is_left_alone(
    company: Company, tmp_path: Path
) -> None:
    backup.backup(company.home, tmp_path / "home.tar")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty"):
        backup.restore(tmp_path / "home.tar", tmp_path / "new")
    with pytest.raises(ConfigurationError, match="is not empty"):
        backup.restore(tmp_path / "home.tar", tmp_path / "new" / "mine.txt")
    assert (tmp_path / "new" / "mine.txt").read_text() == "mine"
    with pytest.raises(ConfigurationError, match="no backup"):
        backup.restore(tmp_path / "nothing.tar", tmp_path / "other")
    (tmp_path / "empty").mkdir()
    backup.restore(tmp_path / "home.tar", tmp_path / "empty")


def small_home(root: Path) -> Home:
    home = Home.open(root)
    for number in range(4):
        (home.landing / "shop" / "items").mkdir(parents=True, exist_ok=True)
        path = home.landing / "shop" / "items" / f"b{number}.parquet"
        path.write_bytes(bytes([number]) * (400 + number))
    return home


@given(
    st.sampled_from(["a.tar", "a.tar.gz"]),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.integers(1, 255),
)
@settings(max_examples=examples(80))
def test_a_damaged_archive_leaves_nothing(
    name: str, place: float, change: int | None
) -> None:
    """Cut off or with another byte anywhere: an error, or all that was there."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        home = small_home(base / "home")
        archive = base / name
        backup.backup(home, archive)
        whole = archive.read_bytes()
        at = int(place * len(whole))
        if change is None:
            archive.write_bytes(whole[:at])
        else:
            other = bytes([whole[at] ^ change])
            archive.write_bytes(whole[:at] + other + whole[at + 1 :])
        try:
            backup.restore(archive, base / "new")
        except BackupDamaged as error:
            assert "restored" in str(error)
            left = {path.name for path in base.iterdir()}
            assert left == {"home", archive.name}
        else:
            assert content(base / "new") == content(home.root)


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BackupDamaged, match="does not belong"):
        backup.restore(tmp_path / "evil.tar", tmp_path / "deep" / "new")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "evil.tar"]


def test_a_link_is_no_part_of_a_backup(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        member = tarfile.TarInfo("current")
        member.type = tarfile.SYMTYPE
        member.linkname = "/etc"
        archive.addfile(member)
    with pytest.raises(BackupDamaged, match="does not belong"):
        backup.restore(tmp_path / "evil.tar", tmp_path / "new")


def test_no_room_for_it(company: Company, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as folder:
        with pytest.raises(DiskFull, match="has no room for the backup"):
            backup.backup(company.home, folder / "home.tar")
        assert list(folder.iterdir()) == []
        backup.backup(company.home, tmp_path / "home.tar")
        with pytest.raises(DiskFull, match="There is no room for"):
            backup.restore(tmp_path / "home.tar", folder / "new")
        assert list(folder.iterdir()) == []


def test_who_was_forgotten_since_is_forgotten_again(
    company: Company, tmp_path: Path
) -> None:
    """Without the list she is back; with it no file of the new home holds her."""
    backup.backup(company.home, tmp_path / "home.tar")
    company.forget()
    backup.restore(tmp_path / "home.tar", tmp_path / "careless")
    assert traces_of_ann(Home(tmp_path / "careless")) != []
    restored = backup.restore(
        tmp_path / "home.tar",
        tmp_path / "new",
        forgotten_from=company.home.root,
        sources=company.sources,
    )
    assert restored.forgotten_again == 1
    assert traces_of_ann(Home(tmp_path / "new")) == []
    shutil.rmtree(company.home.root)
    (tmp_path / "new").rename(company.home.root)
    assert company.land() == []
    assert traces_of_ann(company.home) == []
    for item in catalogue.releases(company.home):
        assert verification.verify(item.path, GATES) == []


def test_who_came_after_the_backup_and_was_forgotten_stays_away(
    company: Company, tmp_path: Path
) -> None:
    """Her key is in nothing that was backed up, and in the list all the same."""
    other = Company(tmp_path / "other")
    shutil.copytree(company.folder / "inbox", other.inbox)
    for name in ("sources.yaml", "crm.sqlite"):
        shutil.copy(company.folder / name, other.folder / name)
    backup.backup(other.home, tmp_path / "empty.tar")
    company.forget()
    backup.restore(
        tmp_path / "empty.tar",
        tmp_path / "new",
        forgotten_from=company.home.root,
        sources=company.sources,
    )
    known = Suppression.load(Home(tmp_path / "new"))
    assert known.find("shop", "A100-77") is not None
    shutil.rmtree(company.home.root)
    (tmp_path / "new").rename(company.home.root)
    assert company.land()
    rows = company.rows("shop", "customers")
    assert [row["id"] for row in rows] == ["B200-77"]


def test_the_list_of_another_home_is_refused(company: Company, tmp_path: Path) -> None:
    company.forget()
    backup.backup(company.home, tmp_path / "home.tar")
    other = Company(tmp_path / "other").set_up()
    other.forget()
    with pytest.raises(ConfigurationError, match="the list of another home"):
        backup.restore(
            tmp_path / "home.tar",
            tmp_path / "new",
            forgotten_from=other.home.root,
            sources=company.sources,
        )
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob(".new*"))


KILL_EVERYWHERE = """
import json, os, shutil, signal, sys
from pathlib import Path
from pipeline.operations import backup
from pipeline.common.home import Home
import duckdb, pyarrow
pyarrow.array([])  # imports pandas

base, home, every = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

def in_a_process(moment, work):
    if (child := os.fork()) == 0:
        if moment:
            die_at(moment, str(base))
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

codes = {"backup": [], "restore": []}
for moment in range(1, 1000, every):
    path = base / f"{moment}.tar"
    codes["backup"].append(in_a_process(moment, lambda: backup.backup(Home(home), path)))
    if codes["backup"][-1] == 0:
        break
    assert not path.exists() or moment
    if not path.exists():
        assert in_a_process(0, lambda: backup.backup(Home(home), path)) == 0
for moment in range(1, 1000, every):
    new = base / f"new{moment}"
    codes["restore"].append(in_a_process(moment, lambda: backup.restore(path, new)))
    if codes["restore"][-1] == 0:
        break
    if not new.exists():
        assert in_a_process(0, lambda: backup.restore(path, new)) == 0
print(json.dumps(codes))
"""


@pytest.mark.slow
def test_a_kill_at_every_step(company: Company, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    code, codes = support.run(
        KILL_EVERYWHERE,
        base,
        company.home.root,
        3,
        prelude=support.DIE_AT,
        timeout=600,
    )
    assert code == 0
    assert codes["backup"][-1] == codes["restore"][-1] == 0
    assert len(codes["restore"]) >= 8
    for found in codes.values():
        assert set(found[:-1]) == {-signal.SIGKILL}
    before = content(company.home.root)
    homes = [path for path in base.glob("new*") if path.is_dir()]
    assert len(homes) == len(codes["restore"])
    for path in homes:
        assert content(path) == before
        assert catalogue.current_id(Home(path)) == "r000002-20140131"
