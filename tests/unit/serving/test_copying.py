"""Rows on their way out of DuckDB, as text: all of them, or the error; never a wait."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import duckdb
import pytest

from pipeline.serving.contents import Column, Table
from pipeline.serving.postgres.copying import _indexes, _text
from pipeline.serving.postgres.loads import Load, Loading
from pipeline.serving.postgres.types import type_of, typed

ROWS = 200_000


@pytest.fixture
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.t as select i as n, repeat('x', 300) as t "
            f"from range({ROWS}) as r(i)"
        )
        yield connection


def loading(table: str = "t", **more: object) -> Loading:
    columns = [Column("n", "BIGINT", True, ""), Column("t", "VARCHAR", True, "")]
    found = Table("marts", table, "", columns, ROWS, **more)  # type: ignore[arg-type]
    return Loading(found, typed(columns), Load(1, "r000001-20240131", "loading"))


def test_every_row_comes(release: duckdb.DuckDBPyConnection) -> None:
    with _text(release, loading()) as chunks:
        lines = b"".join(chunks).splitlines()
    assert len(lines) == ROWS
    assert sorted(int(line.split(b",")[0]) for line in lines) == [*range(ROWS)]


def test_an_error_of_the_engine_is_raised(release: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException), _text(release, loading("u")) as chunks:
        list(chunks)
    # And one that comes after many rows.
    release.execute(
        "create view marts.v as select n, case when n < 190000 then t "
        "else error('broken') end as t from marts.t"
    )
    with (
        pytest.raises(duckdb.Error, match="broken"),
        _text(release, loading("v")) as chunks,
    ):
        list(chunks)


def test_whoever_stops_reading_waits_for_nothing(
    release: duckdb.DuckDBPyConnection,
) -> None:
    """60 MB are written, and more than lies ready is never read."""
    before = threading.active_count()
    began = dt.datetime.now()
    with pytest.raises(ZeroDivisionError), _text(release, loading()) as chunks:
        assert next(chunks)
        raise ZeroDivisionError
    assert threading.active_count() == before
    assert dt.datetime.now() - began < dt.timedelta(seconds=20)


def test_indexes_are_made_once_each() -> None:
    found = _indexes(loading(key=("n", "t"), references={"n": [], "t": [], "gone": []}))
    said = [statement.as_string(None) for statement in found]
    assert said == [
        'alter table "marts_r000001_20240131_1"."t" add primary key ("n", "t")',
        'create index on "marts_r000001_20240131_1"."t" ("t")',
    ]
    (unique,) = _indexes(loading(unique=("t",)))
    assert unique.as_string(None).startswith("create unique index on")


@pytest.mark.parametrize(
    ("duckdb_type", "expected"),
    [
        ("DECIMAL(18,4)", "numeric(18,4)"),
        ("DECIMAL(18,4)[]", "jsonb"),
        ("STRUCT(a DECIMAL(18,4))", "jsonb"),
        ("MAP(VARCHAR, INTEGER)", "jsonb"),
        ("ENUM('a', 'b')", "text"),
        ("TIMESTAMP_NS", "timestamp with time zone"),
        ("BIT", "text"),
    ],
)
def test_a_type_is_the_one_that_holds_its_values(
    duckdb_type: str, expected: str
) -> None:
    assert type_of(duckdb_type) == expected
