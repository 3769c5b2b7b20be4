"""Writes the files of the company's three systems: the past, and days after it.

    python -m benchmarks.company.generate FOLDER --lines 1000000 [--day 1]

`--day 0`, the default, writes the whole past and the project beside it; `--day N` adds
what the systems deliver on the Nth day after: a thousandth of the lines and of everything
else, late orders, corrected lines, tickets and deals that ended, invoices that were paid.
The same seed gives the same rows, on any number of threads, with the same DuckDB. Only
the relations to write stand here; what is in them stands in `company.sql`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
SQL = HERE / "company.sql"
PROJECT = HERE / "project"
# The last day of the past, as in company.sql.
AS_OF = dt.date(2025, 6, 15)
LINES_OF_BLOCK = 10


@dataclass(frozen=True)
class Extract:
    """One table as a system exports it.

    Attributes:
        path: Folder and stem; files are numbered by the part that they hold.
        relation: The relation of company.sql.
        columns: In the system's own words.
        where: The rows that the system has.
        is_growing: Whether it is delivered in parts; else it is written whole, once.
    """

    path: str
    relation: str
    columns: str
    where: str = "true"
    is_growing: bool = True


_ORDER = "order_number, {key}, ordered_at, order_date, channel, currency"
_LINE = (
    "order_number, line_number, product_no, cast(sign * units as decimal(12, 2)) as "
    "quantity, net_amount, cost_amount, freight_amount, is_return"
)
_PRODUCT = "product_no, product_name, category, subcategory, list_price, unit_cost"
_ADDRESS = "country, city, postal_code, street, email, phone"

EXTRACTS = (
    Extract(
        "erp/customers",
        "customer_records",
        "erp_key as customer_no, is_company, case when is_company then "
        "first_word || ' ' || second_word || ' GmbH' else first_word || ' ' || "
        "second_word end as name, case when not is_company then first_word end as "
        "given_name, case when not is_company then second_word end as family_name, "
        "case when is_company then registration_number end as registration_no, "
        f"case when not is_company then birth_date end as birth_date, {_ADDRESS}, "
        "started_on as customer_since, updated_at",
        "in_erp",
    ),
    Extract("erp/products", "products", _PRODUCT, is_growing=False),
    Extract("erp/fx_rates", "fx_rates", "currency, rate_date, rate"),
    Extract(
        "erp/orders",
        "orders",
        _ORDER.format(key="erp_key as customer_no"),
        "not is_web",
    ),
    Extract("erp/order_lines", "order_lines", _LINE, "not is_web"),
    Extract(
        "erp/invoices",
        "invoices",
        "invoice_number, order_number, erp_key as customer_no, order_date as "
        "invoiced_on, due_date, paid_at, cast(amount as decimal(14, 2)) as amount, "
        "currency",
    ),
    Extract(
        "crm/accounts",
        "customer_records",
        "crm_key as account_id, first_word || ' ' || second_word as account_name, "
        # Half of the accounts carry the ERP's number, the others a registration number.
        "case when in_erp and draw(n, 'reference') < 0.5 then erp_key end as "
        "erp_number, case when not in_erp or draw(n, 'reference') >= 0.5 then "
        f"registration_number end as registration_no, {_ADDRESS}, industry, owner, "
        "employee_count, updated_at",
        "in_crm",
    ),
    Extract(
        "crm/tickets",
        "tickets",
        "ticket_number, customer_system, customer_number, opened_at, "
        "first_response_at, resolved_at, closed_at, priority, category, channel, "
        "is_complaint, reopen_count, met_sla, csat_score",
    ),
    Extract(
        "crm/activities",
        "interactions",
        "interaction_number, crm_key as account_id, kind, occurred_at, minutes, owner",
    ),
    Extract(
        "crm/deals",
        "leads",
        "lead_number, crm_key as account_id, lead_name, stage, is_open, amount, "
        "currency, cast(probability as decimal(5, 4)) as probability, "
        "expected_close_date, owner, created_on, closed_on, last_contact_on, industry",
    ),
    Extract(
        "web/users",
        "customer_records",
        "web_key as user_id, first_word as given_name, second_word as family_name, "
        f"birth_date, {_ADDRESS}, started_on as signed_up_on, updated_at",
        "in_web",
    ),
    Extract("web/products", "products", _PRODUCT, is_growing=False),
    Extract("web/orders", "orders", _ORDER.format(key="web_key as user_id"), "is_web"),
    Extract("web/order_lines", "order_lines", _LINE, "is_web"),
)


def connect(lines: int, day: int, seed: int) -> duckdb.DuckDBPyConnection:
    """A database in which company.sql's relations are those of a size and a day.

    Args:
        lines: Order lines of the past; rounded up to whole blocks of ten.
        day: 0 for the past, n for what comes on the nth day after it.
        seed: Another one is another company.
    """
    connection = duckdb.connect()
    blocks = -(-lines // LINES_OF_BLOCK)
    for name, value in (("seed", seed), ("blocks", blocks), ("day", day)):
        connection.execute(f"set variable {name} = {value}")
    connection.execute(SQL.read_text(encoding="utf-8"))
    return connection


def parts_of(day: int) -> Sequence[int]:
    """The parts that are delivered on a day: the past comes in two files."""
    return [1000 + day] if day else [0, 1]


def write(folder: Path, lines: int, day: int = 0, seed: int = 1) -> None:
    """Writes what is delivered on a day, and with the past the project.

    A part without rows is no file. The files are as if written a while ago, so that a
    refresh that follows at once does not wait for them to settle.
    """
    files = folder / "files"
    if day == 0:
        shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    with connect(lines, day, seed) as connection:
        connection.execute(f"set temp_directory = '{folder / 'spill'}'")
        for extract in EXTRACTS:
            if day and not extract.is_growing:
                continue
            for part in parts_of(day) if extract.is_growing else [0]:
                path = files / f"{extract.path}_{part:04}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                of_part = f"part = {part}" if extract.is_growing else "true"
                (rows,) = connection.execute(
                    f"copy (select {extract.columns} from {extract.relation} "
                    f"where {of_part} and ({extract.where})) to '{path}'"
                ).fetchone() or (0,)
                if rows:
                    os.utime(path, (0, 0))
                else:
                    path.unlink(missing_ok=True)
    shutil.rmtree(folder / "spill", ignore_errors=True)


def main() -> None:
    """Writes as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--day", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.folder, options.lines, options.day, options.seed)


if __name__ == "__main__":
    main()
