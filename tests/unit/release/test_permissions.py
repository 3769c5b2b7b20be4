"""Who may read a release: tried as its owner, as a reader of its group, as a stranger.

Root may do anything, so that where the tests are run by root, the owner is `nobody`.
"""

from __future__ import annotations

import os
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from pipeline.common.files import read_json, sha256, write_json
from pipeline.common.home import Home
from pipeline.release import catalogue, layout, permissions, promotion, pruning
from pipeline.release import verification as verifying
from tests.unit.release.test_release import GATES, published

IS_ROOT = os.getuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")


class User(NamedTuple):
    """A user of the operating system, who need not have a name."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


READERS = 60_601
OWNER = User(65_534, 65_534, (READERS,)) if IS_ROOT else User(os.getuid(), os.getgid())
READER = User(60_602, 60_602, (READERS,))
STRANGER = User(60_603, 60_603)


def said_by(user: User, action: Callable[[], object]) -> str:
    """What an action gives in a process of that user, or the error that it ends with."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.close(reading)
            if IS_ROOT:
                os.setgroups(user.groups)
                os.setgid(user.gid)
                os.setuid(user.uid)
            answer = str(action())
        except duckdb.Error as error:
            answer = f"{type(error).__name__}: {error}"
        except BaseException:
            answer = traceback.format_exc()
        os.write(writing, answer.encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(child, 0)
    return answer


@pytest.fixture
def home() -> Iterator[Home]:
    """A home of the owner, where others could come to: below no folder of pytest's."""
    before = os.umask(0)
    os.umask(before)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Path(folder, "home")
        root.mkdir()
        if IS_ROOT:
            os.chown(root, OWNER.uid, OWNER.gid)
        made = said_by(OWNER, lambda: [published(Home.open(root), n) for n in (1, 2)])
        assert "Traceback" not in made, made
        yield Home(root)
    os.umask(before)


def opened(path: Path, *, read_only: bool) -> Callable[[], object]:
    """Opens a file and asks it for its value."""

    def action() -> object:
        with duckdb.connect(str(path), read_only=read_only) as connection:
            return connection.execute("select value from marts.t").fetchall()

    return action


def listed(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


def modes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder.parent).as_posix(): oct(
            stat.S_IMODE(path.stat().st_mode)
        )
        for path in (folder, *sorted(folder.rglob("*")))
    }


def open_to_readers(home: Home) -> None:
    """What docs/operations.md says, once."""
    for path, mode in ((home.root, 0o710), (home.releases, 0o750)):
        os.chown(path, -1, READERS)
        path.chmod(mode)


@pytest.mark.parametrize("file", layout.DATABASES.values())
def test_whoever_opens_it_for_writing_fails_clearly_and_harms_nothing(
    home: Home, file: str
) -> None:
    folder = home.current.resolve()
    path = folder / file
    before = (sorted(folder.iterdir()), sha256(path))
    said = said_by(OWNER, opened(path, read_only=False))
    assert said.startswith("IOException")
    assert f'Cannot open file "{path}": Permission denied' in said
    assert (sorted(folder.iterdir()), sha256(path)) == before
    assert verifying.verify(folder, GATES) == []
    assert said_by(OWNER, opened(path, read_only=True)) == "[(2,)]"


def test_the_owner_goes_on_publishing_going_back_and_pruning(home: Home) -> None:
    """Files that nobody may write to are in nobody's way."""

    def action() -> object:
        published(home, 3)
        back = promotion.rollback(home).refresh_id
        published(home, 4)
        pruning.prune(home, keep_releases=2, keep_candidates=0)
        return back, [item.refresh_id for item in catalogue.releases(home)]

    assert said_by(OWNER, action) == str(
        ("r000002-20140131", ["r000004-20140131", "r000003-20140131"])
    )


def test_a_home_is_closed_to_all_but_its_owner(home: Home) -> None:
    """Also where the folder that it lies in, and its own, are open to everybody."""
    folder = home.current.resolve()
    name = folder.name
    assert modes(folder) == {
        name: "0o700",
        f"{name}/private.duckdb": "0o400",
        f"{name}/release.json": "0o400",
        f"{name}/warehouse.duckdb": "0o400",
    }
    assert stat.S_IMODE(home.releases.stat().st_mode) == 0o700


@only_root
def test_a_group_reads_what_is_not_private_and_nobody_else_anything(
    home: Home,
) -> None:
    open_to_readers(home)
    said_by(OWNER, lambda: published(home, 3))
    link = home.current
    warehouse, private = link / layout.WAREHOUSE, link / layout.PRIVATE
    assert said_by(READER, opened(warehouse, read_only=True)) == "[(3,)]"
    assert "Permission denied" in said_by(READER, opened(private, read_only=True))
    assert "Permission denied" in said_by(READER, opened(warehouse, read_only=False))
    for room in (home.landing, home.candidates, home.logs, home.dagster):
        assert "PermissionError" in said_by(READER, partial(listed, room))
    for path in (warehouse, private):
        said = said_by(STRANGER, opened(path, read_only=True))
        assert "IOException" in said
        assert "[(" not in said
    assert set(modes(link.resolve()).values()) == {"0o750", "0o440", "0o400"}
    # What was published before is opened by going back to it.
    said_by(OWNER, lambda: promotion.rollback(home))
    assert said_by(READER, opened(warehouse, read_only=True)) == "[(2,)]"
    assert "Permission denied" in said_by(READER, opened(private, read_only=True))


@only_root
def test_a_group_that_the_owner_is_no_member_of_gets_nothing(home: Home) -> None:
    """He cannot give a release to it; that is said, and the files are protected."""
    os.chown(home.releases, -1, READERS + 90)
    home.releases.chmod(0o750)
    assert "Traceback" not in said_by(OWNER, lambda: published(home, 3))
    found = modes(home.current.resolve())
    assert set(found.values()) == {"0o700", "0o400"}


@only_root
def test_pages_are_opened_with_the_release(home: Home) -> None:
    open_to_readers(home)
    folder = home.current.resolve()
    page = folder / "reports" / "data_docs" / "index.html"
    said_by(OWNER, lambda: page.parent.mkdir(parents=True, mode=0o700))
    said_by(OWNER, lambda: page.write_text("pages"))
    said_by(OWNER, lambda: page.chmod(0o600))
    assert "PermissionError" in said_by(READER, page.read_text)
    said_by(OWNER, lambda: permissions.protect(folder))
    assert said_by(READER, page.read_text) == "pages"
    # And can be made again.
    assert said_by(OWNER, lambda: page.write_text("anew")) == "4"


@only_root
def test_a_release_with_private_data_in_its_warehouse_stays_closed(home: Home) -> None:
    """One of before there was a second file: its owner reads it, nobody else."""
    open_to_readers(home)
    folder = home.releases / "r000001-20140131"
    (folder / layout.PRIVATE).unlink()
    record = read_json(folder / "release.json")
    record["files"] = record["files"][:1]
    (folder / "release.json").chmod(0o600)
    write_json(folder / "release.json", record)
    os.chown(folder / "release.json", OWNER.uid, OWNER.gid)
    said_by(OWNER, lambda: promotion.rollback(home))
    assert set(modes(folder).values()) == {"0o700", "0o400"}
    path = home.current / layout.WAREHOUSE
    assert "Permission denied" in said_by(READER, opened(path, read_only=True))
    assert said_by(OWNER, opened(path, read_only=True)) == "[(1,)]"


def test_rights_that_cannot_be_set_stop_nothing(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """A file system without them, or a folder that is somebody else's."""
    permissions.protect(home.releases / "r000009-20140131")
    assert "the rights on" in caplog.text
