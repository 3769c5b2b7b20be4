"""What several unit tests need: sources on disk, and processes that can be killed."""

from __future__ import annotations

import functools
import gzip
import json
import sqlite3
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.landing.batches import Batch
from pipeline.landing.store import BatchStore
from pipeline.sources import Entity, Extract, Rejected, Source, StartOver, open_reader
from tests.conftest import environment


def store_of(home: Home, batch: Batch) -> BatchStore:
    """The batches of the entity that a batch is of, read afresh."""
    return BatchStore(home, batch.source, batch.entity)


# Kills the process when it is about to take its n-th step that changes something below a
# folder. Python's audit events come before what they announce.
DIE_AT = """
import os, signal, sys

def die_at(moment, folder):
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        if event == "open":
            if not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                return
        elif event not in {
            "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"
        }:
            return
        if str(arguments[0]).startswith(folder):
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
"""


def python(code: str, *arguments: object, prelude: str = "") -> list[str]:
    """The command that runs `code` in a process of its own."""
    whole = prelude + textwrap.dedent(code)
    return [sys.executable, "-c", whole, *map(str, arguments)]


def run(
    code: str, *arguments: object, prelude: str = "", timeout: float = 120
) -> tuple[int, Any]:
    """Runs `code` and returns its exit code and the JSON that it printed, if any."""
    process = subprocess.run(
        python(code, *arguments, prelude=prelude),
        cwd=PROJECT_ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=False,
    )
    return process.returncode, json.loads(process.stdout or "null")


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts `code`, which prints a line when it is ready and lives while stdin does."""
    process = subprocess.Popen(
        python(code, *arguments),
        cwd=PROJECT_ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def full_text(error: BaseException) -> str:
    """The error with every error that caused it, as a log would show them."""
    return "".join(traceback.format_exception(error))


def files_source(folder: Path, pattern: str = "*", **options: Any) -> Source:
    """A source named `shop` with the entity `items` in files."""
    # A test reads what it has just written.
    defaults: dict[str, Any] = {
        "name": "items",
        "key": ["id"],
        "files": pattern,
        "settle_seconds": 0,
    }
    entity = Entity(**defaults | options)
    return Source(
        name="shop", kind="files", path=folder, entities={"items": entity}, provides=[]
    )


def database_source(url: str, *tables: str, key: Sequence[str] = ("id",)) -> Source:
    """A source named `erp` with the entities `t0`, `t1` and so on, as snapshots."""
    entities = {
        f"t{at}": Entity(name=f"t{at}", key=list(key), load="snapshot", table=table)
        for at, table in enumerate(tables)
    }
    return Source(name="erp", kind="database", url=url, entities=entities, provides=[])


def read(source: Source, limit: int | None = None) -> tuple[pa.Table, list[Rejected]]:
    """Everything that the source's first entity offers, and what was rejected."""
    (entity, *_) = source.entities.values()
    tables, rejected = [], []
    with open_reader(source) as reader:
        for extract in reader.extracts(entity, limit=limit):
            tables.append(pa.Table.from_batches(whole(extract)))
            rejected += extract.rejected
    return pa.concat_tables(tables), rejected


def whole(extract: Extract) -> list[pa.RecordBatch]:
    """All batches of an extract, which may start over as for landing."""
    while True:
        with suppress(StartOver):
            return list(extract.batches())


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One for all files: starting another takes longer than to search a small one."""
    connection = duckdb.connect()
    # A file may be another one by now, under the same name.
    connection.execute("set enable_external_file_cache = false")
    return connection


def found_in(path: Path, values: Sequence[str]) -> list[str]:
    """Which values a file holds, in any case: in its bytes, and in what they mean."""
    content = path.read_bytes().lower()
    if path.suffix == ".gz":
        content = gzip.decompress(path.read_bytes()).lower()
    if content.startswith(b"sqlite format 3"):
        with closing(sqlite3.connect(path)) as database:
            content += "\n".join(database.iterdump()).lower().encode()
    found = {value for value in values if value.lower().encode() in content}
    relations = []
    engine = _engine()
    if path.suffix == ".parquet":
        relations = [f"read_parquet('{path}')"]
    if path.suffix == ".duckdb":
        engine.execute(f"attach '{path}' as looked_at (read_only)")
        tables = engine.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'looked_at'"
        ).fetchall()
        relations = [f"looked_at.{schema}.{table}" for schema, table in tables]
    for relation in relations:
        hits = ", ".join("bool_or(contains(row, lower(?)))" for _ in values)
        said = engine.execute(
            f"select {hits} from "
            f"(select lower(cast(r as varchar)) as row from {relation} as r)",
            list(values),
        ).fetchone()
        found |= {v for v, hit in zip(values, said or (), strict=True) if hit}
    if path.suffix == ".duckdb":
        engine.execute("detach looked_at")
    return sorted(found)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of an Arrow table as tuples."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
