"""Dagster's history: written without waiting, and whole whatever happens to the writer."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.unit import support

# Writes one event a connection, as Dagster does, and dies without closing anything.
WRITER = """
    import os, signal, sys
    from pathlib import Path
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool
    from pipeline import dagster_storage

    folder, events = Path(sys.argv[1]), int(sys.argv[2])
    dagster_storage.hold_open(folder)

    def engine(path):
        return sa.create_engine(f"sqlite:///{path}", poolclass=NullPool)

    with engine(folder / "runs" / "a.db").connect() as connection:
        connection.exec_driver_sql("pragma journal_mode = wal")
        connection.exec_driver_sql("create table events (no integer)")
        connection.commit()
    for number in range(events):
        with engine(folder / "runs" / "a.db").connect() as connection:
            connection.exec_driver_sql(f"insert into events values ({number})")
            connection.commit()
            (mode,) = connection.exec_driver_sql("pragma synchronous").fetchone()
    with engine(folder.parent / "other.db").connect() as connection:
        (other,) = connection.exec_driver_sql("pragma synchronous").fetchone()
    log = folder / "runs" / "a.db-wal"
    # Still there, so that no close folded it back.
    assert log.stat().st_size > 0
    assert (mode, other) == (1, 2), (mode, other)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_event_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    (tmp_path / "dagster" / "runs").mkdir(parents=True)
    code, _ = support.run(WRITER, tmp_path / "dagster", 200)
    assert code == -signal.SIGKILL
    path = tmp_path / "dagster" / "runs" / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert connection.execute(
            "select count(*), max(no) from events"
        ).fetchone() == (200, 199)
