"""Reading the real servers: one moment, exact values, increments, deletes, no secrets."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import Landed, land
from pipeline.sources import Entity, Extract, Rejected, Since, Source
from pipeline.sources.database import DatabaseReader
from pipeline.sources.passing import may_pass
from tests.integration import servers
from tests.integration.servers import Database
from tests.profiles import examples
from tests.unit.support import full_text, rows, store_of

NUMBERS = itertools.count(1)
NAIVE = pa.timestamp("us")
MOMENT = pa.timestamp("us", tz="UTC")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[sa.URL]:
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[sa.URL]:
    with servers.mariadb() as url:
        yield url


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    kind = request.param
    server = None if kind == "sqlite" else request.getfixturevalue(kind)
    with servers.fresh(kind, server, tmp_path, f"erp{next(NUMBERS)}") as database:
        yield database


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    # A home makes whatever the process writes private; the servers run as others.
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


of = pytest.mark.parametrize
only_postgresql = of("database", ["postgresql"], indirect=True)
only_mariadb = of("database", ["mariadb"], indirect=True)
servers_with_passwords = of("database", ["postgresql", "mariadb"], indirect=True)


def source(database: Database, *tables: str, url: str = "", **options: Any) -> Source:
    entities = {
        f"t{at}": Entity(**{"name": f"t{at}", "key": ["id"], "table": table} | options)
        for at, table in enumerate(tables)
    }
    return Source(
        name="erp",
        kind="database",
        url=url or database.url,
        entities=entities,
        provides=[],
    )


def whole(extract: Extract) -> pa.Table:
    return pa.Table.from_batches(list(extract.batches()))


def extracts(
    given: Source, since: Since | None = None, *, fast: bool = True
) -> list[tuple[str, pa.Table, list[Rejected]]]:
    (entity, *_) = given.entities.values()
    with DatabaseReader(given, fast=fast) as reader:
        return [
            (extract.content, whole(extract), extract.rejected)
            for extract in reader.extracts(entity, since)
        ]


def read(given: Source, since: Since | None = None, *, fast: bool = True) -> pa.Table:
    return extracts(given, since, fast=fast)[0][1]


def fails(given: Source, since: Since | None = None) -> str:
    with pytest.raises(SourceUnavailable) as error:
        extracts(given, since)
    everything = full_text(error.value) + repr(error.value) + repr(given)
    for secret in ("hunter2", servers.PASSWORD, "%2F%40"):
        assert secret not in everything
    return str(error.value)


# One moment ---------------------------------------------------------------------------


@of("fast", [True, False])
def test_all_tables_are_of_one_moment(database: Database, fast: bool) -> None:
    if database.kind == "sqlite":
        database.run("pragma journal_mode = wal")
    database.run("create table a (id integer)", "create table b (id integer)")
    database.run("insert into a values (1)", "insert into b values (1)")
    given = source(database, "a", "b")
    with DatabaseReader(given, fast=fast) as reader:
        # Before anything is read as well as between two tables.
        for number, entity in enumerate(given.entities.values()):
            database.run(
                f"insert into a values ({number + 10})",
                f"insert into b values ({number + 10})",
                "delete from a where id = 1",
                "delete from b where id = 1",
            )
            (extract,) = reader.extracts(entity)
            assert rows(whole(extract)) == [(1,)]
    assert len(rows(read(given))) == 2


def test_the_session_can_change_nothing(database: Database) -> None:
    database.run("create table t (id integer)")
    given = source(database, "t", url=database.owner.render_as_string(False))
    with DatabaseReader(given) as reader:
        assert reader._connection is not None
        with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.?only"):
            reader._connection.exec_driver_sql("insert into t values (1)")
    assert rows(read(given)) == []


def test_rows_come_in_batches_from_a_cursor_of_the_server(database: Database) -> None:
    database.run("create table t (id integer primary key, word varchar(900))")
    digits = "(select 0 d union select 1 union select 2 union select 3 union select 4)"
    cross = ", ".join(f"{digits} d{at}" for at in range(6))
    number = " + ".join(f"d{at}.d * {5**at}" for at in range(6))
    database.run(f"insert into t select {number}, '{'x' * 900}' from {cross}")
    given = source(database, "t")
    with DatabaseReader(given, fast=False) as reader:
        (extract,) = reader.extracts(given.entities["t0"])
        batches = list(extract.batches())
        # Somebody who stops early leaves the connection usable.
        next(batch for batch in extract.batches() if batch.num_rows)
        assert sum(batch.num_rows for batch in extract.batches()) == 15_625
    assert pa.Table.from_batches(batches)["id"].to_pylist() == list(range(15_625))
    assert [batch.num_rows for batch in batches] == [0, 4_096, 11_529]
    assert max(batch.nbytes for batch in batches) < 20 * 2**20


# Values -------------------------------------------------------------------------------

POSTGRESQL_TYPES = [
    ("smallint", "-32768", pa.int64(), -32768),
    ("integer", "7", pa.int64(), 7),
    ("bigint", "9223372036854775807", pa.int64(), 2**63 - 1),
    ("numeric(19,4)", "1234567890.1234", pa.decimal128(19, 4), "1234567890.1234"),
    ("numeric(38,10)", "0.0000000001", pa.decimal128(38, 10), "0.0000000001"),
    ("numeric(10)", "7", pa.decimal128(10, 0), "7"),
    ("numeric", "1.50", pa.string(), "1.50"),
    ("numeric", "'NaN'", pa.string(), "NaN"),
    ("numeric(50,2)", "1.5", pa.string(), "1.50"),
    ("real", "0.1", pa.float32(), 0.10000000149011612),
    ("double precision", "0.1", pa.float64(), 0.1),
    ("double precision", "'-Infinity'", pa.float64(), float("-inf")),
    ("boolean", "true", pa.bool_(), True),
    ("text", "E'a\\n客户'", pa.string(), "a\n客户"),
    ("text", "''", pa.string(), ""),
    ("varchar(5)", "'x'", pa.string(), "x"),
    ("char(3)", "'x'", pa.string(), "x  "),
    ("date", "'2014-01-31'", pa.date32(), dt.date(2014, 1, 31)),
    (
        "timestamp",
        "'2014-01-31 23:59:58.000001'",
        NAIVE,
        dt.datetime(2014, 1, 31, 23, 59, 58, 1),
    ),
    (
        "timestamptz",
        "'2014-01-31 00:00:00+08'",
        MOMENT,
        dt.datetime(2014, 1, 30, 16, tzinfo=dt.UTC),
    ),
    (
        "timestamptz",
        "'0001-01-01 00:00:00+00'",
        MOMENT,
        dt.datetime(1, 1, 1, tzinfo=dt.UTC),
    ),
    ("time", "'23:59:58.5'", pa.string(), "23:59:58.5"),
    ("timetz", "'23:59:58+08'", pa.string(), "23:59:58+08"),
    ("interval", "'1 day 2 hours'", pa.string(), "P1DT2H"),
    (
        "uuid",
        "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
        pa.string(),
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    ),
    ("json", '\'{"b":1, "a":  [1.10]}\'', pa.string(), '{"b":1, "a":  [1.10]}'),
    ("jsonb", "'{\"b\":1}'", pa.string(), '{"b": 1}'),
    ("integer[]", "'{1,null,3}'", pa.string(), "[1,null,3]"),
    ("text[]", "array['a\"b', '客']", pa.string(), '["a\\"b","客"]'),
    ("numeric(9,2)[]", "'{1.50}'", pa.string(), "[1.50]"),
    ("integer[][]", "'{{1,2},{3,4}}'", pa.string(), "[[1,2],[3,4]]"),
    ("bytea", "'\\x00ff'", pa.binary(), b"\0\xff"),
    ("inet", "'10.0.0.1'", pa.string(), "10.0.0.1/32"),
    ("int4range", "'[1,3)'", pa.string(), "[1,3)"),
    ("point", "'(1,2)'", pa.string(), "(1,2)"),
    ("money", "'1234.5'", pa.decimal128(23, 4), "1234.5000"),
    (
        "money",
        "'-92233720368547758.08'",
        pa.decimal128(23, 4),
        "-92233720368547758.0800",
    ),
    ("money[]", "'{1.5}'", pa.string(), "[1.50]"),
    ("mood", "'glad'", pa.string(), "glad"),
    ("amount", "'1.5'", pa.string(), "1.50"),
    ("code", "'abc'", pa.string(), "abc"),
    ("place", "'7'", pa.int64(), 7),
    ("bit(3)", "B'101'", pa.string(), "101"),
    ("oid", "'7'", pa.string(), "7"),
]
MARIADB_TYPES = [
    ("tinyint", "-128", pa.int64(), -128),
    ("tinyint(1)", "1", pa.bool_(), True),
    ("boolean", "0", pa.bool_(), False),
    ("int unsigned", "4294967295", pa.int64(), 2**32 - 1),
    ("bigint", "-9223372036854775808", pa.int64(), -(2**63)),
    ("bigint unsigned", "18446744073709551615", pa.uint64(), 2**64 - 1),
    ("decimal(19,4)", "1234567890.1234", pa.decimal128(19, 4), "1234567890.1234"),
    ("decimal", "7", pa.decimal128(10, 0), "7"),
    ("decimal(50,2)", "1.5", pa.string(), "1.50"),
    ("float", "16777217.0", pa.float32(), 16777216.0),
    ("float", "0.1", pa.float32(), 0.10000000149011612),
    ("double", "0.1", pa.float64(), 0.1),
    ("double", "1234567.891234567", pa.float64(), 1234567.891234567),
    ("bit(1)", "b'1'", pa.bool_(), True),
    ("bit(9)", "b'100000001'", pa.uint64(), 257),
    ("year", "2014", pa.int64(), 2014),
    ("varchar(9)", "'客户'", pa.string(), "客户"),
    ("char(9)", "'x'", pa.string(), "x"),
    ("longtext", "'a\\nb'", pa.string(), "a\nb"),
    ("enum('a','b')", "'b'", pa.string(), "b"),
    ("set('a','b')", "'a,b'", pa.string(), "a,b"),
    ("json", "'{\"a\": [1.10]}'", pa.string(), '{"a": [1.10]}'),
    ("date", "'2014-01-31'", pa.date32(), dt.date(2014, 1, 31)),
    (
        "datetime(6)",
        "'2014-01-31 23:59:58.000001'",
        NAIVE,
        dt.datetime(2014, 1, 31, 23, 59, 58, 1),
    ),
    ("datetime", "'2014-01-31 23:59:58'", NAIVE, dt.datetime(2014, 1, 31, 23, 59, 58)),
    (
        "timestamp",
        "from_unixtime(1391126400)",
        MOMENT,
        dt.datetime(2014, 1, 31, tzinfo=dt.UTC),
    ),
    ("time", "'-838:59:59'", pa.string(), "-838:59:59"),
    ("time(3)", "'23:59:58.5'", pa.string(), "23:59:58.500"),
    ("binary(2)", "x'00ff'", pa.binary(), b"\0\xff"),
    ("blob", "x'00ff'", pa.binary(), b"\0\xff"),
    (
        "uuid",
        "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
        pa.string(),
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    ),
    ("inet6", "'::1'", pa.string(), "::1"),
    ("point", "point(1, 2.5)", pa.string(), "POINT(1 2.5)"),
    (
        "polygon",
        "polyfromtext('POLYGON((0 0,1 0,1 1,0 0))')",
        pa.string(),
        "POLYGON((0 0,1 0,1 1,0 0))",
    ),
    ("geometrycollection", "null", pa.string(), None),
]


def same(found: object, expected: object) -> bool:
    return (f"{found:f}" if isinstance(found, Decimal) else found) == expected


def typed(database: Database, types: list[tuple[str, str, pa.DataType, Any]]) -> Source:
    """A table with a column of each type, a row of values and one of nulls."""
    columns = ", ".join(f"c{at} {one[0]} null" for at, one in enumerate(types))
    values = ", ".join(one[1] for one in types)
    nulls = ", ".join("null" for _ in types)
    if database.kind == "postgresql":
        database.run(
            "create type mood as enum ('sad', 'glad')",
            "create domain amount as numeric(12,2) check (value > 0)",
            "create domain code as char(4)",
            "create domain place as smallint",
        )
    database.run(
        f"create table t (id integer, {columns})",
        f"insert into t values (1, {values})",
        f"insert into t values (2, {nulls})",
    )
    return source(database, "t")


@only_postgresql
@of("fast", [True, False])
def test_every_type_of_postgresql(database: Database, fast: bool) -> None:
    # The session of the tests is anywhere; what is read does not depend on it.
    database.run("alter role reader set timezone = 'Asia/Shanghai'")
    check_types(typed(database, POSTGRESQL_TYPES), POSTGRESQL_TYPES, fast)


@only_mariadb
def test_every_type_of_mariadb(database: Database) -> None:
    check_types(typed(database, MARIADB_TYPES), MARIADB_TYPES, fast=False)


def check_types(
    given: Source, types: list[tuple[str, str, pa.DataType, Any]], fast: bool
) -> None:
    ((_, table, rejected),) = extracts(given, fast=fast)
    assert rejected == []
    for at, (declared, _, kind, value) in enumerate(types):
        column = table[f"c{at}"]
        assert column.type == kind, declared
        found, null = column.to_pylist()
        assert (same(found, value), null) == (True, None), (declared, found)


@only_postgresql
def test_both_ways_of_postgresql_give_the_same(database: Database) -> None:
    given = typed(database, POSTGRESQL_TYPES)
    database.run("insert into t (id) select g from generate_series(3, 9000) g")
    with DatabaseReader(given) as reader:
        (extract,) = reader.extracts(given.entities["t0"])
        fast = whole(extract)
        assert reader.fast, "ADBC was taken"
    assert fast.equals(read(given, fast=False))
    assert fast.num_rows == 9000


@only_postgresql
def test_a_table_is_known_again_whichever_way_it_is_read(
    database: Database, home: Home
) -> None:
    """The two ways cut the same rows into other batches."""
    given = typed(database, POSTGRESQL_TYPES)
    database.run("insert into t (id) select g from generate_series(3, 9000) g")
    counts = []
    for fast in (True, False):
        with DatabaseReader(given, fast=fast) as reader:
            (extract,) = reader.extracts(given.entities["t0"])
            counts.append([batch.num_rows for batch in extract.batches()])
            landed = land(
                LandedEntity(home, "erp", given.entities["t0"]),
                reader,
                now=dt.datetime.now(dt.UTC),
            )
        for batch in landed.batches:
            store_of(home, batch).accept(batch)
    assert counts[0] != counts[1]
    assert landed == Landed([], already_landed=1)


BAD = {
    "postgresql": [
        ("date", "'infinity'", "infinity"),
        ("timestamp", "'-infinity'", "-infinity"),
        ("timestamptz", "'infinity'", "infinity"),
        ("numeric(9,2)", "'NaN'", "NaN"),
        ("date", "'12000-01-31'", "12000-01-31"),
    ],
    "mariadb": [
        ("date", "'0000-00-00'", "0000-00-00"),
        ("date", "'2014-02-00'", "2014-02-00"),
        ("datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("tinyint(1)", "2", "2"),
    ],
    "sqlite": [
        ("date", "'31.01.2014'", "31.01.2014"),
        ("integer", "1.5", "1.5"),
        ("boolean", "2", "2"),
    ],
}


@of("fast", [True, False])
def test_a_value_that_its_type_cannot_hold_is_shown_and_not_lost(
    database: Database, fast: bool
) -> None:
    for at, (kind, stored, shown) in enumerate(BAD[database.kind]):
        database.run(
            f"create table b{at} (id integer, a {kind} null, word varchar(9))",
            f"insert into b{at} values (1, null, 'x'), (2, {stored}, '客'), (3, null, 'z')",
        )
        given = source(database, f"b{at}")
        ((_, table, (bad,)),) = extracts(given, fast=fast)
        assert rows(table) == [(1, None, "x"), (3, None, "z")]
        assert bad.text == f'{{"id": "2", "a": "{shown}", "word": "客"}}'
        assert bad.reason.startswith(f"a is '{shown}', which is no ")
        # Who wants it as it is written says so.
        as_text = source(database, f"b{at}", columns={"a": "text"})
        ((_, table, rejected),) = extracts(as_text, fast=fast)
        assert (rows(table)[1], rejected) == ((2, shown, "客"), [])


@of("fast", [True, False])
def test_declared_columns(database: Database, fast: bool) -> None:
    database.run(
        "create table t (id integer, amount varchar(9), day varchar(9), n varchar(9))",
        "insert into t values (1, '1.5', '31.1.2014', '7'), (2, null, null, null),"
        " (3, '1.555', '1.2.2014', '8')",
    )
    declared = {"amount": "decimal(9,2)", "day": "date %d.%m.%Y", "n": "integer"}
    ((_, table, (bad,)),) = extracts(source(database, "t", columns=declared), fast=fast)
    assert rows(table) == [
        (1, Decimal("1.50"), dt.date(2014, 1, 31), 7),
        (2, None, None, None),
    ]
    assert "amount is '1.555'" in bad.reason
    assert "t0: the table has no column x" in fails(
        source(database, "t", columns={"x": "text"})
    )


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    amounts=st.lists(st.decimals(-(10**11) + 1, 10**11 - 1, places=4), min_size=1),
    fast=st.booleans(),
)
def test_every_amount_is_exact(
    database: Database, amounts: list[Decimal], fast: bool
) -> None:
    database.run(
        "drop table if exists t", "create table t (id integer, a numeric(19,4))"
    )
    values = ", ".join(f"({at}, {amount})" for at, amount in enumerate(amounts))
    database.run(f"insert into t values {values}")
    assert read(source(database, "t"), fast=fast)["a"].to_pylist() == amounts


@of("fast", [True, False])
@of("table", ["My Orders", "select", "ÜBER", "a.b", "a%b", "a:b", "a'b"])
def test_names_are_quoted(database: Database, table: str, fast: bool) -> None:
    columns = ["Id", "group", "a b", "x%s", ":y", "客户", 'q"q']
    quoted = database.quoted
    declared = ", ".join(f"{quoted(column)} integer" for column in columns)
    database.run(
        f"create table {quoted(table)} ({declared})",
        f"insert into {quoted(table)} values (1, 2, 3, 4, 5, 6, 7)",
    )
    named = f'"{table}"' if "." in table else table
    given = source(
        database,
        named,
        key=["Id", "a b"],
        cursor={"column": "x%s", "overlap": "0"},
        deletes={"table": named, "key": ["group", ":y"]},
    )
    found = read(given, fast=fast)
    assert found.column_names == columns
    assert rows(found) == [(1, 2, 3, 4, 5, 6, 7)]
    names = [table.column_names for _, table, _ in extracts(given, Since(4, True))]
    assert names == [columns, ["Id", "a b"], ["Id", "a b"]]


@servers_with_passwords
def test_a_table_of_another_schema(database: Database) -> None:
    name = f"Other {next(NUMBERS)}"
    quoted = database.quoted(name)
    database.run(f"create schema {quoted}", f"create table {quoted}.t (id integer)")
    url = database.owner.render_as_string(hide_password=False)
    assert read(source(database, f"{name}.t", url=url)).column_names == ["id"]


@only_postgresql
@of("fast", [True, False])
def test_money_of_postgresql_is_exact(database: Database, fast: bool) -> None:
    """Declared or not, of a domain too, whatever the server writes: $1,234.50."""
    database.run(
        "create domain price as money",
        "create table t (id integer primary key, mo money, pr price)",
        "insert into t values (1, '1234.50', '7.25'), (2, '-5.00', null), "
        "(3, null, null)",
    )
    expected = [
        (1, Decimal("1234.50"), Decimal("7.25")),
        (2, Decimal("-5.00"), None),
        (3, None, None),
    ]
    for columns in ({}, {"mo": "decimal(12,2)", "pr": "decimal(12,2)"}):
        given = source(database, "t", columns=columns)
        ((_, table, rejected),) = extracts(given, fast=fast)
        assert (rows(table), rejected) == (expected, [])
    given = source(database, "t", columns={"mo": "text"})
    ((_, table, _),) = extracts(given, fast=fast)
    assert table["mo"].to_pylist() == ["$1,234.50", "-$5.00", None]


@only_mariadb
def test_a_shape_of_mariadb_does_not_hide_its_table(database: Database) -> None:
    database.run(
        "create table t (id int primary key, name varchar(20), g point)",
        "insert into t values (1, 'Alder', point(1, 2)), (2, 'Elm', null)",
    )
    for columns in ({}, {"g": "text"}):
        ((_, table, rejected),) = extracts(source(database, "t", columns=columns))
        assert rows(table) == [(1, "Alder", "POINT(1 2)"), (2, "Elm", None)]
        assert rejected == []


def test_names_that_differ_in_case_are_reported_with_both(database: Database) -> None:
    if database.kind != "postgresql":
        pytest.skip("the server does not allow it")
    database.run('create table t (id integer, "Amount" integer, amount integer)')
    database.run("insert into t values (1, 2, 3)")
    assert "'Amount' and 'amount'" in fails(source(database, "t"))
    found = read(source(database, "t", leave_out=["amount"]))
    assert (found.column_names, rows(found)) == (["id", "Amount"], [(1, 2)])


def test_what_is_left_out_is_not_asked_for(database: Database) -> None:
    database.run("create table t (id integer, a integer, b integer)")
    database.run("insert into t values (1, 2, 3)")
    found = read(source(database, "t", leave_out=["a", "gone"]))
    assert (found.column_names, rows(found)) == (["id", "b"], [(1, 3)])


@servers_with_passwords
def test_the_hour_that_comes_twice_stays_two_hours(database: Database) -> None:
    """The end of summer time in New York, in a server that lives there."""
    if database.kind == "postgresql":
        database.run("alter role reader set timezone = 'America/New_York'")
        kind, moments = "timestamptz", ["2024-11-03 01:30-04", "2024-11-03 01:30-05"]
        values = [f"'{moment}'" for moment in moments]
    else:
        kind, values = (
            "timestamp",
            ["from_unixtime(1730611800)", "from_unixtime(1730615400)"],
        )
    database.run(f"create table t (id integer, at {kind} null)")
    try:
        for number, value in enumerate(values):
            database.run(f"insert into t values ({number}, {value})")
        first, second = read(source(database, "t"))["at"].to_pylist()
    finally:
        if database.kind == "postgresql":
            database.run("alter role reader reset timezone")
    assert first == dt.datetime(2024, 11, 3, 5, 30, tzinfo=dt.UTC)
    assert second - first == dt.timedelta(hours=1)


# Increments and deletes ---------------------------------------------------------------


def orders(database: Database) -> None:
    database.run(
        f"create table orders (id integer, seen {database.moment}, day date, n integer,"
        " amount numeric(9,2))",
        "insert into orders values"
        " (1, '2014-01-01 00:00:00', '2014-01-01', 10, 1.5),"
        " (3, '2014-01-03 12:00:00', '2014-01-03', 30, 3.5),"
        " (2, '2014-01-03 12:00:00', '2014-01-03', 30, 3.5),"
        " (4, '2014-01-05 00:00:00.000001', '2014-01-05', 50, 5.5),"
        " (5, null, null, null, null)",
    )


@of(
    ("cursor", "overlap", "since", "expected"),
    [
        ("seen", "0 days", dt.datetime(2014, 1, 3, 12), [2, 3, 4]),
        ("seen", "0 days", dt.datetime(2014, 1, 3, 12, 0, 0, 1), [4]),
        ("seen", "0 days", dt.datetime(2014, 1, 5, 0, 0, 0, 1), [4]),
        ("seen", "36 hours", dt.datetime(2014, 1, 5), [2, 3, 4]),
        ("seen", "35 hours", dt.datetime(2014, 1, 5), [4]),
        ("seen", "1 week", dt.datetime(2014, 1, 5), [1, 2, 3, 4]),
        ("seen", "9 weeks", dt.datetime(1, 1, 2), [1, 2, 3, 4]),
        ("day", "2 days", dt.date(2014, 1, 5), [2, 3, 4]),
        ("day", "2 hours", dt.date(2014, 1, 4), [2, 3, 4]),
        ("n", "0", 50, [4]),
        ("n", "20", 50, [2, 3, 4]),
        ("amount", "2.00", Decimal("5.50"), [2, 3, 4]),
        ("n", "0", None, [1, 2, 3, 4]),
    ],
)
def test_increments(
    database: Database, cursor: str, overlap: str, since: Any, expected: list[int]
) -> None:
    """Rows without a cursor come every time: no increment would ever bring them."""
    orders(database)
    given = source(database, "orders", cursor={"column": cursor, "overlap": overlap})
    with DatabaseReader(given) as reader:
        (extract,) = reader.extracts(given.entities["t0"], Since(since))
        ids = whole(extract)["id"].to_pylist()
    assert extract.is_whole == (since is None)
    assert sorted(ids) == [*expected, 5]
    assert [one for one in ids if one != 5] == expected, "cursor first, then key"


@only_postgresql
def test_an_increment_by_moments_with_a_zone(database: Database) -> None:
    database.run(
        "create table t (id integer, seen timestamptz)",
        "insert into t values (1, '2014-01-01 08:00+08'), (2, '2014-01-01 09:00+08')",
    )
    given = source(database, "t", cursor={"column": "seen", "overlap": "0 days"})
    since = Since(dt.datetime(2014, 1, 1, 1, tzinfo=dt.UTC))
    assert read(given, since)["id"].to_pylist() == [2]


@only_mariadb
def test_an_increment_by_mariadbs_timestamp(database: Database) -> None:
    database.run(
        "create table t (id integer, seen timestamp)",
        "insert into t values (1, from_unixtime(1391126400)), (2, from_unixtime(1391130000))",
    )
    given = source(database, "t", cursor={"column": "seen", "overlap": "0 days"})
    since = Since(dt.datetime(2014, 1, 31, 1, tzinfo=dt.UTC))
    assert read(given, since)["id"].to_pylist() == [2]


def test_a_cursor_that_cannot_be_is_told_at_the_first_load(database: Database) -> None:
    orders(database)
    database.run("create table words (id integer, word varchar(9))")

    def found(table: str, column: str, overlap: str, since: Since | None = None) -> str:
        cursor = {"column": column, "overlap": overlap}
        return fails(source(database, table, cursor=cursor), since)

    assert "no column gone, which sources.yaml names as its cursor" in found(
        "orders", "gone", "1 day"
    )
    assert "should be a number such as 1000" in found("orders", "n", "1 day")
    assert "should be a duration such as 2 hours" in found("orders", "seen", "5")
    assert "should be a duration" in found("orders", "seen", "3 moons")
    assert "a cursor is a column of times" in found("words", "word", "1 day")
    assert "run a refresh with --full" in found(
        "orders", "n", "1", Since(dt.datetime(2014, 1, 1))
    )


def test_deletes_and_keys(database: Database) -> None:
    orders(database)
    database.run(
        f"create table gone (order_no varchar(9), at {database.moment})",
        "insert into gone values ('7', '2013-12-31 00:00:00'), "
        "('8', '2014-01-04 00:00:00'), ('9', '2014-01-05 00:00:00'), "
        "('2', '2014-01-05 00:00:00'), (null, '2014-01-05 00:00:00')",
    )
    given = source(
        database,
        "orders",
        cursor={"column": "seen", "overlap": "1 day"},
        deletes={"table": "gone", "key": ["order_no"], "cursor": "at"},
        sweep_days=7,
    )
    found = {kind: table for kind, table, _ in extracts(given)}
    assert list(found) == ["rows", "deletes"]
    # 2 was entered again.
    assert found["deletes"].to_pylist() == [{"id": 7}, {"id": 8}, {"id": 9}]

    since = Since(dt.datetime(2014, 1, 5), sweep_due=True)
    found = {kind: table for kind, table, _ in extracts(given, since)}
    assert found["deletes"].to_pylist() == [{"id": 8}, {"id": 9}]
    assert found["deletes"].schema == pa.schema([("id", pa.int64())])
    assert found["keys"]["id"].to_pylist() == [1, 2, 3, 4, 5]
    assert found["keys"].column_names == ["id"]

    missing = {"table": "gone", "key": ["number"]}
    assert "t0, deletes: the table has no column number" in fails(
        source(database, "orders", deletes=missing)
    )
    missing = {"table": "nowhere", "key": ["number"]}
    assert "t0, deletes: the database has no table nowhere" in fails(
        source(database, "orders", deletes=missing)
    )


# What goes wrong ----------------------------------------------------------------------


def test_a_missing_table(database: Database) -> None:
    database.run("create table t (id integer)")
    message = "erp.t0: the database has no table orders."
    assert fails(source(database, "orders")) == message


@servers_with_passwords
def test_a_table_that_may_not_be_read(database: Database) -> None:
    database.run("create table t (id integer)")
    if database.kind == "postgresql":
        database.run("revoke select on t from reader")
    else:
        name = database.owner.database
        database.run(f"revoke select on {name}.* from reader@localhost")
        database.run(f"grant insert on {name}.* to reader@localhost")
    message = fails(source(database, "t"))
    assert message.startswith("erp.t0")
    assert "denied" in message


@servers_with_passwords
@of(
    "change",
    [
        {"password": "hunter2 wrong"},
        {"username": "nobody"},
        {"query": {}, "host": "127.0.0.1", "port": 1},
        {"query": {}, "host": "nowhere.invalid"},
        {"database": "elsewhere"},
    ],
)
def test_who_cannot_connect_is_told_why_and_no_secret(
    database: Database, change: dict[str, Any]
) -> None:
    url = sa.make_url(database.url).set(**change)
    found = fails(source(database, "t", url=url.render_as_string(False)))
    assert found.startswith("erp: ")
    assert "cannot be reached: " in found


@servers_with_passwords
def test_a_driver_that_is_not_there(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = "psycopg" if database.kind == "postgresql" else "pymysql"
    monkeypatch.setitem(sys.modules, driver, None)
    found = fails(source(database, "t"))
    assert f"its driver is not installed; run: pip install '{driver}" in found


@servers_with_passwords
def test_a_server_that_goes_away(database: Database) -> None:
    database.run("create table t (id integer)", "insert into t values (1)")
    given = source(database, "t")
    with DatabaseReader(given, fast=False) as reader:
        assert reader._connection is not None
        extract = next(reader.extracts(given.entities["t0"]))
        if database.kind == "postgresql":
            pid = reader._connection.exec_driver_sql("select pg_backend_pid()").scalar()
            database.run(f"select pg_terminate_backend({pid})")
        else:
            pid = reader._connection.exec_driver_sql("select connection_id()").scalar()
            database.run(f"kill {pid}")
        with pytest.raises(SourceUnavailable, match="cannot be read") as error:
            list(extract.batches())
    assert "hunter2" not in full_text(error.value)


@only_postgresql
def test_without_a_second_connection_the_other_way_is_taken(database: Database) -> None:
    database.run("create table t (id integer)", "insert into t values (1)")
    given = source(database, "t")
    database.run("alter role reader connection limit 1")
    try:
        with DatabaseReader(given) as reader:
            (extract,) = reader.extracts(given.entities["t0"])
            assert rows(whole(extract)) == [(1,)]
            assert not reader.fast
    finally:
        database.run("alter role reader connection limit -1")


@servers_with_passwords
def test_what_may_pass_and_what_will_not(database: Database) -> None:
    """A connection that the server ends may; a password or a table never."""
    database.run("create table t (id integer primary key, v text)")
    database.run("insert into t values (1, 'a')")
    wrong = sa.make_url(database.url).set(password="wrong")
    for bad in (
        source(database, "t", url=wrong.render_as_string(hide_password=False)),
        source(database, "nothing"),
    ):
        with pytest.raises(SourceUnavailable) as error:
            read(bad)
        assert not may_pass(error.value), error.value
    with DatabaseReader(source(database, "t")) as reader:
        kill_all_readers(database)
        with pytest.raises(SourceUnavailable) as error:
            list(reader.extracts(next(iter(source(database, "t").entities.values()))))
    assert may_pass(error.value), error.value


def kill_all_readers(database: Database) -> None:
    engine = sa.create_engine(database.owner, poolclass=sa.NullPool)
    with engine.connect() as connection:
        if database.kind == "postgresql":
            connection.exec_driver_sql(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where usename = 'reader'"
            )
            return
        found = connection.exec_driver_sql(
            "select id from information_schema.processlist where user = 'reader'"
        )
        for (number,) in found.fetchall():
            connection.exec_driver_sql(f"kill {number}")
