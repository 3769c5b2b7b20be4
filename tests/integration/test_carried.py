"""A refresh that takes over what is the same ends where one ends that builds everything.

The same company with the same past, refreshed after each change twice: once from what the
last refresh left, once without it. Named changes first, then days of any, with a
refresh between them that is killed at any of its steps.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipeline.common.home import Home
from pipeline.release import kept, layout
from tests.conftest import command, environment
from tests.faults import processes
from tests.integration.small import Row, SmallCompany
from tests.integration.test_small_companies import (
    AS_OF,
    BUSINESS,
    SCORED,
    WEEKLY,
    asked,
    known_and_later,
    named,
    order,
)
from tests.profiles import THOROUGH, examples

# What a refresh says of itself: when it ran, and how long it took.
OF_THE_RUN = {
    "meta.current_release",
    "meta.refreshes",
    "meta.check_history",
    "meta.source_freshness",
}
LEFT_OUT = {"meta.check_results": ["seconds", "carried"]}


class Changing(SmallCompany):
    """A company whose files change between refreshes."""

    def rows(self, entity: str) -> list[dict[str, Any]]:
        with self.file(entity).open(newline="") as file:
            return list(csv.DictReader(file))

    def write(self, entity: str, rows: Iterable[Row]) -> None:
        found = list(rows)
        with self.file(entity).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(found[0]), restval="")
            writer.writeheader()
            writer.writerows(found)

    def file(self, entity: str) -> Path:
        return self.sources.parent / "inbox" / f"{entity}.csv"

    def seed(self, name: str) -> Path:
        return self.sources.parent / "dbt_project" / "seeds" / f"{name}.csv"

    def to_day(self, as_of: dt.date) -> None:
        said = yaml.safe_load(self.sources.read_text())
        said["business"]["as_of"] = as_of
        self.sources.write_text(yaml.safe_dump(said))

    @property
    def as_of(self) -> dt.date:
        day: dt.date = yaml.safe_load(self.sources.read_text())["business"]["as_of"]
        return day


def new_corrected_deleted_and_merged(company: Changing) -> None:
    """Of two customers it is seen only now that they are one."""
    lines = company.rows("order_lines")
    lines[0]["net_amount"] = "77.5"
    del lines[1]
    company.write("order_lines", [*lines, order("HALF", "2024-06-29", 250, 100)])
    rows = company.rows("customers")
    for row in rows:
        if row["source_customer_id"] in {"MOST", "BACK"}:
            row["customer_name"] = "Unmistakable Widgets of Wapping"
    company.write("customers", [*rows, named("NEW")])
    company.write("service_tickets", company.rows("service_tickets")[:-1])


@pytest.mark.slow
def test_what_is_taken_over_is_what_would_be_built(tmp_path: Path) -> None:
    company = founded(tmp_path / "company")
    first = company.refresh()
    assert first.returncode == 0, first.stderr
    new_corrected_deleted_and_merged(company)
    assert refreshed_twice(company, tmp_path / "whole") == 0
    assert carried(company.home)


def founded(folder: Path) -> Changing:
    world, _ = known_and_later()
    dollars = [
        {**line, "currency": "USD"} if number % 5 == 0 else line
        for number, line in enumerate(world["order_lines"])
    ]
    rates = [
        {"from_currency": "USD", "to_currency": "EUR", "rate_date": day, "rate": rate}
        for day, rate in [
            ("2022-01-01", 0.9),
            ("2023-06-01", 0.95),
            ("2024-05-05", 0.8),
        ]
    ]
    return Changing(
        folder,
        {**world, "order_lines": dollars, "fx_rates": rates},
        business={**BUSINESS, "as_of": AS_OF},
        source={"unknown_customers": "unknown_customer"},
        seeds=SCORED,
    )


def refreshed_twice(company: Changing, whole: Path) -> int:
    """How a refresh ends that takes over, and one of a copy that has nothing to take.

    They end alike, and with the same tables: published, or refused because what is
    published knows a later day.
    """
    shutil.copytree(company.home, whole, symlinks=True)
    kept.discard(Home(whole))
    shutil.rmtree(whole / "identity")  # what only saves work
    ended = company.refresh()
    rebuilt = command(
        *("refresh", "--home", whole, "--sources", company.sources),
        CUSTOMER_TIERS_DBT_PROJECT=str(company.project),
    )
    assert ended.returncode in {0, 3}, ended.stderr
    assert rebuilt.returncode == ended.returncode, rebuilt.stderr
    assert carried(whole) == set()
    if ended.returncode == 0:
        assert differing(company.home, whole) == {}
    else:
        assert differing(latest(company.home), latest(whole), ".") == {}
    return ended.returncode


def latest(home: Path) -> Path:
    """What the last refresh built, published or not."""
    return max(path for path in (home / "candidates").glob("r*")) / "release"


def late(company: Changing, number: int) -> None:
    customer = WEEKLY[number % len(WEEKLY)]
    day = company.as_of - dt.timedelta(number % 500)
    lines = company.rows("order_lines")
    company.write("order_lines", [*lines, order(customer, day, 10 + number % 90, 5)])


def corrected(company: Changing, number: int) -> None:
    lines = company.rows("order_lines")
    lines[number % len(lines)]["net_amount"] = str(20 + number % 70)
    company.write("order_lines", lines)


def deleted(company: Changing, number: int) -> None:
    lines = company.rows("order_lines")
    del lines[number % len(lines)]
    company.write("order_lines", lines)


def won(company: Changing, number: int) -> None:
    rows = company.rows("customers")
    name = f"N{len(rows)}"
    company.write("customers", [*rows, named(name)])
    company.write(
        "order_lines",
        [*company.rows("order_lines"), order(name, company.as_of, 50 + number % 9)],
    )


def merged(company: Changing, number: int) -> None:
    """Two customers have one name from now on, by which they are one."""
    rows = company.rows("customers")
    for place in (number, number + 1 + number % 3):
        rows[place % len(rows)]["customer_name"] = "Unmistakable Widgets of Wapping"
    company.write("customers", rows)


def split(company: Changing, number: int) -> None:
    """Who was made one goes by its own name again."""
    rows = company.rows("customers")
    for row in rows:
        if "Unmistakable" in row["customer_name"]:
            row["customer_name"] = f"{row['source_customer_id']} Works"
    company.write("customers", rows)


def rated(company: Changing, number: int) -> None:
    rates = company.rows("fx_rates")
    rates[number % len(rates)]["rate"] = str(0.7 + number % 30 / 100)
    company.write("fx_rates", rates)


def asked_for(company: Changing, number: int) -> None:
    tickets = company.rows("service_tickets")
    opened = f"{company.as_of - dt.timedelta(number % 90)} 10:00:00"
    customer = WEEKLY[number % len(WEEKLY)]
    new = asked(f"N{len(tickets)}", customer, opened)
    company.write("service_tickets", [*tickets, new])


def another_policy(company: Changing, number: int) -> None:
    text = company.seed("tiers").read_text()
    company.seed("tiers").write_text(
        text.replace("Crown", "Key")
        if "Crown" in text
        else text.replace("Key", "Crown", 1)
    )


def another_cost(company: Changing, number: int) -> None:
    path = company.seed("cost_rates")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[number % len(rows)]["rate"] = str(1 + number % 9)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def another_day(company: Changing, number: int) -> None:
    """A day or some weeks later, or earlier than what is published."""
    company.to_day(company.as_of + dt.timedelta([1, 2, 33, -1, -40][number % 5]))


CHANGES: Final[list[Callable[[Changing, int], None]]] = [
    late,
    corrected,
    deleted,
    won,
    merged,
    split,
    rated,
    asked_for,
    another_policy,
    another_cost,
    another_day,
]
A_DAY = st.tuples(
    st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 9999)), max_size=4),
    st.none() | st.integers(1, 300),
)


@pytest.fixture(scope="module")
def company_of_days(tmp_path_factory: pytest.TempPathFactory) -> Changing:
    """A company with a release, and beside it a copy of what changes."""
    processes.import_everything()
    company = founded(tmp_path_factory.mktemp("days") / "company")
    first = company.refresh()
    assert first.returncode == 0, first.stderr
    for path in changing(company):
        copy(path, path.with_name(f"{path.name}.first"))
    return company


def changing(company: Changing) -> list[Path]:
    inbox = company.sources.parent / "inbox"
    return [company.home, inbox, company.project / "seeds", company.sources]


def copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy2(source, target)
    else:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, symlinks=True)


SOME_DAYS = [
    ([(late, 17), (corrected, 40), (merged, 3), (rated, 1)], 60),
    ([(split, 0), (deleted, 900), (another_policy, 0), (another_day, 2)], None),
    ([(another_day, 3)], None),
]


@pytest.mark.slow
@example(days=SOME_DAYS)
@given(days=st.lists(A_DAY, min_size=1, max_size=3))
@settings(
    max_examples=examples(12),
    # A day at random takes minutes: the campaign tries them, and what is told above always.
    phases=tuple(Phase) if THOROUGH else (Phase.explicit,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_days_end_as_a_full_build_of_them_ends(
    company_of_days: Changing,
    tmp_path: Path,
    days: list[tuple[list[tuple[Callable[[Changing, int], None], int]], int | None]],
) -> None:
    company = company_of_days
    for path in changing(company):
        copy(path.with_name(f"{path.name}.first"), path)
    for changes, dies_at in days:
        for change, number in changes:
            change(company, number)
        if dies_at is not None:
            processes.start(
                [
                    "refresh",
                    "--home",
                    str(company.home),
                    "--sources",
                    str(company.sources),
                ],
                environment(CUSTOMER_TIERS_DBT_PROJECT=str(company.project)),
                tmp_path / "killed.txt",
                processes.die_at(dies_at, company.home),
            ).wait()
        whole = tmp_path / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        refreshed_twice(company, whole)


def carried(home: Path) -> set[str]:
    """The models and seeds that the last refresh took over."""
    log = max((home / "logs" / "refreshes").iterdir())
    lines = map(json.loads, log.read_text().splitlines())
    return {line["model"] for line in lines if line.get("carried")}


def differing(
    home: Path, other: Path, release: str = "current"
) -> dict[str, list[Any]]:
    """Rows of the releases in two folders that only one of them has, by table."""
    return {
        table: rows
        for file in layout.DATABASES.values()
        for table, rows in _differing(home / release, other / release, file).items()
    }


def _differing(home: Path, other: Path, file: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    with duckdb.connect() as connection:
        for name, root in (("one", home), ("two", other)):
            path = (root / file).resolve()
            connection.execute(f"attach '{path}' as {name} (read_only)")
        described = [
            connection.execute(
                f"""
                select tables.schema_name || '.' || tables.table_name,
                    any_value(tables.comment),
                    list((column_name, data_type, is_nullable, columns.comment)
                        order by column_index)
                from duckdb_tables() as tables
                inner join duckdb_columns() as columns using (table_oid, database_name)
                where tables.database_name = '{name}' group by all order by all
                """
            ).fetchall()
            for name in ("one", "two")
        ]
        assert described[0] == described[1]
        for table, *_ in described[0]:
            if table in OF_THE_RUN:
                continue
            left_out = ", ".join(LEFT_OUT.get(table, []))
            columns = f"* exclude ({left_out})" if left_out else "*"
            rows = connection.execute(
                f"""
                (select {columns} from one.{table}
                    except all select {columns} from two.{table})
                union all
                (select {columns} from two.{table}
                    except all select {columns} from one.{table})
                """
            ).fetchall()
            if rows:
                found[table] = rows[:4]
    return found
