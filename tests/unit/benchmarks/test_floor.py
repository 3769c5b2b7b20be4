"""The floor: the newest version of each row, and a comparison that can fail."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from benchmarks import floor
from benchmarks.company import generate


def parquet(path: Path, query: str) -> Path:
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ("append", [(1, "new"), (2, "old"), (3, "newest")]),
        ("snapshot", [(3, "newest")]),
    ],
)
def test_the_newest_version_of_each_row_counts(
    tmp_path: Path, load: str, expected: list[tuple[int, str]]
) -> None:
    files = [
        parquet(tmp_path / "a_0.parquet", "values (1, 'old'), (2, 'old')"),
        parquet(tmp_path / "a_1.parquet", "values (1, 'new'), (3, 'new')"),
        parquet(tmp_path / "a_2.parquet", "values (3, 'newest')"),
    ]
    query = floor.newest(files, {"key": ["col0"], "load": load})
    assert duckdb.sql(f"from ({query}) order by all").fetchall() == expected


def warehouse(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def released(path: Path, query: str) -> Path:
    return warehouse(
        path,
        "create schema marts",
        f"create table marts.t as {query}",
        "create table marts.forecasts as select 1 as x",
    )


MADE = "select 1 as id, cast(0.1 as double) as share, date '2025-01-01' as day"


@pytest.mark.parametrize(
    ("theirs", "only_in_floor", "only_in_release"),
    [
        (MADE, 0, 0),
        # One digit in sixteen is the order of a division.
        ("select 1 as id, cast(0.10000000000000002 as double) as share, day "
         f"from ({MADE})", 0, 0),
        (f"select * replace (cast(0.1000001 as double) as share) from ({MADE})", 1, 1),
        (f"select * replace (cast(null as double) as share) from ({MADE})", 1, 1),
        (f"from ({MADE}) union all from ({MADE})", 0, 1),
        (f"from ({MADE}) where false", 1, 0),
    ],
)  # fmt: skip
def test_a_row_that_differs_is_counted_on_its_side(
    tmp_path: Path, theirs: str, only_in_floor: int, only_in_release: int
) -> None:
    mine = warehouse(tmp_path / "floor.duckdb", f"create table t as {MADE}")
    release = released(
        tmp_path / "release.duckdb", f"select *, 'gold' as tier from ({theirs})"
    )
    (item,), not_made = floor.compare(mine, release)
    assert (item.only_in_floor, item.only_in_release) == (
        only_in_floor,
        only_in_release,
    )
    assert item.is_same is (only_in_floor == only_in_release == 0)
    assert list(item.not_made) == ["tier"]
    assert not_made == ["marts.forecasts"]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("create table other as select 1 as id", "no table other"),
        ("create table t as select 1 as key", "t.key is not there"),
        ("create table t as select '1' as id", "id is INTEGER .* VARCHAR in the floor"),
    ],
)
def test_what_would_be_compared_with_nothing_is_refused(
    tmp_path: Path, table: str, problem: str
) -> None:
    mine = warehouse(tmp_path / "floor.duckdb", table)
    release = released(tmp_path / "release.duckdb", MADE)
    with pytest.raises(ValueError, match=problem):
        floor.compare(mine, release)


def test_the_floor_is_made_of_a_small_company(tmp_path: Path) -> None:
    generate.write(tmp_path / "company", 1_000)
    target = tmp_path / "floor.duckdb"
    used = floor.build(tmp_path / "company", target, generate.AS_OF)
    assert used["bytes"] == target.stat().st_size
    with duckdb.connect(str(target), read_only=True) as connection:
        (lines, revenue) = connection.execute(
            "select count(*), sum(net_amount) from order_lines"
        ).fetchone() or (0, 0)
        assert lines == 1_000
        # The same money by three roads.
        assert connection.execute(
            "select sum(revenue) from customer_value"
        ).fetchone() == (revenue,)
        assert connection.execute(
            "select sum(amount) from event_days where entity = 'order_lines'"
        ).fetchone() == (revenue,)
        # Fewer customers than records: the systems know some of the same.
        (customers, records) = connection.execute(
            "select count(distinct customer_id), count(*) from customer_source_keys"
        ).fetchone() or (0, 0)
        assert 0 < customers < records
