"""The rows of a release, by COPY, into tables that nobody reads yet; keys and indexes.

DuckDB writes the text of a table into a pipe while the server reads it, so that neither
waits for a file and no row is held in memory. Several tables at a time, each over a
connection of its own: the server takes a process for each.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from typing import TypeVar

import duckdb
import psycopg
from psycopg import sql

from pipeline.common.errors import CustomerTiersError
from pipeline.serving.contents import Contents, opened
from pipeline.serving.postgres.connection import Database, name
from pipeline.serving.postgres.loads import LOAD, Connection, Loading

log = logging.getLogger("customer_tiers.serving")

Item = TypeVar("Item")

# The columns by which readers join and look up, wherever no test declares them.
_USUAL_KEYS = ("customer_id",)
_CHUNK = 2**20
# So many chunks of a table lie ready for the server.
_READY = 32
_MOST_CONNECTIONS = 4

_SETTINGS = (
    # What makes a load current waits for the disk, and with it for all before it.
    "set synchronous_commit = off",
    "set maintenance_work_mem = '256MB'",
)


def load(database: Database, contents: Contents, loadings: Sequence[Loading]) -> None:
    """Makes and fills the tables of a load.

    Raises:
        CustomerTiersError: The release is not what it was when it was read.
        psycopg.Error: The server refused something.
    """
    with opened(contents.file, copying=True) as release:
        release.execute("set preserve_insertion_order = false")
        # Several tables at a time, each written faster by one thread than a server reads.
        release.execute("set threads = 1")

        def fill(connection: Connection, item: Loading) -> None:
            _fill(connection, release.cursor(), item)
            log.debug("postgres: %s is loaded", item.table.full_name)

        # The largest first, so that none is left over at the end.
        order = sorted(
            loadings,
            key=lambda item: item.table.rows * len(item.columns),
            reverse=True,
        )
        _each(database, order, fill)


def analyze(database: Database, tables: Sequence[sql.Composable]) -> None:
    """Has the server know how the values of tables are spread."""

    def ask(connection: Connection, table: sql.Composable) -> None:
        connection.execute(sql.SQL("analyze {}").format(table))

    _each(database, tables, ask)


def _each(
    database: Database,
    items: Sequence[Item],
    work: Callable[[Connection, Item], None],
) -> None:
    """Does the work for each item, over several connections; ends at the first error."""
    if not items:
        return
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    stopped = threading.Event()
    working: list[Connection] = []

    def worker() -> None:
        with database.connect() as connection:
            for setting in _SETTINGS:
                connection.execute(setting)
            working.append(connection)
            while not stopped.is_set():
                try:
                    item = waiting.get_nowait()
                except queue.Empty:
                    return
                work(connection, item)

    count = max(1, min(_MOST_CONNECTIONS, os.cpu_count() or 1, len(items)))
    with ThreadPoolExecutor(count, thread_name_prefix="postgres") as pool:
        workers = [pool.submit(worker) for _ in range(count)]
        try:
            for done in as_completed(workers):
                done.result()
        except BaseException:
            stopped.set()
            # What the others are at may take minutes.
            for connection in working:
                with suppress(psycopg.Error):
                    connection.cancel()
            raise


def _fill(
    connection: Connection, release: duckdb.DuckDBPyConnection, item: Loading
) -> None:
    """Makes one table with its rows, its key and its indexes, in one transaction."""
    load_id = sql.Literal(item.load.load_id)
    columns = [
        sql.SQL("{} {}{}").format(
            name(column.name),
            sql.SQL(column.type),
            sql.SQL("" if column.is_nullable else " not null"),
        )
        for column in item.columns
    ]
    with connection.transaction():
        connection.execute(
            # The check spares the reading of every row when it is attached.
            sql.SQL(
                "create table {place} ({load} integer not null default {id} "
                "check ({load} = {id}), {columns})"
            ).format(
                place=item.place,
                load=name(LOAD),
                id=load_id,
                columns=sql.SQL(", ").join(columns),
            )
        )
        rows = _copy(connection, release, item)
        if rows != item.table.rows:
            raise CustomerTiersError(
                f"{item.table.full_name} has {item.table.rows:,} rows and {rows:,} were "
                "loaded; readers see what they saw. The release changed meanwhile: export "
                "it again."
            )
        for statement in _indexes(item):
            connection.execute(statement)


def _copy(
    connection: Connection, release: duckdb.DuckDBPyConnection, item: Loading
) -> int:
    """Sends the rows; how many the server has taken."""
    # Frozen: made in this transaction, so that no reader ever has to note on the rows
    # that it is over.
    statement = sql.SQL("copy {} ({}) from stdin (format csv, freeze)").format(
        item.place,
        sql.SQL(", ").join(name(column.name) for column in item.columns),
    )
    with connection.cursor() as cursor:
        with _text(release, item) as chunks, cursor.copy(statement) as copy:
            for chunk in chunks:
                copy.write(chunk)
        return int(cursor.rowcount)


@contextmanager
def _text(
    release: duckdb.DuckDBPyConnection, item: Loading
) -> Iterator[Iterator[bytes]]:
    """The rows of a table as CSV, written by DuckDB while they are being read.

    The engine writes in bursts and the server takes steadily, so that some bursts lie
    ready: with a pipe alone each waited for the other, a fifth of the time.
    """
    reading, writing = os.pipe()
    with suppress(OSError, AttributeError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _CHUNK)
    ready: queue.Queue[bytes | Exception] = queue.Queue(_READY)
    is_over = threading.Event()
    problems: list[Exception] = []
    expressions = ", ".join(column.expression for column in item.columns)
    query = (
        f"copy (select {expressions} from {item.table.quoted}) to '/dev/fd/{writing}' "
        "(format csv, header false, nullstr '', use_tmp_file false)"
    )

    def write() -> None:
        try:
            release.execute(query)
        except Exception as error:
            problems.append(error)
        finally:
            os.close(writing)

    def read() -> None:
        # To the end whatever happens: the engine would wait for a reader for ever.
        while chunk := os.read(reading, _CHUNK):
            while not is_over.is_set():
                with suppress(queue.Full):
                    ready.put(chunk, timeout=0.1)
                    break
        writer.join()
        while not is_over.is_set():
            with suppress(queue.Full):
                ready.put(problems[0] if problems else b"", timeout=0.1)
                break

    def chunks() -> Iterator[bytes]:
        while chunk := ready.get():
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    table = item.table.full_name
    writer = threading.Thread(target=write, name=f"writing {table}")
    reader = threading.Thread(target=read, name=f"reading {table}")
    writer.start()
    reader.start()
    try:
        yield chunks()
    finally:
        is_over.set()
        if writer.is_alive():
            release.interrupt()
        reader.join()
        os.close(reading)


def _indexes(item: Loading) -> list[sql.Composed]:
    """What makes the key and the indexes of a table that is filled."""
    table = item.table
    found = []
    leading = [*(table.key or table.unique)][:1]
    for columns, kind in (
        (table.key, "alter table {} add primary key ({})"),
        (table.unique, "create unique index on {} ({})"),
    ):
        if columns:
            names = sql.SQL(", ").join(map(name, columns))
            found.append(sql.SQL(kind).format(item.place, names))
    known = {column.name for column in item.columns}
    for column in dict.fromkeys((*_USUAL_KEYS, *(table.references or {}))):
        # The key begins with it: that is its index, too.
        if column in known and column not in leading:
            found.append(
                sql.SQL("create index on {} ({})").format(item.place, name(column))
            )
    return found
