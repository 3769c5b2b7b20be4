"""What is taken over from the build before, and what is made again."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.files import sha256, write_json
from pipeline.release import duckdb_files, layout
from pipeline.transform import dbt as transform
from pipeline.transform import materialization, traces
from pipeline.transform.execution import Execution
from pipeline.transform.nodes import Result, Selection
from tests.unit.transform.test_execution import FILES, Small, new_small, traces_of

SOURCES = """
sources:
  - name: shop
    database: work
    schema: landing
    tables: [{name: orders}, {name: notes}, {name: not_here}]
"""
MORE = {
    "models/staging/shop.yml": SOURCES,
    "models/staging/ordered.sql": "select id from {{ source('shop', 'orders') }}",
    "models/core/counted.sql": "select count(*) as orders from {{ ref('ordered') }}",
    "models/core/noted.sql": "select note from {{ source('shop', 'notes') }}",
    "models/core/stamped.sql": "select '{{ var('x', 'r1') }}' as refresh_id",
    "models/marts/all_orders.sql": "select orders from {{ ref('counted') }}",
    "models/marts/all_stamped.sql": "select refresh_id from {{ ref('stamped') }}",
    "models/marts/all_noted.sql": "select note from {{ ref('noted') }}",
    # What no key can know: the clock, chance, a file, and a model of one's own in Python.
    "models/marts/outside_clock.sql": "select current_date as today",
    "models/marts/outside_chance.sql": "select random () as chance",
    "models/marts/outside_file.sql": "select * from '{{ var('file') }}'",
    "models/marts/outside_reader.sql": "select * from read_csv('{{ var('file') }}')",
    # And what is made of a view of it, which has no rows of its own to be known by.
    "models/staging/outside_view.sql": "select * from read_csv('{{ var('file') }}')",
    "models/core/outside_below.sql": "select * from {{ ref('outside_view') }}",
    "models/marts/outside_last.sql": "select * from {{ ref('outside_below') }}",
    "models/marts/outside_python.py": (
        "def model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        "    return session.sql('select 1 as one')\n"
    ),
    "models/marts/secrets.sql": (
        "{{ config(database='private') }} select 'Ann' as name"
    ),
    "models/marts/prices.yml": (
        "models: [{name: prices, description: What things cost., config: "
        "{contract: {enforced: true}, persist_docs: {relation: true, columns: true}}, "
        "columns: [{name: id, data_type: integer, constraints: [{type: not_null}]}, "
        "{name: rate, data_type: double, description: In euros.}]}]"
    ),
    "tests/none_without_rate.sql": (
        "select 1 from {{ ref('prices') }} where rate is null"
    ),
    "tests/few_orders.sql": (
        "{{ config(severity='warn') }} select 1 from {{ ref('counted') }}"
    ),
}
STAMPED = {
    "stamped",
    "all_stamped",
    *(f"outside_{name}" for name in ("clock", "chance", "file", "reader", "python")),
    *("outside_view", "outside_below"),
}


OUTSIDE = "a,b\n1,2\n"


@dataclass
class Daily:
    """A small project that is built again and again, each time from the time before."""

    small: Small
    project: transform.Project
    noted: Mapping[str, Any] = field(default_factory=dict)

    def build(
        self, notes: str = "a", orders: int = 2, *, is_damaged: bool = False
    ) -> dict[str, Result]:
        """Builds in the work file as it is, and keeps the release for the next time."""
        candidate = self.small.candidate
        former = None
        if self.noted:
            former = candidate.path / "former"
            shutil.rmtree(former, ignore_errors=True)
            candidate.release_folder.rename(former)
            candidate.release_folder.mkdir()
            files = [
                {"name": path.name, "sha256": sha256(path)}
                for path in duckdb_files.databases(former).values()
            ]
            write_json(former / "release.json", {"files": files})
            if is_damaged:
                with (former / layout.WAREHOUSE).open("ab") as damaged:
                    damaged.write(b" ")
        with duckdb.connect(str(candidate.work_file)) as connection:
            connection.execute("drop schema if exists landing cascade")
            connection.execute("create schema landing")
            path = candidate.path / f"orders_{orders}.parquet"
            if not path.exists():
                connection.execute(f"copy (from range({orders}) r(id)) to '{path}'")
            connection.execute(
                f"create view landing.orders as from read_parquet(['{path}'])"
            )
            connection.execute(
                f"create table landing.notes as select '{notes}' as note"
            )
        for file in candidate.databases.values():
            duckdb.connect(str(file)).close()
        made = traces_of(self.project, candidate.path, self.noted)
        found = Execution(
            Selection(self.project.manifest_json),
            transform.compiled(self.project, self.project.folder),
            candidate,
            2,
            lambda _: None,
            threading.Event(),
            made,
            former,
        ).run()
        self.noted = made.noted()
        assert [
            (result.node["name"], result.message)
            for result in found
            if result.status not in {"success", "pass", "warn"}
        ] == []
        return {result.node["name"]: result for result in found}

    def made(self, **given: Any) -> set[str]:
        """What was made, and not taken over."""
        found = self.build(**given)
        return {name for name, result in found.items() if not result.carried}

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return self.small.ask(f"from {table} order by all")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Small:
    small = new_small(tmp_path_factory.mktemp("parsed"))
    file = small.folder / "outside.csv"
    file.write_text(OUTSIDE)
    project = FILES["dbt_project.yml"] + f"\nvars: {{file: '{file}'}}\n"
    small.write(**{**FILES, **MORE, "dbt_project.yml": project})
    small.parse()
    return small


@pytest.fixture
def daily(parsed: Small, tmp_path: Path) -> Iterator[Daily]:
    """Built once."""
    small = new_small(tmp_path)
    # What dbt keeps of a parse names the folder of the seeds.
    shutil.copytree(
        parsed.folder / "project",
        small.folder / "project",
        ignore=shutil.ignore_patterns("parsed"),
    )
    made = Daily(small, small.parse())
    everything = made.build()
    assert len(everything) == 23
    assert not any(result.carried for result in everything.values())
    yield made


def test_nothing_that_is_the_same_is_made_again(daily: Daily) -> None:
    before = {table: daily.rows(table) for table in ("marts.prices", "meta.rates")}
    assert daily.made() == STAMPED | {"few_orders"}  # what warned is asked again
    assert {table: daily.rows(table) for table in before} == before
    # The release is a file of its own, with the types and words of the contract.
    assert daily.small.ask(
        "select comment, sql like '%NOT NULL%' from duckdb_tables() "
        "where table_name = 'prices'"
    ) == [("What things cost.", True)]
    assert daily.small.ask(
        "select comment from duckdb_columns() where column_name = 'rate' "
        "and table_name = 'prices'"
    ) == [("In euros.",)]
    # And once more, from what was taken over.
    assert daily.made() == STAMPED | {"few_orders"}


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the files were copied, of each build that asked for it."""
    found: list[bool] = []
    copy_files = materialization.copy_files

    def copy(*arguments: Any) -> bool:
        found.append(copy_files(*arguments))
        return found[-1]

    monkeypatch.setattr(materialization, "copy_files", copy)
    return found


def test_files_are_copied_where_nothing_has_come_and_no_others(
    daily: Daily, copied: list[bool]
) -> None:
    before = {
        table: daily.rows(table) for table in ("marts.prices", "marts.all_orders")
    }
    same = STAMPED | {"few_orders"}
    with duckdb.connect(str(daily.small.candidate.warehouse_file)) as connection:
        connection.execute("create table meta.of_another_refresh as select 1")
    assert daily.made() == same
    assert copied == [True]
    assert daily.small.ask(
        "select count(*) from duckdb_tables() where table_name = 'of_another_refresh'"
    ) == [(0,)]
    # A file that is not the one that was sealed is not gone on from; its tables are.
    assert daily.made(is_damaged=True) == same
    assert copied == [True, False]
    assert {table: daily.rows(table) for table in before} == before
    # Where something came most of it would be made anew.
    assert "all_orders" in daily.made(orders=3)
    assert copied == [True, False]
    assert daily.rows("marts.all_orders") == [(3,)]


def test_copied_files_do_not_grow(daily: Daily, copied: list[bool]) -> None:
    sizes = []
    for _ in range(6):
        daily.build()
        sizes.append(daily.small.candidate.warehouse_file.stat().st_size)
    assert copied == [True] * 6
    assert sizes[-1] == sizes[1]


def test_what_is_private_is_taken_over_from_the_private_file_alone(
    daily: Daily,
) -> None:
    """A release of before there was one has nothing to give, and all is as ever."""
    candidate = daily.small.candidate

    def secrets() -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            duckdb_files.attach(connection, candidate.databases)
            found = connection.execute(
                "select database_name from duckdb_tables() where table_name = 'secrets'"
            ).fetchall()
            assert found == [("private",)]
            return connection.execute("from private.marts.secrets").fetchall()

    assert "secrets" not in daily.made()
    assert secrets() == [("Ann",)]
    candidate.private_file.unlink()
    assert daily.made() == STAMPED | {"few_orders", "secrets"}
    assert secrets() == [("Ann",)]


def test_what_a_change_reaches_is_made_again_and_no_more(daily: Daily) -> None:
    always = STAMPED | {"few_orders"}
    rates = daily.project.folder / "seeds" / "rates.csv"
    rates.write_text("code,rate,since,note\nA,1.5,2024-01-31,\nB,3,2024-02-29,x\n")
    assert daily.made() - always == {"rates", "priced", "prices", "none_without_rate"}
    assert daily.rows("marts.prices") == [(1, 1.5), (2, 3.0)]
    # Other bytes, the same rows: what is made of them is as it was.
    rates.write_text('code,rate,since,note\n"A",1.50,2024-01-31,\n"B",3,2024-02-29,x\n')
    assert daily.made() - always == {"rates"}
    # Other files, other orders.
    assert daily.made(orders=3) - always == {"ordered", "counted", "all_orders"}
    assert daily.rows("marts.all_orders") == [(3,)]
    # The same name and other bytes, as nobody should write them.
    (path,) = daily.small.candidate.path.glob("orders_3.parquet")
    os.utime(path, (0, 0))
    assert daily.made(orders=3) - always == {"ordered", "counted"}
    # Rows of a table that is written anew each time.
    assert daily.made(orders=3, notes="b") - always == {"noted", "all_noted"}
    assert daily.rows("marts.all_noted") == [("b",)]


@pytest.mark.parametrize("most_rows", [traces.MOST_ROWS, 0])
def test_what_a_file_holds_reaches_all_that_is_made_of_it(
    daily: Daily, parsed: Small, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    """Through a view, and through tables whose rows are too many to be hashed."""
    monkeypatch.setattr(traces, "MOST_ROWS", most_rows)
    daily.build()
    assert daily.rows("marts.outside_last") == [(1, 2)]
    file = parsed.folder / "outside.csv"
    file.write_text("a,b\n1,3\n")
    try:
        assert "outside_last" in daily.made()
        assert daily.rows("marts.outside_last") == [(1, 3)]
    finally:
        file.write_text(OUTSIDE)


def test_a_large_table_is_known_by_what_it_was_made_of(
    daily: Daily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MOST_ROWS", 0)
    daily.build()
    assert daily.made() == STAMPED | {"few_orders", "outside_last"}
    rates = daily.project.folder / "seeds" / "rates.csv"
    rates.write_text(rates.read_text().replace("2,", "2.0,"))
    assert {"priced", "prices"} <= daily.made()


def test_an_edited_model_is_made_again_and_a_removed_one_is_gone(daily: Daily) -> None:
    small = daily.small
    small.write(
        **{
            "models/marts/others.sql": "select 2 as id",
            "models/marts/prices.yml": MORE["models/marts/prices.yml"].replace(
                "In euros.", "In dollars."
            ),
            "models/core/priced.sql": FILES["models/core/priced.sql"] + " where true",
        }
    )
    (daily.project.folder / "models" / "core" / "noted.sql").unlink()
    (daily.project.folder / "models" / "marts" / "all_noted.sql").unlink()
    # A view in the place of a table.
    small.write(
        **{
            "models/core/counted.sql": "{{ config(materialized='view') }} "
            + MORE["models/core/counted.sql"]
        }
    )
    daily.project = small.parse()
    # The rates are as they were, so that nothing was asked of them again.
    assert daily.made() - STAMPED - {"few_orders"} == {
        "others",
        "prices",
        "priced",
        "counted",
        "all_orders",
    }
    assert daily.rows("marts.others") == [(2,)]
    assert small.ask(
        "select comment from duckdb_columns() where column_name = 'rate' "
        "and table_name = 'prices'"
    ) == [("In dollars.",)]
    with duckdb.connect(str(small.candidate.work_file)) as connection:
        there = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema in ('core', 'staging') order by all"
        ).fetchall()
    assert [name for (name,) in there] == [
        "counted",
        "given",
        "ordered",
        "outside_below",
        "outside_view",
        "priced",
        "stamped",
    ]


def test_what_was_noted_by_another_engine_says_nothing(daily: Daily) -> None:
    daily.noted = {**daily.noted, "version": "0 duckdb 0.1"}
    assert len(daily.made()) == 23


def test_a_home_that_was_moved_is_gone_on_from(daily: Daily) -> None:
    """Its files have other paths, and are the same."""
    small = daily.small
    moved = replace(small.candidate, path=small.folder / "moved")
    small.candidate.path.rename(moved.path)
    daily.small = replace(small, candidate=moved)
    assert daily.made() == STAMPED | {"few_orders"}
