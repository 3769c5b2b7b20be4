"""Scans every file of a home for a customer, and says where he still stands.

Every file is read twice: its bytes as they are, and what they mean, where they are packed
or compressed (Parquet, DuckDB, SQLite, gzip, zip). Values that others have too are not
searched for (`values`); his keys are searched for in the columns of keys even when they are
too short to be searched for anywhere else.
"""

from __future__ import annotations

import functools
import gzip
import html
import io
import json
import os
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, cast

import duckdb
import pyarrow.parquet as pq

from pipeline.common import engine, sql
from pipeline.common.home import Home
from pipeline.forget.personal_data import landed_files
from pipeline.forget.registry import registered
from pipeline.forget.subject import Subject, Value
from pipeline.release import duckdb_files
from pipeline.release.layout import WAREHOUSE
from pipeline.suppression.suppression_list import key_text, rows_of

CHUNK: Final = 8 * 1024 * 1024
# A file inside a file inside a file …: as deep as anybody packs them.
DEPTH: Final = 3


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int = ..., /) -> bytes:
        """The next bytes, at most so many; none at the end."""
        ...


@dataclass(frozen=True)
class Trace:
    """A place where something of the customer stands; without the value itself."""

    file: str
    place: str
    label: str


@dataclass(frozen=True)
class Proof:
    """What was scanned, and what was found."""

    files: int
    bytes: int
    traces: Sequence[Trace]


def scan(home: Home, subject: Subject, *, leave_out: Sequence[Path] = ()) -> Proof:
    """Scans the whole home.

    Args:
        leave_out: Files and folders that are not ours to change.
    """
    files = size = 0
    traces: list[Trace] = []
    # One engine for all Parquet files: each start of one costs more than a small file. It
    # keeps nothing of them, since others are opened beside it.
    with duckdb.connect(config=engine.config()) as parquet:
        parquet.execute("set enable_external_file_cache = false")
        for path in files_of(home, leave_out):
            files += 1
            size += path.stat().st_size
            name = path.relative_to(home.root).as_posix()
            found = traces_in(path, subject, parquet)
            traces += [Trace(name, place, label) for place, label in found]
            traces += [
                Trace(name, "name of the file", v.label) for v in _met(name, subject)
            ]
    traces += _keys_left(home, subject)
    return Proof(files, size, sorted(set(traces), key=repr))


def files_of(home: Home, leave_out: Sequence[Path] = ()) -> Iterator[Path]:
    """Every file of the home, links not followed."""
    for folder, _, names in os.walk(home.root):
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_symlink() or not path.is_file():
                continue
            if not any(path == item or item in path.parents for item in leave_out):
                yield path


def traces_in(
    path: Path, subject: Subject, parquet: duckdb.DuckDBPyConnection | None = None
) -> list[tuple[str, str]]:
    """(place, label) of everything that a file holds of the customer.

    Args:
        parquet: An engine for Parquet; one of its own without it.
    """
    if not subject.values:
        return []
    with path.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        found = [("bytes", value.label) for value in _in_stream(file, subject.values)]
    if head.startswith(b"PAR1"):
        with (
            nullcontext(parquet)
            if parquet
            else duckdb.connect(config=engine.config()) as connection
        ):
            found += _in_parquet(connection, path, subject)
    elif head[8:12] == b"DUCK":
        found += _in_duckdb(path, subject)
    elif head.startswith(b"SQLite format 3"):
        found += _in_sqlite(path, subject)
    elif head.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        with path.open("rb") as file:
            found += [
                ("unpacked", value.label) for value in _unpacked(file, subject, 1)
            ]
    return sorted(set(found))


@functools.cache
def variants(value: Value) -> frozenset[bytes]:
    """The bytes that a value may be in text, JSON, HTML and SQL; A to Z in lower case."""
    texts = {value.text, value.text.lower(), value.text.upper()}
    for text in list(texts):
        once = json.dumps(text)[1:-1]
        texts |= {
            once,
            json.dumps(once)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            html.escape(text),
            html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
            text.replace("'", "''"),
        }
    return frozenset(text.encode().lower() for text in texts)


def _in_stream(stream: Stream, values: Sequence[Value]) -> set[Value]:
    wanted = {value: variants(value) for value in values}
    overlap = max((len(item) for items in wanted.values() for item in items), default=1)
    found: set[Value] = set()
    before = b""
    while chunk := stream.read(CHUNK):
        window = before + chunk.lower()
        for value, items in wanted.items():
            if value not in found and any(item in window for item in items):
                found.add(value)
        before = window[-overlap:]
    return found


def _unpacked(stream: IO[bytes], subject: Subject, depth: int) -> set[Value]:
    """The values in what is packed in a stream, and in what is packed in that."""
    head = stream.read(4)
    stream.seek(0)
    found: set[Value] = set()
    if depth > DEPTH:
        return found
    try:
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(stream) as unpacked:
                found |= _in_stream(unpacked, subject.values)
            stream.seek(0)
            with gzip.open(stream) as unpacked:
                if unpacked.read(2) in {b"\x1f\x8b", b"PK"}:
                    unpacked.seek(0)
                    found |= _unpacked(cast(IO[bytes], unpacked), subject, depth + 1)
        elif head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(stream) as archive:
                for item in archive.infolist():
                    if item.is_dir() or item.flag_bits & 1:
                        continue
                    with archive.open(item) as member:
                        found |= _in_stream(member, subject.values)
                    with archive.open(item) as member:
                        if member.read(2) in {b"\x1f\x8b", b"PK"}:
                            member.seek(0)
                            whole = io.BytesIO(member.read())
                            found |= _unpacked(whole, subject, depth + 1)
                    found |= set(_met(item.filename, subject))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        pass  # not packed after all; its bytes were scanned
    return found


def _met(text: str, subject: Subject) -> list[Value]:
    return [value for value in subject.values if value.is_in(text)]


def _in_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, subject: Subject
) -> list[tuple[str, str]]:
    # DuckDB takes every name for a pattern, and a home may be called `data [old]`.
    place = sql.literal(re.sub(r"([*?\[])", r"[\1]", str(path)))
    return _in_relation(connection, f"read_parquet({place})", "column", subject)


def _in_duckdb(path: Path, subject: Subject) -> list[tuple[str, str]]:
    found = []
    with duckdb_files.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal "
            "order by all"
        ).fetchall()
        for schema, table in tables:
            place = f"{sql.quoted(schema)}.{sql.quoted(table)}"
            found += _in_relation(connection, place, f"{schema}.{table}", subject)
    return found


def _in_relation(
    connection: duckdb.DuckDBPyConnection, relation: str, name: str, subject: Subject
) -> list[tuple[str, str]]:
    """Every column that may hold text, and keys that are whole numbers."""
    numeric = any(re.fullmatch(r"-?\d+", value.text) for value in subject.values)
    columns = [
        str(row[0])
        for row in connection.execute(
            f"select column_name, column_type from (describe select * from {relation})"
        ).fetchall()
        if not re.match(
            r"DECIMAL|DOUBLE|FLOAT|BOOLEAN|DATE|TIME"
            + ("" if numeric else r"|U?\w*INT"),
            str(row[1]),
        )
    ]
    pattern = subject.pattern
    if not columns or pattern is None:
        return []
    texts = {column: f"cast({sql.quoted(column)} as varchar)" for column in columns}
    hits = ", ".join(
        f"bool_or(regexp_matches({text}, $pattern, 'i'))" for text in texts.values()
    )
    row = connection.execute(
        f"select {hits} from {relation}", {"pattern": pattern}
    ).fetchone()
    found = []
    for column, hit in zip(columns, row or (), strict=True):
        if hit:
            met = connection.execute(
                f"select distinct {texts[column]} as met from {relation} "
                f"where regexp_matches({texts[column]}, $pattern, 'i') limit 100",
                {"pattern": pattern},
            ).fetchall()
            labels = {v.label for (text,) in met for v in _met(str(text), subject)}
            found += [(f"{name} {column}", label) for label in labels or {"?"}]
    return found


def _in_sqlite(path: Path, subject: Subject) -> list[tuple[str, str]]:
    """What the rows mean: a long text may be spread over pages of the file."""
    found = []
    # Read-write: what a killed process left in the journal beside it belongs to it.
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.text_factory = bytes
        for table, column in sqlite_columns(connection):
            rows = connection.execute(
                f"select {sql.quoted(column)} from {sql.quoted(table)} "
                f"where typeof({sql.quoted(column)}) in ('text', 'blob')"
            )
            for (content,) in rows:
                stream = io.BytesIO(_inflated(content))
                met = _in_stream(stream, subject.values)
                found += [(f"{table}.{column}", value.label) for value in met]
    return found


def sqlite_columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every (table, column) of an SQLite database."""

    def text(value: object) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    tables = connection.execute(
        "select name from sqlite_master where type = 'table'"
    ).fetchall()
    return [
        (text(table), text(column[1]))
        for (table,) in tables
        for column in connection.execute(
            f"pragma table_info({sql.quoted(text(table))})"
        ).fetchall()
    ]


def _inflated(content: bytes) -> bytes:
    # Dagster keeps the snapshot of a job packed.
    if content[:1] == b"\x78":
        try:
            return zlib.decompress(content)
        except zlib.error:
            return content
    return content


def _keys_left(home: Home, subject: Subject) -> list[Trace]:
    """His keys in columns of keys, however short they are."""
    found = []
    for source, _, personal, _, path in landed_files(home, subject):
        if personal is None:
            continue
        for rows in pq.ParquetFile(path).iter_batches():
            his = rows_of(rows, personal, source, subject.lookup).true_count
            for column, whose in personal.references.items():
                if column in rows.schema.names:
                    his += sum(
                        subject.lookup(whose, key_text(key) or "") is not None
                        for key in rows.column(column).to_pylist()
                    )
            if his:
                file = path.relative_to(home.root).as_posix()
                found.append(Trace(file, personal.customer, f"{source}: key"))
    for path in sorted(home.releases.glob(f"r*/{WAREHOUSE}")):
        with duckdb_files.open_release(path.parent) as connection:
            query = registered(connection)
            if query is None:
                continue
            for item in subject.records:
                row = connection.execute(
                    f"select count(*) from ({query}) "
                    "where source = ? and source_customer_id = ?",
                    [item.source, item.key],
                ).fetchone()
                if row and row[0]:
                    file = path.relative_to(home.root).as_posix()
                    found.append(Trace(file, "registry", f"{item.source}: key"))
            row = connection.execute(
                f"select count(*) from ({query}) where list_contains(?, customer_id)",
                [list(subject.ids)],
            ).fetchone()
            if row and row[0]:
                file = path.relative_to(home.root).as_posix()
                found.append(Trace(file, "registry", "customer_id"))
    return found
