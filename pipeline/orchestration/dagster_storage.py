"""Lets Dagster write its history without waiting for the disk a thousand times.

Dagster opens its SQLite files anew for each event. By default each commit then waits for
the disk, and each close, being the last, folds the write-ahead log back into the file,
which waits again: of a refresh with 450 events that was two thirds. Here each file is
held open once, so that no close is the last, and a commit is left to the next checkpoint
(`synchronous = normal`). A power cut may cost the last events of a run, never the file;
whether a release is whole does not depend on them. That much needs public interfaces
only: SQLAlchemy's event for new connections and SQLite's pragmas.

A refresh from the command line also keeps the connections: Dagster makes an SQLAlchemy
engine for each of thousands of connections, which costs more than what it writes. The
files are the same, so `make ui` reads them with Dagster's own class. This part uses what
Dagster does not promise to keep, and is why its version is bounded in pyproject.toml:

- `InstanceRef`: `from_dir` with overrides, `storage_data` and `event_storage_data`;
- `SqliteEventLogStorage`: that each connection comes from `run_connection` or
  `index_connection`, `conn_string_for_shard`, and `_has_asset_key_col_on_connection`;
- the names `DagsterSqliteStorage` and `event_log_storage` in the configuration.

`tests/unit/orchestration/test_dagster_storage.py` holds each of them, so that an upgrade
that changes one fails there and not in somebody's refresh.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine

# One connection a file that stays open until the process ends.
_HELD: dict[Path, sqlite3.Connection] = {}
_JOINED: set[Path] = set()
_FOLDERS: set[Path] = set()


def hold_open(folder: Path) -> None:
    """Treats every SQLite file below the folder so, from its next connection on."""
    if not _FOLDERS:
        event.listen(Engine, "connect", _on_connect)
    _FOLDERS.add(folder.resolve())


def _on_connect(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    row = connection.execute("pragma database_list").fetchone()
    path = Path(row[2]) if row and row[2] else None
    if path is None or _FOLDERS.isdisjoint(path.parents):
        return
    connection.execute("pragma synchronous = normal")
    if path not in _HELD:
        _HELD[path] = sqlite3.connect(path, check_same_thread=False)
    if path not in _JOINED:
        # Dagster turns the log on after its first connection; whoever has read nothing
        # since then does not keep it.
        _HELD[path].execute("select count(*) from sqlite_master").fetchone()
        (mode,) = _HELD[path].execute("pragma journal_mode").fetchone()
        if mode == "wal":
            _JOINED.add(path)


class HeldEventLog(SqliteEventLogStorage):
    """Dagster's event log in the same files, with one engine a file instead of many."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._held: dict[str, Engine] = {}
        self._one_at_a_time = threading.Lock()
        self._columns: dict[str, bool] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> HeldEventLog:
        """Made by Dagster from an instance's configuration."""
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> Any:
        """A transaction on the file of one run."""
        return self._transaction(super().run_connection, str(run_id), run_id)

    def index_connection(self) -> AbstractContextManager[sa.Connection]:
        """A transaction on the file of all runs."""
        return self._transaction(super().index_connection, "index")

    def dispose(self) -> None:
        """Closes what is held."""
        for engine in self._held.values():
            engine.dispose()
        self._held.clear()
        super().dispose()

    def _has_asset_key_col_on_connection(
        self, conn: sa.Connection, column_name: str
    ) -> bool:
        # Asked for each event, by reading the schema, which is made once.
        if column_name not in self._columns:
            self._columns[column_name] = super()._has_asset_key_col_on_connection(
                conn, column_name
            )
        return self._columns[column_name]

    @contextmanager
    def _transaction(
        self, first: Any, shard: str, *arguments: Any
    ) -> Iterator[sa.Connection]:
        with self._one_at_a_time:
            if shard not in self._held:
                # Dagster's own connection makes the tables.
                with first(*arguments):
                    pass
                self._held[shard] = sa.create_engine(
                    self.conn_string_for_shard(shard), connect_args={"timeout": 30}
                )
            with self._held[shard].begin() as connection:
                yield connection


def open_instance(folder: Path) -> dg.DagsterInstance:
    """Dagster's instance of a home, whose event log keeps its connections.

    An instance that was given another storage in its dagster.yaml keeps that.
    """
    ref = InstanceRef.from_dir(str(folder))
    storage, events = ref.storage_data, ref.event_storage_data
    if (
        storage is not None
        and storage.class_name == "DagsterSqliteStorage"
        and events is not None
    ):
        held = {
            "module": HeldEventLog.__module__,
            "class": HeldEventLog.__name__,
            "config": events.config_dict,
        }
        ref = InstanceRef.from_dir(str(folder), overrides={"event_log_storage": held})
    return dg.DagsterInstance.from_ref(ref)
