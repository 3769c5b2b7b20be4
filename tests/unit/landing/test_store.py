"""The batches of an entity: manifests read once, and what a store writes it knows."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.errors import CustomerTiersError
from pipeline.common.home import Home
from pipeline.landing import compaction
from pipeline.landing.batches import STATES
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.landing.store import BatchStore
from pipeline.sources import Source, open_reader
from tests.unit.support import files_source

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)
COUNTERS: list[Counter[str]] = []


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "inbox").mkdir()
    return files_source(tmp_path / "inbox", "*.csv", max_quarantined=1)


@pytest.fixture(scope="module", autouse=True)
def counting() -> None:
    """Has Python say which manifest is opened; a hook cannot be taken back."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(".json"):
            for counter in COUNTERS:
                counter[Path(arguments[0]).name] += 1

    sys.addaudithook(hook)


@contextmanager
def manifests_opened() -> Iterator[Counter[str]]:
    counter: Counter[str] = Counter()
    COUNTERS.append(counter)
    yield counter
    COUNTERS.remove(counter)


def entity_of(home: Home, source: Source) -> LandedEntity:
    (entity,) = source.entities.values()
    return LandedEntity(home, source.name, entity)


def put(source: Source, *numbers: int) -> None:
    """Files with a row each, and every third with one that cannot be read."""
    assert source.path is not None
    for number in numbers:
        broken = "x\n" if number % 3 == 0 else ""
        (source.path / f"{number:03d}.csv").write_text(f"id,v\n{number},a\n{broken}")


def land_all(landed: LandedEntity, source: Source) -> None:
    with open_reader(source) as reader:
        for batch in land(landed, reader, now=NOW).batches:
            landed.accept(batch)


def known(store: BatchStore) -> dict[str, Any]:
    """All that a store says of its batches."""
    return {
        **{state: store.batches(state) for state in STATES},
        "packs": store.packs(),
        "last": store.last_sequence(),
    }


def test_a_pass_over_an_entity_reads_its_manifests_once(
    home: Home, source: Source
) -> None:
    """However much is asked of it: sweeping, landing, accepting, its rows in force."""
    put(source, *range(5))
    land_all(entity_of(home, source), source)
    put(source, *range(5, 9))
    landed = entity_of(home, source)
    with manifests_opened() as opened:
        land_all(landed, source)
        assert len(landed.in_force()) == 9
        assert landed.relation(landed.in_force()) is not None
        assert len(landed.unread()) == 3
        assert list(landed.schema_in_force()) == ["id", "v"]
    manifests = {path.name for path in landed.folder.glob("b*.accepted.json")}
    assert len(manifests & {*opened}) == 5, "the new ones need not be read at all"
    assert {opened[name] for name in manifests & {*opened}} == {1}


def test_a_store_knows_what_it_wrote(home: Home, source: Source) -> None:
    """After each step it says what a store says that reads everything anew."""
    put(source, *range(6))
    landed = entity_of(home, source)

    def same() -> None:
        assert known(landed) == known(BatchStore(home, source.name, landed.name))

    same()
    with open_reader(source) as reader:
        first, second, third, *others = land(landed, reader, now=NOW).batches
    same()
    landed.refuse(first)
    same()
    for batch in (second, third, *others[:-1]):
        landed.accept(batch)
        same()
    landed.discard(others[-1], "pending")
    same()
    landed.update([second])
    same()
    (packing,) = compaction.plan(home, least_files=2, small_bytes=2**30)
    compaction.pack(home, packing)
    landed.reread()
    same()
    assert len(landed.packs()) == 1
    packed = landed.batches("accepted")[:2]
    landed.update(packed)
    same()
    for batch in landed.unread():
        landed.request_again(batch)
    land_all(landed, source)
    same()
    assert any(batch.pack for batch in landed.batches("replaced"))
    landed.sweep()
    same()


def test_a_damaged_manifest_stops_only_who_asks_for_its_state(
    home: Home, source: Source
) -> None:
    put(source, 1, 2)
    landed = entity_of(home, source)
    with open_reader(source) as reader:
        good, bad = land(landed, reader, now=NOW).batches
    landed.accept(good)
    landed.refuse(bad)
    landed.manifest(bad, "refused").write_text("{")
    store = BatchStore(home, source.name, landed.name)
    assert store.batches("accepted") == [good]
    with pytest.raises(CustomerTiersError, match="is damaged"):
        store.batches("accepted", "refused")
    assert [item.path for item in store.damaged_manifests()] == [
        landed.manifest(bad, "refused")
    ]
