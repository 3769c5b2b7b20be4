"""Packs: whoever reads landing sees the same rows before and after, whatever happens."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import CustomerTiersError
from pipeline.common.home import Home
from pipeline.landing import compaction, quarantine
from pipeline.landing.batches import STATES
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import Landed, land
from pipeline.landing.store import BatchStore
from pipeline.sources import Entity, Source, open_reader
from tests.profiles import examples
from tests.unit import support
from tests.unit.landing import test_increments
from tests.unit.landing.test_increments import Table
from tests.unit.support import files_source, store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def seen(home: Home, entity: Entity) -> dict[str, Any]:
    """All that landing tells of an entity of the source `shop`."""
    name = entity.name
    landed = LandedEntity(home, "shop", entity)
    relation = landed.relation(landed.in_force())
    columns, rows = [], []
    if relation is not None:
        with duckdb.connect() as connection:
            columns = connection.execute(f"describe from {relation}").fetchall()
            rows = connection.execute(
                f"select * from {relation} order by _batch_id, _row_number"
            ).fetchall()
    return {
        "columns": columns,
        "rows": rows,
        "batches": {
            state: [
                (
                    replace(batch, pack=None, data_sha256=None),
                    store_of(home, batch).counted_rows(batch),
                )
                for batch in BatchStore(home, "shop", name).batches(state)
            ]
            for state in STATES
        },
        "by batch": {
            batch.batch_id: [
                row
                for rows in store_of(home, batch).record_batches(batch)
                for row in rows.to_pylist()
            ]
            for batch in BatchStore(home, "shop", name).batches(*STATES)
        },
        "unread": [
            batch.batch_id for batch in LandedEntity(home, "shop", entity).unread()
        ],
    }


def pack_all(home: Home, *, least_files: int = 2) -> int:
    packings = compaction.plan(home, least_files=least_files, small_bytes=2**30)
    for packing in packings:
        compaction.pack(home, packing)
    return len(packings)


def files(home: Home) -> list[str]:
    return sorted(
        path.name
        for path in home.landing.glob("shop/items/*")
        if path.suffix != ".copy"
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 4), st.integers(0, 9)),
        st.tuples(st.just("flag"), st.integers(0, 4), st.just(0)),
        st.tuples(st.just("remove"), st.integers(0, 4), st.just(0)),
        st.tuples(st.sampled_from(["load", "load", "full"]), st.just(0), st.just(0)),
        st.tuples(st.just("pack"), st.just(0), st.just(0)),
    ),
    max_size=20,
)


@given(STEPS)
@settings(max_examples=examples(15), deadline=None)
def test_a_table_in_increments(steps: Sequence[tuple[str, int, int]]) -> None:
    """Two homes of one table, of which one packs: they tell the same at every step."""
    with tempfile.TemporaryDirectory() as folder:
        packing, plain = (Home.open(Path(folder) / name) for name in ("a", "b"))
        table, what = Table(), test_increments.entity(sweep_days=2)
        table.put(0, 0)
        closing = [("load", 0, 0), ("pack", 0, 0), ("put", 0, 1), ("load", 0, 0)]
        for day, (action, key, value) in enumerate([*steps, *closing]):
            if action == "put":
                table.put(key, value)
            elif action == "flag":
                table.put(key, 0, gone="Y")
            elif action == "remove":
                table.rows.pop(key, None)
            elif action == "pack":
                pack_all(packing)
            else:
                landed = [
                    test_increments.load(
                        home, table, what, day=day, full=action == "full"
                    )
                    for home in (packing, plain)
                ]
                assert landed[0] == landed[1]
            assert seen(packing, what) == seen(plain, what)


FILES = st.lists(
    st.one_of(
        st.tuples(
            st.just("file"),
            st.sampled_from(["id,a", "id,a,b", "id,b", "a,id"]),
            st.lists(st.sampled_from(["1,x", "2,y", "3,z,w", "4"]), max_size=3),
        ),
        st.tuples(st.just("again"), st.just(""), st.just([])),
        st.tuples(st.just("mend"), st.just(""), st.just([])),
        st.tuples(st.just("refuse"), st.just("id,a"), st.just(["9,refused"])),
        st.tuples(st.just("pack"), st.just(""), st.just([])),
    ),
    max_size=14,
)


@given(FILES)
@settings(max_examples=examples(12), deadline=None)
@pytest.mark.slow
def test_files_with_other_columns_and_unread_rows(
    steps: Sequence[tuple[str, str, list[str]]],
) -> None:
    """With files that come again, are mended and read again, or refused."""
    with tempfile.TemporaryDirectory() as folder:
        packing, plain = (Home.open(Path(folder) / name) for name in ("a", "b"))
        inbox = Path(folder) / "inbox"
        inbox.mkdir()
        source = files_source(inbox, "*.csv", max_quarantined=1)
        (entity,) = source.entities.values()
        first = [("file", "id,a", ["8,first"])]
        last = [("file", "id,a", ["7,u"]), ("pack", "", []), ("again", "", [])]
        for number, (action, header, lines) in enumerate([*first, *steps, *last]):
            if action == "pack":
                pack_all(packing)
            elif action == "again":
                for path in list(inbox.iterdir()):
                    shutil.copy(path, inbox / f"again_{number:02d}.csv")
                    break
            elif action == "mend":
                for home in (packing, plain):
                    quarantine.retry(home, [source])
            else:
                text = "\n".join([header, *lines, f"{number},end"])
                (inbox / f"{number:02d}.csv").write_text(text + "\n")
            landed = [load(home, source, action) for home in (packing, plain)]
            assert landed[0] == landed[1]
            assert seen(packing, entity) == seen(plain, entity)


def load(home: Home, source: Source, action: str = "file") -> Landed:
    (entity,) = source.entities.values()
    with open_reader(source) as reader:
        landed = land(LandedEntity(home, source.name, entity), reader, now=NOW)
    for batch in landed.batches:
        if action == "refuse":
            store_of(home, batch).refuse(batch)
        else:
            store_of(home, batch).accept(batch)
    return landed


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def landed_files(home: Home, inbox: Path, count: int, *, first: int = 0) -> Source:
    source = files_source(inbox, "*.csv", max_quarantined=1)
    for number in range(first, first + count):
        broken = "x\n" if number % 3 == 0 else ""
        (inbox / f"{number:03d}.csv").write_text(f"id,v\n{number},a\n0,b\n{broken}")
        load(home, source)
    return source


def test_many_files_become_one(tmp_path: Path, inbox: Path) -> None:
    """All but the newest; and with more of them, one again."""
    home = Home.open(tmp_path / "home")
    source = landed_files(home, inbox, 6)
    (entity,) = source.entities.values()
    before = seen(home, entity)
    assert pack_all(home, least_files=6) == 0
    assert pack_all(home, least_files=5) == 1
    assert seen(home, entity) == before
    newest = BatchStore(home, "shop", "items").batches("accepted")[-1].batch_id
    assert files(home) == [
        f"{newest}.accepted.json",
        f"{newest}.parquet",
        "p000001-b000005.json",
        "p000001-b000005.parquet",
    ]
    landed_files(home, inbox, 3, first=6)
    before = seen(home, entity)
    assert pack_all(home) == 1
    assert seen(home, entity) == before
    assert [name for name in files(home) if name.startswith("p")] == [
        "p000002-b000008.json",
        "p000002-b000008.parquet",
    ]
    assert load(home, source).already_landed == 9
    assert pack_all(home) == 0


def test_large_files_stay_as_they_are(tmp_path: Path, inbox: Path) -> None:
    home = Home.open(tmp_path / "home")
    landed_files(home, inbox, 4)
    smallest = min(path.stat().st_size for path in home.landing.rglob("*.parquet"))
    assert compaction.plan(home, least_files=2, small_bytes=smallest) == []
    assert compaction.plan(home, least_files=0, small_bytes=2**30) == []


def test_a_file_that_lost_rows_is_not_packed(tmp_path: Path, inbox: Path) -> None:
    """What is damaged is reported, and stays where it can be read."""
    home = Home.open(tmp_path / "home")
    landed_files(home, inbox, 4)
    batch = BatchStore(home, "shop", "items").batches("accepted")[1]
    path = store_of(home, batch).data_file(batch)
    pq.write_table(pq.read_table(path).slice(1), path)
    before = files(home)
    with pytest.raises(
        CustomerTiersError, match="does not hold what its 3 batches hold"
    ):
        pack_all(home)
    assert files(home) == before


def test_a_batch_of_a_pack_is_replaced(tmp_path: Path, inbox: Path) -> None:
    """Its file was mended: the pack keeps the old rows, and nobody reads them."""
    home = Home.open(tmp_path / "home")
    source = landed_files(home, inbox, 4)
    (entity,) = source.entities.values()
    pack_all(home)
    (inbox / "000.csv").write_text("id,v\n0,a\n0,b\n5,mended\n")
    (first, _) = quarantine.retry(home, [source], source="shop")
    (batch,) = load(home, source).batches[:1]
    assert batch.replaces == first.batch_id
    replaced = BatchStore(home, "shop", "items").batches("replaced")
    assert first.batch_id in {item.batch_id for item in replaced}
    assert {item.pack for item in replaced} <= {"p000001-b000003", None}
    found = seen(home, entity)["rows"]
    assert ("5", "mended") in {row[:2] for row in found}
    assert not any(row[2] == first.batch_id for row in found)
    assert len(seen(home, entity)["by batch"][first.batch_id]) == 2


KILL_EVERYWHERE = """
import json, os, shutil, signal, sys
from pathlib import Path
from pipeline.landing import compaction
from pipeline.landing.store import BatchStore
from pipeline.common.home import Home
import duckdb, pyarrow
pyarrow.array([])  # imports pandas

base, template = Path(sys.argv[1]), Path(sys.argv[2])

def pack(moment, folder):
    if (child := os.fork()) == 0:
        if moment:
            die_at(moment, str(folder))
        home = Home(folder)
        BatchStore(home, "shop", "items").sweep()
        for packing in compaction.plan(home, least_files=2, small_bytes=2**30):
            compaction.pack(home, packing)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

codes = []
for moment in range(1, 1000):
    folder = base / str(moment)
    shutil.copytree(template, folder, symlinks=True)
    codes.append(pack(moment, folder))
    shutil.copytree(folder, base / f"{moment}-killed", symlinks=True)
    assert pack(0, folder) == 0
    if codes[-1] != -signal.SIGKILL:
        break
print(json.dumps(codes))
"""


@pytest.mark.slow
def test_a_kill_at_every_step(tmp_path: Path, inbox: Path) -> None:
    """Readers see the same rows at any moment, and the next time completes it."""
    home = Home.open(tmp_path / "template")
    source = landed_files(home, inbox, 3)
    (entity,) = source.entities.values()
    pack_all(home)
    landed_files(home, inbox, 4, first=3)
    before = seen(home, entity)
    code, codes = support.run(
        KILL_EVERYWHERE, tmp_path, home.root, prelude=support.DIE_AT, timeout=600
    )
    assert code == 0
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert len(codes) >= 12
    for moment in range(1, len(codes) + 1):
        killed = Home(tmp_path / f"{moment}-killed")
        assert seen(killed, entity) == before
        assert load(killed, source).already_landed == 7
        assert seen(killed, entity) == before
        done = Home(tmp_path / str(moment))
        assert seen(done, entity) == before
        assert len(files(done)) == 4
