"""The demonstration company with a twentieth of its customers: the same three silos.

Kept are the dealers whom the CRM's workbooks name, so that their references hold, and some
persons with the surveys that they answered. For tests that need a company with everything
and not its golden numbers. Not here: the whole demonstration (`test_demonstration`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import openpyxl
import yaml

from pipeline.common.settings import PROJECT_ROOT

SAMPLE = PROJECT_ROOT / "sample_data"
CRM = SAMPLE / "crm"
BOOK = "crm_workbook.xlsx"
# Tables of the ERP that have a customer's number, and the one that has an order's.
OF_CUSTOMERS = (
    "customers",
    "company_profiles",
    "person_profiles",
    "orders",
    "invoices",
    "customer_origins",
)


def make(folder: Path) -> None:
    """Lays the sampled company out.

    Args:
        folder: `sample_data` and `sources.yaml` go there.
    """
    data = folder / "sample_data"
    for name in ("erp", "helpdesk"):
        (data / name).mkdir(parents=True)
    (data / "crm").mkdir()
    for name in ("account_plans.xlsx", "deals.csv"):
        shutil.copy(CRM / name, data / "crm")
    kept = _dealers() | _persons()
    _sheets(data / "crm" / BOOK, kept)
    with duckdb.connect() as connection:
        connection.execute(
            "create table kept as select unnest(?::varchar[]) as customer_number",
            [sorted(kept)],
        )
        for source in sorted((SAMPLE / "erp").glob("*.parquet")):
            rows = f"select * from '{source}'"
            if source.stem in OF_CUSTOMERS:
                rows += " semi join kept using (customer_number)"
            elif source.stem == "order_lines":
                rows += (
                    f" semi join (select order_number from '{SAMPLE}/erp/orders.parquet' "
                    "semi join kept using (customer_number)) using (order_number)"
                )
            connection.execute(
                f"copy ({rows} order by all) to '{data / 'erp' / source.name}'"
            )
        for source in sorted((SAMPLE / "helpdesk").glob("*.csv.gz")):
            connection.execute(
                f"copy (select incidents.* from read_csv('{source}', all_varchar = true) "
                "as incidents semi join kept "
                "on incidents.account_number = kept.customer_number) "
                f"to '{data / 'helpdesk' / source.name}' (header, compression gzip)"
            )
    for path in data.rglob("*"):
        os.utime(path, (0, 0))  # nobody is writing it any more
    described = yaml.safe_load((PROJECT_ROOT / "sources.yaml").read_text("utf-8"))
    (folder / "sources.yaml").write_text(yaml.safe_dump(described, sort_keys=False))


def _dealers() -> set[str]:
    """The ERP's numbers of all dealers that stand in the CRM's workbooks."""
    found = set()
    for name, sheet in (
        (BOOK, "Assessments"),
        ("account_plans.xlsx", "Account factors"),
        ("account_plans.xlsx", "Statements"),
    ):
        rows = openpyxl.load_workbook(CRM / name, read_only=True)[sheet].iter_rows(
            values_only=True
        )
        place = next(rows).index("account_number")
        found |= {str(row[place]) for row in rows}
    with duckdb.connect() as connection:
        numbers = connection.execute(
            f"select account_number from '{CRM / 'answer_key.csv'}' "
            "where account_number is not null"
        ).fetchall()
    return found | {number for (number,) in numbers}


def _persons() -> set[str]:
    """The ERP's numbers of every fortieth person."""
    with duckdb.connect() as connection:
        numbers = connection.execute(
            f"select customer_number from '{SAMPLE}/erp/customers.parquet' "
            "where kind = 'person' and right(customer_number, 2) in ('07', '53') "
            "and customer_number[-3] in ('1', '4', '8', '9')"
        ).fetchall()
    return {number for (number,) in numbers}


def _sheets(target: Path, kept: set[str]) -> None:
    """The CRM's workbook with the surveys of those who are kept."""
    book = openpyxl.Workbook(write_only=True)
    for sheet in openpyxl.load_workbook(CRM / BOOK, read_only=True):
        rows = sheet.iter_rows(values_only=True)
        copy = book.create_sheet(sheet.title)
        if sheet.title == "Surveys":
            copy.append(head := next(rows))
            place = head.index("account_number")
            rows = (row for row in rows if row[place] in kept)
        for row in rows:
            copy.append(row)
    book.save(target)
