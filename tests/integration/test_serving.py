"""The PostgreSQL copy on a real server: one release for every reader, whatever happens.

Readers, analysts' views, grants and kills are real. Not here: the copies that are files
(`tests/unit/serving`), and a refresh that serves (`test_serving_refresh`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlalchemy as sa

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.serving.contents import Contents
from pipeline.serving.folder import ExportRunning
from pipeline.serving.postgres import export as exporting
from pipeline.serving.postgres import loads
from pipeline.serving.postgres.connection import (
    Database,
    ExportFailed,
    ExportRefused,
    PostgresUnavailable,
)
from pipeline.serving.postgres.export import export
from tests.conftest import invoke
from tests.integration import servers
from tests.unit.serving.releases import contents_of, publish

NUMBERS = itertools.count(1)
Connect = Callable[..., Any]

# What the tables of one release have in common; one row, whichever release it is.
ONE_RELEASE = """
    select
        (select release_id from meta.current_release),
        count(*),
        min(l.release_id),
        max(l.release_id),
        min(c.release_id),
        max(c.release_id),
        min(l.net_amount)
    from marts.order_lines as l
    inner join marts.customers as c on c.customer_id = l.customer_id
"""


@pytest.fixture(scope="session")
def server() -> Iterator[sa.URL]:
    with servers.postgresql() as url:
        yield url


@pytest.fixture
def database(server: sa.URL) -> Database:
    """An empty database."""
    name = f"served{next(NUMBERS)}"
    servers.Database("postgresql", server, "").autocommit(f"create database {name}")
    return Database.of(server.set(database=name).render_as_string(hide_password=False))


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    """Opens connections to the database: `connect(role, isolation)`."""
    opened = []

    def open_one(role: str = "", isolation: str = "", **options: Any) -> Any:
        connection = psycopg.connect(database.url, autocommit=not isolation, **options)
        opened.append(connection)
        if isolation:
            connection.isolation_level = psycopg.IsolationLevel[isolation]
        if role:
            connection.execute(f"set role {role}".encode())
            if isolation:
                connection.commit()
        return connection

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


def rows(connection: Any, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(
        query, parameters or None
    ).fetchall()
    return found


def release_read(connection: Any) -> str:
    """The release that one query over several tables sees."""
    ((release, count, *others, amount),) = rows(connection, ONE_RELEASE)
    assert (count, {*others}) == (300, {release})
    assert amount == int(release[1:7])
    return str(release)


def test_every_type_arrives_as_what_it_is(
    home: Home, database: Database, connect: Connect
) -> None:
    texts = [
        "",
        " a ",
        'q"q',
        "a,b",
        "\r",
        "\n",
        "\r\n",
        "\\N",
        "\\.",
        "'",
        "王",
        "a\0b",
    ]
    contents = contents_of(
        home,
        """
        create table marts.types as select
            1.5::decimal(18, 4) as money, true as is_it, 1::tinyint as tiny,
            40000::usmallint as small, 4000000000::uinteger as middle,
            9223372036854775807::bigint as big, 18446744073709551615::ubigint as ubig,
            170141183460469231731687303715884105727::hugeint as huge,
            0.1::double as part, 0.5::float as single, date '2024-02-29' as day,
            timestamp '2024-02-29 23:59:59.123456' as happened_at,
            timestamptz '2024-02-29 23:59:59+00' as zoned_at, time '12:30:00' as clock,
            interval '1 month 2 days 3 hours' as span,
            '{"a": [1, null]}'::json as doc, [1, 2, null] as list,
            {'a': 1, 'b': ['x']} as record, map {'k': 'v'} as pairs,
            '\\x00\\xFF'::blob as bytes, uuid '12345678-1234-5678-1234-567812345678' as id,
            'b'::enum('a', 'b') as code
        """,
        "insert into marts.types (money, part, single) "
        "values (null, 'nan', 'inf'), (-0.0001, '-inf', 'nan')",
        "create table marts.texts (n integer, t varchar)",
        *(
            f"insert into marts.texts values ({n}, {characters(text)})"
            for n, text in enumerate(texts)
        ),
        "insert into marts.texts values (99, null)",
    )
    export(database, contents)
    reader = connect()
    kinds = dict(
        rows(
            reader,
            "select attname, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = 'marts.types'::regclass and attnum > 0",
        )
    )
    assert kinds == {
        "money": "numeric(18,4)",
        "is_it": "boolean",
        "tiny": "smallint",
        "small": "integer",
        "middle": "bigint",
        "big": "bigint",
        "ubig": "numeric(20,0)",
        "huge": "numeric(39,0)",
        "part": "double precision",
        "single": "real",
        "day": "date",
        "happened_at": "timestamp with time zone",
        "zoned_at": "timestamp with time zone",
        "clock": "time without time zone",
        "span": "interval",
        "doc": "jsonb",
        "list": "jsonb",
        "record": "jsonb",
        "pairs": "jsonb",
        "bytes": "bytea",
        "id": "uuid",
        "code": "text",
    }
    reader.execute("set timezone = 'Asia/Shanghai'")
    ((*values,),) = rows(reader, "select * from marts.types where money = 1.5")
    moment = dt.datetime(2024, 2, 29, 23, 59, 59, 123456, dt.UTC)
    found = dict(zip(kinds, values, strict=True))
    assert found["happened_at"] == moment
    assert found["zoned_at"] == moment.replace(microsecond=0)
    assert found["money"] == Decimal("1.5000")
    assert (found["big"], found["ubig"]) == (2**63 - 1, 2**64 - 1)
    assert found["huge"] == 2**127 - 1
    assert (found["doc"], found["list"]) == ({"a": [1, None]}, [1, 2, None])
    assert (found["record"], found["pairs"]) == ({"a": 1, "b": ["x"]}, {"k": "v"})
    assert (found["bytes"], found["code"]) == (b"\x00\xff", "b")
    assert (found["part"], found["day"]) == (0.1, dt.date(2024, 2, 29))
    assert rows(
        reader,
        "select part::text, single::text from marts.types where money is null "
        "or money < 0 order by 1",
    ) == [("-Infinity", "NaN"), ("NaN", "Infinity")]
    assert rows(reader, "select t from marts.texts order by n") == [
        *((text.replace("\0", ""),) for text in texts),
        (None,),
    ]


def characters(text: str) -> str:
    """SQL of DuckDB for a text of any characters."""
    each = ", ".join(f"chr({ord(character)})" for character in text)
    return f"array_to_string(cast([{each}] as varchar[]), '')"


def test_keys_indexes_and_words_are_those_of_the_release(
    home: Home, database: Database, connect: Connect
) -> None:
    export(database, contents_of(home))
    reader = connect()
    indexes = {
        (table, definition.partition(" USING ")[2], "UNIQUE" in definition)
        for table, definition in rows(
            reader,
            "select tablename, indexdef from pg_indexes where schemaname like 'm%'",
        )
    }
    assert indexes == {
        ("customers", "btree (customer_id)", True),
        ("order_lines", "btree (order_id, line_number)", True),
        ("order_lines", "btree (customer_id)", False),
        ("notes", "btree (customer_id, note)", True),
    }
    assert rows(
        reader,
        "select conrelid::regclass::text from pg_constraint where contype = 'p' "
        "and connamespace::regnamespace::text like 'marts%' order by 1",
    ) == [
        ("marts_r000001_20240131_1.customers",),
        ("marts_r000001_20240131_1.order_lines",),
    ]
    words = "select obj_description('marts.customers'::regclass)"
    assert rows(reader, words) == [("Who buys. One row per customer.",)]
    words = "select col_description('marts.customers'::regclass, 2)"
    assert rows(reader, words) == [("The name, as it's written.",)]
    # Who asks for a key is given the index, through the view.
    reader.execute("set enable_seqscan = off")
    (plan,) = rows(
        reader,
        "explain (format json) select * from marts.order_lines where order_id = 'O7'",
    )
    assert "order_lines_pkey" in str(plan)


def test_statistics_of_rows_and_of_what_views_read_are_gathered_once(
    home: Home, database: Database, connect: Connect
) -> None:
    """Of a first export both at once; later those of the new rows alone."""
    query = """
        select schemaname::text, relname::text, analyze_count
        from pg_stat_user_tables
        where relname = 'order_lines' or relname like '%order\\_lines%'
        order by schemaname = 'serving', schemaname
    """
    known = "select count(*) from pg_stats where tablename = %s and schemaname = %s"
    reader = connect()
    counts = []
    for number in (1, 2):
        export(database, contents_of(home))
        (rows_of, *_), (books, shape, _) = found = rows(reader, query)
        counts.append([count for _, _, count in found])
        assert str(rows_of).endswith(f"_{number}")
        for schema, table in ((rows_of, "order_lines"), (books, shape)):
            ((columns,),) = rows(reader, known, table, schema)
            assert columns > 0, (number, schema)
    assert counts == [[1, 1], [1, 1]]


def test_nobody_sees_what_is_private_or_behind_the_views(
    home: Home, database: Database, connect: Connect
) -> None:
    export(database, contents_of(home))
    owner = connect()
    everything = rows(
        owner,
        "select c.oid::regclass::text from pg_class as c "
        "where c.relkind in ('r', 'v', 'p') and c.relnamespace::regnamespace::text "
        "not in ('pg_catalog', 'information_schema', 'pg_toast')",
    )
    assert not [name for (name,) in everything if "private" in name or "quar" in name]
    for role, allowed in (
        (
            "analyst",
            {"customers", "order_lines", "notes", "current_release", "refreshes"},
        ),
        (
            "reporting",
            {"customers", "order_lines", "notes", "current_release", "refreshes"},
        ),
    ):
        reader = connect(role)
        seen = {
            table
            for (table,) in rows(
                owner,
                "select relname::text from pg_class as c where relkind in ('r', 'v', 'p') "
                "and relnamespace::regnamespace::text not in "
                "('pg_catalog', 'information_schema') "
                "and has_table_privilege(%s, oid, 'select') "
                "and has_schema_privilege(%s, relnamespace, 'usage')",
                role,
                role,
            )
        }
        assert seen == allowed
        assert release_read(reader).startswith("r000001")
        for statement in (
            "select * from serving.loads",
            "select * from marts_r000001_20240131_1.customers",
            "delete from marts.customers",
            "create view marts.mine as select 1",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)


def test_reporting_reads_of_meta_which_release_it_is(
    home: Home, database: Database, connect: Connect
) -> None:
    export(database, contents_of(home, "create table meta.policies as select 1 as n"))
    assert rows(connect("analyst"), "select * from meta.policies") == [(1,)]
    reporting = connect("reporting")
    assert rows(reporting, "select count(*) from meta.current_release") == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reporting.execute("select * from meta.policies")


def test_whoever_is_in_a_transaction_stays_with_its_release(
    home: Home, database: Database, connect: Connect
) -> None:
    """And holds no export up, however long it stays: not one that reads, idles or slept."""
    first, second, third = (contents_of(home) for _ in range(3))
    export(database, first)
    has_read = connect("analyst", "REPEATABLE_READ")
    assert release_read(has_read) == first.release_id
    only_began = connect("", "REPEATABLE_READ")
    only_began.execute("select count(*) from pg_catalog.pg_class")
    only_began.execute("set role reporting")
    idle = connect("analyst", "READ_COMMITTED")
    assert release_read(idle) == first.release_id
    began = time.monotonic()
    done = export(database, second)
    assert time.monotonic() - began < 30
    assert "stays until the transactions end" in " ".join(done.notes)
    assert release_read(has_read) == first.release_id
    assert release_read(only_began) == first.release_id
    assert release_read(idle) == second.release_id
    export(database, third)
    assert release_read(has_read) == first.release_id
    assert release_read(only_began) == first.release_id
    assert release_read(idle) == third.release_id
    for reader in (has_read, only_began, idle):
        reader.rollback()
        assert release_read(reader) == third.release_id
        reader.rollback()
    # Nobody needs the old ones now.
    fourth = contents_of(home)
    assert not export(database, fourth).notes
    schemas = (
        "select nspname::text from pg_namespace where nspname like 'm%' order by 1"
    )
    assert rows(connect(), schemas) == [
        ("marts",),
        ("marts_r000004_20240131_4",),
        ("meta",),
        ("meta_r000004_20240131_4",),
    ]


class Reader(threading.Thread):
    """Reads until it is stopped; the releases that it saw, or what went wrong."""

    def __init__(self, connection: Any, way: str) -> None:
        super().__init__(daemon=True)
        self.connection, self.way = connection, way
        self.seen: list[str] = []
        self.problem: BaseException | None = None
        self.is_over = threading.Event()

    def run(self) -> None:
        try:
            while not self.is_over.is_set():
                self.seen.append(self.read())
        except BaseException as error:
            self.problem = error

    def read(self) -> str:
        if self.way == "one statement":
            return release_read(self.connection)
        if self.way == "prepared":
            ((release, count, *_),) = self.connection.execute(
                ONE_RELEASE, prepare=True
            ).fetchall()
            assert count == 300
            return str(release)
        # Table after table in one transaction, each of them asked anew.
        found = set()
        for table in ("customers", "order_lines", "notes", "customers"):
            query = f"select min(release_id), max(release_id) from marts.{table}"
            found |= {*rows(self.connection, query)[0]}
        found |= {
            *rows(self.connection, "select release_id from meta.current_release")[0]
        }
        self.connection.rollback()
        (release,) = found
        return str(release)


@pytest.mark.parametrize("exports", [4, pytest.param(100, marks=pytest.mark.campaign)])
def test_no_reader_ever_sees_a_mixed_release(
    home: Home, database: Database, connect: Connect, exports: int
) -> None:
    releases = [contents_of(home) for _ in range(2)]
    export(database, releases[0])
    readers = [
        Reader(connect("analyst"), "one statement"),
        Reader(connect("reporting"), "prepared"),
        Reader(connect("analyst", "REPEATABLE_READ"), "transaction"),
        Reader(connect("analyst", "REPEATABLE_READ"), "transaction"),
    ]
    for reader in readers:
        reader.start()
    for number in range(exports):
        export(database, releases[(number + 1) % 2])
    for reader in readers:
        reader.is_over.set()
        reader.join(30)
    for reader in readers:
        assert reader.problem is None, (reader.way, reader.problem)
        assert {*reader.seen} == {item.release_id for item in releases}
        assert len(reader.seen) > exports


@pytest.mark.parametrize(
    ("ends_after", "at_least"), [(None, 0.5), (1.0, 1.0), (60.0, 2.0)]
)
def test_a_switch_waits_for_what_was_planned_before(
    home: Home,
    database: Database,
    connect: Connect,
    ends_after: float | None,
    at_least: float,
) -> None:
    """Such a query holds a snapshot; one that is held for hours is of no query's plan."""
    export(database, contents_of(home))
    connection = connect()
    planning = connect("", "REPEATABLE_READ")
    if ends_after is not None:
        planning.execute("select 1 from pg_catalog.pg_class limit 1")
    attached = loads.attach(connection, [])
    # From now on that snapshot is older than what was attached.
    end = threading.Timer(ends_after or 0, planning.rollback)
    end.start()
    try:
        loads.settle(connection, attached)
        took = time.monotonic() - attached.since
    finally:
        end.cancel()
        end.join()
    assert at_least <= took < 30


# Kills the process before the n-th statement that it sends, or piece of a table.
def _die_at(moment: int) -> None:
    seen = itertools.count(1)

    def counted(method: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(seen) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **options)

        return call

    psycopg.Cursor.execute = counted(psycopg.Cursor.execute)
    psycopg.Cursor.copy = counted(psycopg.Cursor.copy)
    psycopg.Copy.write = counted(psycopg.Copy.write)


@pytest.mark.parametrize("every", [18, pytest.param(1, marks=pytest.mark.campaign)])
def test_killed_at_any_statement_readers_see_a_whole_release(
    home: Home, database: Database, connect: Connect, every: int
) -> None:
    old = contents_of(home)
    export(database, old)
    connect().execute("create view public.mine as select * from marts.customers")
    new = contents_of(home, "alter table marts.customers add column added integer")
    reader = connect("analyst")
    seen: list[str] = []
    for moment in itertools.count(1 + every // 2, every):
        if (pid := os.fork()) == 0:
            try:
                _die_at(moment)
                export(database, new)
                os._exit(0)
            except BaseException:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in (0, -signal.SIGKILL)
        seen.append(release_read(reader))
        if code == 0:
            break
    assert seen == sorted(seen)
    assert {seen[0], seen[-1]} == {old.release_id, new.release_id}
    # What the killed ones left is gone after the next.
    third = contents_of(home)
    export(database, third)
    assert release_read(reader) == third.release_id
    kept = "select count(*) from pg_namespace where nspname like 'marts\\_%'"
    assert rows(connect(), kept) == [(1,)]
    assert rows(connect(), "select count(*) from serving.loads") == [(1,)]


def test_grants_and_views_of_analysts_outlive_exports(
    home: Home, database: Database, connect: Connect
) -> None:
    export(database, contents_of(home))
    owner = connect()
    owner.execute("create role someone login")
    try:
        owner.execute("grant usage on schema marts to someone")
        owner.execute("grant select on marts.notes to someone with grant option")
        owner.execute("revoke select on marts.customers from reporting")
        owner.execute("create schema desk")
        owner.execute(
            "create view desk.big as select customer_id, sum(net_amount) as spent, "
            "min(release_id) as release_id from marts.order_lines group by customer_id"
        )
        before = rows(
            owner, "select relacl::text from pg_class where relname = 'notes'"
        )
        for _ in range(2):
            contents = contents_of(home)
            export(database, contents)
            assert rows(owner, "select distinct release_id from desk.big") == [
                (contents.release_id,)
            ]
        now = rows(owner, "select relacl::text from pg_class where relname = 'notes'")
        assert before[0] in now
        assert rows(connect("someone"), "select count(*) from marts.notes") == [(2,)]
        # What an administrator took back is not given again.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect("reporting").execute("select * from marts.customers")
        # Also where the view has to be made anew.
        export(database, contents_of(home, "alter table marts.notes drop release_id"))
        assert rows(connect("someone"), "select count(*) from marts.notes") == [(2,)]
    finally:
        owner.execute("drop owned by someone")
        owner.execute("drop role someone")


def columns(connection: Any, table: str) -> list[tuple[Any, ...]]:
    """Name and type of each, in the order of the view."""
    return rows(
        connection,
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = %s::regclass and attnum > 0 and not attisdropped "
        "order by attnum",
        table,
    )


def test_a_column_comes_and_one_goes(
    home: Home, database: Database, connect: Connect
) -> None:
    export(database, contents_of(home))
    owner = connect()
    owner.execute(
        "create view public.names as select customer_name from marts.customers"
    )
    changed = contents_of(
        home,
        "alter table marts.customers add column added integer default 7",
        "alter table marts.customers drop column customer_name",
        "alter table marts.notes add column added integer default 8",
        "alter table marts.notes drop column note",
    )
    before = connect("analyst", "REPEATABLE_READ")
    before.execute("select 1 from pg_catalog.pg_class limit 1")
    notes = export(database, changed).notes
    assert any("marts.customers.customer_name is not in" in note for note in notes)
    # A view reads the one: what it reads stays, and is null. Nothing reads the other.
    assert columns(owner, "marts.customers") == [
        ("customer_id", "text"),
        ("customer_name", "text"),
        ("release_id", "text"),
        ("added", "integer"),
    ]
    assert columns(owner, "marts.notes") == [
        ("customer_id", "text"),
        ("release_id", "text"),
        ("added", "integer"),
    ]
    assert rows(owner, "select distinct customer_name from public.names") == [(None,)]
    assert rows(owner, "select distinct added from marts.customers") == [(7,)]
    words = "select col_description('marts.customers'::regclass, 2)"
    assert "Not in the releases any more" in rows(owner, words)[0][0]
    # Whoever began before sees the old rows as they were.
    assert release_read(before) == "r000001-20240131"
    ((names, added),) = rows(
        before, "select count(customer_name), count(added) from marts.customers"
    )
    assert (names, added) == (20, 0)
    before.rollback()
    # It comes back, and nothing reads it any more when it goes the next time.
    back = contents_of(home)
    export(database, back)
    assert rows(owner, "select count(customer_name) from public.names") == [(20,)]
    assert rows(owner, words) == [("The name, as it's written.",)]
    owner.execute("drop view public.names")
    export(database, contents_of(home))
    assert [name for name, _ in columns(owner, "marts.customers")] == [
        "customer_id",
        "customer_name",
        "release_id",
    ]
    # One of each table is left of all these.
    shapes = "select of_table::text from serving.shapes order by 1"
    assert [name for (name,) in rows(owner, shapes)] == [
        "current_release",
        "customers",
        "notes",
        "order_lines",
        "refreshes",
    ]


def test_a_column_of_another_type_is_refused_where_a_view_reads_it(
    home: Home, database: Database, connect: Connect
) -> None:
    first = contents_of(home)
    export(database, first)
    owner = connect()
    owner.execute(
        "create view public.sums as select sum(net_amount) from marts.order_lines"
    )
    retyped = contents_of(
        home, "alter table marts.order_lines alter net_amount type decimal(28, 6)"
    )
    with pytest.raises(ExportRefused) as refused:
        export(database, retyped)
    assert refused.value.exit_code == 3
    assert (
        "marts.order_lines.net_amount was numeric(18,4) and is numeric(28,6) in this "
        "release, and view public.sums reads it" in str(refused.value)
    )
    assert release_read(owner) == first.release_id
    owner.execute("drop view public.sums")
    before = connect("analyst", "REPEATABLE_READ")
    before.execute("select 1 from pg_catalog.pg_class limit 1")
    export(database, retyped)
    assert ("net_amount", "numeric(28,6)") in columns(owner, "marts.order_lines")
    assert release_read(owner) == retyped.release_id
    assert release_read(before) == first.release_id


def test_a_table_goes_and_comes_back(
    home: Home, database: Database, connect: Connect
) -> None:
    export(database, contents_of(home))
    owner = connect()
    owner.execute("create view public.mine as select * from marts.notes")
    without = contents_of(
        home, "drop table marts.notes", "create table marts.more as select 1 as n"
    )
    notes = export(database, without).notes
    assert any("marts.notes is not in this release" in note for note in notes)
    assert rows(owner, "select count(*) from public.mine") == [(0,)]
    assert rows(connect("analyst"), "select n from marts.more") == [(1,)]
    export(database, contents_of(home))
    assert rows(owner, "select count(*) from public.mine") == [(2,)]
    assert rows(owner, "select to_regclass('marts.more')") == [(None,)]


def test_a_reader_that_holds_a_view_which_changes_is_named(
    home: Home, database: Database, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(exporting, "_LOCK_TIMEOUT", "300ms")
    first = contents_of(home)
    export(database, first)
    holder = connect("", "READ_COMMITTED")
    assert release_read(holder) == first.release_id
    changed = contents_of(home, "alter table marts.customers add column added integer")
    with pytest.raises(ExportRefused, match=rf"process {holder.info.backend_pid} of"):
        export(database, changed)
    assert release_read(connect()) == first.release_id
    holder.rollback()
    export(database, changed)
    assert release_read(connect()) == changed.release_id


@pytest.mark.parametrize("fault", ["rows", "key", "null", "foreign"])
def test_a_failed_export_leaves_what_readers_see(
    home: Home, database: Database, connect: Connect, fault: str
) -> None:
    first = contents_of(home)
    export(database, first)
    again = "insert into marts.order_lines select * from marts.order_lines limit 1"
    broken = {
        "rows": lambda: contents_of(home),
        "key": lambda: contents_of(home, again),
        "null": lambda: contents_of(home),
        "foreign": lambda: contents_of(home, "create table marts.own as select 1 as n"),
    }[fault]()
    expected: type[CustomerTiersError] = ExportFailed
    if fault == "rows":
        expected = CustomerTiersError
        change(broken, "delete from marts.order_lines where line_number = 2")
    if fault == "null":
        # Made read-write by somebody after it was read: a column loses its values.
        change(broken, "alter table marts.customers alter customer_id drop not null")
        change(broken, "update marts.customers set customer_id = null")
    if fault == "foreign":
        expected = ExportRefused
        connect().execute("create table marts.own (n integer)")
    with pytest.raises(expected) as failed:
        export(database, broken)
    assert "saw" in str(failed.value)
    assert release_read(connect("analyst")) == first.release_id
    if fault == "foreign":
        connect().execute("drop table marts.own")
        export(database, broken)
    else:
        export(database, contents_of(home))
    kept = "select count(*) from pg_namespace where nspname like 'marts\\_%'"
    assert rows(connect(), kept) == [(1,)]


def change(contents: Contents, statement: str) -> None:
    contents.file.chmod(0o600)
    with duckdb.connect(str(contents.file)) as connection:
        connection.execute(statement)


def test_one_export_at_a_time(
    home: Home, database: Database, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_PATIENCE_WITH_OTHERS", 0.3)
    other = connect()
    other.execute("select pg_advisory_lock(%s)", [exporting._LOCK])
    with pytest.raises(ExportRunning) as running:
        export(database, contents_of(home))
    assert running.value.exit_code == 4


def test_an_account_with_few_rights(
    home: Home, server: sa.URL, database: Database, connect: Connect
) -> None:
    """It needs a database of its own and nothing more, save for the roles."""
    owner = connect()
    name = owner.info.dbname
    owner.execute("create role exporter login password 'hunter2/@ %%x'")
    try:
        few = Database.of(
            sa.make_url(database.url.replace("postgresql:", "postgresql+psycopg:"))
            .set(username="exporter", password="hunter2/@ %x")
            .render_as_string(hide_password=False)
        )
        with pytest.raises(ExportRefused, match=f"grant create on database {name} to"):
            export(few, contents_of(home))
        owner.execute(f"grant create on database {name} to exporter")
        missing = not rows(owner, "select 1 from pg_roles where rolname = 'analyst'")
        contents = contents_of(home)
        done = export(few, contents)
        assert [*done.missing_roles] == (["analyst", "reporting"] if missing else [])
        assert release_read(owner) == contents.release_id
        reader = connect("", "REPEATABLE_READ")
        reader.execute("select 1 from pg_catalog.pg_class limit 1")
        export(few, contents_of(home))
        # An account without rights sees the snapshots of others, too.
        assert release_read(reader) == contents.release_id
        reader.rollback()
    finally:
        owner.execute("drop owned by exporter cascade")
        owner.execute("drop role exporter")


def test_roles_that_an_administrator_makes(
    home: Home, database: Database, connect: Connect
) -> None:
    """deploy/postgresql/roles.sql, as often as somebody runs it."""
    owner = connect()
    if (psql := shutil.which("psql")) is None:
        pytest.skip("no psql here")
    name = owner.info.dbname
    command = [psql, database.url, "-v", "exporter=loader", "-v", f"database={name}"]
    for _ in range(2):
        script = PROJECT_ROOT / "deploy" / "postgresql" / "roles.sql"
        done = subprocess.run(
            [*command, "-f", str(script)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    try:
        loader = Database.of(
            sa.make_url(database.url).set(username="loader").render_as_string()
        )
        contents = contents_of(home)
        assert not export(loader, contents).missing_roles
        assert release_read(connect("analyst")) == contents.release_id
        assert release_read(connect("reporting")) == contents.release_id
    finally:
        owner.execute("drop owned by loader cascade")
        owner.execute("drop role loader")


def test_what_cannot_be_reached_is_said_without_a_secret(
    home: Home, server: sa.URL
) -> None:
    publish(home)
    at = ("--home", home.root)
    url = "CUSTOMER_TIERS_POSTGRES_URL"
    none = invoke("export", "postgres", *at)
    assert (none.returncode, url in none.stderr) == (2, True)
    for bad in (
        "mysql://a:secret99@h/d",
        "postgresql://a:x@secret99@h/d",
        "postgresql://a:x/secret99@h/d",
        "secret99",
    ):
        result = invoke("export", "postgres", *at, **{url: bad})
        assert result.returncode == 2, bad
        assert "secret99" not in result.stdout + result.stderr
    away = "postgresql://a:secret99%2F@127.0.0.1:1/customers"
    result = invoke("export", "postgres", *at, **{url: away})
    assert result.returncode == 5
    assert "customers at 127.0.0.1:1 cannot be reached" in result.stderr
    assert "secret99" not in result.stdout + result.stderr
    said = invoke("status", *at).stdout
    assert "customers at 127.0.0.1:1 has no release" in " ".join(said.split())
    assert "secret99" not in said
    everything = [path for path in home.root.rglob("*") if path.is_file()]
    assert not [path for path in everything if b"secret99" in path.read_bytes()]


def test_the_command_exports_and_status_says_it(
    home: Home, database: Database, connect: Connect
) -> None:
    release = publish(home)
    environment = {"CUSTOMER_TIERS_POSTGRES_URL": database.url}
    result = invoke("export", "postgres", "--home", home.root, **environment)
    assert result.returncode == 0, result.stderr
    assert f"has {release.refresh_id}: 5 tables, 324 rows" in result.stdout
    assert release_read(connect()) == release.refresh_id
    newer = publish(home)
    said = " ".join(invoke("status", "--home", home.root).stdout.split())
    assert f"has {release.refresh_id}" in said
    assert "`customer-tiers export postgres --home" in said
    older = ("--release", release.refresh_id)
    invoke("export", "postgres", "--home", home.root, **environment)
    assert release_read(connect()) == newer.refresh_id
    invoke("export", "postgres", "--home", home.root, *older, **environment)
    assert release_read(connect()) == release.refresh_id


def test_a_server_that_is_not_fit_is_refused(
    home: Home, database: Database, connect: Connect
) -> None:
    connect().execute("create schema serving")
    with pytest.raises(ExportRefused, match="schema serving that is not of"):
        export(database, contents_of(home))
    name = f"latin{next(NUMBERS)}"
    connect().execute(
        f"create database {name} encoding 'LATIN1' locale 'C' template template0"
    )
    url = database.url.replace(connect().info.dbname, name)
    with pytest.raises(ConfigurationError, match="encoding 'UTF8'"):
        export(Database.of(url), contents_of(home))


def test_a_connection_that_breaks_leaves_what_readers_see(
    home: Home, database: Database, connect: Connect
) -> None:
    first = contents_of(home)
    export(database, first)
    owner = connect()
    stop = threading.Event()

    def end_copies() -> None:
        with psycopg.connect(database.url, autocommit=True) as killer:
            while not stop.is_set():
                killer.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name = 'customer-tiers export' "
                    "and datname = current_database() and query ilike 'copy %'"
                )

    killer = threading.Thread(target=end_copies)
    killer.start()
    try:
        large = contents_of(
            home,
            "create table marts.large as select i, repeat('x', 100) as t "
            "from range(200000) as r(i)",
        )
        with pytest.raises(PostgresUnavailable):
            export(database, large)
    finally:
        stop.set()
        killer.join()
    assert release_read(owner) == first.release_id
    export(database, large)
    assert release_read(owner) == large.release_id


def test_long_names_stay_apart() -> None:
    names: Sequence[str] = [
        loads._shape_name("marts", "customers", 1),
        loads._shape_name("marts", "long_" * 12 + "a", 1),
        loads._shape_name("marts", "long_" * 12 + "b", 1),
        loads._shape_name("marts", "long_" * 12 + "b", 2),
    ]
    assert len({*names}) == 4
    assert all(len(name.encode()) < 64 for name in names)
    assert names[0] == "marts__customers__1"
