"""The home on disk: private, whole files, and one refresh at a time."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.errors import ConfigurationError, RefreshRunning
from pipeline.common.files import read_json, write_json, write_text
from pipeline.common.home import DAGSTER_YAML, Home
from pipeline.common.lock import is_locked, refresh_lock
from tests.unit import support

HOLD = """
import sys
from pathlib import Path
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
with refresh_lock(Home(Path(sys.argv[1]))):
    print("ready", flush=True)
    sys.stdin.read()
"""

ASK = """
import json, sys
from pathlib import Path
from pipeline.common.home import Home
from pipeline.common.lock import is_locked
print(json.dumps(is_locked(Home(Path(sys.argv[1])))))
"""


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def locked_for_others(home: Home) -> bool:
    code, answer = support.run(ASK, home.root)
    assert code == 0
    return bool(answer)


def test_only_the_owner_reads_a_home(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "new" / "home")
    write_json(home.attempts / "r000001.json", {})
    with refresh_lock(home):
        pass
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "new": 0o700,
        "new/home": 0o700,
        "new/home/landing": 0o700,
        "new/home/quarantine": 0o700,
        "new/home/candidates": 0o700,
        "new/home/releases": 0o700,
        "new/home/logs": 0o700,
        "new/home/logs/attempts": 0o700,
        "new/home/logs/attempts/r000001.json": 0o600,
        "new/home/dagster": 0o700,
        "new/home/dagster/dagster.yaml": 0o600,
        "new/home/refresh.lock": 0o600,
    }


def test_dagster_settings_are_the_users_after_the_first_time(home: Home) -> None:
    config = home.dagster / "dagster.yaml"
    assert config.read_text() == DAGSTER_YAML
    config.write_text("mine: true\n")
    Home.open(home.root)
    assert config.read_text() == "mine: true\n"


def test_two_open_a_new_home_at_once(tmp_path: Path) -> None:
    """The second comes when the first is about to put its file into place."""
    code, _ = support.run(
        """
        import subprocess, sys
        from pathlib import Path
        from pipeline.common.home import Home

        second = "import sys; from pathlib import Path; "
        second += "from pipeline.common.home import Home;"
        second += "Home.open(Path(sys.argv[1]))"
        come = [True]

        def hook(event, arguments):
            if event == "os.rename" and come:
                come.clear()
                subprocess.run([sys.executable, "-c", second, sys.argv[1]], check=True)

        sys.addaudithook(hook)
        Home.open(Path(sys.argv[1]))
        assert not come
        """,
        tmp_path / "home",
    )
    assert code == 0
    folder = Home(tmp_path / "home").dagster
    assert [path.name for path in folder.iterdir()] == ["dagster.yaml"]
    assert (folder / "dagster.yaml").read_text() == DAGSTER_YAML


def test_a_home_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="Choose another with --home") as error:
        Home.open(tmp_path / "file" / "home")
    assert error.value.exit_code == 2


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"名称": "客户", "n": [1, 2.5, None], "path": tmp_path}
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == {**value, "path": str(tmp_path)}
    assert "客户" in (tmp_path / "value.json").read_text(encoding="utf-8")


def test_a_bit_that_is_turned_is_noticed(tmp_path: Path) -> None:
    """Wherever it is, and though most of them leave good JSON."""
    path = tmp_path / "record.json"
    record = {"rows": 26, "day": "2026-11-22", "of": ["批次", None], "share": 0.25}
    write_json(path, record, hashed=True)
    assert read_json(path) == record
    written = path.read_bytes()
    for place in range(len(written)):
        for bit in range(8):
            content = bytearray(written)
            content[place] ^= 1 << bit
            path.write_bytes(content)
            try:
                found = read_json(path)
            except ValueError:
                continue
            # Only the name of the hash may change unseen, which no reader expects.
            strangers = set(found) - set(record)
            assert strangers or found == record, (place, bit)
    path.write_text('{"rows": 26}')  # of before records had a hash
    assert read_json(path) == {"rows": 26}


def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    seen = []
    for moment in range(1, 20):
        write_text(path, "old")
        code, _ = support.run(
            """
            from pathlib import Path
            from pipeline.common.files import write_text
            path = Path(sys.argv[2])
            die_at(int(sys.argv[1]), str(path.parent))
            write_text(path, "new")
            """,
            moment,
            path,
            prelude=support.DIE_AT,
        )
        assert code in {0, -signal.SIGKILL}
        seen.append(path.read_text())
        if code == 0:
            break
    assert seen == ["old", "old", "new"], "opening beside it, the rename, no kill"
    write_text(path, "old")
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_a_kill_in_the_middle_of_the_bytes_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    code, _ = support.run(
        """
        import resource, signal, sys
        from pathlib import Path
        from pipeline.common.files import write_text
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python would make an error of it
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        write_text(Path(sys.argv[1]), "new" * 100_000)
        """,
        path,
    )
    assert code == -signal.SIGXFSZ
    assert path.read_text() == "old"
    assert (tmp_path / ".file.txt.partial").stat().st_size == 100_000
    write_text(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_the_lock_within_a_process_and_for_others(home: Home) -> None:
    assert not is_locked(home)
    with refresh_lock(home):
        assert is_locked(home)
        assert is_locked(home), "asking must not let it go"
        with refresh_lock(home):
            assert locked_for_others(home)
        assert locked_for_others(home), "the outer one still holds it"
    assert not is_locked(home)
    assert not locked_for_others(home)


def test_another_spelling_of_the_home_is_the_same_lock(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(home.root)
    with refresh_lock(home), refresh_lock(Home(tmp_path / "link")):
        assert is_locked(Home(tmp_path / "link"))
    assert not is_locked(home)


def test_an_error_frees_the_lock(home: Home) -> None:
    with pytest.raises(KeyError), refresh_lock(home), refresh_lock(home):
        raise KeyError
    assert not is_locked(home)


def test_a_second_process_learns_who_holds_it_until_it_is_killed(
    home: Home,
) -> None:
    (home.root / "refresh.lock").write_text("process of old, with a longer name\n")
    holder = support.start(HOLD, home.root)
    opened = len(os.listdir("/dev/fd"))  # noqa: PTH208 (it is gone when it is looked at)
    try:
        assert is_locked(home)
        with (
            pytest.raises(RefreshRunning, match=f"process {holder.pid}") as error,
            refresh_lock(home),
        ):
            pass
        assert error.value.exit_code == 4
        assert is_locked(home), "to be refused must not free it"
        assert len(os.listdir("/dev/fd")) == opened  # noqa: PTH208
        text = (home.root / "refresh.lock").read_text()
        assert text == f"process {holder.pid}\n"
    finally:
        holder.kill()
        assert holder.wait() == -signal.SIGKILL
        holder.communicate()
    assert not is_locked(home)
    with refresh_lock(home):
        pass


def test_asking_makes_nothing(tmp_path: Path) -> None:
    assert not is_locked(Home(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_two_who_ask_do_not_take_each_other_for_a_refresh(home: Home) -> None:
    with refresh_lock(home):
        pass
    with (home.root / "refresh.lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not is_locked(home)


def test_who_asks_does_not_keep_a_refresh_from_beginning(home: Home) -> None:
    """Somebody asks until the refresh has been refused the lock once."""
    code, answer = support.run(
        """
        import fcntl, json, sys
        from pathlib import Path
        from pipeline.common.home import Home
        from pipeline.common.lock import is_locked, refresh_lock

        home = Home(Path(sys.argv[1]))
        asking = (home.root / "refresh.lock").open("w")
        fcntl.flock(asking, fcntl.LOCK_SH)
        refused = []

        def hook(event, arguments):
            if event == "fcntl.flock":
                refused.append(arguments[1])
                if len(refused) == 2:
                    asking.close()

        sys.addaudithook(hook)
        with refresh_lock(home):
            print(json.dumps([is_locked(home), len(refused)]))
        """,
        home.root,
    )
    assert (code, answer) == (0, [True, 3])
