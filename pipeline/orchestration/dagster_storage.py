"""Lets Dagster write its history without waiting for the disk a thousand times.

Dagster opens its SQLite files anew for each event. By default each commit then waits for
the disk, and each close, being the last, folds the write-ahead log back into the file,
which waits again: of a refresh with 450 events that was two thirds. Here each file is
held open once, so that no close is the last, and a commit is left to the next checkpoint
(`synchronous = normal`). A power cut may cost the last events of a run, never the file;
whether a release is whole does not depend on them. That much needs public interfaces
only: SQLAlchemy's event for new connections and SQLite's pragmas.

A refresh from the command line also keeps the connections: Dagster makes an SQLAlchemy
engine for each of thousands of connections, which costs more than what it writes. And it
writes the events that come by hundreds (what is planned, materialized and checked) many
in a transaction (`dagster_events`). The files are the same, so `make ui` reads them with
Dagster's own class. This part uses what Dagster does not promise to keep, and is why its
version is bounded in pyproject.toml:

- `InstanceRef`: `from_dir` with overrides, `storage_data` and `event_storage_data`;
- `SqliteEventLogStorage`: that each connection comes from `run_connection` or
  `index_connection`, `get_asset_records`, `conn_string_for_shard`, `has_table`,
  `has_secondary_index`,
  `has_asset_key_col`, `_has_asset_key_col_on_connection` and `_event_to_row`, and what
  `dagster_events` takes;
- the names `DagsterSqliteStorage` and `event_log_storage` in the configuration.

`tests/unit/orchestration/test_dagster_storage.py` holds each of them, so that an upgrade
that changes one fails there and not in somebody's refresh.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine

from pipeline.orchestration import dagster_events

log = logging.getLogger("customer_tiers.refresh")

# So many events are held at most, and for so many seconds.
MOST_HELD = 500
LONGEST_HELD = 0.5

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
    """Dagster's event log in the same files, with one engine a file instead of many.

    Events that come by hundreds are held for half a second at most, and written before
    anything is read, before any other event, and when it is disposed of. A process that
    is killed may lose those; no release depends on them.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._held: dict[str, Engine] = {}
        # A flush asks for transactions while it keeps others away.
        self._one_at_a_time = threading.RLock()
        self._columns: dict[str, bool] = {}
        self._found: set[tuple[str, str]] = set()
        self._for_runs: dict[str, list[dagster_events.Row]] = {}
        self._for_index: list[dagster_events.Stored] = []
        self._timer: threading.Timer | None = None
        # What was read of an asset since its last event; None for one that has no row.
        self._records: dict[dg.AssetKey, Any] = {}
        self._changed: dict[dg.AssetKey, None] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> HeldEventLog:
        """Made by Dagster from an instance's configuration."""
        return cls(inst_data=inst_data, **config_value)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Holds the event where many of its kind come; writes it at once else."""
        with self._one_at_a_time:
            if (
                asset := event.dagster_event and event.dagster_event.asset_key
            ) is not None:
                self._records.pop(asset, None)
                self._changed[asset] = None
            if not dagster_events.is_one_of_many(event):
                self.flush()
                super().store_event(event)
                return
            row = self._event_to_row(event)
            self._for_runs.setdefault(event.run_id, []).append(row)
            if dagster_events.is_indexed(event):
                self._for_index.append((event, row))
            if sum(map(len, self._for_runs.values())) >= MOST_HELD:
                self.flush()
            elif self._timer is None:
                self._timer = threading.Timer(LONGEST_HELD, self._flush_late)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Writes what is held; what could not be written is held on."""
        with self._one_at_a_time:
            for run_id, rows in list(self._for_runs.items()):
                with self._transaction(
                    super().run_connection, run_id, run_id
                ) as connection:
                    dagster_events.write_to_run(connection, rows)
                del self._for_runs[run_id]
            if self._for_index:
                with self._transaction(super().index_connection, "index") as connection:
                    dagster_events.write_to_index(self, connection, self._for_index)
                self._for_index = []

    def get_asset_records(
        self, asset_keys: Sequence[dg.AssetKey] | None = None
    ) -> Sequence[Any]:
        """The rows of assets; with one that changed, all are read that changed by then.

        Dagster asks for each table by itself, once it is made and before its checks are
        recorded. What another process may write meanwhile is not seen: one refresh at a
        time writes to a home.
        """
        if asset_keys is None:
            return super().get_asset_records()
        with self._one_at_a_time:
            if not all(key in self._records for key in asset_keys):
                wanted = list({**dict.fromkeys(asset_keys), **self._changed})
                found = {
                    record.asset_entry.asset_key: record
                    for record in super().get_asset_records(wanted)
                }
                self._records.update({key: found.get(key) for key in wanted})
                self._changed.clear()
            records = [self._records[key] for key in asset_keys]
        return [record for record in records if record is not None]

    def run_connection(self, run_id: str | None = None) -> Any:
        """A transaction on the file of one run, with all that is held in it."""
        self.flush()
        return self._transaction(super().run_connection, str(run_id), run_id)

    def index_connection(self) -> AbstractContextManager[sa.Connection]:
        """A transaction on the file of all runs, with all that is held in it."""
        self.flush()
        return self._transaction(super().index_connection, "index")

    def has_table(self, table_name: str) -> bool:
        """Whether the file of all runs has the table; one that is there stays there."""
        return self._once("table", table_name, super().has_table)

    def has_secondary_index(self, name: str) -> bool:
        """Whether Dagster has made that index; one that is made stays made."""
        return self._once("index", name, super().has_secondary_index)

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has the column."""
        return self._once("column", column_name, super().has_asset_key_col)

    def dispose(self) -> None:
        """Writes what is held, and closes the files."""
        try:
            self.flush()
        except Exception as error:
            # The release does not depend on them, and whoever closes has no use for it.
            log.warning("the last events of the run are not in its history: %s", error)
        if self._timer is not None:
            self._timer.cancel()
        for engine in self._held.values():
            engine.dispose()
        self._held.clear()
        super().dispose()

    def _flush_late(self) -> None:
        with self._one_at_a_time:
            self._timer = None
        try:
            self.flush()
        except Exception:
            # The next to write or read meets the same, and says it where it is heard.
            log.debug("events could not be written yet", exc_info=True)

    def _once(self, kind: str, name: str, ask: Callable[[str], bool]) -> bool:
        if (kind, name) not in self._found and ask(name):
            self._found.add((kind, name))
        return (kind, name) in self._found

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
