"""`init --from`: from what somebody brings to a release, without a line written by hand."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import duckdb
import openpyxl
import pytest

from pipeline.profiling import sample
from pipeline.value.forecasts import TOO_COARSE
from tests.conftest import command, invoke
from tests.integration import servers
from tests.unit.scaffold import brought


def overlapping_workbook(folder: Path) -> tuple[Path, int]:
    """Invoices in two sheets, those of one month in both; nothing numbers the lines.

    Returns:
        The workbook, and how many lines there are when each counts once.
    """
    path = brought.retail_lines(folder / "flat")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, "
            f"CustomerID::double, Country from read_csv('{path}')"
        ).fetchall()
    book = openpyxl.Workbook()
    book.remove(book.active)
    header = (
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    )
    for name, first, last in (
        ("Year 2009-2010", 0, 536365 + 230),
        ("Year 2010-2011", 536365 + 200, 10**9),
    ):
        sheet = book.create_sheet(name)
        sheet.append(header.split(","))
        for row in rows:
            if first <= row[0] < last:
                sheet.append(row)
    whole = folder / "online_retail_II.xlsx"
    book.save(whole)
    return whole, len(rows)


@pytest.mark.slow
def test_a_workbook_of_overlapping_sheets_is_published_as_it_comes(
    tmp_path: Path,
) -> None:
    workbook, lines = overlapping_workbook(tmp_path)
    # A file of a moment ago may still be written, which check-sources says.
    os.utime(workbook, (0, 0))
    project = tmp_path / "my shop"
    made = command("init", project, "--from", workbook)
    assert made.returncode == 0, made.stderr
    words = " ".join(made.stdout.split())
    assert "open questions, with the answers taken" in words
    assert f"cd '{project}' && customer-tiers check-sources" in words
    on = ("--sources", project / "sources.yaml", "--home", project / "data")
    tried = command("check-sources", *on)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    refreshed = command("refresh", *on)
    assert refreshed.returncode == 0, refreshed.stderr
    warehouse = (project / "data" / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        told = connection.execute(
            "select staged_rows, left_out_rows, mart_rows, row_difference, "
            "amount_difference from meta.reconciliation where entity = 'order_lines'"
        ).fetchone()
        guests, revenue = duckdb.sql(
            "select count(*) filter (where CustomerID is null), "
            "sum(Quantity * UnitPrice) filter (where CustomerID is not null) "
            f"from read_csv('{tmp_path}/flat/online_sales.csv')"
        ).fetchall()[0]
        assert told == (lines, guests, lines - guests, 0, 0)
        marts = connection.execute("select sum(net_amount) from marts.order_lines")
        assert float(marts.fetchall()[0][0]) == pytest.approx(revenue)


@pytest.mark.slow
def test_a_list_with_a_column_of_each_year_is_graded_and_not_forecast(
    tmp_path: Path,
) -> None:
    """Kept by hand, in 万元; a year says who is large, and not who orders when."""
    years = ",".join(f"{year}年销售额（万元）" for year in (2022, 2023, 2024))
    rows = [
        f"上海{n}公司,上海,张三,{n % 3 * n / 8},{n / 4},{'' if n % 5 == 0 else n * n / 16}"
        for n in range(1, 61)
    ]
    path = tmp_path / "客户.csv"
    path.write_text("\n".join([f"客户名称,城市,业务员,{years}", *rows]))
    os.utime(path, (0, 0))
    project = tmp_path / "list"
    made = command("init", project, "--from", path)
    assert made.returncode == 0, made.stderr
    on = ("--sources", project / "sources.yaml", "--home", project / "data")
    refreshed = command("refresh", *on)
    assert refreshed.returncode == 0, refreshed.stderr
    warehouse = (project / "data" / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        revenue = "sum(revenue_12m), sum(revenue_previous_12m)"
        (found,) = connection.execute(
            f"select {revenue}, count(value_model), count(predicted_revenue_12m), "
            "count(no_purchase_probability_12m) from marts.customer_value"
        ).fetchall()
        kept = [n for n in range(1, 61) if n % 5]
        assert [*map(float, found)] == [
            sum(n * n for n in kept) * 625,
            sum(range(1, 61)) * 2_500,
            *(0, 0, 0),
        ]
        (model,) = connection.execute(
            "select value_model, champion, reason from meta.value_models"
        ).fetchall()
        assert model == (None, None, TOO_COARSE)
        tiers = connection.execute(
            "select tier_code, min(revenue_12m), count(*) from marts.customer_tiers "
            "inner join marts.customer_value using (customer_id) group by all "
            "order by 2 desc"
        ).fetchall()
        assert tiers[0][0] == "key" and len(tiers) > 2


def test_what_init_cannot_do_is_said(tmp_path: Path) -> None:
    path = brought.retail_lines(tmp_path / "in")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    refused = invoke("init", tmp_path / "full", "--from", path)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    nowhere = invoke("init", tmp_path / "p", "--from", tmp_path / "nowhere")
    assert nowhere.returncode == 2
    assert "neither a file nor a folder" in nowhere.stderr
    assert not (tmp_path / "p").exists()
    lost = invoke("init", tmp_path / "p", "--from", "sqlite:////nowhere/a.db")
    assert lost.returncode == 5


STATEMENTS = (
    "create table clients (client_no integer primary key, client_name text, country text)",
    "create table sales_orders (order_no integer primary key, client_no integer "
    "references clients, ordered_at timestamptz, currency char(3))",
    "create table sales_order_lines (order_no integer references sales_orders, "
    "line_no integer, article_no text, quantity integer, net_amount numeric(12, 2), "
    "primary key (order_no, line_no))",
    "insert into clients select n, 'Firm ' || n || ' GmbH', 'Germany' "
    "from generate_series(1, 40) n",
    "insert into sales_orders select n, n % 38 + 1, "
    "timestamptz '2024-01-05 23:30+00' + n * interval '1 day', 'EUR' "
    "from generate_series(1, 300) n",
    "insert into sales_order_lines select n, l, 'A' || (n + l) % 20, l, 10 * l "
    "from generate_series(1, 300) n, generate_series(1, 2) l",
)


def test_a_postgresql_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and references as declared; the whole table's last day; no password."""
    with (
        servers.postgresql() as server,
        servers.fresh("postgresql", server, tmp_path, "erp") as database,
    ):
        database.run(*STATEMENTS)
        monkeypatch.setattr(sample, "MOST_ROWS", 100)
        monkeypatch.setenv("SHOP_PASSWORD", servers.PASSWORD)
        made = brought.make(database.url, tmp_path / "p")
        written = "".join(
            path.read_text() for path in made.folder.rglob("*") if path.is_file()
        )
        assert "reader:${SHOP_PASSWORD}@" in written
        assert servers.PASSWORD not in written
        assert database.url not in written
        business = made.sources.business
        assert business.reporting_currency == "EUR"
        assert business.time_zone == "Europe/Berlin"
        assert list(made.sources.provides()) == [
            "customers",
            "products",
            "order_lines",
        ]
        row = brought.staged(made).execute(
            """
            select
                count(*), count(source_customer_id), sum(net_amount), min(order_date),
                count(distinct (order_id, line_number))
            from stg_order_lines
            """
        )
        assert row.fetchone() == (600, 600, 9000, dt.date(2024, 1, 7), 600)
        assert str(business.as_of) == "2024-11-01", "of the whole table, in Berlin"


def test_a_password_is_in_no_file_of_the_project(tmp_path: Path) -> None:
    """Nor in what is printed; the project says where it is taken from."""
    secret = "s3cret-of-the-erp"
    url = f"postgresql://reader:{secret}@127.0.0.1:1/erp"
    refused = invoke("init", tmp_path / "p", "--from", url)
    assert refused.returncode == 5
    assert secret not in refused.stdout + refused.stderr
