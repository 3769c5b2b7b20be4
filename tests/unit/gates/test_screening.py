"""What is asked in one scan is what Great Expectations would say, figure by figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.row_conditions import Column

from expectations.vocabulary import (
    between,
    columns_present,
    no_rows,
    one_of,
    row_count,
    unique,
    without_nulls,
)
from pipeline.gates import run, screening
from pipeline.gates.suite import Suite
from pipeline.journal.evidence import Check

# Tables of one column `a`, and of `a` and `b`.
TABLES = {
    "whole": "select range::integer as a, range % 3 as b from range(9)",
    "empty": "select 1 as a, 1 as b where false",
    "only_nulls": "select null::integer as a, null::integer as b from range(4)",
    "one_null": "select nullif(range, 3) as a, nullif(range, 3) as b from range(5)",
    "half_null": "select * from (values (1, null), (1, null), (null, 2)) as t (a, b)",
    "alike": "select 5 as a, range // 2 as b from range(4)",
    "decimals": "select 0.1::decimal(4, 2) as a, 9.9::decimal(4, 2) as b",
    "doubles": "select 0.1::double as a, 0.3::double as b",
    "odd": "select 'nan'::double as a, 'infinity'::double as b",
    "edges": "select unnest([0.0, 9.9]) as a, unnest([1.0, 10.0]) as b",
    "days": "select date '2014-01-31' as a, timestamp '2014-02-01 10:00' as b",
    "texts": "select unnest(['1', 'x', '']) as a, unnest(['y', 'Y', 'z']) as b",
    "flags": "select true as a, false as b",
    "other_case": 'select 1 as "A", 2 as b',
}


def _expectations() -> list[Any]:
    return [
        without_nulls("a", why="w"),
        unique("a", why="w", severity="warning"),
        unique("a", "b", why="w"),
        between("a", 0, 9.9, why="w"),
        between("a", 0.1, None, why="w", acceptable=True),
        between("a", None, 0.1, why="w"),
        between("a", dt.date(2014, 1, 31), dt.date(2014, 2, 1), why="w"),
        between("b", dt.date(2014, 1, 31), dt.date(2014, 2, 1), why="w"),
        one_of("a", [*range(9), 0.1], why="w"),
        one_of("a", ["1", "x", ""], why="w"),
        one_of("a", [True], why="w"),
        one_of("a", [0, 1, None], why="w"),
        one_of("b", ["x"], why="w"),
        row_count(1, why="w"),
        row_count(0, 4, why="w", needs="x"),
        row_count(5, 9, why="w"),
        no_rows("none", "select a from {batch} where a is null", why="w"),
        no_rows("braces", "select a from {batch} where {{'k': 1}}['k'] = 2", why="w"),
        no_rows(
            "with",
            "with t as (select a from {batch}) select a from t where 1=0",
            why="w",
        ),
        no_rows("comment", "select a from {batch} where false -- nothing", why="w"),
        no_rows("end", "select a from {batch} where false;", why="w"),
        no_rows("nowhere", "select nowhere from {batch}", why="w"),
        columns_present(["a"], why="w"),
        # With an option, or of another kind: Great Expectations' own.
        gxe.ExpectColumnValuesToNotBeNull(column="a", mostly=0.5, description="w"),
        gxe.ExpectColumnValuesToBeBetween(
            column="a", min_value=0, max_value=8, strict_max=True, description="w"
        ),
        gxe.ExpectColumnMaxToBeBetween(column="a", min_value=0, max_value=8),
    ]


def _asked(path: Path, tables: Iterable[str]) -> list[Check]:
    suites = [
        Suite(f"marts.{table}", "marts", table, _expectations(), ["b"])
        for table in tables
    ]
    return run.run_suites("out", path, suites)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("screening") / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for name, query in TABLES.items():
            connection.execute(f"create table marts.{name} as {query}")
    return path


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(["one_null", "texts"], id="some"),
        pytest.param(list(TABLES), id="all", marks=pytest.mark.campaign),
    ],
)
def test_great_expectations_says_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch, tables: list[str]
) -> None:
    ours = _asked(path, tables)
    nothing = [[None] * len(_expectations()) for _ in tables]
    monkeypatch.setattr(screening, "held", lambda *_: nothing)
    theirs = _asked(path, tables)
    assert len(ours) == len(tables) * len(_expectations())
    assert list(map(_figures, ours)) == list(map(_figures, theirs))
    assert {check.outcome for check in ours} == {"passed", "failed", "crashed"}


def _figures(check: Check) -> Check:
    """The check; of a crash without the words, and with examples that equal themselves."""
    return replace(
        check,
        observed="" if check.outcome == "crashed" else check.observed,
        examples=[
            {name: str(it) for name, it in row.items()} for row in check.examples
        ],
    )


def test_what_holds_is_not_asked_again(path: Path) -> None:
    """All kinds of the vocabulary that suites are written in are asked in one scan."""
    demands = [
        without_nulls("a", why="w"),
        unique("a", why="w"),
        unique("a", "b", why="w"),
        between("a", 0, 8, why="w"),
        between("a", None, 8.5, why="w"),
        one_of("b", [0, 1, 2], why="w"),
        row_count(9, why="w"),
        row_count(1, 9, why="w"),
        no_rows("none", "select a from {batch} where a is null", why="w"),
    ]
    suite = Suite("marts.whole", "marts", "whole", demands)
    (found,) = screening.held(path, [suite])
    assert None not in found


@pytest.mark.parametrize(
    "demand",
    [
        gxe.ExpectColumnValuesToNotBeNull(column="a", mostly=0.5),
        gxe.ExpectColumnValuesToBeUnique(column="a", row_condition=Column("a") > 0),
        gxe.ExpectColumnMaxToBeBetween(column="a", min_value=0, max_value=8),
        gxe.ExpectColumnValuesToBeBetween(column="a", min_value=0, strict_min=True),
        gxe.ExpectTableRowCountToEqual(value=9),
    ],
)
def test_what_is_of_another_kind_is_left_to_great_expectations(
    path: Path, demand: Any
) -> None:
    suite = Suite("marts.whole", "marts", "whole", [demand])
    assert screening.held(path, [suite]) == [[None]]


def test_what_cannot_be_asked_leaves_the_rest(path: Path) -> None:
    demands = [between("nowhere", 0, 1, why="w"), between("a", 0, 8, why="w")]
    suites = [
        Suite("marts.whole", "marts", "whole", demands),
        Suite("marts.nowhere", "marts", "nowhere", demands),
    ]
    whole, nowhere = screening.held(path, suites)
    assert [item is None for item in whole] == [True, False]
    assert nowhere == [None, None]
