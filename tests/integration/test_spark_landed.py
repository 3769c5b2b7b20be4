"""What is in force of an entity is the same in Spark's SQL as in DuckDB's.

Needs Spark (`make spark-env`) and Java; one session on this machine, without a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipeline.common.home import Home
from pipeline.landing import compaction
from pipeline.landing.entity import LandedEntity
from pipeline.sources import Entity, Extract, Since
from pipeline.transform.spark import landed as landed_sql
from pipeline.transform.spark import session as spark_session
from pipeline.transform.spark.session import Session
from tests.integration import spark_cluster
from tests.unit.landing.test_increments import Table, entity, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    spark = spark_cluster.installation()
    folder = tmp_path_factory.mktemp("spark")
    configuration = spark_cluster.configuration("local[1]", folder)
    with spark_session.opened(
        spark.python, spark.environment, configuration, folder / "driver"
    ) as found:
        yield found


class Typed:
    """A reader that gives one table, of whatever columns, whole or as an increment."""

    def __init__(self, *parts: pa.Table) -> None:
        self._parts = iter(parts)

    def __enter__(self) -> Typed:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        part = next(self._parts)
        yield Extract(
            origin="part", fingerprint=None, batches=lambda: iter(part.to_batches())
        )


def changed_and_gone(home: Home) -> Entity:
    """Increments with an overlap, marks of deletion, and a sweep that finds one gone."""
    table, what = Table(), entity(sweep_days=7)
    for key in range(6):
        table.put(key, key)
    load(home, table, what)
    table.put(1, 11)
    table.put(2, 2, gone="Y")
    load(home, table, what, day=1)
    del table.rows[4]
    load(home, table, what, day=8)
    table.put(2, 22)
    load(home, table, what, day=9)
    return what


def read_whole_again(home: Home) -> Entity:
    """Generations: the source has gone back to older cursors, and a key is no more."""
    table, what = Table(), entity()
    for key in range(6):
        table.put(key, key)
    load(home, table, what)
    table.put(3, 33)
    load(home, table, what, day=1)
    table.clock = 0
    del table.rows[5]
    for key in range(4):
        table.put(key, 100 + key)
    load(home, table, what, day=2, full=True)
    table.put(1, 111)
    load(home, table, what, day=3)
    load(home, table, what, day=4, full=True)
    return what


def packed(home: Home) -> Entity:
    """Small batches in one file, and newer ones beside it."""
    what = read_whole_again(home)
    for packing in compaction.plan(home, least_files=2, small_bytes=2**30):
        compaction.pack(home, packing)
    table = Table()
    table.clock = 50
    table.put(9, 9)
    load(home, table, what, day=5)
    return what


def replaced(home: Home) -> Entity:
    """Of each invoice the lines of the newest batch alone."""
    what = entity(
        key=["id", "v"], replace=["id"], cursor=None, deleted_when=[], load="append"
    )
    lines = pa.table({"id": [1, 1, 2], "v": [1, 2, 1]})
    fewer = pa.table({"id": [1, 3], "v": [7, 1]})
    reader: Any = Typed(lines, fewer)
    load(home, reader, what)
    load(home, reader, what, day=1)
    return what


def other_columns(home: Home) -> Entity:
    """A column that comes later, one that was empty, one that becomes wider."""
    what = entity(cursor=None, deleted_when=[], load="append")
    first = pa.table(
        {
            "id": [1, 2],
            "v": pa.array([1, 2], pa.int32()),
            "Empty": pa.nulls(2),
            "never": pa.nulls(2),
        }
    )
    second = pa.table(
        {
            "later `on`": ["x", None],
            "id": [2, 3],
            "v": pa.array([2**40, None], pa.int64()),
            "empty": ["now", None],
            "never": pa.nulls(2),
        }
    )
    reader: Any = Typed(first, second)
    load(home, reader, what)
    load(home, reader, what, day=1)
    return what


def one_batch(home: Home) -> Entity:
    table, what = Table(), entity()
    table.put(1, 1)
    load(home, table, what)
    return what


@pytest.mark.parametrize(
    "story",
    [one_batch, changed_and_gone, read_whole_again, packed, replaced, other_columns],
)
def test_the_rows_in_force_are_the_same(
    story: Callable[[Home], Entity], session: Session, tmp_path: Path
) -> None:
    # A name in which both engines would see patterns.
    home = Home.open(tmp_path / "home [old], {a}")
    what = story(home)
    landed = LandedEntity(home, "shop", what)
    batches = landed.in_force()
    relation = landed.relation(batches)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        columns = [
            name
            for name, *_ in connection.execute(
                f"describe select * from {relation} as landed"
            ).fetchall()
        ]
        texts = ", ".join(
            f'cast("{name}" as varchar)' for name in columns if name[:2] != "_l"
        )
        ours = connection.execute(
            f"select {texts} from {relation} as landed"
        ).fetchall()
    query = landed_sql.relation(landed, batches)
    session.run(f"create or replace view landed as {query}")
    described = session.run("describe landed")
    assert [name for name, *_ in described] == columns
    texts = ", ".join(
        f"cast({landed_sql.quoted(name)} as string)"
        for name in columns
        if name[:2] != "_l"
    )
    theirs = session.run(f"select {texts} from landed")
    key = lambda row: [str(value) for value in row]  # noqa: E731
    assert sorted(map(list, ours), key=key) == sorted(theirs, key=key)
    assert ours
    every = landed.every_row(batches)
    if (
        len(batches) > 1
        and story is not other_columns
        and story is not changed_and_gone
    ):
        # Each story has rows that count no more.
        with duckdb.connect() as connection:
            (rows,) = connection.execute(
                f"select count(*) from {every}"
            ).fetchone() or (0,)
        assert rows > len(ours)


def test_nothing_landed_is_no_relation(tmp_path: Path) -> None:
    landed = LandedEntity(Home.open(tmp_path / "home"), "shop", entity())
    assert landed_sql.relation(landed, []) is None
