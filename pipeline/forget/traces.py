"""What was written about the customer on the way: logs, attempts, Dagster, exports.

Texts stay and lose his values. Exports go, because they can be made again from a release.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.common import sql
from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sync_file, write_json
from pipeline.common.home import Home
from pipeline.forget import proof
from pipeline.forget.redact import Redactor
from pipeline.forget.subject import Subject
from pipeline.release import pruning


def sweep(home: Home) -> None:
    """Removes files that a killed process was writing; the caller holds the lock."""
    for room in (home.forgotten, home.logs, home.releases, home.root / "identity"):
        for path in sorted(room.rglob("*.partial")) if room.exists() else []:
            path.unlink(missing_ok=True)


def remove_candidates(home: Home) -> None:
    """Removes what was built and not published: a refresh builds it again.

    What the gates found there stays among the logs, which lose his values later.
    """
    for path in home.candidates.glob("*"):
        if path.is_dir():
            pruning.keep_evidence(home, path)
            shutil.rmtree(path)
        else:
            path.unlink()
    pruning.link_data_docs(home)


def rewrite_logs(home: Home, subject: Subject) -> None:
    """Takes him out of the logs, the journal of attempts and what Dagster printed."""
    redactor = Redactor(subject)
    folders = [home.logs, home.dagster / "storage", home.dagster / "logs"]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            if not proof.traces_in(path, subject) and path.suffix != ".json":
                continue
            # A byte that is no text stays the byte that it was.
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            try:
                content = json.loads(text)
            except ValueError:
                changed = redactor.text(text)
                if changed != text:
                    _replace(path, changed.encode("utf-8", errors="surrogateescape"))
            else:
                if (now := redactor.value(content)) != content:
                    write_json(path, now)


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    sync_file(partial)
    partial.replace(path)


def rewrite_dagster(home: Home, subject: Subject) -> None:
    """Takes him out of Dagster's databases, free pages included.

    Raises:
        CustomerTiersError: A database is in use.
    """
    for path in sorted(home.dagster.rglob("*")):
        if path.is_file() and _is_sqlite(path):
            try:
                _rewrite_sqlite(path, subject)
            except sqlite3.OperationalError as error:
                raise CustomerTiersError(
                    f"{path} cannot be rewritten ({error}). Stop Dagster (`make ui`) "
                    "and run the command again; it goes on where it stopped."
                ) from error


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"


def _rewrite_sqlite(path: Path, subject: Subject) -> None:
    redactor = Redactor(subject)
    beside = [path.with_name(path.name + "-wal")]
    stands = any(
        proof.traces_in(item, subject) for item in (path, *beside) if item.exists()
    )
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("pragma secure_delete = on")
        connection.execute("begin immediate")
        changed = 0
        for table, column in proof.sqlite_columns(connection):
            place, name = sql.quoted(table), sql.quoted(column)
            rows = connection.execute(
                f"select rowid, {name} from {place} where typeof({name}) = 'text'"
            ).fetchall()
            for row, text in rows:
                if (now := redactor.json_text(text)) != text:
                    connection.execute(
                        f"update {place} set {name} = ? where rowid = ?", [now, row]
                    )
                    changed += 1
        connection.execute("commit")
        if changed or stands:
            connection.execute("vacuum")
            # What was written stands in the journal beside the file until then.
            connection.execute("pragma wal_checkpoint(truncate)")


def remove_exports(home: Home, subject: Subject) -> list[str]:
    """Removes exports that hold him; they are made again from a release.

    Returns:
        Their names, relative to the home.
    """
    removed = []
    for path in sorted(home.exports.rglob("*")) if home.exports.exists() else []:
        if path.is_file() and not path.is_symlink() and proof.traces_in(path, subject):
            path.unlink()
            removed.append(path.relative_to(home.root).as_posix())
    return removed
