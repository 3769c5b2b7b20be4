"""A refresh that takes over what is the same ends where one ends that builds everything.

The same company with the same past, refreshed after each change twice: once from what the
last refresh left, once without it.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipeline.common.home import Home
from pipeline.release import kept, layout
from tests.conftest import command
from tests.integration.small import Row, SmallCompany
from tests.integration.test_small_companies import (
    AS_OF,
    BUSINESS,
    SCORED,
    known_and_later,
    named,
    order,
)

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


def another_policy_and_a_later_day(company: Changing) -> None:
    text = company.seed("tiers").read_text()
    changed = text.replace("Key", "Crown", 1)
    assert changed != text
    company.seed("tiers").write_text(changed)
    said = yaml.safe_load(company.sources.read_text())
    said["business"]["as_of"] = AS_OF.replace(month=7, day=3)
    company.sources.write_text(yaml.safe_dump(said))


@pytest.mark.slow
def test_what_is_taken_over_is_what_would_be_built(tmp_path: Path) -> None:
    world, _ = known_and_later()
    company = Changing(
        tmp_path / "company",
        world,
        business={**BUSINESS, "as_of": AS_OF},
        source={"unknown_customers": "unknown_customer"},
        seeds=SCORED,
    )
    first = company.refresh()
    assert first.returncode == 0, first.stderr
    for change in (new_corrected_deleted_and_merged, another_policy_and_a_later_day):
        change(company)
        whole = tmp_path / change.__name__
        shutil.copytree(company.home, whole, symlinks=True)
        kept.discard(Home(whole))
        ended = company.refresh()
        assert ended.returncode == 0, ended.stderr
        rebuilt = command("refresh", "--home", whole, "--sources", company.sources)
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert carried(company.home), change.__name__
        assert carried(whole) == set()
        assert differing(company.home, whole) == {}, change.__name__


def carried(home: Path) -> set[str]:
    """The models and seeds that the last refresh took over."""
    log = max((home / "logs" / "refreshes").iterdir())
    lines = map(json.loads, log.read_text().splitlines())
    return {line["model"] for line in lines if line.get("carried")}


def differing(home: Path, other: Path) -> dict[str, list[Any]]:
    """Rows of the current releases of two homes that only one of them has, by table."""
    return {
        table: rows
        for file in layout.DATABASES.values()
        for table, rows in _differing(home, other, file).items()
    }


def _differing(home: Path, other: Path, file: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    with duckdb.connect() as connection:
        for name, root in (("one", home), ("two", other)):
            path = (root / "current" / file).resolve()
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
