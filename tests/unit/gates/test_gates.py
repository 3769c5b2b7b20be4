"""Expectations inside DuckDB: the three outcomes, their evidence, and the dialect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from expectations.vocabulary import (
    between,
    columns_present,
    no_rows,
    one_of,
    row_count,
    unique,
    without_nulls,
)
from pipeline.common.files import sha256
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.gates import judgement
from pipeline.gates.run import _check, run_suites
from pipeline.gates.suite import Suite, is_acceptable, named
from pipeline.journal import acceptances, evidence
from pipeline.journal.evidence import Check
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.landing.store import BatchStore
from pipeline.release import candidates
from pipeline.release.layout import Candidate
from pipeline.sources import Entity, Extract, Rejected, Since, Source, load_sources
from pipeline.transform import dbt_runner, dbt_tests
from pipeline.transform.nodes import Result
from tests.unit.support import store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Check]:
    """One run of one suite on a table of 1,000 rows, by the name of the check."""
    path = tmp_path_factory.mktemp("gates") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            """
            create table marts.t as
            select
                i as id, i // 2 as pair, if(i = 7, null, 'x' || i) as name,
                (i % 100)::decimal(18, 4) as amount, date '2014-01-01' as day
            from range(1000) as r(i)
            """
        )
    suite = Suite(
        subject="marts.t",
        schema="marts",
        table="t",
        key=["id"],
        expectations=[
            row_count(1_000, 1_000, why="passes"),
            without_nulls("id", why="passes"),
            without_nulls("name", why="fails for one row"),
            unique("id", why="passes"),
            unique("pair", why="fails for all", severity="warning"),
            unique("id", "pair", why="passes"),
            between("amount", 0, 99, why="passes"),
            between("day", dt.date(2014, 2, 1), None, why="fails for all"),
            one_of("amount", list(range(50)), why="fails for half"),
            no_rows("odd_ids", "select id from {batch} where id in (3, 5)", why="two"),
            no_rows("no_ids", "select id from {batch} where id > 1000", why="passes"),
            columns_present(["id", "name"], why="passes"),
            between("nowhere", 0, 1, why="crashes"),
            no_rows("broken_sql", "select nowhere from {batch}", why="crashes"),
        ],
    )
    found = run_suites("out", path, [suite])
    assert len(found) == len(suite.expectations)
    return {check.name: check for check in found}


@pytest.mark.parametrize(
    ("name", "outcome", "failing"),
    [
        ("table_row_count_to_be_between", "passed", None),
        ("column_values_to_not_be_null(id)", "passed", 0),
        ("column_values_to_not_be_null(name)", "failed", 1),
        ("column_values_to_be_unique(id)", "passed", 0),
        ("column_values_to_be_unique(pair)", "failed", 1_000),
        ("compound_columns_to_be_unique(id, pair)", "passed", 0),
        ("column_values_to_be_between(amount)", "passed", 0),
        ("column_values_to_be_between(day)", "failed", 1_000),
        ("column_values_to_be_in_set(amount)", "failed", 500),
        ("odd_ids", "failed", 2),
        ("no_ids", "passed", 0),
        ("table_columns_to_match_set", "passed", None),
        ("column_values_to_be_between(nowhere)", "crashed", None),
        ("broken_sql", "crashed", None),
    ],
)
def test_outcomes(
    checks: dict[str, Check], name: str, outcome: str, failing: int | None
) -> None:
    """True expectations pass on DuckDB: without our dialect, none of them would."""
    assert (checks[name].outcome, checks[name].failing_rows) == (outcome, failing)


def test_evidence_shows_the_keys_of_failing_rows(checks: dict[str, Check]) -> None:
    null = checks["column_values_to_not_be_null(name)"]
    assert [example["id"] for example in null.examples] == [7]
    assert [row["id"] for row in checks["odd_ids"].examples] == [3, 5]
    half = checks["column_values_to_be_in_set(amount)"]
    assert len(half.examples) == evidence.EXAMPLES_KEPT
    assert half.expected == "fails for half"
    assert (
        checks["odd_ids"].sentence()
    ) == "marts.t: odd_ids failed; 2 rows; such as id=3, id=5"


def test_severity_decides_what_blocks(checks: dict[str, Check]) -> None:
    assert not checks["column_values_to_be_unique(pair)"].blocks
    assert checks["odd_ids"].blocks
    assert checks["broken_sql"].blocks
    assert "nowhere" in checks["broken_sql"].observed


def test_a_table_that_is_not_there_crashes_every_check(tmp_path: Path) -> None:
    path = tmp_path / "empty.duckdb"
    duckdb.connect(str(path)).close()
    suite = Suite(
        "marts.t", "marts", "t", [row_count(1, why="x"), unique("a", why="y")]
    )
    found = run_suites("out", path, [suite])
    assert [check.outcome for check in found] == ["crashed", "crashed"]


def test_no_connection_is_left_open(tmp_path: Path) -> None:
    """Or nobody in this process could write to the file after the gate."""
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create table marts.t as select 1 as a")
    suite = Suite("marts.t", "marts", "t", [unique("a", why="x")])
    run_suites("out", path, [suite])
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into marts.t values (2)")


class Given:
    """A reader that gives what it was given."""

    def __init__(self, *tables: pa.Table, rejected: int = 0) -> None:
        self._tables = tables
        self._rejected = rejected

    def __enter__(self) -> Given:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        for place, table in enumerate(self._tables):
            yield Extract(
                origin=f"file-{place}",
                fingerprint=None,
                batches=lambda table=table: iter(table.to_batches()),  # type: ignore[misc]
                rejected=[
                    Rejected(line, "text", "reason") for line in range(self._rejected)
                ],
            )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(
        name="shop",
        kind="files",
        path=tmp_path,
        entities={"items": Entity(name="items", key=["id"], files="*.csv")},
        provides=[],
    )


def opened(home: Home) -> Candidate:
    return candidates.open_candidate(
        home,
        run_id="run",
        as_of_date=dt.date(2014, 1, 31),
        time_zone="UTC",
        reporting_currency="USD",
    )


def through_the_gate(
    home: Home, source: Source, reader: Given, *, full: bool = False
) -> evidence.Evidence:
    entity = source.entities["items"]
    land(LandedEntity(home, source.name, entity), reader, now=NOW, full=full)
    suites = PROJECT_ROOT / "expectations"
    return judgement.gate_in(home, opened(home), source, suites, full=full)


def test_a_good_batch_is_accepted(home: Home, source: Source) -> None:
    found = through_the_gate(home, source, Given(pa.table({"id": [1, 2]})))
    assert found.problems() == []
    assert len(found.checks) == found.planned == 5
    assert len(BatchStore(home, "shop", "items").batches("accepted")) == 1


def test_a_batch_without_its_key_is_refused_and_read_again(
    home: Home, source: Source
) -> None:
    broken = Given(pa.table({"id": pa.array([1, None], pa.int64())}))
    for _ in range(2):
        found = through_the_gate(home, source, broken)
        assert any("not_be_null(id)" in problem for problem in found.problems())
        assert BatchStore(home, "shop", "items").batches("accepted") == []
        assert len(BatchStore(home, "shop", "items").batches("refused")) == 1
    mended = through_the_gate(home, source, Given(pa.table({"id": [1, 2]})))
    assert mended.problems() == []
    assert len(BatchStore(home, "shop", "items").batches("accepted")) == 1


@pytest.mark.parametrize("repeated_keys", ["refuse", "newest"])
def test_a_key_twice_in_one_file_stops_unless_it_is_declared(
    home: Home, source: Source, repeated_keys: str
) -> None:
    entity = source.entities["items"].model_copy(
        update={"repeated_keys": repeated_keys}
    )
    declared = source.model_copy(update={"entities": {"items": entity}})
    found = through_the_gate(home, declared, Given(pa.table({"id": [1, 1, 2]})))
    failed = {check.name: check for check in found.checks if check.outcome != "passed"}
    once = failed["a_key_stands_once_in_a_file"]
    assert once.failing_rows == 1
    assert (once.examples[0]["id"], once.examples[0]["_times"]) == (1, 2)
    assert bool(found.problems()) == (repeated_keys == "refuse")


def test_a_key_again_in_another_file_is_a_correction(
    home: Home, source: Source
) -> None:
    for number in (1, 2):
        table = pa.table({"id": [1, 2], "number": [number, number]})
        assert through_the_gate(home, source, Given(table)).problems() == []
    assert len(BatchStore(home, "shop", "items").batches("accepted")) == 2


def test_too_large_a_share_in_quarantine_is_refused(home: Home, source: Source) -> None:
    table = pa.table({"id": list(range(90))})
    found = through_the_gate(home, source, Given(table, rejected=10))
    assert any("quarantine_within_limit" in problem for problem in found.problems())


def test_a_batch_file_that_lost_rows_is_noticed(home: Home, source: Source) -> None:
    import pyarrow.parquet as pq

    entity = source.entities["items"]
    land(
        LandedEntity(home, "shop", entity), Given(pa.table({"id": [1, 2, 3]})), now=NOW
    )
    (batch,) = BatchStore(home, "shop", "items").batches("pending")
    path = store_of(home, batch).data_file(batch)
    pq.write_table(pq.read_table(path).slice(0, 2), path)
    found = judgement.gate_in(home, opened(home), source, PROJECT_ROOT / "expectations")
    assert any("rows_read_are_landed" in problem for problem in found.problems())


def test_nothing_new_leaves_evidence_all_the_same(home: Home, source: Source) -> None:
    reader = Given(pa.table({"id": [1, 2]}))
    through_the_gate(home, source, reader)
    found = through_the_gate(home, source, reader)
    assert [check.name for check in found.checks] == [
        "rows_read_are_landed_or_quarantined",
        "quarantine_within_limit",
    ]
    assert found.problems() == []


BEFORE = pa.table({"id": [1], "amount": [1.5], "note": ["a"], "empty": pa.nulls(1)})
WITHOUT_NOTE = BEFORE.drop_columns(["note"])
WITHOUT_AMOUNT = BEFORE.drop_columns(["amount"])
CHANGED = [
    (BEFORE.append_column("more", [["b"]]), [("no_column_is_new", "more")], False),
    (WITHOUT_NOTE, [("no_column_is_missing", "note")], True),
    (
        WITHOUT_NOTE.append_column("note", [[7]]),
        [("no_column_changed_its_type", "note")],
        True,
    ),
    # A whole number is a number, and a column without a value has no type.
    (WITHOUT_AMOUNT.append_column("amount", [[7]]), [], False),
    (BEFORE.drop_columns(["empty"]).append_column("empty", [["b"]]), [], False),
    (WITHOUT_NOTE.append_column("note", pa.nulls(1)), [], False),
]


def broken(found: evidence.Evidence) -> list[tuple[str, str]]:
    """The checks that did not pass, each with the column that its sentence names."""
    checks = [check for check in found.checks if check.outcome != "passed"]
    named = [str(check.examples[0]["column_name"]) for check in checks]
    for check, column in zip(checks, named, strict=True):
        assert f"such as file=file-0 column_name={column}" in check.sentence()
    return [(check.name, column) for check, column in zip(checks, named, strict=True)]


@pytest.mark.parametrize(
    ("now", "expected", "stops"),
    CHANGED,
    ids=["new", "missing", "retyped", "whole", "first value", "no value"],
)
def test_columns_that_changed(
    home: Home,
    source: Source,
    now: pa.Table,
    expected: list[tuple[str, str]],
    stops: bool,
) -> None:
    """A new one is reported; a missing or retyped one stops, and a sentence says which."""
    through_the_gate(home, source, Given(BEFORE))
    found = through_the_gate(home, source, Given(now))
    assert broken(found) == expected
    assert bool(found.problems()) == stops


@pytest.mark.parametrize(
    ("now", "expected", "stops"), CHANGED[1:3], ids=["missing", "retyped"]
)
def test_columns_are_what_they_are_after_a_full_load(
    home: Home,
    source: Source,
    now: pa.Table,
    expected: list[tuple[str, str]],
    stops: bool,
) -> None:
    """The way out that the gate's own sentence names, where the change is meant."""
    assert stops
    through_the_gate(home, source, Given(BEFORE))
    found = through_the_gate(home, source, Given(now), full=True)
    assert (broken(found), found.problems()) == (expected, [])
    later = now.drop_columns(["id"]).append_column("id", [[2]])
    assert broken(through_the_gate(home, source, Given(later))) == []
    assert len(BatchStore(home, "shop", "items").batches("accepted")) == 3


def test_what_gives_no_clear_yes_has_crashed() -> None:
    """Whatever Great Expectations gives back, and also where it gives nothing."""
    from great_expectations.core import ExpectationValidationResult

    item = row_count(1, why="x")
    suite = Suite("marts.t", "marts", "t", [item])
    config = item.configuration
    info = {"raised_exception": True, "exception_message": "boom"}
    given = {
        "nothing": None,
        "neither yes nor no": ExpectationValidationResult(
            success=None, expectation_config=config
        ),
        "yes, with an exception": ExpectationValidationResult(
            success=True, expectation_config=config, exception_info=info
        ),
        "no, with an exception of a metric": ExpectationValidationResult(
            success=False, expectation_config=config, exception_info={"metric": info}
        ),
    }
    for case, result in given.items():
        check = _check("out", suite, "n", item, result, "no result")
        assert (check.outcome, check.blocks, check.is_accepted) == (
            "crashed",
            True,
            False,
        ), case
        assert check.observed


def test_a_demand_that_stands_twice_is_made_twice(tmp_path: Path) -> None:
    """Each under its own name, so that accepting the one does not accept the other."""
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema marts; create table marts.t as select 5 as a; "
            "create table marts.u as select 5 as a"
        )
    demands = [
        between("a", 0, 9, why="x"),
        between("a", 0, 3, why="y", acceptable=True),
        no_rows("n", "select a from {batch} where a = 5", why="z"),
        no_rows("n", "select a from {batch} where a = 6", why="z"),
    ]
    suites = [
        Suite("marts.t", "marts", "t", demands, ["a"]),
        # Another suite on the same subject, as the gates in have.
        Suite("marts.t", "marts", "u", [between("a", 6, 9, why="v")]),
    ]
    found = run_suites("out", path, suites)
    assert [(check.name, check.outcome, check.acceptable) for check in found] == [
        ("column_values_to_be_between(a)", "passed", False),
        ("column_values_to_be_between(a) #2", "failed", True),
        ("n", "failed", False),
        ("n #2", "passed", False),
        ("column_values_to_be_between(a) #3", "failed", False),
    ]
    assert [len(check.examples) for check in found] == [0, 1, 1, 0, 1]


def test_the_same_demand_word_for_word_is_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create table marts.t as select 1 as a")
    suite = Suite("marts.t", "marts", "t", [unique("a", why="x"), unique("a", why="x")])
    found = run_suites("out", path, [suite])
    assert len(found) == 2
    assert {check.outcome for check in found} <= {"passed", "crashed"}


def test_demands_are_worded(checks: dict[str, Check]) -> None:
    """By Great Expectations itself, beside our reason; queries with the table's name."""
    amount = checks["column_values_to_be_between(amount)"]
    assert amount.demand.startswith("amount values must be greater than or equal to 0")
    assert "from marts.t where id in (3, 5)" in checks["odd_ids"].demand
    assert all(check.demand for check in checks.values())
    half = checks["column_values_to_be_in_set(amount)"]
    assert (half.failing_rows, half.rows) == (500, 1_000)


def test_only_what_is_declared_so_is_acceptable() -> None:
    words: list[Callable[..., Any]] = [
        lambda **more: without_nulls("a", why="x", **more),
        lambda **more: unique("a", why="x", **more),
        lambda **more: unique("a", "b", why="x", **more),
        lambda **more: one_of("a", [1], why="x", **more),
        lambda **more: between("a", 0, 1, why="x", **more),
        lambda **more: row_count(1, why="x", **more),
        lambda **more: no_rows("n", "select 1", why="x", **more),
    ]
    for word in words:
        plain = Suite("s", "marts", "t", [word(), word(acceptable=True)])
        found = [is_acceptable(item) for _, _, item in named([plain])]
        assert found == [False, True]
    given = no_rows("n", "select 1", why="x", acceptable=True)
    assert [name for _, name, _ in named([Suite("s", "m", "t", [given])])] == ["n"]


@pytest.mark.parametrize("full", [False, True])
def test_what_is_declared_is_what_is_checked(
    home: Home, source: Source, full: bool
) -> None:
    """Or `publish` would take a check for one that no suite knows."""
    suites = PROJECT_ROOT / "expectations"
    declared = judgement.declared([source], suites, full=full)
    through_the_gate(home, source, Given(BEFORE))
    changed = BEFORE.append_column("more", [["b"]])
    found = through_the_gate(home, source, Given(changed), full=full)
    assert len(found.checks) == 8
    for check in found.checks:
        assert declared[check.id] == evidence.Declared(check.severity, check.acceptable)
    made = {check.id for check in found.checks}
    assert {check for check in declared if check.startswith("landing/")} == made
    assert judgement.always_made([source], suites)["out"] | made == set(declared)


def test_ids_of_the_demonstration_are_unique_and_integrity_is_not_acceptable() -> None:
    sources = load_sources(Settings.load()).sources
    declared = judgement.declared(sources, PROJECT_ROOT / "expectations")
    assert len(declared) > 300
    # A column of the key whose suite demands the same again is numbered, and no mart's.
    assert not [check for check in declared if "#" in check and "landing/" not in check]
    for check in (
        "marts.order_lines:compound_columns_to_be_unique(order_id, line_number)",
        "meta.reconciliation:every_cent_is_accounted_for",
        "landing/erp/orders:rows_read_are_landed_or_quarantined",
    ):
        assert not declared[check].may_be_accepted
    assert declared["landing/erp/orders:no_column_is_new"].may_be_accepted


def test_an_accepted_failure_lets_its_batch_in(
    home: Home, source: Source, tmp_path: Path
) -> None:
    """And a batch with another failure beside it stays out."""
    suites = tmp_path / "expectations"
    (suites / "landing").mkdir(parents=True)
    (suites / "marts.py").write_text("def suites():\n    return []\n")
    (suites / "landing" / "shop.py").write_text(
        "from expectations.vocabulary import row_count\n"
        "SUITES = {'items': lambda sample: ["
        "row_count(3, why='a usual day', acceptable=True)]}\n"
    )
    check = "landing/shop/items:table_row_count_to_be_between"
    declared = judgement.declared([source], suites)
    assert declared[check].may_be_accepted

    def judged(table: pa.Table) -> evidence.Evidence:
        entity = source.entities["items"]
        land(LandedEntity(home, source.name, entity), Given(table), now=NOW)
        return judgement.gate_in(home, opened(home), source, suites)

    short = pa.table({"id": [1, 2]})
    assert judged(short).problems()
    assert BatchStore(home, "shop", "items").batches("accepted") == []
    until = acceptances.today().isoformat()
    wish = acceptances.wish([check], "a holiday", until)
    assert wish is not None
    acceptances.accept(home, wish, declared, {check: "failed"})
    keyless = pa.table({"id": pa.array([7, None], pa.int64())})
    assert [item for item in judged(keyless).problems() if "not_be_null(id)" in item]
    assert BatchStore(home, "shop", "items").batches("accepted") == []
    found = judged(short)
    assert found.problems() == []
    (accepted,) = [item for item in found.checks if item.outcome == "failed"]
    assert accepted.accepted is not None
    assert (accepted.id, accepted.accepted.reason) == (check, "a holiday")
    assert len(BatchStore(home, "shop", "items").batches("accepted")) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("pass", "passed"),
        ("fail", "failed"),
        ("warn", "failed"),
        ("error", "crashed"),
        ("skipped", "crashed"),
        ("partial success", "crashed"),
        ("no-op", "crashed"),
        ("", "crashed"),
    ],
)
def test_outcomes_of_dbt(status: str, outcome: str) -> None:
    node = {
        "name": "t",
        "description": "",
        "config": {"severity": "ERROR"},
        "unique_id": "test.p.t",
        "resource_type": "test",
        "depends_on": {"nodes": ["model.p.a"]},
    }
    result = Result(node=node, status=dbt_runner.status_of(status))
    check = dbt_tests.check_of(result)
    assert (check.subject, check.outcome, check.blocks) == (
        "a",
        outcome,
        outcome != "passed",
    )
    assert check.was_left_out is (status == "skipped")
    assert check.demand == "T: the query finds no row."


PRIVATE_SUITES = """
from expectations.vocabulary import no_rows, row_count
from pipeline.gates.suite import Suite


def suites():
    return [
        Suite("marts.t", "marts", "t", [row_count(3, 3, why="all")], ["id"]),
        Suite("marts.p", "marts", "p", [
            row_count(2, 2, why="all"),
            no_rows("nobody_is_odd", "select id from {batch} where id = 1", why="odd"),
        ], ["id"]),
        Suite("marts.gone", "marts", "gone", [row_count(1, why="there")], ["id"]),
    ]
"""


def test_the_gate_out_asks_each_suite_of_the_file_of_its_table(tmp_path: Path) -> None:
    """And is bound to both files: what is private stops a release as anything does."""
    (tmp_path / "marts.py").write_text(PRIVATE_SUITES)
    candidate = candidates.open_candidate(
        Home.open(tmp_path / "home"),
        run_id="run",
        as_of_date=NOW.date(),
        time_zone="UTC",
        reporting_currency="EUR",
    )
    for file, table, rows in (
        (candidate.warehouse_file, "t", 3),
        (candidate.private_file, "p", 2),
    ):
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                "create schema marts; "
                f"create table marts.{table} as from range({rows}) as r (id)"
            )
    found = judgement.gate_out(candidate, [], tmp_path)
    assert {check.id: check.outcome for check in found.checks} == {
        "marts.t:table_row_count_to_be_between": "passed",
        "marts.p:table_row_count_to_be_between": "passed",
        "marts.p:nobody_is_odd": "failed",
        "marts.gone:table_row_count_to_be_between": "crashed",
    }
    (refused,) = [check for check in found.checks if check.outcome == "failed"]
    assert (refused.blocks, refused.examples) == (True, [{"id": 1}])
    assert len(found.checks) == found.planned
    assert found.files == {
        path.name: sha256(path) for path in candidate.databases.values()
    }
