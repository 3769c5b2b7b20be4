"""The made-up company: the same rows again, and deltas that belong to the past."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from benchmarks.company import generate

LINES = 3_000


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    for day in (0, 1, 2):
        generate.write(folder, LINES, day)
    return folder


@pytest.fixture
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def entities(company: Path) -> Iterator[tuple[str, list[str], list[Path]]]:
    """Source and entity, its key, and its files, as the project declares them."""
    declared = yaml.safe_load((company / "sources.yaml").read_text())
    for source in declared["sources"]:
        for name, entity in source["entities"].items():
            files = sorted((company / source["path"]).glob(entity["files"]))
            yield f"{source['name']}.{name}", entity["key"], files


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    (number,) = connection.execute(query).fetchone() or (0,)
    return int(number)


def test_the_project_names_every_file(company: Path) -> None:
    declared = {path for _, _, files in entities(company) for path in files}
    assert declared == set((company / "files").rglob("*.parquet"))


def test_a_key_stands_once_in_a_file(
    company: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    for name, key, files in entities(company):
        for path in files:
            rows = count(sql, f"select count(*) from '{path}'")
            keys = f"select distinct {', '.join(key)} from '{path}'"
            assert count(sql, f"select count(*) from ({keys})") == rows, (name, path)


@pytest.mark.parametrize("day", [0, 1])
def test_the_same_seed_gives_the_same_rows(
    company: Path, tmp_path: Path, sql: duckdb.DuckDBPyConnection, day: int
) -> None:
    generate.write(tmp_path / "again", LINES, day)
    generate.write(tmp_path / "other", LINES, day, seed=2)
    again = sorted((tmp_path / "again" / "files").rglob("*.parquet"))
    assert again
    for path in again:
        mine = company / path.relative_to(tmp_path / "again")
        assert not count(
            sql, f"select count(*) from (from '{path}' except all from '{mine}')"
        )
    lines = "files/*/order_lines_*.parquet"
    assert count(
        sql,
        f"select count(*) from (from '{tmp_path}/other/{lines}' "
        f"except all from '{tmp_path}/again/{lines}')",
    )


def test_a_day_brings_a_thousandth_more_and_corrects_the_past(
    company: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    def lines(part: str) -> str:
        return f"'{company}/files/*/order_lines_{part}.parquet'"

    key = "(order_number, line_number)"
    past = f"select order_number, line_number from {lines('000?')}"
    for day in (1001, 1002):
        new = f"select count(*) from {lines(str(day))} where {key} not in ({past})"
        assert count(sql, new) == 10  # a block is the least that a day brings
        again = f"select count(*) from {lines(str(day))} where {key} in ({past})"
        assert count(sql, again) == 1
    assert count(sql, f"select count(distinct {key}) from {lines('000?')}") == LINES
    assert count(
        sql,
        f"select count(*) from {lines('0001')} as newer inner join {lines('0000')} as "
        "older using (order_number, line_number) "
        "where newer.net_amount <> older.net_amount",
    )


def test_lines_have_their_order_and_orders_their_customer(
    company: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    files = company / "files"
    for source, customers, key in (
        ("erp", "customers", "customer_no"),
        ("web", "users", "user_id"),
    ):
        orders = f"'{files}/{source}/orders_*.parquet'"
        assert not count(
            sql,
            f"select count(*) from '{files}/{source}/order_lines_*.parquet' "
            f"anti join {orders} using (order_number)",
        )
        assert not count(
            sql,
            f"select count(*) from {orders} "
            f"anti join '{files}/{source}/{customers}_*.parquet' using ({key})",
        )


def test_nothing_is_known_before_it_happens(
    company: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    for part, as_of in (("000?", "2025-06-15"), ("1001", "2025-06-16")):
        for name, moment in (
            ("erp/orders", "ordered_at"),
            ("erp/invoices", "paid_at"),
            ("crm/tickets", "greatest(opened_at, resolved_at, closed_at)"),
            ("crm/deals", "closed_on"),
            ("crm/activities", "occurred_at"),
        ):
            assert not count(
                sql,
                f"select count(*) from '{company}/files/{name}_{part}.parquet' "
                f"where {moment} >= date '{as_of}' + 1",
            ), (name, part)
