"""What goes and what stays, by count and by age."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.settings import Keeping, Settings
from pipeline.journal import attempts, removal
from pipeline.landing.store import BatchStore
from pipeline.operations import retention
from pipeline.orchestration import runs
from pipeline.release import candidates as candidates_module
from pipeline.release import catalogue, promotion
from tests.unit.landing import test_compaction
from tests.unit.release import test_release
from tests.unit.release.test_release import GATES, candidate_with, published
from tests.unit.support import store_of

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def settings(home: Home, **keeping: int) -> Settings:
    return Settings(home.root, home.root / "sources.yaml", keeping=Keeping(**keeping))


def write(path: Path, age: dt.timedelta, text: str = "x") -> Path:
    """A file that was written so long before NOW."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))
    return path


def pruned(home: Home, wanted: Settings) -> dict[str, set[str]]:
    """What went, by kind; what was foretold is what went."""
    foretold = retention.plan(home, wanted, now=NOW)
    there = {item.path for item in foretold.gone if os.path.lexists(item.path)}
    assert there == {item.path for item in foretold.gone}
    done = retention.prune(home, wanted, now=NOW)
    assert done.gone == foretold.gone
    assert not [item.path for item in done.gone if os.path.lexists(item.path)]
    kinds: dict[str, set[str]] = {}
    for item in done.gone:
        kinds.setdefault(item.what, set()).add(item.path.name)
    return kinds


def test_releases_by_count_and_one_of_each_month(home: Home) -> None:
    days = [dt.date(2014, month, day) for month in (1, 2, 3) for day in (5, 20)]
    ids = [published(home, n, as_of=day).refresh_id for n, day in enumerate(days)]
    wanted = replace(settings(home, monthly_releases=3), keep_releases=2)
    assert pruned(home, wanted) == {"releases": {ids[0], ids[2]}}
    assert [item.refresh_id for item in catalogue.releases(home)] == [
        ids[5], ids[4], ids[3], ids[1],
    ]  # fmt: skip
    assert pruned(home, wanted) == {}
    assert test_release.value_seen(home) == 5


def test_the_current_release_stays_whatever_its_age(home: Home) -> None:
    ids = [published(home, value).refresh_id for value in range(4)]
    promotion.rollback(home, ids[0])
    wanted = replace(settings(home), keep_releases=2)
    assert pruned(home, wanted) == {"releases": {ids[1]}}
    assert test_release.value_seen(home) == 0


def test_of_a_refused_candidate_the_evidence_stays(home: Home) -> None:
    """Until a release that tells of it is there."""
    candidates = [candidate_with(home, value) for value in range(3)]
    wanted = replace(settings(home, logs_days=30), keep_candidates=2)
    first = candidates[0].refresh_id
    assert pruned(home, wanted) == {"candidates": {first}}
    kept = home.evidence / f"{first}.json"
    assert {item["gate"] for item in read_json(kept)["evidence"]} == set(GATES)
    os.utime(kept, ((NOW - 31 * DAY).timestamp(),) * 2)
    pruned(home, wanted)
    assert kept.exists()
    published(home, 4)
    pruned(home, wanted)
    assert not kept.exists()


def test_the_journal_keeps_the_newest_and_what_is_there(home: Home) -> None:
    """An id is not used again although its record is gone."""
    first = published(home, 1).refresh_id
    for value in range(5):
        other = candidates_module.open_candidate(
            home,
            run_id="r",
            as_of_date=dt.date(2014, 1, 31),
            time_zone="UTC",
            reporting_currency="EUR",
        )
        attempts.end(home, other.refresh_id, "failed", str(value))
    wanted = replace(settings(home, attempts=2), keep_candidates=0)
    pruned(home, wanted)
    gone = {f"r00000{number}-20140131.json" for number in (2, 3, 4)}
    assert pruned(home, wanted) == {"attempts": gone}
    left = [attempt.refresh_id for attempt in attempts.history(home)]
    assert left == ["r000006-20140131", "r000005-20140131", first]
    assert candidate_with(home, 9).refresh_id.startswith("r000007")


def test_logs_and_exports_by_age_and_receipts_never(home: Home) -> None:
    old = write(home.logs / "refresh.log", 91 * DAY)
    young = write(home.logs / "deep" / "other.jsonl", 89 * DAY)
    receipt = write(home.receipts / "f000001.json", 999 * DAY, "{}")
    found = write(home.receipts / "f000001.log", 999 * DAY)
    export = write(home.exports / "a" / "all.parquet", 8 * DAY)
    assert pruned(home, settings(home)) == {"logs": {old.name}}
    assert pruned(home, settings(home, exports_days=7)) == {"exports": {export.name}}
    assert all(path.exists() for path in (young, receipt, found))


def test_leftovers_of_a_killed_run(home: Home) -> None:
    """At once where only the holder of the lock writes; elsewhere once they are old."""
    waiting = candidate_with(home, 1)
    minute = dt.timedelta(minutes=1)
    gone = [
        write(home.landing / "shop" / "items" / "b000001.parquet.partial", minute),
        write(home.landing / "shop" / "items" / ".b000001.parquet.partial", minute),
        write(home.root / "identity" / "kept_forms.partial", minute),
        write(waiting.work_file.with_name("work.duckdb.tmp") / "spill", minute).parent,
        write(waiting.work_file.with_name("work.duckdb.wal"), minute),
        write(home.releases / "r000001-20140131" / ".warehouse.duckdb.partial", DAY),
        write(home.releases / "r000001-20140131" / "lone.duckdb.wal", DAY),
        write(home.exports / ".all.csv.partial", DAY),
    ]
    stay = [
        write(home.logs / ".alerts.json.partial", minute),
        write(home.releases / "r000001-20140131" / "warehouse.duckdb", DAY),
        write(home.releases / "r000001-20140131" / "warehouse.duckdb.wal", DAY),
        write(home.dagster / ".dagster.1.yaml.partial", DAY),
        waiting.warehouse_file,
    ]
    swept = {item.path for item in retention.sweep(home, now=NOW)}
    assert swept == set(gone)
    assert not [path for path in gone if path.exists()]
    assert all(path.exists() for path in stay)
    assert retention.sweep(home, now=NOW) == []


def test_refused_batches_go_and_accepted_ones_never(home: Home, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    source = test_compaction.landed_files(home, tmp_path / "inbox", 2)
    (entity,) = source.entities.values()
    (tmp_path / "inbox" / "bad.csv").write_text("id,v\n1,a\nbroken\n")
    (bad,) = test_compaction.load(home, source, "refuse").batches
    before = test_compaction.seen(home, entity)
    assert pruned(home, settings(home, refused_days=0)) == {}
    (kind, names), *_ = pruned(home, settings(home)).items()
    assert kind == "files of refused batches"
    assert names == {f"{bad.batch_id}.refused.json", f"{bad.batch_id}.parquet"}
    after = test_compaction.seen(home, entity)
    assert after["rows"] == before["rows"]
    assert BatchStore(home, "shop", "items").batches("refused") == []
    assert not store_of(home, bad).quarantine_file(bad).exists()


def test_small_files_are_put_together(home: Home, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    test_compaction.landed_files(home, tmp_path / "inbox", 5)
    assert retention.prune(home, settings(home), now=NOW).packed == []
    wanted = settings(home, compact_files=4)
    (planned,) = retention.plan(home, wanted, now=NOW).packed
    assert (len(planned.files), planned.rows) == (4, 8)
    assert BatchStore(home, "shop", "items").packs() == []
    assert len(retention.prune(home, wanted, now=NOW).packed) == 1
    assert len(BatchStore(home, "shop", "items").packs()) == 1
    assert retention.plan(home, wanted, now=NOW).packed == []


def test_runs_of_dagster_go_with_their_events(home: Home) -> None:
    @dg.asset
    def thing() -> int:
        return 1

    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        ids = [dg.materialize([thing], instance=instance).run_id for _ in range(3)]
        waiting = instance.create_run_for_job(dg.define_asset_job("j").resolve(
            asset_graph=dg.Definitions([thing]).resolve_asset_graph()
        )).run_id  # fmt: skip
        now = dt.datetime.now(dt.UTC)
        assert runs.prune(instance, home, 1, now=now) == 0
        assert runs.prune(instance, home, 0, now=now + 9 * DAY) == 0
        assert len(runs.old_runs(instance, 8, now=now + 9 * DAY)) == 3
        assert runs.prune(instance, home, 8, now=now + 9 * DAY) == 3
        assert [run.run_id for run in instance.get_runs()] == [waiting]
        assert (
            instance.fetch_materializations(dg.AssetKey("thing"), limit=9).records == []
        )
    names = [path.name for path in home.dagster.rglob("*")]
    assert not [name for name in names if name.startswith(tuple(ids))]


@pytest.fixture
def undeletable(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of files that the operating system does not delete; a test fills it.

    What a foreign owner or a busy file server makes of them, and what root cannot have.
    """
    names: set[str] = set()
    unlink = os.unlink

    def refuse(path: Any, *, dir_fd: int | None = None) -> None:
        if Path(os.fsdecode(path)).name in names:
            raise PermissionError(errno.EPERM, "Operation not permitted", path)
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refuse)
    return names


def test_what_cannot_be_removed_stops_nothing(
    home: Home, undeletable: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, printed by status, and gone as soon as it can be."""
    ids = [published(home, value).refresh_id for value in range(4)]
    (home.releases / ids[0] / "held.txt").write_text("")
    log = write(home.logs / "held.log", 91 * DAY)
    swept = write(home.landing / "shop" / "items" / "held.partial", DAY)
    undeletable |= {"held.txt", "held.log", "held.partial"}
    wanted = replace(settings(home), keep_releases=2)
    assert retention.sweep(home, now=NOW) == []
    done = retention.prune(home, wanted, now=NOW)
    assert [item.path.name for item in done.gone if item.what == "releases"] == [ids[1]]
    left = {f"releases/{ids[0]}", "logs/held.log", "landing/shop/items/held.partial"}
    assert {str(i.path.relative_to(home.root)) for i in done.not_removed} == left
    assert {item.path for item in removal.not_removed(home)} == left
    assert sum("could not be removed" in text for text in caplog.messages) >= 3
    printed = CliRunner().invoke(main, ["status", "--home", str(home.root)])
    assert printed.exit_code == 0
    for name in left:
        assert f"{name} cannot be removed, since 20" in printed.stdout
    said = CliRunner().invoke(main, ["status", "--home", str(home.root), "--json"])
    assert {item["path"] for item in json.loads(said.stdout)["not_removed"]} == left

    undeletable.clear()
    retention.prune(home, wanted, now=NOW)
    assert removal.not_removed(home) == []
    assert not any(path.exists() for path in (home.releases / ids[0], log, swept))
    printed = CliRunner().invoke(main, ["status", "--home", str(home.root)])
    assert "cannot be removed" not in printed.stdout


def test_a_release_that_is_a_link_goes_as_a_link(home: Home, tmp_path: Path) -> None:
    """Somebody moved it to another disk; its target is not ours to delete."""
    ids = [published(home, value).refresh_id for value in range(3)]
    (home.releases / ids[0]).rename(tmp_path / "elsewhere")
    (home.releases / ids[0]).symlink_to(tmp_path / "elsewhere")
    pruned(home, replace(settings(home), keep_releases=2))
    assert [item.refresh_id for item in catalogue.releases(home)] == ids[:0:-1]
    assert (tmp_path / "elsewhere").exists()


def test_what_was_done_is_reported_in_a_line(home: Home) -> None:
    write_json(home.root / "unused.json", {})
    for value in range(3):
        candidate_with(home, value)
    wanted = replace(settings(home), keep_candidates=1)
    line = retention.summarise(retention.prune(home, wanted, now=NOW))
    assert line.startswith("removed 2 candidates (")
    assert (
        retention.summarise(retention.prune(home, wanted, now=NOW))
        == "nothing to remove"
    )
