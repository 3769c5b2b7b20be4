"""A release into PostgreSQL: loaded beside the one that readers see, then switched to.

    begin     books, roles; what can be dropped of earlier exports is
    load      tables, rows, keys, indexes: in schemas of their own
    attach    the views could read them now, and do not
    switch    one row is changed, in the same transaction as views that have to change
    tidy      what nobody can read any more is dropped

Killed at any step it leaves what readers see, and the next export drops the rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from pipeline.serving.contents import SCHEMAS, Contents
from pipeline.serving.folder import ExportRunning
from pipeline.serving.postgres import access, copying, loads, views
from pipeline.serving.postgres.connection import (
    Database,
    ExportRefused,
    explained,
    name,
    refuse_unfit,
)
from pipeline.serving.postgres.loads import Connection, Load, Loading
from pipeline.serving.postgres.types import typed

log = logging.getLogger("customer_tiers.serving")

# One export into a database at a time: the first eight letters of a hash of our name.
_LOCK = 0x637573746F6D6572
# So long an export waits for one that was killed to be noticed by the server.
_PATIENCE_WITH_OTHERS = 15.0
# A reader that holds a view which has to change is waited for so often, so long; in
# between others can read.
_LOCK_TIMEOUT = "2s"
_LOCK_ATTEMPTS = 15


@dataclass(frozen=True)
class Exported:
    """What an export did.

    Attributes:
        seconds: How long it took.
        missing_roles: Roles that the account may not make.
        notes: What an administrator may want to know, in sentences.
    """

    release_id: str
    database: str
    tables: int
    rows: int
    seconds: float
    missing_roles: Sequence[str] = ()
    notes: Sequence[str] = ()


def export(database: Database, contents: Contents) -> Exported:
    """Has readers of the database see the release.

    Raises:
        ConfigurationError: The server is too old, or not of Unicode.
        PostgresUnavailable: It cannot be reached, or was lost.
        ExportRunning: Another export into the database is running.
        ExportRefused: Something in the database stands in the way.
        ExportFailed: The server refused a step.
    """
    began = time.monotonic()
    with explained(database), database.connect() as connection:
        refuse_unfit(connection, database)
        with _alone(connection, database):
            loads.prepare(connection)
            missing = access.make_roles(connection)
            loads.drop_unread(connection)
            _log("begun")
            load = loads.begin(connection, contents)
            loadings = [
                Loading(table, typed(table.columns), load) for table in contents.tables
            ]
            # Rather now than after everything was loaded.
            _refuse(connection, loadings)
            _log("loading")
            copying.load(database, contents, loadings)
            _log("loaded")
            attached = loads.attach(connection, loadings)
            _log("attached")
            copying.analyze(
                database, loads.to_analyze(connection, loadings, attached.shapes)
            )
            loads.settle(connection, attached)
            changes = _switch(connection, load, loadings, attached.shapes)
            _log("switched")
            notes = _tidy(connection, loadings, attached.shapes, changes)
            rows = {item.table.full_name: item.table.rows for item in loadings}
            unknown = loads.unknown_shapes(connection, attached.shapes, rows)
            copying.analyze(database, [name(loads.BOOKS, shape) for shape in unknown])
    return Exported(
        release_id=contents.release_id,
        database=database.address,
        tables=len(loadings),
        rows=sum(item.table.rows for item in loadings),
        seconds=round(time.monotonic() - began, 1),
        missing_roles=missing,
        notes=notes,
    )


def _log(step: str) -> None:
    log.debug("postgres: %s", step)


@contextmanager
def _alone(connection: Connection, database: Database) -> Iterator[None]:
    """Holds the lock of exports; the server frees it however this process ends."""
    deadline = time.monotonic() + _PATIENCE_WITH_OTHERS
    while True:
        query = "select pg_try_advisory_lock(%s)"
        if connection.execute(query, [_LOCK]).fetchone() == (True,):
            break
        if time.monotonic() > deadline:
            raise ExportRunning(
                f"Another export into {database.address} is running; wait for it."
            )
        time.sleep(0.25)
    yield
    # Closing the connection frees it, too, where the block raised.
    connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


def _refuse(connection: Connection, loadings: Sequence[Loading]) -> None:
    """Raises ExportRefused where the views could not become what the release needs."""
    views.refuse_foreign(connection, loadings)
    present = views.views(connection)
    for item in loadings:
        if (view := present.get(item.table.full_name)) is not None:
            views.planned(view, item.shape, view.shapes)


def _switch(
    connection: Connection,
    load: Load,
    loadings: Sequence[Loading],
    shape_of: Mapping[str, str],
) -> Mapping[str, views.Change]:
    """Changes which load counts, and whatever readers see beside rows, at one moment."""
    for attempt in range(1, _LOCK_ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                views.refuse_foreign(connection, loadings)
                there = loads.shapes(connection)
                changes = views.change(connection, loadings, shape_of, there)
                access.grant(connection, changes)
                access.comment(connection, loadings, changes)
                loads.make_current(connection, load)
        except (
            psycopg.errors.LockNotAvailable,
            psycopg.errors.DeadlockDetected,
        ) as error:
            if attempt == _LOCK_ATTEMPTS:
                raise ExportRefused(
                    "The columns of a view change with this release, and "
                    f"{_holders(connection)} read it without an end. Readers see what "
                    "they saw. End those transactions, then `customer-tiers export "
                    "postgres` tries again."
                ) from error
            time.sleep(0.5)
        else:
            return changes
    raise AssertionError("every attempt ends by itself")


def _holders(connection: Connection) -> str:
    """Who holds a view, as far as the server says it to everybody."""
    rows = connection.execute(
        """
        select distinct l.pid, a.usename::text
        from pg_locks as l
        inner join pg_class as c on c.oid = l.relation
        left join pg_stat_activity as a on a.pid = l.pid
        where
            l.granted
            and l.pid <> pg_backend_pid()
            and l.database = (select oid from pg_database
                where datname = current_database())
            and c.relkind = 'v'
            and c.relnamespace::regnamespace::text = any(%s)
        order by 1
        """,
        [[*SCHEMAS]],
    ).fetchall()
    found = [f"process {pid} of {user or 'somebody'}" for pid, user in rows]
    return ", ".join(found) or "transactions that have ended meanwhile"


def _tidy(
    connection: Connection,
    loadings: Sequence[Loading],
    shape_of: Mapping[str, str],
    changes: Mapping[str, views.Change],
) -> list[str]:
    """Drops what nobody reads any more; says what stays, and why.

    Readers see the new release already: what goes wrong here the next export mends.
    """
    notes = [
        f"{table}.{column} is not in this release; it stays, null, because "
        "views read the table."
        for table, change in changes.items()
        for column in sorted(change.kept)
    ]
    try:
        older = loads.drop_unread(connection)
        there = loads.shapes(connection)
        empty = views.tidy(connection, loadings, shape_of, there, loads.tried)
        loads.drop_shapes(connection)
    except psycopg.Error as error:
        log.warning("postgres: not tidied up: %s", error.diag.message_primary)
        return notes
    notes += [
        f"{view.full_name} is not in this release; it stays, without a row, because "
        f"{', '.join(view.readers)} reads it."
        for view in empty
    ]
    notes += [
        f"{load.release_id} stays until the transactions end that may read it; the next "
        "export drops it."
        for load in older
    ]
    return notes
