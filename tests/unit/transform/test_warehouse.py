"""Both ends of dbt: the ground that it is given, and the tables added after it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import calendar
from pipeline.common.calendar import known_until
from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.journal import attempts, evidence
from pipeline.journal.acceptances import Use
from pipeline.journal.evidence import Accepted, Check, Evidence
from pipeline.landing import load
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.landing.store import BatchStore
from pipeline.release import (
    candidates,
    catalogue,
    duckdb_files,
    layout,
    promotion,
    pruning,
    sealing,
    verification,
)
from pipeline.release.layout import Candidate
from pipeline.sources import Source, open_reader
from pipeline.transform import foundation
from pipeline.transform import meta as meta_module
from tests.unit.support import files_source, store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)
DAY = dt.date(2014, 1, 31)

ZONES = st.sampled_from(
    [
        "UTC",
        "Asia/Shanghai",
        "America/Los_Angeles",
        "America/Sao_Paulo",  # its summer began at midnight: there was none
        "America/Havana",  # its summer ends at one: midnight comes twice
    ]
)
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2037, 12, 31))


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", "2014-01-31", "2014-02-01 00:00"),
        ("Asia/Shanghai", "2014-01-31", "2014-01-31 16:00"),
        ("America/Los_Angeles", "2014-01-31", "2014-02-01 08:00"),
        ("America/Los_Angeles", "2014-03-08", "2014-03-09 08:00"),
        ("America/Los_Angeles", "2014-03-09", "2014-03-10 07:00"),  # 23 hours
        ("America/Los_Angeles", "2014-11-01", "2014-11-02 07:00"),
        ("America/Los_Angeles", "2014-11-02", "2014-11-03 08:00"),  # 25 hours
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04 03:00"),
        ("America/Havana", "2014-11-01", "2014-11-02 04:00"),
        ("UTC", "2014-12-31", "2015-01-01 00:00"),
    ],
)
def test_the_end_of_a_business_day(zone: str, day: str, end: str) -> None:
    found = known_until(dt.date.fromisoformat(day), zone)
    assert found.tzinfo is None
    assert found == dt.datetime.fromisoformat(end)


@given(day=DAYS, zone=ZONES)
def test_a_business_day_ends_where_the_next_begins(day: dt.date, zone: str) -> None:
    end = known_until(day, zone).replace(tzinfo=dt.UTC)
    last = end - dt.timedelta(microseconds=1)
    assert last.astimezone(ZoneInfo(zone)).date() == day
    assert end.astimezone(ZoneInfo(zone)).date() == day + dt.timedelta(days=1)


@given(
    now=st.datetimes(
        dt.datetime(1990, 1, 3), dt.datetime(2037, 12, 1), timezones=st.just(dt.UTC)
    ),
    zone=ZONES,
)
def test_the_default_day_is_the_last_that_is_over(now: dt.datetime, zone: str) -> None:
    day = calendar.default_as_of(zone, now)
    present = now.replace(tzinfo=None)
    assert known_until(day, zone) <= present
    assert present < known_until(day + dt.timedelta(days=1), zone)


def test_the_default_day_of_the_present() -> None:
    before = dt.datetime.now(dt.UTC)
    day = calendar.default_as_of("UTC")
    after = dt.datetime.now(dt.UTC)
    yesterdays = {moment.date() - dt.timedelta(days=1) for moment in (before, after)}
    assert day in yesterdays


def test_a_connection_fetches_nothing_and_may_be_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with duckdb_files.connect(path) as connection:
        connection.execute("create table t as select 1 as value")
        for name in ("autoinstall_known_extensions", "autoload_known_extensions"):
            row = connection.execute(f"select current_setting('{name}')").fetchone()
            assert row == (False,)
    with (
        duckdb_files.connect(path, read_only=True) as connection,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        connection.execute("drop table t")


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def source(exports: Path) -> Source:
    return files_source(exports)


def opened(home: Home, *, time_zone: str = "America/Los_Angeles") -> Candidate:
    return candidates.open_candidate(
        home,
        run_id="run",
        as_of_date=DAY,
        time_zone=time_zone,
        reporting_currency="USD",
    )


def land(
    home: Home, source: Source, *, accepted: bool = True, now: dt.datetime = NOW
) -> list[Batch]:
    (entity,) = source.entities.values()
    with open_reader(source) as reader:
        landed = load.land(
            LandedEntity(home, source.name, entity), reader, now=now
        ).batches
    for batch in landed if accepted else ():
        store_of(home, batch).accept(batch)
    return landed


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb_files.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


ITEMS = "select * exclude (_batch_id, _loaded_at) from landing.shop__items order by id"


def test_the_context_of_a_refresh(home: Home) -> None:
    candidate = opened(home)
    foundation.prepare(home, candidate, [])
    assert query(candidate.work_file, "from landing.refresh__context") == [
        (
            candidate.refresh_id,
            DAY,
            dt.datetime(2014, 2, 1, 8),
        )
    ]
    assert query(
        candidate.warehouse_file,
        "select schema_name from information_schema.schemata where catalog_name = "
        "'warehouse' and schema_name in ('marts', 'meta') order by all",
    ) == [("marts",), ("meta",)]


def test_views_show_accepted_batches_and_no_others(
    home: Home, exports: Path, source: Source
) -> None:
    (exports / "a.csv").write_text("id,b\n1,2\n")
    land(home, source)
    (exports / "b.csv").write_text("b,id,c\n4,3,5\n")
    land(home, source)
    (exports / "c.csv").write_text("id,b\nrefused,\n")
    (refused,) = land(home, source, accepted=False)
    store_of(home, refused).refuse(refused)
    (exports / "d.csv").write_text("id,b\npending,\n")
    land(home, source, accepted=False)
    candidate = opened(home)
    foundation.prepare(home, candidate, [source])
    expected = [
        ("1", "2", "a.csv", 1, False, None),
        ("3", "4", "b.csv", 1, False, "5"),
    ]
    assert query(candidate.work_file, ITEMS) == expected

    for batch in BatchStore(home, "shop", "items").batches("pending"):
        store_of(home, batch).accept(batch)
    assert query(candidate.work_file, ITEMS) == expected, "none slips in afterwards"


def test_a_view_of_no_rows_has_columns(
    home: Home, exports: Path, source: Source
) -> None:
    (exports / "a.csv").write_text("id,b\n")
    land(home, source)
    candidate = opened(home)
    foundation.prepare(home, candidate, [source])
    assert query(candidate.work_file, "select id, b from landing.shop__items") == []


def test_what_never_landed_is_an_error(home: Home, source: Source) -> None:
    (entity,) = source.entities.values()
    assert LandedEntity(home, source.name, entity).relation([]) is None
    with pytest.raises(SourceUnavailable, match=r"shop\.items has not been landed"):
        foundation.prepare(home, opened(home), [source])


def test_the_ground_is_laid_afresh(home: Home, exports: Path, source: Source) -> None:
    """Whatever an earlier try left, killed or not: a wal would be replayed."""
    (exports / "a.csv").write_text("id,b\n1,2\n")
    land(home, source)
    candidate = opened(home)
    for path in (candidate.work_file, *candidate.databases.values()):
        with duckdb_files.connect(path) as connection:
            connection.execute("create schema old; create table old.t as select 1")
        path.with_name(path.name + ".wal").write_bytes(b"half")
        path.with_name(path.name + ".tmp").mkdir()
        (path.with_name(path.name + ".tmp") / "spill").write_bytes(b"half")
    (candidate.path / "evidence").mkdir()
    for _ in range(2):
        foundation.prepare(home, candidate, [source])
        assert {path.name for path in candidate.path.iterdir()} == {
            "candidate.json",
            "evidence",
            "release",
            "work.duckdb",
        }
        assert sorted(path.name for path in candidate.release_folder.iterdir()) == [
            "private.duckdb",
            "warehouse.duckdb",
        ]
        assert len(query(candidate.work_file, ITEMS)) == 1
        for path in (candidate.work_file, *candidate.databases.values()):
            with pytest.raises(duckdb.CatalogException):
                query(path, "from old.t")


@pytest.mark.parametrize(
    ("name", "other"), [("data [12]", "data 1"), ("it's *", "it's x"), ("数据", "x")]
)
def test_a_homes_name_is_not_a_pattern(
    tmp_path: Path, source: Source, exports: Path, name: str, other: str
) -> None:
    """Beside it is a home that its name would match, with the same batch of old."""
    (exports / "a.csv").write_text("id,b\n1,2\n")
    land(Home.open(tmp_path / other), source, now=NOW - dt.timedelta(days=1))
    home = Home.open(tmp_path / name)
    land(home, source)
    candidate = opened(home)
    foundation.prepare(home, candidate, [source])
    moments = "select _loaded_at at time zone 'UTC' from landing.shop__items"
    assert query(candidate.work_file, moments) == [(NOW.replace(tzinfo=None),)]


def meta(
    candidate: Candidate, database: str = "warehouse"
) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the schema `meta` of one file, with its comments."""
    path = candidate.databases[database]
    tables = query(
        path,
        "select table_name, comment from duckdb_tables() where schema_name = 'meta' "
        "order by all",
    )
    columns = query(
        path,
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where schema_name = 'meta' order by table_name, column_index",
    )
    content = {
        name: query(path, f"from meta.{name} order by all") for name, _ in tables
    }
    return {**content, "tables": tables, "columns": columns}


WORD = Accepted("anna", "2026-11-20T08:00:00+00:00", "the fair", "2026-11-30")
CHECKS = [
    Check(
        gate="in.shop",
        subject="shop.items",
        name="no_blanks(id)",
        severity="critical",
        outcome="passed",
        expected="it's the key",
        observed="0",
        failing_rows=0,
        demand="id is never blank",
        rows=7,
        seconds=0.5,
    ),
    Check(
        gate="in.shop",
        subject="shop.items",
        name="known(b)",
        severity="warning",
        outcome="failed",
        failing_rows=2,
        examples=[{"id": "客户", "day": DAY}],
    ),
    Check(
        gate="out",
        subject="marts.t",
        name="n",
        severity="critical",
        outcome="failed",
        acceptable=True,
        accepted=WORD,
    ),
]
USES = [Use("marts.t:n", WORD, "used")]
EVIDENCE: Mapping[str, Evidence] = {
    gate: Evidence(gate, "r", 1, [check for check in CHECKS if check.gate == gate])
    for gate in ("in.shop", "transform", "out")
}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is not UTC."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_meta_tells_refreshes_checks_freshness_and_quarantine(
    home: Home, exports: Path, source: Source, elsewhere: None
) -> None:
    attempts.begin(home, "r000001-20140130", "run 1", dt.date(2014, 1, 30))
    attempts.end(home, "r000001-20140130", "refused", "gate in: no", exit_code=3)
    attempts.begin(home, "r000002-20140130", "run 2", dt.date(2014, 1, 30))
    candidate = opened(home)
    (exports / "a.csv").write_text("id,b\n1,2\n3\n4,5\n")
    (first,) = land(home, source)
    (exports / "b.csv").write_text("id,b\n1,3\n'5\n")
    later = dt.datetime(2014, 2, 2, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
    (second,) = land(home, source, now=later)
    (exports / "c.csv").write_text("id,b\nrefused\n")
    (unread,) = land(home, source, accepted=False)
    store_of(home, unread).refuse(unread)
    foundation.prepare(home, candidate, [source])
    meta_module.write_meta(home, candidate, [source], EVIDENCE, USES)
    found = meta(candidate)

    died, refused, this = (
        attempts.read(home, name)
        for name in ("r000002-20140130", "r000001-20140130", candidate.refresh_id)
    )
    assert died
    assert refused
    assert this

    def utc(text: str | None) -> dt.datetime | None:
        return dt.datetime.fromisoformat(text).replace(tzinfo=None) if text else None

    assert found["refreshes"] == [
        (
            refused.refresh_id,
            dt.date(2014, 1, 30),
            "refused",
            "start",
            "gate in: no",
            "run 1",
            utc(refused.started_at),
            utc(refused.ended_at),
        ),
        (
            died.refresh_id,
            dt.date(2014, 1, 30),
            "died",
            "start",
            "ended without a word in start",
            "run 2",
            utc(died.started_at),
            None,
        ),
        (
            candidate.refresh_id,
            DAY,
            "sealed",
            "open candidate",
            found["refreshes"][2][4],
            "run",
            utc(this.started_at),
            None,
        ),
    ]
    columns = "gate, subject, check_name, check_id, severity, acceptable, outcome"
    told = "demand, expected, observed, failing_rows, checked_rows, examples"
    common = ("in.shop", "shop.items")
    assert query(
        candidate.warehouse_file,
        f"select {columns}, {told}, seconds from meta.check_results order by all",
    ) == [
        (
            *common,
            "known(b)",
            "shop.items:known(b)",
            "warning",
            True,
            "failed",
            "",
            "",
            "",
            2,
            None,
            '[{"id": "\\u5ba2\\u6237", "day": "2014-01-31"}]',
            None,
        ),
        (
            *common,
            "no_blanks(id)",
            "shop.items:no_blanks(id)",
            "critical",
            False,
            "passed",
            "id is never blank",
            "it's the key",
            "0",
            0,
            7,
            "[]",
            0.5,
        ),
        (
            "out",
            "marts.t",
            "n",
            "marts.t:n",
            "critical",
            True,
            "failed",
            "",
            "",
            "",
            None,
            None,
            "[]",
            None,
        ),
    ]
    accepted = "accepted_by, accepted_reason, accepted_until"
    assert query(
        candidate.warehouse_file,
        f"select check_id, {accepted} from meta.check_results "
        "where accepted_by is not null",
    ) == [("marts.t:n", "anna", "the fair", dt.date(2026, 11, 30))]
    assert found["acceptances"] == [
        (
            candidate.refresh_id,
            "marts.t:n",
            "used",
            "anna",
            dt.datetime(2026, 11, 20, 8),
            "the fair",
            dt.date(2026, 11, 30),
        )
    ]
    assert query(
        candidate.warehouse_file,
        f"select refresh_id, {columns}, observed, examples, {accepted} "
        "from meta.check_history order by all",
    ) == query(
        candidate.warehouse_file,
        f"select refresh_id, {columns}, observed, examples, {accepted} "
        "from meta.check_results order by all",
    )
    assert found["source_freshness"] == [
        ("shop", "items", 2, 5, 3, 2, 2, 0, 0, 1, 0, 1, dt.datetime(2014, 2, 1, 21))
    ]
    reason = "2 columns expected, 1 found"
    assert found["quarantine"] == [
        (
            "shop",
            "items",
            first.batch_id,
            "a.csv",
            3,
            reason,
            dt.datetime(2014, 2, 1, 5),
        ),
        (
            "shop",
            "items",
            second.batch_id,
            "b.csv",
            3,
            reason,
            dt.datetime(2014, 2, 1, 21),
        ),
    ]
    # What stood there may be personal, and is for few.
    assert meta(candidate, "private")["quarantined_lines"] == [
        ("shop", "items", first.batch_id, "a.csv", 3, "3"),
        ("shop", "items", second.batch_id, "b.csv", 3, "'5"),
    ]


def test_repeated_superseded_and_deleted_keys_are_counted(
    home: Home, exports: Path
) -> None:
    source = files_source(exports, deleted_when={"column": "gone", "values": ["Y"]})
    for name, text in {
        "a.csv": "1,x,N\n1,y,N\n2,x,N\n3,x,N\n4,x,N\n4,x,N\n4,x,Y\n",
        "b.csv": "1,z,N\n3,x,Y\n5,x,N\n6,x,Y\n",
        "c.csv": "6,x,N\n",
    }.items():
        (exports / name).write_text("id,b,gone\n" + text)
        land(home, source)
    candidate = opened(home)
    foundation.prepare(home, candidate, [source])
    meta_module.write_meta(home, candidate, [source], {})
    keys = "different_keys, repeated_keys, deleted_keys"
    (row,) = query(
        candidate.warehouse_file,
        f"select rows_landed, {keys}, superseded_rows from meta.source_freshness",
    )
    assert row == (12, 6, 2, 2, 6)


def test_a_key_that_is_no_column_is_told(home: Home, exports: Path) -> None:
    (exports / "a.csv").write_text("id,b\n1,2\n")
    source = files_source(exports)
    land(home, source)
    with pytest.raises(
        ConfigurationError, match=r"shop\.items: .* names shop, number as"
    ):
        foundation.prepare(
            home, opened(home), [files_source(exports, key=["ID", "shop", "number"])]
        )


def test_meta_describes_every_table_and_column(home: Home) -> None:
    candidate = opened(home)
    foundation.prepare(home, candidate, [])
    meta_module.write_meta(home, candidate, [], {})
    found = meta(candidate)
    private = meta(candidate, "private")
    assert {name for name, _ in private["tables"]} == {
        "current_release",
        "quarantined_lines",
    }
    assert {name for name, _ in found["tables"]} == {
        "current_release",
        "refreshes",
        "check_results",
        "check_history",
        "acceptances",
        "quarantine",
        "source_freshness",
    }
    for tables in (found["tables"], private["tables"]):
        assert all(comment and "One row per " in comment for _, comment in tables)
    for columns in (found["columns"], private["columns"]):
        assert all(comment and comment.endswith(".") for *_, comment in columns)
    assert len(found["columns"]) == 81
    assert found["quarantine"] == found["source_freshness"] == []


def test_meta_written_twice_is_the_same(
    home: Home, exports: Path, source: Source
) -> None:
    (exports / "a.csv").write_text("id,b\n1,2\n3\n")
    land(home, source)
    candidate = opened(home)
    foundation.prepare(home, candidate, [source])
    with duckdb_files.connect(candidate.warehouse_file) as connection:
        connection.execute("create table marts.t as select 1 as value")
    sealed_at = attempts.now().isoformat()
    given = (home, candidate, [source], EVIDENCE, USES)
    meta_module.write_meta(*given, sealed_at=sealed_at)
    once = [meta(candidate, name) for name in layout.DATABASES]
    assert all(rows for found in once for rows in found.values())
    meta_module.write_meta(*given, sealed_at=sealed_at)
    assert [meta(candidate, name) for name in layout.DATABASES] == once
    assert query(candidate.warehouse_file, "from marts.t") == [(1,)]
    names = sorted(path.name for path in candidate.release_folder.iterdir())
    assert names == ["private.duckdb", "warehouse.duckdb"], "no wal is left"


GATES = ["out"]


def looked_at(home: Home, outcome: evidence.Outcome = "passed") -> Candidate:
    """A candidate that one gate has looked at, with the file that was seen."""
    candidate = opened(home)
    foundation.prepare(home, candidate, [])
    check = Check("out", "marts.t", "n", "critical", outcome, observed=outcome)
    seen = verification.hashes(candidate)
    evidence.save(
        candidate.evidence_folder,
        Evidence("out", candidate.refresh_id, 1, [check], seen),
    )
    return candidate


def published(home: Home) -> Candidate:
    candidate = looked_at(home)
    found = evidence.load_all(candidate.evidence_folder)
    sealed_at = attempts.now().isoformat()
    meta_module.write_meta(home, candidate, [], found, sealed_at=sealed_at)
    sealing.seal(candidate, GATES, sealed_at=sealed_at)
    promotion.promote(home, candidate.refresh_id, GATES)
    return candidate


def history(home: Home) -> list[tuple[int, str]]:
    """The number of each refresh in the history of the newest release, and its outcome."""
    newest = catalogue.releases(home)[0]
    rows = query(
        newest.path / layout.WAREHOUSE,
        "select refresh_id, outcome from meta.check_history order by all",
    )
    return [(layout.sequence(name), outcome) for name, outcome in rows]


def test_the_history_tells_of_refused_attempts_too(home: Home) -> None:
    """Also of those whose candidates are gone before the next release."""
    published(home)
    for outcome in ("failed", "crashed", "failed"):
        looked_at(home, outcome)
        pruning.prune(home, keep_releases=5, keep_candidates=1)
    published(home)
    told = [(1, "passed"), (2, "failed"), (3, "crashed"), (4, "failed"), (5, "passed")]
    assert history(home) == told
    pruning.prune(home, keep_releases=1, keep_candidates=0)
    published(home)
    assert history(home) == [*told, (6, "passed")]


def test_a_rollback_does_not_undo_what_was_found(home: Home) -> None:
    published(home)
    published(home)
    promotion.rollback(home)
    published(home)
    assert history(home) == [(1, "passed"), (2, "passed"), (3, "passed")]


@pytest.mark.parametrize("damage", ["older", "no file", "no database"])
def test_the_history_comes_from_the_evidence_where_no_file_tells_it(
    home: Home, damage: str
) -> None:
    """A release of an older version, or one that cannot be read."""
    first = published(home)
    newest = published(home)
    promotion.rollback(home)  # or identity could not read what it remembers there
    path = home.releases / newest.refresh_id / layout.WAREHOUSE
    path.chmod(0o600)
    if damage == "older":
        with duckdb_files.connect(path) as connection:
            connection.execute("drop table meta.check_history")
    elif damage == "no file":
        path.unlink()
    else:
        path.write_bytes(b"no database")
    published(home)
    assert first.refresh_id < newest.refresh_id
    assert history(home) == [(1, "passed"), (2, "passed"), (3, "passed")]


def test_the_history_forgets_after_400_days(home: Home) -> None:
    first = published(home)
    refused = looked_at(home, "failed")
    path = home.releases / first.refresh_id / layout.WAREHOUSE
    path.chmod(0o600)
    for days, told in ((399, 3), (401, 1)):
        began = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
        with duckdb_files.connect(path) as connection:
            connection.execute(
                "update meta.check_history set refreshed_at = ?",
                [began.replace(tzinfo=None)],
            )
        for record in (path.with_name("release.json"), refused.path / "candidate.json"):
            write_json(record, {**read_json(record), "opened_at": began.isoformat()})
        candidate = looked_at(home)
        found = evidence.load_all(candidate.evidence_folder)
        meta_module.write_meta(home, candidate, [], found)
        (row,) = query(
            candidate.warehouse_file, "select count(*) from meta.check_history"
        )
        assert row == (told,)
        shutil.rmtree(candidate.path)


def release_read(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[Any]:
    return connection.execute(
        "select refresh_id, as_of_date, sealed_at, rewritten_at, started_at, run_id, "
        "time_zone, reporting_currency, schema_version, product_version "
        f"from {catalog}.meta.current_release"
    ).fetchall()


def test_a_connection_says_which_release_it_reads(home: Home) -> None:
    """The old one until it reconnects, over a publish and over a rollback."""
    first = published(home)
    with duckdb_files.open_release(home.current.resolve()) as held:
        second = published(home)
        with duckdb_files.open_release(home.current.resolve()) as new:
            for connection, candidate in ((held, first), (new, second)):
                record = read_json(
                    home.releases / candidate.refresh_id / "release.json"
                )
                expected = (
                    candidate.refresh_id,
                    candidate.as_of_date,
                    naive(record["sealed_at"]),
                    None,
                    naive(candidate.opened_at),
                    candidate.run_id,
                    candidate.time_zone,
                    candidate.reporting_currency,
                    record["format"],
                    version("customer-tiers"),
                )
                for catalog in layout.DATABASES:
                    assert release_read(connection, catalog) == [expected]
            promotion.rollback(home)
            assert release_read(new, "warehouse")[0][0] == second.refresh_id
            with duckdb_files.open_release(home.current.resolve()) as again:
                assert release_read(again, "private")[0][0] == first.refresh_id


def naive(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None)
