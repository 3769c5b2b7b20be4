"""Increments, deletions and repetitions: what landing holds is what the source holds.

The source is a table in memory that is changed at random and read in increments with an
overlap, as the database reader reads; the staging macro of the dbt project then gives
back its rows.
"""

from __future__ import annotations

import copy
import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.landing import increments
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import Landed, land
from pipeline.sources import Entity, Extract, Rejected, Since, Source, open_reader
from tests.profiles import examples
from tests.unit.support import store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("v", pa.int64()),
        ("changed", pa.int64()),
        ("gone", pa.string()),
    ]
)
OVERLAP = 3


class Table:
    """A table with a change counter, and a reader of it."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.noted: set[int] = set()
        self.clock = 0
        self.reads: list[Since | None] = []

    def put(self, key: int, value: int, *, gone: str = "N") -> None:
        self.clock += 1
        self.rows[key] = {"id": key, "v": value, "changed": self.clock, "gone": gone}

    def live(self) -> set[tuple[int, int]]:
        return {
            (row["id"], row["v"]) for row in self.rows.values() if row["gone"] == "N"
        }

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        self.reads.append(since)
        cursor = since.cursor if since else None
        chosen = sorted(
            (
                row
                for row in self.rows.values()
                if cursor is None or row["changed"] >= cursor - OVERLAP
            ),
            key=lambda row: row["changed"],
        )
        table = pa.Table.from_pylist(chosen, schema=SCHEMA)
        yield Extract(
            origin="table",
            fingerprint=None,
            batches=lambda: iter(table.to_batches(2) or [_empty(SCHEMA)]),
            is_whole=cursor is None,
        )
        if entity.deletes:
            gone = pa.table({"id": pa.array(sorted(self.noted - set(self.rows)))})
            yield Extract(
                origin="deletes",
                fingerprint=None,
                batches=lambda: iter(gone.to_batches() or [_empty(gone.schema)]),
                content="deletes",
            )
        if since is not None and since.sweep_due:
            keys = pa.table({"id": pa.array(sorted(self.rows), pa.int64())})
            yield Extract(
                origin="keys",
                fingerprint=None,
                batches=lambda: iter(keys.to_batches() or [_empty(keys.schema)]),
                content="keys",
            )


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def entity(**options: Any) -> Entity:
    return Entity.model_validate(
        {
            "name": "items",
            "key": ["id"],
            "cursor": {"column": "changed", "overlap": str(OVERLAP)},
            "deleted_when": {"column": "gone", "values": ["Y"]},
            **options,
        }
    )


def load(
    home: Home, table: Table, what: Entity, *, day: int = 0, full: bool = False
) -> Landed:
    landed = land(
        LandedEntity(home, "shop", what),
        table,
        now=NOW + dt.timedelta(days=day),
        full=full,
    )
    for batch in landed.batches:
        store_of(home, batch).accept(batch)
    return landed


def staged(home: Home, what: Entity) -> set[tuple[Any, ...]]:
    """The rows that the dbt project's own macro makes of what is landed."""
    landed = LandedEntity(home, "shop", what)
    relation = landed.relation(landed.in_force())
    macros = (PROJECT_ROOT / "dbt_project" / "macros" / "canonical.sql").read_text()
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {"var": lambda name, default: default, "execute": True}
    sql = environment.from_string(macros + "{{ latest(relation, key, cursor) }}")
    cursor = what.cursor.column if what.cursor else None
    query = sql.render(relation=relation, key=["id"], cursor=cursor)
    with duckdb.connect() as connection:
        return set(connection.execute(f"select id, v from ({query})").fetchall())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_the_second_load_goes_on_where_the_first_ended(home: Home) -> None:
    table, what = Table(), entity()
    for key in range(10):
        table.put(key, key)
    assert load(home, table, what).batches[0].rows_landed == 10
    table.put(3, 33)
    (batch,) = load(home, table, what).batches
    assert [since.cursor for since in table.reads if since] == [None, 10]
    assert batch.rows_landed == OVERLAP + 2
    assert staged(home, what) == table.live()


def test_an_overlap_alone_is_nothing_new(home: Home) -> None:
    table, what = Table(), entity()
    for key in range(10):
        table.put(key, key)
    load(home, table, what)
    again = load(home, table, what)
    assert (again.batches, again.already_landed) == ([], 1)


def test_full_ignores_the_cursor(home: Home) -> None:
    table, what = Table(), entity()
    table.put(1, 1)
    load(home, table, what)
    load(home, table, what, full=True)
    assert [since.cursor for since in table.reads if since] == [None, None]


def test_a_row_that_came_late_within_the_overlap_is_not_lost(home: Home) -> None:
    """Committed after the load, with a change number from before it."""
    table, what = Table(), entity()
    table.put(1, 1)
    table.put(2, 2)
    late = table.rows.pop(1)
    load(home, table, what)
    table.rows[1] = late
    load(home, table, what)
    assert staged(home, what) == {(1, 1), (2, 2)}


def test_an_older_version_that_lands_later_does_not_win(home: Home) -> None:
    table, what = Table(), entity()
    table.put(1, 1)
    old = dict(table.rows[1])
    table.put(1, 2)
    load(home, table, what)
    table.rows[1] = old
    load(home, table, what)
    assert staged(home, what) == {(1, 2)}


def test_a_flag_deletes_and_takes_back(home: Home) -> None:
    table, what = Table(), entity()
    table.put(1, 1)
    table.put(2, 2)
    load(home, table, what)
    table.put(1, 1, gone="Y")
    load(home, table, what)
    assert staged(home, what) == {(2, 2)}
    table.put(1, 5)
    load(home, table, what)
    assert staged(home, what) == {(1, 5), (2, 2)}


def test_a_sweep_finds_what_vanished(home: Home) -> None:
    table, what = Table(), entity(sweep_days=7)
    for key in range(5):
        table.put(key, key)
    load(home, table, what)
    del table.rows[2]
    load(home, table, what, day=6)
    assert (2, 2) in staged(home, what)
    swept = load(home, table, what, day=7).batches[-1]
    assert (swept.content, swept.rows_landed) == ("sweep", 1)
    assert staged(home, what) == table.live()
    assert [since.sweep_due for since in table.reads if since] == [False, False, True]
    # A key that is used again is a new row.
    table.put(2, 22)
    load(home, table, what, day=8)
    assert (2, 22) in staged(home, what)


def test_what_was_read_as_a_whole_is_where_increments_go_on(home: Home) -> None:
    """A restored backup has an older cursor; from there on nothing is missed."""
    table, what = Table(), entity()
    for key in range(20):
        table.put(key, key)
    load(home, table, what)
    table.rows, table.clock = {0: table.rows[0]}, 1
    load(home, table, what, full=True)
    table.put(0, 5)
    load(home, table, what)
    assert [since.cursor for since in table.reads if since] == [None, None, 1]
    assert (0, 5) in staged(home, what)


def test_a_value_that_changed_back_is_news(home: Home) -> None:
    """Without touching the cursor, twice: the content is one that landed before."""
    table, what = Table(), entity()
    for value in (1, 2, 1, 2):
        table.rows[7] = {"id": 7, "v": value, "changed": 5, "gone": "N"}
        load(home, table, what)
        assert staged(home, what) == {(7, value)}


def test_a_row_that_comes_back_as_it_was_is_there_again(home: Home) -> None:
    """A marker is as new as what it deletes; the row is read within the overlap."""
    table, what = Table(), entity(sweep_days=1)
    table.put(1, 1)
    table.put(1, 2)
    table.put(2, 2)
    load(home, table, what)
    row = table.rows.pop(1)
    load(home, table, what, day=1)
    assert staged(home, what) == {(2, 2)}
    table.rows[1] = row
    load(home, table, what, day=2)
    assert staged(home, what) == {(1, 2), (2, 2)}


class Broken(Table):
    """A table with rows that cannot be read."""

    bad: tuple[str, ...] = ()

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        for extract in super().extracts(entity, since, limit):
            extract.rejected.extend(Rejected(None, key, "bad") for key in self.bad)
            yield extract


def test_rows_that_cannot_be_read_are_news_too(home: Home) -> None:
    """The sound rows are those that landed; the broken one must not be passed over."""

    table, what = Broken(), entity(cursor=None)
    table.put(1, 1)
    load(home, table, what)
    for bad in (("x",), ("x", "y")):
        table.bad = bad
        (batch,) = load(home, table, what).batches
        assert batch.rows_quarantined == len(bad)
        assert load(home, table, what).already_landed == 1


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 6), st.integers(0, 99)),
            st.tuples(st.just("flag"), st.integers(0, 6), st.just(0)),
            st.tuples(st.just("remove"), st.integers(0, 6), st.just(0)),
            st.tuples(st.just("load"), st.just(0), st.just(0)),
            st.tuples(st.just("full"), st.just(0), st.just(0)),
            st.tuples(st.just("kill"), st.just(0), st.just(0)),
        ),
        max_size=30,
    )
)
@settings(max_examples=examples(60), deadline=None)
def test_whatever_happens_the_last_load_is_right(
    steps: list[tuple[str, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(folder) / "home")
        table, what = Table(), entity(sweep_days=1)
        table.put(0, 0)
        load(home, table, what)
        day = 0
        for action, key, value in steps:
            if action == "put":
                table.put(key, value)
            elif action == "flag" and key in table.rows:
                table.put(key, table.rows[key]["v"], gone="Y")
            elif action == "remove":
                table.rows.pop(key, None)
            elif action in {"load", "full"}:
                day += 1
                load(home, table, what, day=day, full=action == "full")
                assert staged(home, what) == table.live()
            elif action == "kill":  # landed, and nobody came to the gate
                land(LandedEntity(home, "shop", what), table, now=NOW)
        load(home, table, what, day=day + 1)
        assert staged(home, what) == table.live()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["put", "behind", "flag", "remove", "back up", "restore", "load", "full"]
        ),
        st.integers(0, 4),
        st.integers(0, 2),
    ),
    max_size=12,
)


@given(STEPS)
@example([("put", 0, 0), ("full", 0, 0), ("restore", 0, 0)])
@settings(max_examples=examples(25), deadline=None)
def test_a_full_load_settles_on_what_there_is(
    steps: list[tuple[str, int, int]],
) -> None:
    """Also on what the cursor does not tell: rows changed or brought back behind it, a
    backup that was restored with its counter."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(folder) / "home")
        table, what = Table(), entity(sweep_days=1000)
        backup = copy.deepcopy((table.rows, table.clock))
        for action, key, value in [*steps, ("full", 0, 0)]:
            if action == "put":
                table.put(key, value)
            elif action == "behind" and key in table.rows:
                table.rows[key]["v"] = value
            elif action == "flag" and key in table.rows:
                table.put(key, table.rows[key]["v"], gone="Y")
            elif action == "remove":
                table.rows.pop(key, None)
            elif action == "back up":
                backup = copy.deepcopy((table.rows, table.clock))
            elif action == "restore":
                table.rows, table.clock = copy.deepcopy(backup)
            elif action == "load":
                load(home, table, what)
            elif action == "full":
                load(home, table, what, full=True)
                assert staged(home, what) == table.live()
                # From there on, increments miss nothing.
                table.put(key, value)
                load(home, table, what)
                assert staged(home, what) == table.live()
        landed = load(home, table, what, full=True).batches
        rows = sum(batch.rows_landed for batch in landed if batch.content == "rows")
        assert rows in {0, len(table.rows)}
        assert load(home, table, what).batches == []
        assert staged(home, what) == table.live()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "remove", "load"]),
            st.integers(0, 1),
            st.integers(0, 1),
        ),
        max_size=12,
    ),
    st.booleans(),
)
@settings(max_examples=examples(25), deadline=None)
def test_a_table_without_a_cursor_and_its_deletes(
    steps: list[tuple[str, int, int]], notes_are_kept: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(folder) / "home")
        table = Table()
        what = entity(
            cursor=None, deleted_when=None, deletes={"table": "deletes", "key": ["id"]}
        )
        for action, key, value in [*steps, ("load", 0, 0)]:
            if action == "put":
                table.rows[key] = {"id": key, "v": value, "changed": 0, "gone": "N"}
            elif action == "remove" and key in table.rows:
                del table.rows[key]
                table.noted.add(key)
            elif action == "load":
                load(home, table, what)
                assert staged(home, what) == table.live()
                assert load(home, table, what).batches == []
                if not notes_are_kept:
                    table.noted.clear()


@pytest.mark.parametrize(
    "value",
    [
        pa.scalar(7),
        pa.scalar("b7"),
        pa.scalar(dt.date(2014, 1, 31)),
        pa.scalar(dt.datetime(2014, 1, 31, 5, 6, 7, 123456)),
        pa.scalar(dt.datetime(2014, 1, 31, 5, tzinfo=dt.UTC)),
        pa.scalar(1.5),
    ],
    ids=str,
)
def test_a_cursor_survives_the_manifest(value: pa.Scalar) -> None:
    assert increments.read(increments.written(value)) == value.as_py()


def test_a_file_is_read_again_on_request_and_replaces_its_batch(home: Home) -> None:
    """The rows in quarantine are mended in the file; nothing is doubled or lost."""

    class File(Table):
        def extracts(
            self, entity: Entity, since: Since | None = None, limit: int | None = None
        ) -> Iterator[Extract]:
            table = pa.Table.from_pylist(list(self.rows.values()), schema=SCHEMA)
            yield Extract(
                origin="file",
                fingerprint=str(self.clock),
                batches=lambda: iter(table.to_batches()),
            )

    file, what = File(), entity(cursor=None, deleted_when=None)
    file.put(1, 1)
    (first,) = load(home, file, what).batches
    assert load(home, file, what).batches == []
    store_of(home, first).request_again(first)
    (second,) = load(home, file, what).batches
    assert second.replaces == first.batch_id
    assert LandedEntity(home, "shop", what).in_force() == [second]
    assert load(home, file, what).batches == []


def test_a_table_is_read_again_on_request_as_a_whole(home: Home) -> None:
    """An increment in place of the batch would take with it what the batch holds."""
    table, what = Broken(), entity()
    for key in range(20):
        table.put(key, key)
    table.bad = ("x",)
    (first,) = load(home, table, what).batches
    store_of(home, first).request_again(first)
    assert load(home, table, what).batches == []
    assert not store_of(home, first).is_requested_again(first), (
        "it was read again, and is the same"
    )
    assert LandedEntity(home, "shop", what).unread() == [first]

    store_of(home, first).request_again(first)
    table.bad = ()
    table.rows[5]["v"] = 55
    (second,) = load(home, table, what).batches
    assert (second.replaces, second.is_whole) == (None, True)
    assert not store_of(home, first).is_requested_again(first)
    assert LandedEntity(home, "shop", what).unread() == []
    assert staged(home, what) == table.live()


rows_of_a_ledger = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 99)), min_size=1, max_size=25
)


@given(ledger=rows_of_a_ledger, data=st.data())
@settings(max_examples=examples(40), deadline=None)
def test_any_split_order_repetition_and_overlap_gives_the_same_rows(
    ledger: list[tuple[int, int]], data: st.DataObject
) -> None:
    """The ledger is a list of versions; each export is a slice of it, in any order."""
    lines = [f"{key},{value},{place}" for place, (key, value) in enumerate(ledger)]
    expected = dict(ledger)
    whole = (0, len(lines))
    slices = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(lines)), st.integers(0, len(lines))),
            max_size=6,
        )
    )
    exports = data.draw(st.permutations([whole, *slices]))
    repeated = data.draw(st.lists(st.sampled_from(exports), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        inbox = Path(folder) / "inbox"
        inbox.mkdir()
        home = Home.open(Path(folder) / "home")
        source = Source.model_validate(
            {
                "name": "shop",
                "kind": "files",
                "path": inbox,
                "provides": [],
                "entities": {
                    "items": {
                        "name": "items",
                        "key": ["id"],
                        "files": "*.csv",
                        "cursor": {"column": "changed", "overlap": "0"},
                        "columns": {"changed": "integer"},
                    }
                },
            }
        )
        what = source.entities["items"]
        for place, (begin, end) in enumerate([*exports, *repeated]):
            path = inbox / f"export_{place:02d}.csv"
            path.write_text("\n".join(["id,v,changed", *lines[begin:end], ""]))
            os.utime(path, (0, 0))
            if data.draw(st.booleans()):  # several files may wait for one load
                load_files(home, source)
        load_files(home, source)
        assert staged(home, what) == {
            (str(key), str(value)) for key, value in expected.items()
        }


def load_files(home: Home, source: Source) -> None:
    with open_reader(source) as reader:
        what = source.entities["items"]
        for batch in land(LandedEntity(home, "shop", what), reader, now=NOW).batches:
            store_of(home, batch).accept(batch)
