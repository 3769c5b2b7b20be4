"""Landing: nothing lost, nothing twice, nothing changed, whenever it is killed."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.common.files import sha256, write_json
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.landing import load
from pipeline.landing.batches import OWN_COLUMNS, STATES, Batch, State
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import Landed
from pipeline.landing.store import BatchStore
from pipeline.landing.write import QUARANTINE_SCHEMA
from pipeline.sources import Source, load_sources, open_reader
from tests.profiles import examples
from tests.unit import support
from tests.unit.support import database_source, files_source, store_of

NOW = dt.datetime(2014, 2, 1, 5, 0, 0, 123456, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


def land(home: Home, source: Source, *, now: dt.datetime = NOW) -> Landed:
    """Lands the source's only entity."""
    (entity,) = source.entities.values()
    with open_reader(source) as reader:
        return load.land(LandedEntity(home, source.name, entity), reader, now=now)


def land_and_accept(
    home: Home, source: Source, *, now: dt.datetime = NOW
) -> list[Batch]:
    """Lands and accepts; the new batches."""
    landed = land(home, source, now=now).batches
    for batch in landed:
        store_of(home, batch).accept(batch)
    return landed


def in_force(home: Home, source: Source) -> list[Batch]:
    (entity,) = source.entities.values()
    return LandedEntity(home, source.name, entity).in_force()


def states(home: Home, source: Source) -> dict[str, list[str]]:
    """The origins of the batches in each state."""
    (name,) = source.entities
    return {
        state: [batch.origin for batch in batches]
        for state in STATES
        if (batches := BatchStore(home, source.name, name).batches(state))
    }


def column(home: Home, batch: Batch, name: str) -> list[Any]:
    values: list[Any] = pq.read_table(store_of(home, batch).data_file(batch))[
        name
    ].to_pylist()
    return values


def files_of(home: Home) -> dict[str, tuple[bytes, int, int]]:
    """Every file of landing and quarantine: bytes, inode, time of change."""
    return {
        path.relative_to(home.root).as_posix(): (
            path.read_bytes(),
            path.stat().st_ino,
            path.stat().st_mtime_ns,
        )
        for room in (home.landing, home.quarantine)
        for path in room.rglob("*")
        if path.is_file()
    }


def test_own_columns_stand_beside_the_sources(home: Home, folder: Path) -> None:
    """With row numbers from 1 to the end of a file of several record batches."""
    count = 150_000
    lines = "".join(f"{number},x\n" for number in range(count))
    (folder / "a.csv").write_text(f"id,_b\n{lines}")
    (batch,) = land(home, files_source(folder)).batches
    table = pq.read_table(store_of(home, batch).data_file(batch))
    assert table.column_names == ["id", "_b", *OWN_COLUMNS]
    assert table["_row_number"].to_pylist() == list(range(1, count + 1))
    assert table["id"].to_pylist() == [str(number) for number in range(count)]
    assert table["_loaded_at"].type == pa.timestamp("us", "UTC")
    assert {name: set(table[name].to_pylist()) for name in OWN_COLUMNS[:3]} == {
        "_batch_id": {batch.batch_id},
        "_loaded_at": {NOW},
        "_source_file": {"a.csv"},
    }
    assert set(table["_deleted"].to_pylist()) == {False}


def test_the_manifest_describes_the_batch(home: Home, folder: Path) -> None:
    (folder / "a.csv").write_text("id,b\n1,2\n3\n")
    (batch,) = land(home, files_source(folder)).batches
    assert batch == Batch(
        batch_id=f"b000001-{batch.fingerprint[:12]}",
        source="shop",
        entity="items",
        load="append",
        origin="a.csv",
        fingerprint=batch.fingerprint,
        loaded_at="2014-02-01T05:00:00.123456+00:00",
        rows_read=2,
        rows_landed=1,
        rows_quarantined=1,
        schema={"id": "string", "b": "string"},
        data_sha256=sha256(store_of(home, batch).data_file(batch)),
    )
    assert BatchStore(home, "shop", "items").batches(*STATES) == [batch]
    assert batch.sequence == 1


def test_only_the_owner_reads_it(home: Home, folder: Path) -> None:
    (folder / "a.csv").write_text("id,b\n1,2\n3\n")
    land_and_accept(home, files_source(folder))
    paths = [*home.landing.rglob("*"), *home.quarantine.rglob("*")]
    assert len(paths) == 7
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600, 0o700}


def test_rows_that_cannot_be_read_are_quarantined(home: Home, folder: Path) -> None:
    (folder / "a.csv").write_text('id,b\n1,2\n3\n"4\n",5,6\n7,8\n')
    (batch,) = land_and_accept(home, files_source(folder))
    assert (batch.rows_read, batch.rows_landed, batch.rows_quarantined) == (4, 2, 2)
    assert store_of(home, batch).counted_rows(batch) == (2, 2)
    path = store_of(home, batch).quarantine_file(batch)
    assert list(home.quarantine.glob("*/*/b*.parquet")) == [path]
    table = pq.read_table(path)
    assert table.schema == QUARANTINE_SCHEMA
    common = ("shop", "items", batch.batch_id, "a.csv")
    assert support.rows(table) == [
        (*common, 3, "3", "2 columns expected, 1 found", NOW),
        (*common, 4, '"4\n",5,6', "2 columns expected, 3 found", NOW),
    ]


def test_the_files_are_counted_not_the_manifest(home: Home, folder: Path) -> None:
    """What the gate compares: a file that lost rows, or is gone, does not pass."""
    (folder / "a.csv").write_text("id,b\n1,2\n3,4\n5\n")
    (batch,) = land_and_accept(home, files_source(folder))
    path = store_of(home, batch).data_file(batch)
    pq.write_table(pq.read_table(path).slice(0, 1), path)
    assert store_of(home, batch).counted_rows(batch) == (1, 1)
    path.unlink()
    store_of(home, batch).quarantine_file(batch).unlink()
    assert store_of(home, batch).counted_rows(batch) == (0, 0)


def test_no_rows_are_a_batch_with_columns(home: Home, folder: Path) -> None:
    (folder / "a.csv").write_text("id,b\n")
    (batch,) = land_and_accept(home, files_source(folder))
    table = pq.read_table(store_of(home, batch).data_file(batch))
    assert (table.num_rows, batch.rows_read) == (0, 0)
    assert table.column_names == ["id", "b", *OWN_COLUMNS]
    assert batch.columns == ["id", "b"]


def test_the_same_content_lands_once_under_any_name(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id\n1\n")
    assert len(land_and_accept(home, source)) == 1
    (folder / "b.csv").write_text("id\n1\n")
    (folder / "c.csv").write_text("id\n2\n")
    (folder / "d.csv").write_text("id\n2\n")
    landed = land(home, source)
    assert [batch.origin for batch in landed.batches] == ["c.csv"]
    assert landed.already_landed == 3
    for batch in landed.batches:
        store_of(home, batch).accept(batch)
    assert land(home, source) == Landed([], already_landed=4)
    assert [batch.origin for batch in in_force(home, source)] == ["a.csv", "c.csv"]


def test_a_batch_never_changes(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id\n1\n2,3\n")
    land_and_accept(home, source)
    before = files_of(home)
    assert len(before) == 3
    for number in range(3):
        (folder / f"b{number}.csv").write_text(f"id\n{number}\n")
        (folder / "a.csv").write_text(f"id\nanother {number}\n")
        land_and_accept(home, source)
    after = files_of(home)
    assert {name: after[name] for name in before} == before
    assert len(in_force(home, source)) == 7


CONTENTS = st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=8)


@settings(max_examples=examples(25), deadline=None)
@given(contents=CONTENTS)
def test_a_snapshot_is_always_the_newest_state(
    tmp_path_factory: pytest.TempPathFactory, contents: list[str]
) -> None:
    """Also one that was there before; and no change, no batch."""
    base = tmp_path_factory.mktemp("snapshots")
    home = Home.open(base / "home")
    source = files_source(base, "*.csv", load="snapshot")
    earlier = None
    for day, content in enumerate(contents):
        (base / f"{day}.csv").write_text(f"id\n{content}\n")
        landed = land_and_accept(home, source)
        assert len(landed) == (content != earlier)
        (batch,) = in_force(home, source)
        assert column(home, batch, "id") == [content]
        earlier = content


@settings(max_examples=examples(25), deadline=None)
@given(contents=CONTENTS, together=st.booleans())
def test_of_appended_files_each_content_counts_once(
    tmp_path_factory: pytest.TempPathFactory, contents: list[str], together: bool
) -> None:
    """And one pass over all files gives what a pass after each gives."""
    base = tmp_path_factory.mktemp("appended")
    home = Home.open(base / "home")
    source = files_source(base, "*.csv")
    for day, content in enumerate(contents):
        (base / f"{day}.csv").write_text(f"id\n{content}\n")
        if not together:
            land_and_accept(home, source)
    land_and_accept(home, source)
    found = [column(home, batch, "id") for batch in in_force(home, source)]
    assert found == [[content] for content in dict.fromkeys(contents)]


def test_an_unchanged_table_is_not_landed_again(home: Home, tmp_path: Path) -> None:
    database = tmp_path / "erp.sqlite"
    source = database_source(f"sqlite:///{database}", "t")
    with closing(sqlite3.connect(database)) as erp:
        erp.execute(
            "create table t (id integer, a text, b real, c numeric(19, 4), d date, "
            "e boolean, f blob, g datetime)"
        )
        erp.execute("insert into t (id) values (1)")
        erp.execute(
            "insert into t values (2, 'x', 0.1, 1.5, '2014-01-31', 1, x'00', null)"
        )
        erp.commit()
        (first,) = land_and_accept(home, source)
        assert land(home, source) == Landed([], already_landed=1)
        for value in ("y", "x"):  # another state, and back to the first
            erp.execute("update t set a = ? where id = 2", [value])
            erp.commit()
            (batch,) = land_and_accept(home, source)
            assert column(home, batch, "a") == [None, value]
            assert in_force(home, source) == [batch]
            assert land(home, source) == Landed([], already_landed=1)
    assert batch.fingerprint == first.fingerprint
    assert batch.sequence == 3
    assert states(home, source) == {"accepted": ["t", "t", "t"]}
    assert len(files_of(home)) == 6


def test_accepted_and_refused(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id\n1\n")
    (folder / "b.csv").write_text("id\n2\n")
    good, bad = land(home, source).batches
    assert states(home, source) == {"pending": ["a.csv", "b.csv"]}
    assert in_force(home, source) == []
    store_of(home, good).accept(good)
    store_of(home, bad).refuse(bad)
    assert states(home, source) == {"accepted": ["a.csv"], "refused": ["b.csv"]}
    assert in_force(home, source) == [good]


def test_what_was_refused_is_read_again_and_kept_once(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id,b\n1\n")
    for _ in range(3):
        (batch,) = land(home, source).batches
        store_of(home, batch).refuse(batch)
        assert states(home, source) == {"refused": ["a.csv"]}
    assert len(files_of(home)) == 3, "manifest, data and quarantine of one batch"
    (folder / "a.csv").write_text("id,b\n1,still wrong\n")
    (other,) = land(home, source).batches
    store_of(home, other).refuse(other)
    assert states(home, source) == {"refused": ["a.csv", "a.csv"]}
    (accepted,) = land_and_accept(home, source)
    assert in_force(home, source) == [accepted]
    assert accepted.sequence > other.sequence


def test_a_refused_snapshot_leaves_the_one_before_in_force(
    home: Home, folder: Path
) -> None:
    source = files_source(folder, load="snapshot")
    (folder / "1.csv").write_text("id\n1\n")
    (first,) = land_and_accept(home, source)
    (folder / "2.csv").write_text("id\nwrong\n")
    (second,) = land(home, source).batches
    assert in_force(home, source) == [first]
    store_of(home, second).refuse(second)
    assert in_force(home, source) == [first]


def test_the_clock_does_not_decide_what_is_newest(home: Home, folder: Path) -> None:
    source = files_source(folder, load="snapshot")
    for day in range(3):
        (folder / f"{day}.csv").write_text(f"id\n{day}\n")
        land_and_accept(home, source, now=NOW - dt.timedelta(days=day))
    batches = BatchStore(home, "shop", "items").batches("accepted")
    assert [batch.origin for batch in batches] == ["0.csv", "1.csv", "2.csv"]
    assert [batch.sequence for batch in batches] == [1, 2, 3]
    assert batches[2].loaded_at < batches[0].loaded_at
    assert in_force(home, source) == batches[2:]


def test_batches_are_in_the_order_of_landing_beyond_any_width(home: Home) -> None:
    """Names sort as text, b1000000 before b999999; sequences do not."""
    folder = home.landing / "shop" / "items"
    folder.mkdir(parents=True)
    batch = Batch("", "shop", "items", "append", "", "f", "", 0, 0, 0, {})
    for name in ("b999999", "b1000000"):
        write_json(
            folder / f"{name}.accepted.json", asdict(replace(batch, batch_id=name))
        )
    found = BatchStore(home, "shop", "items").batches("accepted")
    assert [item.batch_id for item in found] == ["b999999", "b1000000"]


def test_pending_batches_are_read_again(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id,b\n1,2\n")
    land_and_accept(home, source)
    (folder / "b.csv").write_text("id,b\n3,4\n5\n")
    first = land(home, source).batches
    second = land(home, source).batches
    assert second == first
    assert states(home, source) == {"accepted": ["a.csv"], "pending": ["b.csv"]}
    assert len(files_of(home)) == 5


def test_leftovers_are_swept_and_batches_are_not(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id,b\n1,2\n3\n")
    (batch,) = land_and_accept(home, source)
    (folder / "b.csv").write_text("id,b\n1\n")
    (wrong,) = land(home, source).batches
    store_of(home, wrong).refuse(wrong)
    (folder / "b.csv").unlink()
    before = files_of(home)
    rows = BatchStore(home, "shop", "items").folder
    broken = home.quarantine / "shop" / "items"
    for leftover in (
        rows / "b000003.parquet.partial",
        rows / "b000003-0123456789ab.parquet",
        rows / ".b000003-0123456789ab.pending.json.partial",
        rows / f".{batch.batch_id}.pending.json.partial",
        broken / "b000003-0123456789ab.parquet",
        broken / "b000003-0123456789ab.parquet.partial",
    ):
        leftover.write_bytes(b"half")
    assert land(home, source) == Landed([], already_landed=1)
    assert files_of(home) == before


def test_an_error_in_a_later_file_costs_nothing(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id\n1\n")
    whole = gzip.compress(b"id\n2\n")
    (folder / "b.csv.gz").write_bytes(whole[:-1])
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match=r"b\.csv\.gz"):
            land(home, source)
        assert states(home, source) == {"pending": ["a.csv"]}
        assert in_force(home, source) == []
    (folder / "b.csv.gz").write_bytes(whole)
    land_and_accept(home, source)
    assert states(home, source) == {"accepted": ["a.csv", "b.csv.gz"]}
    assert len(files_of(home)) == 4


@pytest.mark.parametrize("name", ["_batch_id", "_ROW_NUMBER", "ID", "_deleted"])
def test_a_column_name_that_is_taken(home: Home, folder: Path, name: str) -> None:
    """In SQL case does not count: one of the two would be renamed unnoticed."""
    (folder / "a.csv").write_text(f"id,{name}\n1,2\n")
    with pytest.raises(SourceUnavailable, match=rf"a\.csv has .*'{name}'"):
        land(home, files_source(folder))
    assert states(home, files_source(folder)) == {}


SOURCES = """
version: 1
sources:
  - name: shop
    kind: files
    path: exports
    provides: []
    entities: {items: {files: "*.csv.gz", key: [id], settle_seconds: 0}}
  - name: erp
    kind: database
    url: sqlite:///${ERP}
    provides: []
    entities: {stock: {key: [id], load: snapshot}}
"""

# Refreshes copies of a home, each killed one step later than the one before, and then
# once more in a process that knows nothing of it. Forks, because importing costs more
# than landing; nothing is read or landed before the fork, and compressed files spare the
# start of DuckDB.
KILL_EVERYWHERE = """
import datetime as dt, json, shutil, traceback
from pathlib import Path
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.landing.store import BatchStore
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.sources import load_sources, open_reader
import pipeline.sources.database, pipeline.sources.files, sqlalchemy.dialects.sqlite
import pyarrow
pyarrow.array([])  # imports pandas

base, template, every = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
environment = {"ERP": str(base / "erp.sqlite")}
sources = load_sources(Settings(base, base / "sources.yaml", environment=environment))
now = dt.datetime(2014, 2, 2, tzinfo=dt.UTC)

def refresh(home):
    for source in sources.sources:
        with open_reader(source) as reader:
            for entity in source.entities.values():
                land(LandedEntity(home, source.name, entity), reader, now=now)
        for name in source.entities:
            store = BatchStore(home, source.name, name)
            for batch in store.batches("pending"):
                is_broken = batch.rows_quarantined > batch.rows_landed
                (store.refuse if is_broken else store.accept)(batch)

def in_a_process(moment, root):
    if (child := os.fork()) == 0:
        try:
            if moment:
                die_at(moment, str(root))
            refresh(Home(root))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

codes = []
for moment in range(1, 500, every):
    root = base / str(moment)
    shutil.copytree(template, root)
    codes.append(in_a_process(moment, root))
    shutil.copytree(root, base / f"{moment}-killed")
    assert in_a_process(0, root) == 0
    if codes[-1] != -signal.SIGKILL:
        break
print(json.dumps(codes))
"""


# What is in a batch: its origin, its rows, and the lines that were rejected.
Content = tuple[str, list[tuple[Any, ...]], list[int]]


def content(home: Home, source: str, entity: str, *states: State) -> list[Content]:
    """The batches in the given states by what is in them, oldest first."""
    found = []
    for batch in BatchStore(home, source, entity).batches(*states):
        table = pq.read_table(store_of(home, batch).data_file(batch))
        assert set(table["_batch_id"].to_pylist()) <= {batch.batch_id}
        assert store_of(home, batch).counted_rows(batch) == (
            batch.rows_landed,
            batch.rows_quarantined,
        )
        assert batch.rows_read == batch.rows_landed + batch.rows_quarantined
        assert table["_row_number"].to_pylist() == list(range(1, table.num_rows + 1))
        quarantine = store_of(home, batch).quarantine_file(batch)
        rejected = (
            pq.read_table(quarantine)["line"].to_pylist() if quarantine.exists() else []
        )
        found.append(
            (batch.origin, support.rows(table.select(batch.columns)), rejected)
        )
    return found


@pytest.mark.parametrize(
    "every",
    [6, pytest.param(1, marks=pytest.mark.campaign)],
    ids=["some", "all"],
)
def test_a_kill_at_every_step(tmp_path: Path, every: int) -> None:
    """Of a refresh that lands two files beside one that is refused, and a table."""
    exports, erp = tmp_path / "exports", tmp_path / "erp.sqlite"
    exports.mkdir()
    (tmp_path / "sources.yaml").write_text(SOURCES)
    a: Content = ("a.csv.gz", [("1", "2")], [])
    b: Content = ("b.csv.gz", [("3", "4"), ("6", "7")], [3])
    c: Content = ("c.csv.gz", [], [2, 3])
    d: Content = ("d.csv.gz", [("8", "9")], [])
    old: Content = ("stock", [(1, 10)], [])
    new: Content = ("stock", [(1, 9)], [])
    (exports / "a.csv.gz").write_bytes(gzip.compress(b"id,b\n1,2\n"))
    (exports / "c.csv.gz").write_bytes(gzip.compress(b"id,b\n1\n2\n"))
    with closing(sqlite3.connect(erp)) as connection:
        connection.execute("create table stock (id integer, pieces integer)")
        connection.execute("insert into stock values (1, 10)")
        connection.commit()

    template = Home.open(tmp_path / "template")
    shop, stock = load_sources(
        Settings(tmp_path, tmp_path / "sources.yaml", environment={"ERP": str(erp)})
    ).sources
    accepted, refused = land(template, shop).batches
    store_of(template, accepted).accept(accepted)
    store_of(template, refused).refuse(refused)
    (batch,) = land(template, stock).batches
    store_of(template, batch).accept(batch)

    (exports / "b.csv.gz").write_bytes(gzip.compress(b"id,b\n3,4\n5\n6,7\n"))
    (exports / "d.csv.gz").write_bytes(gzip.compress(b"id,b\n8,9\n"))
    with closing(sqlite3.connect(erp)) as connection:
        connection.execute("update stock set pieces = 9")
        connection.commit()

    code, codes = support.run(
        KILL_EVERYWHERE, tmp_path, template.root, every, prelude=support.DIE_AT
    )
    assert code == 0
    assert codes[-1] == 0
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert len(codes) * every >= 25

    for moment in range(1, len(codes) * every + 1, every):
        killed = Home(tmp_path / f"{moment}-killed")
        assert content(killed, "shop", "items", "accepted") in [[a], [a, b], [a, b, d]]
        assert content(killed, "shop", "items", "refused") in [[c], [c, c], []]
        assert content(killed, "erp", "stock", "accepted") in [[old], [old, new]]
        home = Home(tmp_path / str(moment))
        assert content(home, "shop", "items", "accepted") == [a, b, d]
        assert content(home, "shop", "items", "refused") == [c]
        assert content(home, "erp", "stock", "accepted") == [old, new]
        # Manifests and data of 4 and 2 batches, quarantine of 2: and nothing else.
        assert len(files_of(home)) == 2 * 4 + 2 * 2 + 2
    shutil.rmtree(tmp_path)
