"""Reading a source again: after which errors, how often, and never twice into landing."""

from __future__ import annotations

import datetime as dt
import errno
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.home import Home
from pipeline.landing import retrying
from pipeline.landing.batches import STATES
from pipeline.landing.load import Landed
from pipeline.landing.store import BatchStore
from pipeline.sources import Entity, Extract, Reader, Retry, Since, Source, open_reader
from pipeline.sources.access import wait_between
from pipeline.sources.passing import may_pass, status_may_pass
from tests.unit.support import database_source, files_source, store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def database(path: Path, *, tables: int = 2, rows: int = 3) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for at in range(tables):
            connection.execute(f"create table t{at} (id integer primary key, v text)")
            connection.executemany(
                f"insert into t{at} values (?, ?)", [(n, f"v{n}") for n in range(rows)]
            )
        connection.commit()
    return path


SECONDS = st.just(0.0) | st.floats(0.001, 1_000)


@given(st.integers(1, 200), SECONDS, SECONDS)
def test_waits_double_within_bounds(tried: int, first: float, longest: float) -> None:
    """After each try at least half of the doubled wait, and never more than all of it."""
    wait = wait_between(Retry(first_seconds=first, longest_seconds=longest))
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = tried
    whole = min(first * 2.0 ** (tried - 1), longest)
    waits = [wait(state) for _ in range(10)]
    assert all(whole / 2 <= seconds <= whole <= longest for seconds in waits)
    assert whole == 0 or len(set(waits)) > 1, "it is left to chance"


class Flaky:
    """A reader that breaks off in the middle of an extract, as often as it is asked to."""

    def __init__(self, source: Source, broken: list[Exception]) -> None:
        self._reader = open_reader(source)
        self._broken = broken

    def __enter__(self) -> Flaky:
        self._reader.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._reader.__exit__(*exc_info)

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        for extract in self._reader.extracts(entity, since, limit):
            stream = extract.batches
            breaks = entity.name == "t1" and bool(self._broken)

            def batches(
                stream: Any = stream, breaks: bool = breaks
            ) -> Iterator[pa.RecordBatch]:
                yield from stream()
                if breaks:
                    raise self._broken.pop(0)

            extract.batches = batches
            yield extract


def land(
    home: Home, source: Source, broken: list[Exception], waits: list[float]
) -> dict[str, Landed]:
    def opened(source: Source) -> Reader:
        return Flaky(source, broken)

    return retrying.land_source(
        home, source, now=NOW, sleep=waits.append, opened=opened
    )


def test_a_source_that_breaks_off_lands_once(home: Home, tmp_path: Path) -> None:
    """All of it anew, the entity that had been read before the error too."""
    url = f"sqlite:///{database(tmp_path / 'erp.sqlite')}"
    source = database_source(url, "t0", "t1")
    broken: list[Exception] = [
        SourceUnavailable("gone", may_pass=True),
        ConnectionResetError("gone again"),
    ]
    waits: list[float] = []
    found = land(home, source, broken, waits)
    assert [len(landed.batches) for landed in found.values()] == [1, 1]
    assert len(waits) == 2
    for name, landed in found.items():
        pending = BatchStore(home, "erp", name).batches(*STATES)
        assert pending == landed.batches
        assert store_of(home, pending[0]).counted_rows(pending[0]) == (3, 0)
        assert len(list(BatchStore(home, "erp", name).folder.iterdir())) == 2


def test_it_ends_with_how_often_it_was_tried(home: Home, tmp_path: Path) -> None:
    url = f"sqlite:///{database(tmp_path / 'erp.sqlite')}"
    source = database_source(url, "t0", "t1").model_copy(
        update={"retry": Retry(tries=3, first_seconds=1, longest_seconds=100)}
    )
    broken: list[Exception] = [SourceUnavailable("gone.", may_pass=True)] * 9
    waits: list[float] = []
    with pytest.raises(
        SourceUnavailable, match=r"^gone\. It was tried 3 times\.$"
    ) as error:
        land(home, source, broken, waits)
    assert error.value.exit_code == 5
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2
    assert len(waits) == 2
    land(home, source, [], waits)
    assert len(BatchStore(home, "erp", "t0").batches(*STATES)) == 1


def test_what_will_not_pass_is_not_tried_again(home: Home, tmp_path: Path) -> None:
    url = f"sqlite:///{database(tmp_path / 'erp.sqlite')}"
    source = database_source(url, "t0", "t1")
    waits: list[float] = []
    for error in (
        SourceUnavailable("no such table"),
        ConfigurationError("personal is missing"),
        OSError(errno.ENOSPC, "No space left on device"),
        ZeroDivisionError("a defect of ours"),
    ):
        with pytest.raises(type(error), match=str(error.args[-1])):
            land(home, source, [error], waits)
    assert waits == []


def test_the_last_error_counts(home: Home, tmp_path: Path) -> None:
    """The table was locked, then it was gone."""
    url = f"sqlite:///{database(tmp_path / 'erp.sqlite')}"
    source = database_source(url, "t0", "t1")
    broken = [SourceUnavailable("locked", may_pass=True), SourceUnavailable("gone")]
    with pytest.raises(SourceUnavailable, match=r"gone\. It was tried 2 times\."):
        land(home, source, list(broken), [])


def error_of(source: Source) -> SourceUnavailable:
    """What reading the source's first entity raises."""
    (entity, *_) = source.entities.values()
    with pytest.raises(SourceUnavailable) as error, open_reader(source) as reader:
        for extract in reader.extracts(entity):
            list(extract.batches())
    return error.value


def test_a_locked_database_may_pass(tmp_path: Path) -> None:
    path = database(tmp_path / "erp.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        error = error_of(database_source(f"sqlite:///{path}?timeout=0", "t0"))
    assert "locked" in str(error)
    assert may_pass(error)


def test_a_missing_table_column_or_file_will_not(tmp_path: Path) -> None:
    path = database(tmp_path / "erp.sqlite")
    for source in (
        database_source(f"sqlite:///{path}", "nothing"),
        database_source(f"sqlite:///{path}", "t0", key=["no_such_column"]),
        database_source(f"sqlite:///{tmp_path / 'nowhere.sqlite'}", "t0"),
        files_source(tmp_path, "*.csv"),
    ):
        assert not may_pass(error_of(source)), source


def test_a_bad_file_will_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"\x1f\x8b\x08broken")
    assert not may_pass(error_of(files_source(tmp_path, "*.gz")))


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
def test_a_server_that_is_not_there_may_come(driver: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    error = error_of(database_source(f"{driver}://u:secret@127.0.0.1:{port}/erp", "t"))
    assert may_pass(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
def test_a_server_that_hangs_up_may_come_back(driver: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        url = f"{driver}://u:secret@127.0.0.1:{port}/erp"
        assert may_pass(error_of(database_source(url, "t")))
        server.shutdown(socket.SHUT_RDWR)
        thread.join(30)


def test_errors_of_the_system() -> None:
    for code in (errno.ECONNRESET, errno.ETIMEDOUT, errno.ESTALE, errno.EIO):
        outer = SourceUnavailable("cannot be read")
        outer.__cause__ = OSError(code, os.strerror(code))
        assert may_pass(outer)
    for code in (errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EISDIR):
        outer = SourceUnavailable("cannot be read")
        outer.__cause__ = OSError(code, os.strerror(code))
        assert not may_pass(outer)


def test_answers_of_web_services() -> None:
    passing = {status for status in range(100, 700) if status_may_pass(status)}
    assert {408, 425, 429, 500, 502, 503, 504, 529} <= passing
    assert not passing & {200, 301, 400, 401, 403, 404, 409, 422, 501, 505, 600}
