"""What is not as it was written: found, reported, and made good or refused."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.files import OWN_HASH, write_json
from pipeline.common.home import Home
from pipeline.journal import attempts
from pipeline.landing import compaction
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.landing.store import BatchStore
from pipeline.release import catalogue, promotion
from pipeline.sources import Entity, Source
from pipeline.sources.entity import Cursor
from tests.unit.landing import test_landing
from tests.unit.landing.test_landing import in_force, land, land_and_accept
from tests.unit.release import test_release
from tests.unit.support import files_source, store_of

home = test_landing.home
folder = test_landing.folder
umask_as_before = test_landing.umask_as_before


def truncated(path: Path) -> None:
    path.chmod(0o600)  # a disk asks nobody for the right to write
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


def flipped(path: Path) -> None:
    """One bit of what lies before a Parquet file's footer."""
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[random.Random(7).randrange(4, len(content) // 2)] ^= 1
    path.write_bytes(content)


def rows(home: Home, source: Source) -> list[tuple[Any, ...]]:
    """All rows in force, without what tells when they landed."""
    (entity,) = source.entities.values()
    found = []
    for batch in LandedEntity(home, source.name, entity).in_force():
        table = pq.read_table(store_of(home, batch).data_file(batch)).drop_columns(
            "_loaded_at"
        )
        found += [tuple(row.values()) for row in table.to_pylist()]
    return found


def manifest(home: Home, batch: Batch) -> Path:
    return store_of(home, batch).manifest(batch, "accepted")


DATA_DAMAGES = [truncated, emptied, removed, flipped]


@pytest.mark.parametrize("damage", DATA_DAMAGES)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_damaged_batch_of_a_file_is_read_again_into_its_place(
    home: Home, folder: Path, damage: Callable[[Path], None], at: int
) -> None:
    """Of two files with the same key the later one counts, so the place matters."""
    source = files_source(folder)
    for name in "abc":
        (folder / f"{name}.csv").write_text(f"id,v\n1,{name}\n2,{name}\n")
        land_and_accept(home, source)
    before, batches = rows(home, source), in_force(home, source)
    damage(store_of(home, batches[at]).data_file(batches[at]))
    # Under another name, too: a file is known by its content.
    (folder / f"{'abc'[at]}.csv").rename(folder / "z.csv")
    assert land_and_accept(home, source) == []
    assert [
        row[:3] + row[4:] for row in rows(home, source)
    ] == [row[:3] + row[4:] for row in before]  # fmt: skip
    assert [b.batch_id for b in in_force(home, source)] == [b.batch_id for b in batches]
    assert not list(home.landing.rglob("*.damaged.json"))
    assert land(home, source).batches == []


def renamed(path: Path) -> None:
    """A bit of the batch's own id is turned; it is still good JSON."""
    found = path.read_text()
    batch_id = path.name.split(".")[0]
    path.write_text(found.replace(batch_id, batch_id[:-1] + "?"))


def renamed_without_a_hash(path: Path) -> None:
    renamed(path)
    record = json.loads(path.read_text())
    del record[OWN_HASH]
    path.write_text(json.dumps(record))


def shifted(path: Path) -> None:
    """What would keep the file from being known again."""
    found = path.read_text()
    at = found.index('"fingerprint": "') + len('"fingerprint": "')
    path.write_text(found[:at] + "x" + found[at + 1 :])


@pytest.mark.parametrize(
    "damage", [truncated, emptied, renamed, renamed_without_a_hash, shifted]
)
def test_a_damaged_manifest_is_made_again(
    home: Home, folder: Path, damage: Callable[[Path], None]
) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id,v\n1,a\nbroken,row,here\n2,a\n")
    land_and_accept(home, source)
    (batch,) = in_force(home, source)
    before = rows(home, source)
    damage(manifest(home, batch))
    (entity,) = source.entities.values()
    with pytest.raises(CustomerTiersError, match="is damaged"):
        LandedEntity(home, source.name, entity).in_force()
    assert land_and_accept(home, source) == []
    assert in_force(home, source) == [batch]
    assert rows(home, source) == before
    assert store_of(home, batch).counted_rows(batch) == (2, 1)


def test_a_damaged_quarantine_is_made_again(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id,v\n1,a\nbroken,row,here\n2,a\n")
    (batch,) = land_and_accept(home, source)
    store_of(home, batch).quarantine_file(batch).unlink()
    land_and_accept(home, source)
    assert store_of(home, batch).counted_rows(batch) == (2, 1)


def test_what_the_source_does_not_hold_any_more_stops_the_refresh(
    home: Home, folder: Path
) -> None:
    source = files_source(folder)
    for name in "ab":
        (folder / f"{name}.csv").write_text(f"id,v\n1,{name}\n")
    first, second = land_and_accept(home, source)
    truncated(store_of(home, first).data_file(first))
    (folder / "a.csv").rename(folder.parent / "a.csv")
    for _ in range(2):
        with pytest.raises(CustomerTiersError, match="not in the source") as error:
            land(home, source)
        assert first.batch_id in str(error.value)
    # Bringing it back is enough.
    (folder.parent / "a.csv").rename(folder / "later.csv")
    land_and_accept(home, source)
    assert [b.batch_id for b in in_force(home, source)] == [
        first.batch_id,
        second.batch_id,
    ]


def test_a_person_may_go_on_without_the_rows(home: Home, folder: Path) -> None:
    source = files_source(folder)
    (folder / "a.csv").write_text("id,v\n1,a\n")
    (batch,) = land_and_accept(home, source)
    (folder / "a.csv").unlink()
    (folder / "b.csv").write_text("id,v\n2,b\n")
    truncated(store_of(home, batch).data_file(batch))
    with pytest.raises(CustomerTiersError):
        land(home, source)
    (mark,) = home.landing.rglob("*.damaged.json")
    mark.unlink()
    land_and_accept(home, source)
    assert [row[1] for row in rows(home, source)] == ["b"]


def packed(home: Home, folder: Path) -> tuple[Source, Path]:
    """A source whose first three files lie in one pack, and the pack's manifest."""
    source = files_source(folder)
    for name in "abcd":
        (folder / f"{name}.csv").write_text(
            f"id,v\n1,{name}\n2,{name}\n" + "broken,row,here\n" * (name == "b")
        )
        land_and_accept(home, source)
    (plan,) = compaction.plan(home, least_files=2, small_bytes=10**6)
    compaction.pack(home, plan)
    (manifest,) = home.landing.rglob("p*.json")
    return source, manifest


@pytest.mark.parametrize("damage", DATA_DAMAGES)
def test_a_damaged_pack_is_read_again_batch_by_batch(
    home: Home, folder: Path, damage: Callable[[Path], None]
) -> None:
    source, manifest = packed(home, folder)
    before, batches = packed_rows(home, source), in_force(home, source)
    damage(manifest.with_suffix(".parquet"))
    assert land_and_accept(home, source) == []
    assert packed_rows(home, source) == before
    after = in_force(home, source)
    assert [batch.batch_id for batch in after] == [batch.batch_id for batch in batches]
    assert [batch.rows_quarantined for batch in after] == [0, 1, 0, 0]
    assert not list(home.landing.rglob("*.damaged.json"))
    assert not list(home.landing.rglob("p*"))


@pytest.mark.parametrize("damage", [truncated, emptied, removed])
@pytest.mark.parametrize("suffix", [".json", ".copy"])
def test_a_packs_manifest_has_a_copy(
    home: Home, folder: Path, damage: Callable[[Path], None], suffix: str
) -> None:
    source, manifest = packed(home, folder)
    before, batches = packed_rows(home, source), in_force(home, source)
    damage(manifest.with_suffix(suffix))
    assert land_and_accept(home, source) == []
    assert packed_rows(home, source) == before
    assert in_force(home, source) == batches


def packed_rows(home: Home, source: Source) -> list[tuple[Any, ...]]:
    (entity,) = source.entities.values()
    relation = LandedEntity(home, source.name, entity).relation(in_force(home, source))
    return duckdb.execute(
        f"select _batch_id, _row_number, id, v from {relation} order by all"
    ).fetchall()


def table_source(path: Path, **options: Any) -> Source:
    entity = Entity(name="items", key=["id"], table="items", **options)
    return Source(
        name="shop",
        kind="database",
        url=f"sqlite:///{path}",
        entities={"items": entity},
        provides=[],
    )


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def newest_rows(home: Home, source: Source) -> dict[int, str]:
    (entity,) = source.entities.values()
    relation = LandedEntity(home, source.name, entity).relation(in_force(home, source))
    found = duckdb.execute(
        f"select id, arg_max(v, (_batch_id, _row_number)) from {relation} group by id"
    ).fetchall()
    return dict(found)


@pytest.mark.parametrize("load", ["incremental", "snapshot"])
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("what", ["data", "manifest"])
def test_a_damaged_batch_of_a_table_has_it_read_as_a_whole(
    home: Home, tmp_path: Path, load: str, at: int, what: str
) -> None:
    path = tmp_path / "shop.sqlite"
    options: dict[str, Any] = {"load": load}
    if load == "incremental":
        options = {"load": "append", "cursor": Cursor(column="changed", overlap="0")}
    source = table_source(path, **options)
    change(
        path,
        "create table items (id integer, v varchar, changed integer)",
        "insert into items values (1, 'a', 1), (2, 'a', 1)",
    )
    land_and_accept(home, source)
    change(path, "update items set v = 'b', changed = 2 where id = 2")
    land_and_accept(home, source)
    (entity,) = source.entities.values()
    accepted = BatchStore(home, source.name, entity.name).batches("accepted")
    spoilt = accepted[at]
    truncated(
        store_of(home, spoilt).data_file(spoilt)
        if what == "data"
        else manifest(home, spoilt)
    )
    for _ in range(2):
        land_and_accept(home, source)
        assert newest_rows(home, source) == {1: "a", 2: "b"}
    assert not list(home.landing.rglob("*.damaged.json"))
    # And goes on from there.
    change(path, "insert into items values (3, 'c', 3)")
    land_and_accept(home, source)
    assert newest_rows(home, source) == {1: "a", 2: "b", 3: "c"}


# Releases

DAY = dt.date(2014, 1, 31)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: truncated(path / "warehouse.duckdb"),
        lambda path: removed(path / "warehouse.duckdb"),
        lambda path: truncated(path / "release.json"),
        lambda path: removed(path / "release.json"),
        lambda path: write_json(path / "release.json", {}),
    ],
)
def test_a_damaged_release_is_reported_and_passed_over(
    home: Home, spoil: Callable[[Path], None]
) -> None:
    for value in (1, 2, 3):
        test_release.published(home, value)
    spoil(home.current.resolve())
    current = catalogue.current(home)
    assert current is not None
    assert current.refresh_id == "r000003-20140131"
    assert current.as_of_date == DAY
    assert str(current.path) in current.damage
    with pytest.raises(ConfigurationError, match="is damaged"):
        catalogue.chosen(home)
    whole = catalogue.newest_whole(home)
    assert whole is not None
    assert whole.refresh_id == "r000002-20140131"
    # A new release is published over it, and a damaged one is never gone back to.
    test_release.published(home, 4)
    assert test_release.value_seen(home) == 4
    with pytest.raises(ConfigurationError, match="cannot be made current"):
        promotion.rollback(home, "r000003-20140131")
    assert promotion.rollback(home).refresh_id == "r000002-20140131"


def test_a_changed_byte_of_a_release_goes_no_further(home: Home) -> None:
    for value in (1, 2):
        test_release.published(home, value)
    flipped(home.current / "warehouse.duckdb")
    whole = catalogue.newest_whole(home)
    assert whole is not None
    assert whole.refresh_id == "r000001-20140131"


def missing(home: Home) -> None:
    home.current.unlink()


def dangling(home: Home) -> None:
    shutil.rmtree(home.current.resolve())


def copied(home: Home) -> None:
    target = home.current.resolve()
    home.current.unlink()
    shutil.copytree(target, home.current)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, "is missing"),
        (dangling, "which is not there"),
        (copied, "is not the link"),
    ],
)
def test_a_lost_link_is_reported_and_mended(
    home: Home, spoil: Callable[[Home], None], message: str
) -> None:
    for value in (1, 2):
        test_release.published(home, value)
    assert catalogue.pointer_problem(home) == ""
    spoil(home)
    assert message in catalogue.pointer_problem(home)
    with pytest.raises(ConfigurationError, match="rollback"):
        catalogue.chosen(home)
    whole = catalogue.newest_whole(home)
    assert whole is not None
    assert whole.refresh_id == f"r00000{1 if spoil is dangling else 2}-20140131"
    test_release.published(home, 3)
    assert test_release.value_seen(home) == 3
    assert catalogue.pointer_problem(home) == ""


def test_a_damaged_record_of_an_attempt_is_reported(home: Home) -> None:
    for value in (1, 2):
        test_release.published(home, value)
    truncated(home.attempts / "r000002-20140131.json")
    newest, oldest = attempts.history(home)
    assert (newest.state, newest.as_of_date) == ("died", "2014-01-31")
    assert "damaged" in str(newest.reason)
    assert oldest.state == "published"
    assert test_release.published(home, 3).refresh_id == "r000003-20140131"
