"""Releases in the database: begun, attached, current, superseded, and dropped at last.

    serving.loads     one row a release that is here, or was begun
    serving.current   one row: the load that readers see
    serving.shapes    the partitioned tables: one for each table and each set of columns
                      that it has had while a release with them is here

A superseded load stays until no transaction is open whose snapshot is older than its
successor. Not here: what readers see of it (`views`).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from pipeline.serving.contents import SCHEMAS, Contents, Table
from pipeline.serving.postgres.connection import ExportRefused, name
from pipeline.serving.postgres.types import Typed

log = logging.getLogger("customer_tiers.serving")

Connection: TypeAlias = "psycopg.Connection[Any]"

BOOKS = "serving"
# The column that says of which load a row is; no view has it.
LOAD = "_load_id"

# The type of a column `a`, in the words of `types`.
KIND = """
    format_type(a.atttypid, a.atttypmod)
    || case
        when a.attcollation = 'pg_catalog."C"'::regcollation then ' collate "C"' else ''
    end
"""

_MADE_ONCE = f"""
create schema {BOOKS};
comment on schema {BOOKS} is
    'What customer-tiers keeps of the releases that are here; nothing for readers.';
create table {BOOKS}.loads (
    load_id integer primary key generated always as identity,
    release_id text not null,
    as_of_date date not null,
    state text not null check (state in ('loading', 'current', 'superseded')),
    started_at timestamp with time zone not null default now(),
    published_at timestamp with time zone,
    superseded_by xid8
);
comment on column {BOOKS}.loads.superseded_by is
    'The transaction that made another load current.';
create table {BOOKS}.current (
    is_one boolean primary key default true check (is_one),
    load_id integer not null
);
create table {BOOKS}.shapes (
    shape name primary key,
    of_schema name not null,
    of_table name not null
);
"""

# Planning a query takes milliseconds. After so long none is under way that was planned
# without a partition that was attached before.
_SETTLED_AFTER = 0.5
_SETTLED_AT_LAST = 2.0
# So long may a reader have to wait behind the removal of what nobody reads.
_PATIENCE = "200ms"


@dataclass(frozen=True)
class Load:
    """A release that is in the database, whole or not."""

    load_id: int
    release_id: str
    state: str
    superseded_by: int | None = None

    def schema(self, of: str) -> str:
        """The schema of its tables that readers find in `marts` or `meta`."""
        return f"{of}_{self.release_id.replace('-', '_')}_{self.load_id}"


@dataclass(frozen=True)
class Shape:
    """A partitioned table of `serving`: what a table looks like, in one or more loads.

    Attributes:
        columns: Name and type, without `LOAD`.
        schemas: Of the loads that have a partition of it.
    """

    name: str
    schema: str
    table: str
    columns: Sequence[tuple[str, str]]
    schemas: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Loading:
    """A table on its way into the database."""

    table: Table
    columns: Sequence[Typed]
    load: Load

    @property
    def place(self) -> sql.Identifier:
        """Where its rows go."""
        return name(self.load.schema(self.table.schema), self.table.name)

    @property
    def shape(self) -> list[tuple[str, str]]:
        """Its columns, name and type."""
        return [(column.name, column.type) for column in self.columns]


def prepare(connection: Connection) -> None:
    """Makes the books where there are none.

    Raises:
        ExportRefused: The account may not, or the schema is somebody else's.
    """
    (has_schema, is_ours) = connection.execute(
        "select to_regnamespace(%s) is not null, to_regclass(%s) is not null",
        [BOOKS, f"{BOOKS}.shapes"],
    ).fetchone() or (False, False)
    if is_ours:
        return
    if has_schema:
        raise ExportRefused(
            f"The database has a schema {BOOKS} that is not of customer-tiers. Nothing was "
            "changed. Rename it, or serve another database."
        )
    try:
        with connection.transaction():
            connection.execute(_MADE_ONCE)
    except psycopg.errors.InsufficientPrivilege:
        raise ExportRefused(
            "The account may not make schemas in this database. Its owner allows it: "
            f"grant create on database {connection.info.dbname} to "
            f"{connection.info.user}."
        ) from None


def all_loads(connection: Connection) -> list[Load]:
    """The loads in the database, oldest first."""
    return [
        Load(load_id, release_id, state, int(by) if by else None)
        for load_id, release_id, state, by in connection.execute(
            f"select load_id, release_id, state, superseded_by::text from {BOOKS}.loads "
            "order by load_id"
        ).fetchall()
    ]


def begin(connection: Connection, contents: Contents) -> Load:
    """Notes that a release is being loaded, and makes the schemas for its tables."""
    with connection.transaction():
        (load_id,) = connection.execute(
            f"insert into {BOOKS}.loads (release_id, as_of_date, state) "
            "values (%s, %s, 'loading') returning load_id",
            [contents.release_id, contents.as_of_date],
        ).fetchone() or (0,)
        load = Load(load_id, contents.release_id, "loading")
        for schema in SCHEMAS:
            connection.execute(
                sql.SQL("create schema {}").format(name(load.schema(schema)))
            )
    return load


def shapes(connection: Connection) -> list[Shape]:
    """The partitioned tables, each with its columns and where it has partitions."""
    rows = connection.execute(
        f"""
        select
            s.shape::text,
            s.of_schema::text,
            s.of_table::text,
            (
                select array_agg(a.attname::text order by a.attnum)
                from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ),
            (
                select array_agg({KIND} order by a.attnum)
                from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ),
            (
                select array_agg(p.relnamespace::regnamespace::text)
                from pg_inherits as i
                inner join pg_class as p on p.oid = i.inhrelid
                where i.inhparent = c.oid
            )
        from {BOOKS}.shapes as s
        inner join pg_class as c
            on c.relname = s.shape and c.relnamespace = to_regnamespace('{BOOKS}')
        order by s.shape
        """
    ).fetchall()
    return [
        Shape(
            shape,
            schema,
            table,
            [column for column in zip(names, kinds, strict=True) if column[0] != LOAD],
            frozenset(schemas or ()),
        )
        for shape, schema, table, names, kinds, schemas in rows
    ]


@dataclass(frozen=True)
class Attached:
    """A load that the views could read.

    Attributes:
        shapes: Schema and table → the shape that it is a partition of.
        transaction: In which that was done.
        since: When it ended, by the clock of `time.monotonic`.
    """

    shapes: Mapping[str, str]
    transaction: int
    since: float


def attach(connection: Connection, loadings: Sequence[Loading]) -> Attached:
    """Has the views be able to read a load; which they do not yet."""
    found: dict[str, str] = {}
    with connection.transaction():
        there = shapes(connection)
        for item in loadings:
            table = item.table
            own = [
                s for s in there if (s.schema, s.table) == (table.schema, table.name)
            ]
            same = [s.name for s in own if dict(s.columns) == dict(item.shape)]
            shape = same[-1] if same else _new_shape(connection, item, own)
            found[table.full_name] = shape
            connection.execute(
                sql.SQL("alter table {} attach partition {} for values in ({})").format(
                    name(BOOKS, shape), item.place, sql.Literal(item.load.load_id)
                )
            )
        (mine,) = connection.execute(
            "select pg_current_xact_id()::text"
        ).fetchone() or (0,)
    return Attached(found, int(mine), time.monotonic())


def _new_shape(connection: Connection, item: Loading, own: Sequence[Shape]) -> str:
    taken = {shape.name for shape in own}
    table = item.table
    shape = next(
        shape
        for number in range(1, len(own) + 2)
        if (shape := _shape_name(table.schema, table.name, number)) not in taken
    )
    columns = [
        sql.SQL("{} {}").format(name(column), sql.SQL(kind))
        for column, kind in item.shape
    ]
    connection.execute(
        sql.SQL(
            "create table {} ({} integer not null, {}) partition by list ({})"
        ).format(
            name(BOOKS, shape), name(LOAD), sql.SQL(", ").join(columns), name(LOAD)
        )
    )
    connection.execute(
        f"insert into {BOOKS}.shapes (shape, of_schema, of_table) values (%s, %s, %s)",
        [shape, table.schema, table.name],
    )
    return shape


def _shape_name(schema: str, table: str, number: int) -> str:
    """Where PostgreSQL would cut it, cut so that it stays different from others."""
    whole = f"{schema}__{table}__{number}"
    if len(whole.encode()) < 64:
        return whole
    print_ = hashlib.sha256(f"{schema}.{table}".encode()).hexdigest()[:8]
    start = f"{schema}__{table}".encode()[:40].decode(errors="ignore")
    return f"{start}_{print_}__{number}"


def settle(connection: Connection, attached: Attached) -> None:
    """Waits until every query knows of the partitions that were attached.

    A query is planned with the partitions of that moment, and takes the snapshot in which
    it reads `serving.current` only then. Had the load become current in between, it would
    find no row. A query that is being planned holds a snapshot older than the attaching;
    so does a reader that stays for hours, which is not waited for: what it sees is fixed.
    """
    while (passed := time.monotonic() - attached.since) < _SETTLED_AT_LAST:
        oldest = oldest_snapshot(connection)
        is_known = oldest is None or oldest > attached.transaction
        if is_known and passed >= _SETTLED_AFTER:
            return
        time.sleep(0.05)


def oldest_snapshot(connection: Connection) -> int | None:
    """The oldest transaction that an open snapshot of this database may not see yet."""
    (oldest,) = connection.execute(
        # Other sessions give 32 bits of the number, our own snapshot gives all.
        """
        with this as (
            select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next_id
        )
        select min(
            next_id
            - ((next_id & 4294967295) - backend_xmin::text::bigint + 4294967296)
            % 4294967296
        )
        from pg_stat_activity
        cross join this
        where
            backend_xmin is not null
            and datname = current_database()
            and pid <> pg_backend_pid()
        """
    ).fetchone() or (None,)
    return oldest


def make_current(connection: Connection, load: Load) -> None:
    """Has readers whose snapshot is taken from now on see the load; within a transaction.

    Nothing else has to happen at that moment: it is one row.
    """
    connection.execute(
        f"update {BOOKS}.loads set state = 'superseded', "
        "superseded_by = pg_current_xact_id() where state = 'current'"
    )
    connection.execute(
        f"update {BOOKS}.loads set state = 'current', published_at = now() "
        "where load_id = %s",
        [load.load_id],
    )
    connection.execute(
        f"insert into {BOOKS}.current (load_id) values (%s) "
        "on conflict (is_one) do update set load_id = excluded.load_id",
        [load.load_id],
    )


def drop_unread(connection: Connection) -> list[Load]:
    """Drops the loads that nobody can read: those that were not finished, and old ones.

    One table after the other, each only if no reader has to wait for it: what cannot be
    dropped now is dropped at the next export.

    Returns:
        Those that stay though they are neither current nor needed.
    """
    oldest = oldest_snapshot(connection)
    staying = []
    for load in all_loads(connection):
        if load.state == "current":
            continue
        by = load.superseded_by
        is_readable = by is not None and oldest is not None and oldest <= by
        if is_readable or not _drop(connection, load):
            staying.append(load)
    return staying


def _drop(connection: Connection, load: Load) -> bool:
    is_gone = True
    for schema in map(load.schema, SCHEMAS):
        for table in _tables_in(connection, schema):
            statement = sql.SQL("drop table {}").format(name(schema, table))
            is_gone = tried(connection, statement) and is_gone
        statement = sql.SQL("drop schema if exists {}").format(name(schema))
        is_gone = is_gone and tried(connection, statement)
    if is_gone:
        connection.execute(
            f"delete from {BOOKS}.loads where load_id = %s", [load.load_id]
        )
    return is_gone


def _tables_in(connection: Connection, schema: str) -> Iterator[str]:
    for (table,) in connection.execute(
        "select relname::text from pg_class "
        "where relnamespace = to_regnamespace(%s) and relkind = 'r' order by 1",
        [f'"{schema}"'],
    ).fetchall():
        yield table


def to_analyze(
    connection: Connection, loadings: Sequence[Loading], shape_of: Mapping[str, str]
) -> list[sql.Identifier]:
    """The tables that give the statistics of a load that is attached.

    Its own; where one is the only partition of its shape, the shape, because that brings
    those of both: in a first export each would be read twice.
    """
    alone = {shape.name for shape in shapes(connection) if len(shape.schemas) == 1}
    return [
        name(BOOKS, shape)
        if (shape := shape_of[item.table.full_name]) in alone
        else item.place
        for item in loadings
    ]


def unknown_shapes(
    connection: Connection, shape_of: Mapping[str, str], rows_of: Mapping[str, int]
) -> list[str]:
    """The partitioned tables whose statistics are missing, or of far fewer or more rows.

    Those of an earlier release serve the joins of the next one as well, as long as they
    are of about as many rows.

    Args:
        shape_of: Schema and table → its shape.
        rows_of: Schema and table → the rows of the load.
    """
    analyzed = dict(
        connection.execute(
            "select relname::text, reltuples from pg_class "
            "where relnamespace = to_regnamespace(%s) and relkind = 'p'",
            [BOOKS],
        ).fetchall()
    )
    return [
        shape
        for table, shape in shape_of.items()
        if abs(analyzed.get(shape, -1) - rows_of[table]) > rows_of[table] / 10
    ]


def drop_shapes(connection: Connection) -> None:
    """Drops the partitioned tables that have no partition and that no view reads."""
    for shape in shapes(connection):
        if shape.schemas:
            continue
        tried(
            connection,
            sql.SQL("drop table {}").format(name(BOOKS, shape.name)),
            sql.SQL("delete from {} where shape = {}").format(
                name(BOOKS, "shapes"), sql.Literal(shape.name)
            ),
        )


def tried(connection: Connection, *statements: sql.Composable) -> bool:
    """Runs statements that can wait for the next export; whether they were done."""
    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{_PATIENCE}'")
            for statement in statements:
                connection.execute(statement)
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.DependentObjectsStillExist,
    ) as error:
        log.debug("postgres: left for the next export: %s", error.diag.message_primary)
        return False
    return True
