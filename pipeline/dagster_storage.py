"""Lets Dagster write its history without waiting for the disk a thousand times.

Dagster opens its SQLite files anew for each event. By default each commit then waits for
the disk, and each close, being the last, folds the write-ahead log back into the file,
which waits again: of a refresh with 450 events that was two thirds. Here each file is
held open once, so that no close is the last, and a commit is left to the next checkpoint
(`synchronous = normal`). A power cut may cost the last events of a run, never the file;
whether a release is whole does not depend on them. Only public interfaces are used:
SQLAlchemy's event for new connections and SQLite's pragmas.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

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
