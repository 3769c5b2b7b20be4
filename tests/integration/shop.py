"""Online Retail as a shop would have it: one CSV a day, and a home of its own.

Used by its tests and by `benchmarks/daily_files.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipeline.common.settings import PROJECT_ROOT
from pipeline.release import duckdb_files
from tests.conftest import command

DATA = PROJECT_ROOT / "tests" / "data" / "online_retail" / "online_retail.parquet"
PROJECT = PROJECT_ROOT / "tests" / "projects" / "online_retail"


def export_days(folder: Path) -> list[Path]:
    """Writes the 305 daily exports into the folder, oldest first."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table lines as
            select InvoiceNo,
                row_number() over (partition by InvoiceNo order by file_row_number)
                    as RowInInvoice,
                StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID,
                Country
            from read_parquet('{DATA}', file_row_number = true)
            """
        )
        found = connection.execute(
            "select distinct InvoiceDate::date from lines order by all"
        ).fetchall()
        for (day,) in found:
            connection.execute(
                f"copy (from lines where InvoiceDate::date = '{day}') "
                f"to '{folder}/invoices_{day:%Y_%m_%d}.csv' (header)"
            )
    return sorted(folder.iterdir())


class Shop:
    """A home of the shop, and a folder for its files.

    Args:
        folder: Is made.
        project: The shop's project; another than the committed one may be changed.
    """

    def __init__(self, folder: Path, project: Path = PROJECT) -> None:
        self.home = folder / "home"
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True)
        self.variables = {
            "ONLINE_RETAIL": str(self.inbox),
            "CUSTOMER_TIERS_SOURCES": str(project / "sources.yaml"),
        }

    def drop(self, files: Sequence[Path]) -> None:
        """Copies files into the folder, written a while ago."""
        for path in files:
            shutil.copy(path, self.inbox)
            os.utime(self.inbox / path.name, (0, 0))

    def refresh(self, *arguments: str) -> str:
        """Refreshes, and returns what was said."""
        result = command("refresh", "--home", self.home, *arguments, **self.variables)
        assert result.returncode == 0, result.stderr
        return result.stderr

    def warehouse(self) -> Path:
        return (self.home / "current" / "warehouse.duckdb").resolve()


def same_marts(one: Path, other: Path) -> None:
    """Asserts that two releases hold the same marts, row for row."""
    with duckdb.connect() as connection:
        for side, path in (("one", one), ("other", other)):
            files = duckdb_files.databases(path.parent)
            duckdb_files.attach(connection, files, prefix=f"{side}_")
        tables = connection.execute(
            """
            select split_part(database_name, '_', 2) || '.marts.' || table_name
            from duckdb_tables()
            where starts_with(database_name, 'one_') and schema_name = 'marts'
            """
        ).fetchall()
        models = PROJECT_ROOT / "dbt_project" / "models" / "marts"
        assert len(tables) == len(list(models.glob("*.sql")))
        for (table,) in tables:
            for left, right in (("one", "other"), ("other", "one")):
                differing = connection.execute(
                    f"""
                    select count(*) from (
                        from {left}_{table} except all from {right}_{table}
                    )
                    """
                ).fetchone()
                assert differing == (0,), table
