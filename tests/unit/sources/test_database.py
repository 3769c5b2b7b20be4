"""Reading databases: types and values as they are, nothing changed, no secret printed."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.sources import Source, open_reader
from tests.profiles import examples
from tests.unit.support import database_source, full_text, read, rows


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "erp.sqlite"


def fill(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)


def sqlite(database: Path, *tables: str, **options: Any) -> Source:
    return database_source(f"sqlite:///{database}", *(tables or ("t",)), **options)


def fails(source: Source, *secrets: str) -> str:
    """The message, having checked that neither it nor its causes tell a secret."""
    with pytest.raises(SourceUnavailable) as error:
        read(source)
    assert error.value.exit_code == 5
    for secret in secrets:
        assert secret not in full_text(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("declared", "stored", "kind", "value"),
    [
        ("NUMERIC(19,4)", "1234567.8901", pa.decimal128(19, 4), "1234567.8901"),
        ("NUMERIC(19,4)", "-0.1", pa.decimal128(19, 4), "-0.1000"),
        ("NUMERIC(19,4)", "7", pa.decimal128(19, 4), "7.0000"),
        ("DECIMAL(10)", "7", pa.decimal128(10, 0), "7"),
    ],
)
def test_money(
    database: Path, declared: str, stored: str, kind: pa.DataType, value: str
) -> None:
    fill(database, f"create table t (id integer, a {declared})")
    fill(database, f"insert into t values (1, {stored}), (2, null)")
    table, _ = read(sqlite(database))
    assert table["a"].type == kind
    assert list(map(str, table["a"].to_pylist())) == [value, "None"]


@pytest.mark.parametrize(
    ("declared", "stored", "kind", "value"),
    [
        ("INTEGER", "9007199254740993", pa.int64(), 9007199254740993),
        ("BIGINT", "-9223372036854775808", pa.int64(), -(2**63)),
        ("REAL", "0.1", pa.float64(), 0.1),
        ("FLOAT", "2", pa.float64(), 2.0),
        ("TEXT", "'007'", pa.string(), "007"),
        ("TEXT", "'?'", pa.string(), "?"),
        ("TEXT", "''", pa.string(), ""),
        ("TEXT", "'a' || char(10, 0) || '客户'", pa.string(), "a\n\0客户"),
        ("VARCHAR(10)", "'x'", pa.string(), "x"),
        ("BOOLEAN", "1", pa.bool_(), True),
        ("BOOLEAN", "0", pa.bool_(), False),
        ("DATE", "'2014-01-31'", pa.date32(), dt.date(2014, 1, 31)),
        (
            "DATETIME",
            "'2014-01-31 23:59:58.000001'",
            pa.timestamp("us"),
            dt.datetime(2014, 1, 31, 23, 59, 58, 1),
        ),
        ("BLOB", "x'00ff'", pa.binary(), b"\0\xff"),
        ("JSON", """'{"客户": [1, null]}'""", pa.string(), '{"客户": [1, null]}'),
        ("TIME", "'23:59:58.50'", pa.string(), "23:59:58.50"),
        ("NUMERIC", "1.5", pa.string(), "1.5"),
        ("", "'anything'", pa.string(), "anything"),
    ],
)
def test_a_type(
    database: Path, declared: str, stored: str, kind: pa.DataType, value: object
) -> None:
    fill(database, f"create table t (id integer, a {declared})")
    fill(database, f"insert into t values (1, {stored}), (2, null)")
    table, rejected = read(sqlite(database))
    assert table["a"].type == kind
    assert (table["a"].to_pylist(), rejected) == ([value, None], [])


@settings(max_examples=examples(30), deadline=None)
@given(
    amounts=st.lists(
        st.decimals(-(10**11) + 1, 10**11 - 1, places=4) | st.none(), max_size=20
    )
)
def test_every_amount_is_exact(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal | None]
) -> None:
    database = tmp_path_factory.mktemp("money") / "erp.sqlite"
    fill(database, "create table t (id integer, amount numeric(19, 4))")
    with closing(sqlite3.connect(database)) as connection:
        connection.executemany(
            "insert into t values (?, ?)",
            [
                (i, None if amount is None else str(amount))
                for i, amount in enumerate(amounts)
            ],
        )
        connection.commit()
    table, _ = read(sqlite(database))
    assert table["amount"].to_pylist() == amounts


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("my table", ["id", "select", "a b", "客户 No."]),
        ("group", ['id"x', "a'b", "a:b", "a%b", "%(c)s"]),
        ("t%s", ["id", "ID2", "a(b)", "a[b]"]),
    ],
)
def test_names_that_need_quoting(
    database: Path, table: str, columns: list[str]
) -> None:
    quoted = ", ".join('"{}" text'.format(name.replace('"', '""')) for name in columns)
    fill(database, f'create table "{table}" ({quoted})')
    values = ", ".join(f"'{at}'" for at in range(len(columns)))
    fill(database, f'insert into "{table}" values ({values})')
    found, _ = read(sqlite(database, table, key=columns[:1]))
    assert found.column_names == columns
    assert rows(found) == [tuple(map(str, range(len(columns))))]


def test_an_empty_table_has_columns(database: Path) -> None:
    fill(database, "create table t (id integer, amount numeric(19, 4))")
    table, _ = read(sqlite(database))
    assert table.num_rows == 0
    assert table.schema.names == ["id", "amount"]
    assert table["amount"].type == pa.decimal128(19, 4)


def test_rows_come_in_the_order_of_the_key(database: Path) -> None:
    fill(database, "create table t (a integer, b integer)")
    fill(database, "insert into t values (2, 1), (1, 2), (1, 1), (3, 0)")
    table, _ = read(sqlite(database, key=["a", "b"]))
    assert rows(table) == [(1, 1), (1, 2), (2, 1), (3, 0)]
    assert rows(read(sqlite(database, key=["b", "a"]), limit=2)[0]) == [(3, 0), (1, 1)]


def test_a_large_table_comes_in_parts(database: Path) -> None:
    count = 150_000
    fill(
        database,
        f"""
        create table t (id integer, amount numeric(19, 4));
        insert into t
        with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
        select i, i / 100.0 from n
        """,
    )
    source = sqlite(database)
    with open_reader(source) as reader:
        (extract,) = reader.extracts(source.entities["t0"])
        batches = list(extract.batches())
    # An empty one for the columns, a first one that shows how wide the rows are.
    sizes = [batch.num_rows for batch in batches]
    assert sizes == [0, 4_096, 16_384, 65_536, 63_984]
    table = pa.Table.from_batches(batches)
    assert table["id"].to_pylist() == list(range(1, count + 1))
    assert sum(table["amount"].to_pylist()) == Decimal(count * (count + 1) // 2) / 100


def test_views_and_schemas(database: Path) -> None:
    fill(database, "create table t (id integer); insert into t values (7)")
    fill(database, "create view v as select id, 'x' as b from t")
    assert rows(read(sqlite(database, "v"))[0]) == [(7, "x")]
    assert rows(read(sqlite(database, "main.t"))[0]) == [(7,)]


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_all_tables_are_of_one_moment(database: Path, journal: str) -> None:
    """What is written while we read is not seen, or is kept waiting, as SQLite can."""
    fill(database, f"pragma journal_mode = {journal}")
    fill(database, "create table orders (id integer); create table lines (id integer)")
    source = sqlite(database, "orders", "lines")
    with open_reader(source) as reader:
        counts = []
        for entity in source.entities.values():
            (extract,) = reader.extracts(entity)
            counts.append(sum(batch.num_rows for batch in extract.batches()))
            with closing(sqlite3.connect(database, timeout=0)) as erp:
                try:
                    erp.executescript(
                        "begin; insert into orders values (1);"
                        "insert into lines values (1); commit"
                    )
                except sqlite3.OperationalError:
                    assert journal == "delete"
    assert counts == [0, 0]


def test_reading_changes_nothing(database: Path) -> None:
    fill(database, "create table t (id integer); insert into t values (1)")
    before = database.read_bytes(), database.stat().st_mtime_ns
    source = sqlite(database)
    for _ in range(2):  # a reader may be opened again
        with open_reader(source) as reader:
            (extract,) = reader.extracts(source.entities["t0"])
            assert sum(batch.num_rows for batch in extract.batches()) == 1
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_a_reader_may_be_entered_again(database: Path) -> None:
    fill(database, "create table t (id integer); insert into t values (1)")
    source = sqlite(database)
    reader = open_reader(source)
    for _ in range(2):
        with reader:
            (extract,) = reader.extracts(source.entities["t0"])
            assert sum(batch.num_rows for batch in extract.batches()) == 1


@pytest.mark.parametrize("folder", ["a b", "a#b", "a&b=c", "数据", "file:"])
def test_a_path_with_odd_characters(tmp_path: Path, folder: str) -> None:
    database = tmp_path / folder / "erp.sqlite"
    database.parent.mkdir()
    fill(database, "create table t (id integer); insert into t values (1)")
    assert rows(read(sqlite(database))[0]) == [(1,)]


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
@pytest.mark.parametrize("folder", ["here", "a#b"])
def test_a_missing_database_is_reported_and_not_made(
    tmp_path: Path, scheme: str, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    url = f"{scheme}:///{tmp_path}/{folder}/missing.db"
    assert "missing.db cannot be reached: " in fails(database_source(url, "t"))
    assert list(tmp_path.rglob("*")) == [tmp_path / folder]


def test_duckdb_is_a_database_too(tmp_path: Path) -> None:
    path = tmp_path / "erp.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create table t as
            select 1 as id, 1.5::decimal(19, 4) as amount, date '2014-01-31' as day,
                timestamptz '2014-01-31 00:00:00+08' as moment
            """
        )
    table, _ = read(database_source(f"duckdb:///{path}", "t"))
    assert rows(table) == [
        (
            1,
            Decimal("1.5000"),
            dt.date(2014, 1, 31),
            dt.datetime(2014, 1, 30, 16, tzinfo=dt.UTC),
        )
    ]


def test_a_missing_table_and_a_missing_key_are_named(database: Path) -> None:
    fill(database, "create table t (id integer)")
    assert fails(sqlite(database, "orders")) == (
        "erp.t0: the database has no table orders."
    )
    assert "erp.t0: the table has no column number" in fails(
        sqlite(database, key=["id", "number"])
    )


@pytest.mark.parametrize(
    "make",
    [lambda path: path.write_text("no database " * 99), Path.mkdir],
    ids=["text", "folder"],
)
def test_a_file_that_is_no_database(
    database: Path, make: Callable[[Path], object]
) -> None:
    make(database)
    assert fails(sqlite(database)).startswith("erp")


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("INTEGER", "'n/a'"),
        ("REAL", "'n/a'"),
        ("NUMERIC(10,2)", "'n/a'"),
        ("NUMERIC(5,2)", "123456.78"),
        ("DATE", "'31.01.2014'"),
        ("DATETIME", "'yesterday'"),
        ("INTEGER", "1.5"),
        ("BOOLEAN", "2"),
        ("TEXT", "cast(x'ff' as text)"),
    ],
)
def test_a_value_that_is_not_of_its_columns_type(
    database: Path, declared: str, stored: str
) -> None:
    """SQLite lets anything into any column; its row is shown instead of guessed."""
    fill(database, f"create table t (id integer, a {declared})")
    fill(database, f"insert into t values (1, {stored}), (2, null)")
    table, (rejected,) = read(sqlite(database))
    assert rows(table) == [(2, None)]
    assert rejected.text.startswith('{"id": "1", "a": "')
    assert rejected.reason.startswith("a is '")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://reader:hunter2@db/erp",
        "postgresql+psycopg://reader@db/erp?password=hunter2&sslmode=require",
        "mysql+pymysql://reader:hunter2@db/erp",
        "mssql+pyodbc:///?odbc_connect=DSN%3Derp%3BPWD%3Dhunter2",
        "nonsense://reader:hunter2@db/erp",
        "sqlite://reader:hunter2@db/erp",
        "sqlite:////nowhere/erp.sqlite?key=hunter2",
        "duckdb:////nowhere/erp.duckdb?motherduck_token=hunter2",
        "postgresql://reader:pass@db:hunter2/erp",
        "postgresql://reader:hunter2@db:port/erp",
        "postgresql://reader:hunter2/x@db/erp",
        "reader:hunter2@db",
        "://hunter2",
        "hunter2",
    ],
)
def test_a_password_is_never_printed(url: str) -> None:
    message = fails(database_source(url, "t"), "hunter2")
    assert message.startswith("erp: ")


def test_a_driver_that_repeats_a_secret_is_not_listened_to(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "erp.duckdb")).close()
    url = f"duckdb:///{tmp_path}/erp.duckdb?threads=hunter2"
    message = fails(database_source(url, "t"), "hunter2")
    assert "Could not convert string '***'" in message
