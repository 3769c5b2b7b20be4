"""The project that `init --from` makes: what tables and columns are taken for, and why."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import Settings
from pipeline.profiling import sample
from pipeline.profiling.profile import profile
from pipeline.scaffold import new_project
from pipeline.scaffold.proposal import presets, vocabulary
from pipeline.scaffold.proposal.questions import Question
from pipeline.scaffold.proposal.recognition import recognise
from pipeline.sources import Personal, load_sources
from tests.unit.scaffold import brought
from tests.unit.scaffold.brought import make, staged, write_csv

SHAPES = {
    "chinese workbook": brought.chinese_workbook,
    "flat file": brought.retail_lines,
    "header and lines": brought.header_and_lines,
    "database": brought.trading_database,
    "help desk": brought.help_desk_log,
    "shopify": brought.shopify_orders,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_project_lacks_nothing_and_gives_what_it_counts(
    shape: str, tmp_path: Path
) -> None:
    made = make(SHAPES[shape](tmp_path / "in"), tmp_path / "project")
    settings = Settings.load(made.folder / "data", made.folder / "sources.yaml")
    assert new_project.lacks(made.sources, settings) == []
    brought.becomes_what_it_says(made)
    assert "TODO confirm" in "".join(map(made.model, made.sources.provides()))
    page = made.text("MAPPING.md")
    for question in made.proposal.draft.questions.open:
        assert question.text in page
        assert f"**{question.chosen}** (taken)" in page


def test_a_workbook_with_chinese_headers(tmp_path: Path) -> None:
    made = make(brought.chinese_workbook(tmp_path / "in"), tmp_path / "p")
    assert list(made.sources.provides()) == [
        "customers",
        "products",
        "order_lines",
        "service_tickets",
        "payments",
    ]
    assert made.entities["ke_hu_dang_an"].header_row == 2
    business = made.sources.business
    assert (business.reporting_currency, business.time_zone) == ("CNY", "Asia/Shanghai")
    rows = staged(made).execute(
        """
        select
            count(*), sum(net_amount), sum(cost_amount), count(distinct order_id),
            count(*) filter (where is_return and quantity < 0)
            = count(*) filter (where net_amount < 0)
        from stg_order_lines
        """
    )
    with sample.opened() as connection:
        found = profile(connection, str(tmp_path / "in"))
        relation = found.tables["xiao_shou_ming_xi"].relation
        expected = connection.execute(
            f'select count(*), sum("金额"), sum("数量" * ("单价" - 40)), '
            f'count(distinct "单据编号"), true from {relation}'
        ).fetchall()
    assert rows.fetchall() == expected
    types = staged(made).execute(
        "select customer_type, count(*) from stg_customers group by all order by all"
    )
    assert types.fetchall() == [("company", 20), ("person", 10)]


@pytest.mark.parametrize(
    ("people", "whole"),
    [
        (
            [("小明", "王"), ("远航", "司马"), ("丽", "陈")],
            {"王小明", "司马远航", "陈丽"},
        ),
        (
            [("Ann", "Lee"), ("Bob", "Kim"), ("Eve", "Roy")],
            {"Ann Lee", "Bob Kim", "Eve Roy"},
        ),
    ],
    ids=["Chinese", "Latin"],
)
def test_a_name_in_two_columns_is_written_as_its_language_does(
    people: list[tuple[str, str]], whole: set[str], tmp_path: Path
) -> None:
    write_csv(
        tmp_path / "in" / "customers.csv",
        ["customer_id", "first_name", "last_name", "email"],
        [
            (f"C{number}", given, family, f"p{number}@mail.example")
            for number, (given, family) in enumerate(people)
        ],
    )
    made = make(tmp_path / "in", tmp_path / "p")
    found = staged(made).execute("select customer_name from stg_customers").fetchall()
    assert {name for (name,) in found} == whole


def test_excel_exports_of_fxiaoke(tmp_path: Path) -> None:
    """Customers by their names, lines with their orders, no line of a cancelled order."""
    made = make(brought.fxiaoke_exports(tmp_path / "in"), tmp_path / "p")
    brought.becomes_what_it_says(made)
    with sample.opened() as connection:
        tables = recognise(profile(connection, str(tmp_path / "in"))).values()
    assert {one.preset.name for one in tables if one.preset} == {
        f"纷享销客 {what} export"
        for what in ("accounts", "products", "orders", "order lines", "payments")
    }
    lines = staged(made).execute(
        """
        select
            count(*), sum(net_amount), count(distinct source_customer_id),
            min(order_date)::text, count(order_date), max(currency)
        from stg_order_lines
        """
    )
    expected = sum(300 + n for n in range(80) if n != 7)
    assert lines.fetchone() == (158, expected, 18, "2025-01-06", 158, "CNY")
    customers = staged(made).execute(
        "select count(*), count(registration_number), min(customer_type), "
        "count(distinct source_customer_id) from stg_customers"
    )
    assert customers.fetchone() == (20, 20, "company", 20)
    paid = staged(made).execute("select count(paid_at), sum(amount) from stg_payments")
    assert paid.fetchone() == (80, sum(300 + n for n in range(80)))


def test_exports_of_zoho(tmp_path: Path) -> None:
    """Ids lose the prefix that only exports have, so that they are those of the API."""
    made = make(brought.zoho_exports(tmp_path / "in"), tmp_path / "p")
    brought.becomes_what_it_says(made)
    with sample.opened() as connection:
        tables = recognise(profile(connection, str(tmp_path / "in"))).values()
    assert {one.preset.name for one in tables if one.preset} == {
        f"Zoho CRM {what} export" for what in ("Accounts", "Contacts", "Deals")
    }
    customers = staged(made).execute(
        """
        select
            count(*), min(source_customer_id), max(parent_source_customer_id),
            min(owner), min(customer_type)
        from stg_customers
        """
    )
    first = "7328395000000000001"
    assert customers.fetchone() == (40, first, first, "Li Lei", "company")
    for entity, count in (("leads", 60), ("contacts", 50)):
        known = staged(made).execute(
            f"select count(*), count(customers.source_customer_id) from stg_{entity} "
            "as facts left join stg_customers as customers using (source_customer_id)"
        )
        assert known.fetchone() == (count, count)
    deals = staged(made).execute(
        "select sum(amount), max(probability), min(lead_id) from stg_leads"
    )
    assert deals.fetchone() == (
        sum(1_000 + 250 * n for n in range(60)),
        1,
        "7328395000000001000",
    )


def test_a_flat_file_is_customers_products_and_lines(tmp_path: Path) -> None:
    made = make(brought.retail_lines(tmp_path / "in"), tmp_path / "p")
    (entity,) = made.entities.values()
    assert entity.is_by_position, "nothing numbers the lines"
    assert [one.entity for one in entity.becomes] == [
        "customers",
        "products",
        "order_lines",
    ]
    business = made.sources.business
    assert (business.reporting_currency, business.time_zone, str(business.as_of)) == (
        "GBP",
        "Europe/London",
        "2011-04-29",
    )
    assert made.questions["lines without a customer"] == "leave_out"
    assert made.sources.unknown_customers() == {"shop": "leave_out"}
    connection = staged(made)
    ids = connection.execute("select min(source_customer_id) from stg_customers")
    assert ids.fetchone() == ("12346",), "17850.0 is the customer 17850"
    twice = connection.execute(
        "select count(*) - count(distinct (order_id, line_number)) from stg_order_lines"
    )
    assert twice.fetchone() == (0,)


def test_a_customer_who_is_another_number_with_each_order(tmp_path: Path) -> None:
    made = make(brought.header_and_lines(tmp_path / "in"), tmp_path / "p")
    assert made.questions["olist_customers_dataset: customer"] == "customer_unique_id"
    connection = staged(made)
    customers = connection.execute("select count(*) from stg_customers").fetchone()
    assert customers is not None
    assert customers[0] < 60
    unknown = connection.execute(
        """
        select count(*) from stg_order_lines anti join stg_customers
        using (source_customer_id)
        """
    )
    assert unknown.fetchone() == (0,)
    answers = connection.execute(
        "select survey, count(*), count(source_customer_id) from stg_survey_responses "
        "group by all"
    )
    assert answers.fetchall() == [("csat", 150, 150)]


def test_what_was_billed_is_what_was_sold_where_nothing_else_says_it(
    tmp_path: Path,
) -> None:
    """A subscription's export: invoices that are paid, open or void, in `usd`."""
    header = (
        "id,Customer,Customer Email,Customer Name,Amount Due,Amount Paid,Currency,Status,"
        "Date (UTC),Due Date (UTC),Paid At (UTC)"
    )
    rows = [
        (
            *(f"in_{at:04x}", f"cus_{at % 30:03}", f"ops@client{at % 30}.example"),
            *(
                f"Client {at % 30} Inc",
                "29.00",
                "0.00" if at % 10 < 2 else "29.00",
                "usd",
            ),
            ("void", "open", *["paid"] * 8)[at % 10],
            *(f"2025-0{at % 9 + 1}-03 10:00:00", f"2025-0{at % 9 + 1}-17 10:00:00"),
            "" if at % 10 < 2 else f"2025-0{at % 9 + 1}-09 10:00:00",
        )
        for at in range(300)
    ]
    made = make(write_csv(tmp_path / "invoices.csv", header, rows), tmp_path / "p")
    assert list(made.sources.provides()) == ["customers", "order_lines", "payments"]
    assert made.sources.business.reporting_currency == "USD"
    asked = "select count(*), sum({0}), any_value(currency), count({1}) from stg_{2}"
    for entity, amount, day, expected in (
        ("order_lines", "net_amount", "order_date", (270, 7_830, "USD", 270)),
        ("payments", "amount", "paid_at", (300, 8_700, "USD", 240)),
    ):
        found = staged(made).execute(asked.format(amount, day, entity)).fetchone()
        assert found == expected
    assert "what was billed is taken for what was sold" in made.text("MAPPING.md")
    (question,) = (
        item for item in made.proposal.draft.questions.open if "sold" in item.text
    )
    assert question.text == (
        "No table lists orders. Is Amount Due of invoices.csv what was sold?"
    )
    brought.becomes_what_it_says(made)


def test_a_hotel_and_a_distributor_name_their_customers_in_words_of_their_own(
    tmp_path: Path,
) -> None:
    days = [f"2025-0{at % 9 + 1}-0{at % 7 + 1}" for at in range(200)]
    bookings = [
        (
            *(f"BK{at:04}", f"Ann {at % 40}", f"ann{at % 40}@mail.example", days[at]),
            *("Suite", 2, 99, 198, "EUR", "No-show" if at % 20 == 0 else "Checked out"),
        )
        for at in range(200)
    ]
    header = (
        "Booking ID,Guest name,Guest email,Booked on,Room type,Nights,Rate per night,Total,"
        "Currency,Status"
    )
    hotel = make(write_csv(tmp_path / "bookings.csv", header, bookings), tmp_path / "h")
    assert list(hotel.sources.provides()) == ["customers", "products", "order_lines"]
    found = staged(hotel).execute(
        "select count(*), count(distinct source_customer_id), sum(quantity), "
        "sum(net_amount), count(distinct source_product_id) from stg_order_lines"
    )
    assert found.fetchone() == (190, 38, 380, 37_620, 1)
    register = [
        (f"SI/{at // 2}", days[at], f"D{at % 40:03}", "Insulin", 10, 88, "880.00", 12)
        for at in range(200)
    ]
    header = "Voucher No,Voucher Date,Party Code,Item Name,Qty,Rate,Taxable Value,GST %"
    write_csv(tmp_path / "in" / "sales_register.csv", header, register)
    parties = [
        (f"D{at:03}", f"Shree Agencies {at}", f"27AABCS{at:04}D1Z5", "Meena")
        for at in range(40)
    ]
    header = "Party Code,Party Name,GSTIN,Sales Executive"
    write_csv(tmp_path / "in" / "party_master.csv", header, parties)
    made = make(tmp_path / "in", tmp_path / "d")
    assert list(made.sources.provides()) == ["customers", "products", "order_lines"]
    found = staged(made).execute(
        "select count(*), count(distinct source_customer_id), sum(net_amount), "
        "count(distinct order_id) from stg_order_lines"
    )
    assert found.fetchone() == (200, 40, 176_000, 100)
    business = made.sources.business
    assert (business.reporting_currency, business.time_zone) == ("INR", "Asia/Kolkata")
    owners = staged(made).execute("select distinct owner from stg_customers")
    assert owners.fetchall() == [("Meena",)]


def test_visits_that_were_paid_for_are_sales_where_nothing_else_is(
    tmp_path: Path,
) -> None:
    patients = [(f"P{at:03}", "Nguyen", f"Amy {at}", "1980-05-05") for at in range(40)]
    header = "Patient ID,Surname,First name,Date of birth"
    write_csv(tmp_path / "in" / "patients.csv", header, patients)
    visits = [
        (
            at,
            f"P{at % 40:03}",
            f"2025-0{at % 9 + 1}-03 10:00",
            "Initial",
            30,
            80,
            status,
        )
        for at, status in enumerate(["Completed", "Cancelled", *["Completed"] * 8] * 20)
    ]
    header = (
        "Appointment ID,Patient ID,Appointment date,Service,Duration (min),Fee,Status"
    )
    write_csv(tmp_path / "in" / "appointments.csv", header, visits)
    made = make(tmp_path / "in", tmp_path / "p")
    found = staged(made).execute(
        "select count(*), count(distinct source_customer_id), sum(net_amount) "
        "from stg_order_lines"
    )
    assert found.fetchone() == (180, 36, 14_400)
    assert "interactions" in made.sources.provides()


@pytest.mark.parametrize("of_line", [True, False])
def test_an_amount_may_be_how_many_and_a_price_that_of_the_line(
    of_line: bool, tmp_path: Path
) -> None:
    rows = []
    for n in range(120):
        product, many = n % 12, 1 + n // 12 % 3
        price = (10 + product) * (many if of_line else 1)
        rows.append(
            (f"2024-03-{1 + n % 28:02}", f"C{n % 9}", f"P{product}", many, price)
        )
    header = "TRANSACTION_DT,CUSTOMER_ID,PRODUCT_ID,AMOUNT,SALES_PRICE"
    what = write_csv(tmp_path / "in" / "transactions.csv", header, rows)
    made = make(what, tmp_path / "p")
    assert made.questions["transactions.AMOUNT"] == "how many"
    assert ("transactions.SALES_PRICE" in made.questions) == of_line
    found = staged(made).execute(
        "select sum(quantity), sum(net_amount) from stg_order_lines"
    )
    worth = sum(row[4] * (1 if of_line else row[3]) for row in rows)
    assert found.fetchone() == (sum(row[3] for row in rows), worth)
    brought.becomes_what_it_says(made)


@pytest.mark.parametrize("place", ["日期", "购货单位"])
def test_rows_of_sums_are_no_lines_and_no_customers(place: str, tmp_path: Path) -> None:
    header = ["日期", "单据编号", "购货单位", "产品名称", "实发数量", "销售金额"]
    rows: list[Sequence[object]] = []
    for n in range(60):
        day = f"2024-03-{1 + n % 28:02}"
        rows.append((day, f"XOUT{n:04}", f"苏州{n % 7}号有限公司", "轴承", 2, 100 + n))
        if n == 29:
            rows.append(
                ["小计" if name == place else "" for name in header[:-1]] + [3435]
            )
    total = sum(100 + n for n in range(60))
    rows.append(["合计" if name == place else "" for name in header[:-1]] + [total])
    what = write_csv(tmp_path / "in" / "销售出库.csv", header, rows)
    made = make(what, tmp_path / "p")
    connection = staged(made)
    found = connection.execute("select count(*), sum(net_amount) from stg_order_lines")
    assert found.fetchone() == (60, total)
    assert connection.execute("select count(*) from stg_customers").fetchone() == (7,)
    brought.becomes_what_it_says(made)
    assert not [key for key in made.questions if key.startswith("lines without")]


def test_who_is_called_total_is_a_customer(tmp_path: Path) -> None:
    rows = [
        (
            f"O{n}",
            f"2024-03-{1 + n % 28:02}",
            ("Total", "Shell", "BP")[n % 3],
            2,
            10 + n,
        )
        for n in range(60)
    ]
    header = "order_id,order_date,customer,quantity,net_amount"
    what = write_csv(tmp_path / "in" / "sales.csv", header, rows)
    made = make(what, tmp_path / "p")
    found = staged(made).execute(
        "select source_customer_id, count(*) from stg_order_lines group by all order by 1"
    )
    assert found.fetchall() == [("BP", 20), ("Shell", 20), ("Total", 20)]


def test_the_last_purchase_of_a_customer_is_no_order(tmp_path: Path) -> None:
    rows = [
        (f"C{n}", f"Firm {n}", f"2024-03-{1 + n % 28:02}", n, 100.25 * n)
        for n in range(40)
    ]
    header = "CustomerID,CustomerName,LastPurchaseDate,Orders,TotalRevenue"
    what = write_csv(tmp_path / "in" / "customers_rfm.csv", header, rows)
    made = make(what, tmp_path / "p")
    assert list(made.sources.provides()) == ["customers"]


def test_what_is_paid_of_an_invoice_is_not_sold_once_more(tmp_path: Path) -> None:
    """A ledger of debtors; credit memos are sales that went back."""
    kinds = {"Invoice": 500, "Credit memo": -100, "Payment": -400}
    entries = [
        (f"2025-0{at % 9 + 1}-03", kind, f"{kind[:2]}{at}", 10_000 + at % 40, amount)
        for at, (kind, amount) in enumerate([*kinds.items()] * 100)
    ]
    header = "Posting date,Document type,Document no.,Debtor no.,Amount (EUR)"
    write_csv(tmp_path / "in" / "Ledger entries.csv", header, entries)
    debtors = [(10_000 + at, f"Jansen BV {at}", f"NL{at:09}B01") for at in range(40)]
    write_csv(tmp_path / "in" / "Debtors.csv", "Debtor no.,Debtor,VAT no.", debtors)
    made = make(tmp_path / "in", tmp_path / "p")
    found = staged(made).execute(
        "select count(*), sum(net_amount), count(*) filter (is_return and quantity = -1) "
        "from stg_order_lines"
    )
    assert found.fetchone() == (200, 40_000, 100)
    types = staged(made).execute(
        "select min(customer_name), any_value(customer_type) from stg_customers"
    )
    assert types.fetchall() == [("Jansen BV 0", "company")]
    (question,) = (
        item for item in made.proposal.draft.questions.open if "Payment" in item.text
    )
    assert question.text == "Are rows sales whose Document type is Payment (100 rows)?"
    brought.becomes_what_it_says(made)


def test_how_a_sale_was_paid_is_no_kind_of_booking(tmp_path: Path) -> None:
    """Nor is a sales receipt a payment: not a row is left out."""
    means = ["Invoice", "Mobile payment", "Credit card", "Zahlung per Nachnahme"]
    kinds = ["Sales receipt", "Invoice", "Credit memo"]
    rows = [
        (f"R{at}", "2025-03-03", f"C{at % 40:03}", 50, means[at % 4], kinds[at % 3])
        for at in range(120)
    ]
    header = "Order no,Order date,Customer no,Amount,Payment method,Document type"
    made = make(write_csv(tmp_path / "sales.csv", header, rows), tmp_path / "p")
    found = staged(made).execute("select count(*) from stg_order_lines")
    assert found.fetchone() == (120,)
    assert not any(
        "Are rows" in item.text for item in made.proposal.draft.questions.open
    )


def test_a_ledger_with_cancelled_invoices_counts_neither_them_nor_payments(
    tmp_path: Path,
) -> None:
    """What sources.yaml counts of the landed rows is what staging gives."""
    headers = [
        (f"V{at:04}", f"2025-0{at % 9 + 1}-03", f"C{at % 40:03}",
         "Cancelled" if at % 10 == 0 else "Posted")
        for at in range(200)
    ]  # fmt: skip
    write_csv(
        tmp_path / "in" / "orders.csv",
        "Order id,Order date,Customer id,Status",
        headers,
    )
    lines = [
        (
            f"V{at // 2:04}",
            at % 2 + 1,
            f"P{at % 7}",
            1,
            30,
            ("Invoice", "Payment")[at % 2],
        )
        for at in range(400)
    ]
    header = "Order id,Line number,Product id,Quantity,Line amount,Entry type"
    write_csv(tmp_path / "in" / "order_lines.csv", header, lines)
    made = make(tmp_path / "in", tmp_path / "p")
    found = staged(made).execute(
        "select count(*), sum(net_amount) from stg_order_lines"
    )
    assert found.fetchone() == (180, 5_400)
    brought.becomes_what_it_says(made)


def test_tables_of_sap_are_known_by_their_fields(tmp_path: Path) -> None:
    customers = [(f"{at:010}", f"Werk {at} GmbH", "DE", "Köln") for at in range(40)]
    header = "KUNNR,NAME1,LAND1,ORT01"
    write_csv(tmp_path / "in" / "KNA1.csv", header, customers)
    lines = [
        (
            *(
                f"{90_000_000 + at // 3:010}",
                f"{at % 3 + 1:05}0",
                f"2025030{at % 9 + 1}",
            ),
            *(f"{at % 40:010}", f"M-{at % 7}", 3, "30.00", "EUR", "12.00"),
        )
        for at in range(300)
    ]
    header = "VBELN,POSNR,FKDAT,KUNAG,MATNR,FKIMG,NETWR,WAERK,WAVWR"
    write_csv(tmp_path / "in" / "VBRP.csv", header, lines)
    made = make(tmp_path / "in", tmp_path / "p")
    found = staged(made).execute(
        "select count(*), count(distinct order_id), count(distinct source_customer_id), "
        "sum(net_amount), sum(cost_amount), any_value(currency), max(order_date)::varchar "
        "from stg_order_lines"
    )
    assert found.fetchone() == (300, 100, 40, 9_000, 3_600, "EUR", "2025-03-09")
    names = staged(made).execute(
        "select min(customer_name), any_value(city) from stg_customers"
    )
    assert names.fetchone() == ("Werk 0 GmbH", "Köln")


def test_a_list_that_is_kept_by_hand_tells_customers_apart_by_their_name(
    tmp_path: Path,
) -> None:
    rows = [(f"Alpha Tools Ltd {at}", f"Mr {at}", "Leeds", "Sue") for at in range(40)]
    header = "Customer name,Contact,Town,Rep"
    made = make(write_csv(tmp_path / "customers.csv", header, rows), tmp_path / "p")
    found = staged(made).execute(
        "select count(distinct source_customer_id), min(customer_name) from stg_customers"
    )
    assert found.fetchone() == (40, "Alpha Tools Ltd 0")


@pytest.mark.parametrize("has_one", [True, False])
def test_who_always_sells_to_a_customer_is_its_owner(
    tmp_path: Path, has_one: bool
) -> None:
    """Who was merely there when an order came is nobody's account manager."""
    rows = [
        (
            *(f"S{at}", f"2026-0{at % 9 + 1}-05", f"上海{at % 30}号贸易有限公司"),
            *("茶叶", 1, at + 10, f"业务员{(at % 30 if has_one else at // 7) % 3}"),
        )
        for at in range(200)
    ]
    header = "单号,下单日期,客户名称,商品,数量,金额,业务员"
    made = make(write_csv(tmp_path / "销售明细.csv", header, rows), tmp_path / "p")
    customers = staged(made).table("stg_customers")
    assert ("owner" in customers.columns) == has_one
    if has_one:
        asked = customers.aggregate("count(owner), count(distinct owner)")
        assert asked.fetchone() == (30, 3)


def test_an_account_of_sales_without_a_name_is_no_customer(tmp_path: Path) -> None:
    """It would be the largest; its lines are left out, counted, and asked about."""
    folder = tmp_path / "in"
    folder.mkdir()
    names = ["散客", *(f"上海明远{at}号贸易有限公司" for at in range(1, 40))]
    write_csv(
        folder / "客户.csv",
        "客户编号,客户名称,电话",
        [(f"C{at}", name, f"139000000{at:02}") for at, name in enumerate(names)],
    )
    write_csv(
        folder / "销售.csv",
        "单号,客户编号,日期,商品,数量,金额",
        [
            (f"S{at}", f"C{at % 40}", f"2026-0{at % 9 + 1}-05", "茶叶", 1, at + 10)
            for at in range(120)
        ],
    )
    made = make(folder, tmp_path / "p")
    rows = staged(made).execute("select customer_name from stg_customers order by all")
    assert rows.fetchall() == [(name,) for name in sorted(names[1:])]
    assert made.sources.sources[0].unknown_customers == "leave_out"
    (question,) = (
        item
        for item in made.proposal.draft.questions.open
        if "name no customer" in item.text
    )
    assert question.text.startswith("3 rows (2.5%) of ")
    assert "散客: nobody's name" in made.text("MAPPING.md")
    brought.becomes_what_it_says(made)


def test_cancelled_orders_are_left_out_and_asked_about(tmp_path: Path) -> None:
    what = brought.header_and_lines(tmp_path / "in")
    made = make(what, tmp_path / "p")
    about = "olist_orders_dataset.order_status"
    assert made.questions[about] == "no"
    orders = "select count(distinct order_id) from stg_order_lines"
    assert staged(made).execute(orders).fetchone() == (140,)

    def ask(question: Question) -> str:
        return "yes" if question.about == about else question.chosen

    answered = make(what, tmp_path / "q", ask=ask)
    assert staged(answered).execute(orders).fetchone() == (150,)
    brought.becomes_what_it_says(answered)
    page = answered.text("MAPPING.md")
    assert "## Open questions (0)" in page
    assert "Do orders count whose order_status is canceled" in page


def test_a_database_gives_what_it_declares(tmp_path: Path) -> None:
    made = make(brought.trading_database(tmp_path / "in"), tmp_path / "p")
    assert set(made.entities) == {
        "customers",
        "products",
        "categories",
        "orders",
        "order_details",
    }
    assert made.entities["order_details"].table == "Order Details"
    assert made.entities["order_details"].key == ["OrderID", "ProductID"]
    assert made.questions["order_details.Discount"] == "a fraction"
    connection = staged(made)
    row = connection.execute(
        """
        select
            sum(net_amount) = sum(quantity * (10 + source_product_id::int)
                * (1 - 0.1 * (source_product_id::int % 3))),
            sum(freight_amount)
        from stg_order_lines
        """
    ).fetchone()
    assert row == (True, 2500), "freight of an order is shared out"
    categories = connection.execute(
        "select distinct category from stg_products order by all"
    )
    assert categories.fetchall() == [("Beverages",), ("Produce",), ("Seafood",)]


@pytest.mark.parametrize("given", ["${SHOP_URL}", "sqlite:///${SHOP_FILE}"])
def test_a_url_refers_to_the_environment_and_goes_on_doing_so(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = brought.trading_database(tmp_path / "in")
    monkeypatch.setenv("SHOP_FILE", str(path))
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{path}")
    result = CliRunner().invoke(main, ["init", str(tmp_path / "p"), "--from", given])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "p" / "sources.yaml").read_text()
    assert f'url: "{given}"' in text
    assert f"- name: {path.name.split('.')[0]}" in text
    for written in (tmp_path / "p").rglob("*"):
        assert written.is_dir() or str(path) not in written.read_text()
    settings = Settings.load(tmp_path / "data", tmp_path / "p" / "sources.yaml")
    (source,) = load_sources(settings).sources
    assert source.url == f"sqlite:///{path}"


def test_doubled_headers_are_numbered_and_said(tmp_path: Path) -> None:
    """As Jira exports comments and watchers."""
    rows = [
        (
            f"IT-{n}",
            "Bug",
            "Done",
            f"2024-0{1 + n % 6}-0{1 + n % 9} 10:00",
            f"user{n % 4}",
            "first",
            "second",
            "third",
        )
        for n in range(40)
    ]
    header = "Issue key,Issue Type,Status,Created,Reporter,Comment,Comment,Comment"
    path = write_csv(tmp_path / "in" / "jira.csv", header, rows)
    made = make(path, tmp_path / "p", "jira")
    assert made.entities["jira"].repeated_columns == "number"
    assert "# read under numbered names: Comment 2, Comment 3" in made.text(
        "sources.yaml"
    )
    assert "numbered, such as Comment 2, Comment 3." in made.text("MAPPING.md")
    brought.becomes_what_it_says(made)
    said = CliRunner().invoke(main, ["init", str(tmp_path / "q"), "--from", str(path)])
    assert "has several columns of one name" in said.output, said.output


@pytest.mark.parametrize(
    ("name", "header", "rows", "expected"),
    [
        (
            "exchange_rates",
            "date,from_currency,to_currency,rate",
            [("2024-01-01", "USD", "EUR", "0.8"), ("2024-01-01", "EUR", "GBP", "0.5")],
            [("GBP", "EUR", 2.0), ("USD", "EUR", 0.8)],
        ),
        (
            "fx_rates",
            "Date,Currency,Rate",
            [("2024-01-01", "USD", "0.8"), ("2024-01-01", "GBP", "2")],
            [("GBP", "EUR", 2.0), ("USD", "EUR", 0.8)],
        ),
        (
            "汇率表",
            "生效日期,币种,汇率",
            [("2024-01-01", "USD", "0.8"), ("2024-02-01", "GBP", "2")],
            [("GBP", "EUR", 2.0), ("USD", "EUR", 0.8)],
        ),
    ],
)
def test_exchange_rates_are_recognised_and_turned_to_the_reporting_currency(
    name: str,
    header: str,
    rows: list[tuple[str, ...]],
    expected: object,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    write_csv(folder / f"{name}.csv", header, rows)
    write_csv(
        folder / "sales.csv",
        "order_id,customer_id,order_date,amount,currency",
        [
            (f"o{n}", f"c{n % 5}", f"2024-01-{1 + n % 28:02}", 10 + n, currency)
            for n, currency in enumerate(["EUR"] * 30 + ["USD", "GBP"])
        ],
    )
    made = make(folder, tmp_path / "p")
    assert made.sources.business.reporting_currency == "EUR"
    assert "fx_rates" in made.sources.provides()
    found = staged(made).execute(
        "select from_currency, to_currency, rate::double from stg_fx_rates order by all"
    )
    assert found.fetchall() == expected
    brought.becomes_what_it_says(made)
    has_two = "to_currency" in header
    assert any("direction" in about for about in made.questions) != has_two


def test_months_in_columns_become_lines(tmp_path: Path) -> None:
    header = "客户名称,产品,1月,2月,3月,4月,合计"
    rows: list[tuple[object, ...]] = [
        (f"上海{n}公司", "泵", n, 0, 2 * n, "", 3 * n) for n in range(1, 11)
    ]
    rows.append(("上海11公司", "泵", 0, "", 0, "", 0))
    total = ("合计", "", 55, 0, 110, 0, 165)
    path = write_csv(tmp_path / "in" / "销售.csv", header, [*rows, total])

    def ask(question: Question) -> str:
        return "2023" if question.about.endswith(": year") else question.chosen

    made = make(path, tmp_path / "p", ask=ask)
    assert list(made.sources.provides()) == ["customers", "products", "order_lines"]
    (entity,) = made.entities.values()
    assert (entity.key, entity.columns, entity.becomes) == (["客户名称"], {}, [])
    found = staged(made).execute(
        "select order_date::text, count(*), sum(net_amount)::int, "
        "count(distinct order_id) from stg_order_lines group by all order by all"
    )
    assert found.fetchall() == [("2023-01-01", 10, 55, 10), ("2023-03-01", 10, 110, 10)]
    customers = staged(made).execute("select count(*) from stg_customers").fetchone()
    assert customers == (11,), "who bought nothing is a customer all the same"
    page = made.text("MAPPING.md")
    assert "Its months are columns, 1月 to 4月" in page
    assert "Rows with 合计 in 客户名称 are sums, and left out." in page


def test_years_in_columns_become_lines(tmp_path: Path) -> None:
    """A list of customers as it is kept by hand; the last year is known to its end."""
    header = "Customer,Town,Rep,Sales 2023,Sales 2024,Sales 2025,Target 2026,Remarks"
    rows: list[tuple[object, ...]] = [
        (f"Firm {n} Ltd", "Leeds", "Sue", n, 0, 2 * n, 900, "call back")
        for n in range(1, 31)
    ]
    rows.append(("Firm 31 Ltd", "Leeds", "Sue", "", "", "", 900, ""))
    made = make(write_csv(tmp_path / "list.csv", header, rows), tmp_path / "p")
    assert {"customers", "order_lines"} <= {*made.sources.provides()}
    found = staged(made).execute(
        "select order_date::text, count(*), sum(net_amount)::int from stg_order_lines "
        "group by all order by all"
    )
    assert found.fetchall() == [("2023-01-01", 30, 465), ("2025-01-01", 30, 930)]
    customers = staged(made).execute("select count(*) from stg_customers").fetchone()
    assert customers == (31,), "who bought nothing is a customer all the same"
    assert made.sources.business.as_of == dt.date(2025, 12, 31)
    assert "Its years are columns, Sales 2023 to Sales 2025" in made.text("MAPPING.md")


def test_amounts_in_ten_thousands_are_amounts(tmp_path: Path) -> None:
    """As Chinese workbooks have them, in a column of its own or of a year."""
    header = "订单编号,客户名称,订单日期,产品名称,数量,金额（万元）"
    rows: list[tuple[object, ...]] = [
        (
            f"D{n}",
            f"上海{n % 9}有限公司",
            f"2024-03-{1 + n % 28:02}",
            "泵",
            n,
            "0.12345",
        )
        for n in range(1, 41)
    ]
    made = make(write_csv(tmp_path / "orders.csv", header, rows), tmp_path / "p")
    found = staged(made).execute(
        "select count(*), min(net_amount)::varchar, max(net_amount)::varchar "
        "from stg_order_lines"
    )
    assert found.fetchone() == (40, "1234.5000", "1234.5000")
    assert "multiplied by 10,000" in made.text("MAPPING.md")

    book = openpyxl.Workbook()
    sheet = book.active
    for row in [
        ["销售明细表", *[None] * 5, "单位：万元"],
        ["订单编号", "客户名称", "订单日期", "产品名称", "数量", "单价（元）", "金额"],
        *([*row[:5], 1_234.5, 0.12345 * 2] for row in rows),
    ]:
        sheet.append(row)
    (tmp_path / "sheets").mkdir()
    book.save(tmp_path / "sheets" / "销售.xlsx")
    made = make(tmp_path / "sheets", tmp_path / "r")
    found = staged(made).execute(
        "select count(*), min(net_amount)::varchar, max(net_amount)::varchar, "
        "sum(quantity)::int from stg_order_lines"
    )
    assert found.fetchone() == (40, "2469.0000", "2469.0000", 820)

    header = "客户名称,城市,2023年销售额（万元）,2024年销售额（万元）,年营业额（亿元）"
    rows = [(f"上海{n}公司", "上海", 1.5, n, 2) for n in range(1, 31)]
    made = make(write_csv(tmp_path / "list.csv", header, rows), tmp_path / "q")
    found = staged(made).execute(
        "select order_date::text, sum(net_amount)::bigint from stg_order_lines "
        "group by all order by all"
    )
    assert found.fetchall() == [("2023-01-01", 450_000), ("2024-01-01", 4_650_000)]
    size = staged(made).execute("select distinct annual_revenue from stg_customers")
    assert size.fetchall() == [(200_000_000,)]


TICKETS = "ticket_id,customer_id,priority,status,opened_at,resolved_at"


def tickets(folder: Path, *without: str, some: str = "") -> Path:
    """60 tickets without some columns, and with empty cells of one in every third."""
    header = [name for name in TICKETS.split(",") if name not in without]
    rows = [
        {
            "ticket_id": f"T{n}",
            "customer_id": f"c{n % 7}",
            "priority": "high",
            "status": "done",
            "opened_at": f"2024-03-{1 + n % 28:02} 09:00",
            "resolved_at": f"2024-03-{1 + n % 28:02} 10:00",
            **({some: ""} if some and n % 3 == 0 else {}),
        }
        for n in range(60)
    ]
    body = [[row[name] for name in header] for row in rows]
    return write_csv(folder / "support_tickets.csv", header, body)


def test_tickets_without_an_opening_time_are_a_question(tmp_path: Path) -> None:
    what = tickets(tmp_path / "in", "opened_at")
    made = make(what, tmp_path / "p", "desk")
    assert made.questions["support_tickets: opened"] == "resolved_at"
    row = staged(made).execute(
        "select count(*), count(opened_at), min(opened_at)::text from stg_service_tickets"
    )
    assert row.fetchone() == (60, 60, "2024-03-01 10:00:00")
    brought.becomes_what_it_says(made)
    nothing = make(
        tickets(tmp_path / "in2", "opened_at", "resolved_at"), tmp_path / "q", "desk"
    )
    assert nothing.questions["support_tickets: opened"] == "nothing"
    assert list(nothing.sources.provides()) == ["customers"]
    assert "support_tickets.csv is taken for" in nothing.text("MAPPING.md")


@pytest.mark.parametrize(("answer", "count"), [("leave_out", 40), ("resolved_at", 60)])
def test_some_tickets_without_an_opening_time(
    answer: str, count: int, tmp_path: Path
) -> None:
    def ask(question: Question) -> str:
        return answer if question.about.endswith(": opened") else question.chosen

    what = tickets(tmp_path / "in", some="opened_at")
    made = make(what, tmp_path / "p", "desk", ask=ask)
    row = staged(made).execute(
        "select count(*), count(opened_at) from stg_service_tickets"
    )
    assert row.fetchone() == (count, count)
    brought.becomes_what_it_says(made)


def test_what_stands_for_the_opening_is_no_answer_to_it(tmp_path: Path) -> None:
    rows = [
        (n, f"u{n % 9}@example.org", "High", f"2024-03-{1 + n % 28:02} 09:00", "Closed")
        for n in range(60)
    ]
    header = (
        "Ticket ID,Customer Email,Ticket Priority,First Response Time,Ticket Status"
    )
    what = write_csv(tmp_path / "in" / "customer_support_tickets.csv", header, rows)
    made = make(what, tmp_path / "p", "desk")
    assert list(made.sources.provides()) == ["customers", "service_tickets"]
    (mapping,) = [
        one for one in made.proposal.mappings if one.entity == "service_tickets"
    ]
    assert "First Response Time" in mapping.columns["opened_at"].sql
    # It would say that everybody was answered at once.
    assert "first_response_at" not in mapping.columns
    assert mapping.columns["source_customer_id"].columns == ["Customer Email"]


def test_a_list_of_keys_is_one_of_customers_where_nothing_else_names_any(
    tmp_path: Path,
) -> None:
    rows = [(f"{n:04}-ABC", "Female", n % 70, 20 + n, "No") for n in range(40)]
    header = "customerID,gender,tenure,MonthlyCharges,Churn"
    write_csv(tmp_path / "in" / "telco.csv", header, rows)
    made = make(tmp_path / "in", tmp_path / "p")
    assert list(made.sources.provides()) == ["customers"]
    assert staged(made).execute("select count(*) from stg_customers").fetchone() == (
        40,
    )
    # Beside a list of customers it is none.
    names = [(f"{n:04}-ABC", f"Ann Lee {n}", f"a{n}@example.org") for n in range(40)]
    write_csv(tmp_path / "in" / "customers.csv", "customer_id,name,email", names)
    both = make(tmp_path / "in", tmp_path / "q")
    assert [one.table.name for one in both.proposal.mappings] == ["customers"]


def test_an_id_alone_is_nobodys(tmp_path: Path) -> None:
    rows = [(n, 1940 + n % 50, n * 100) for n in range(40)]
    what = write_csv(tmp_path / "in" / "campaign.csv", "ID,Year_Birth,Z_Revenue", rows)
    with pytest.raises(ConfigurationError, match="names a customer"):
        make(what, tmp_path / "p")


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    url = "postgresql://me:${NO_SUCH_SECRET}@h/d"
    result = CliRunner().invoke(main, ["init", str(tmp_path / "p"), "--from", url])
    assert result.exit_code == 2
    assert "${NO_SUCH_SECRET}, which is not set" in " ".join(result.output.split())


def test_a_help_desk_alone(tmp_path: Path) -> None:
    made = make(brought.help_desk_log(tmp_path / "in"), tmp_path / "p", "desk")
    assert list(made.sources.provides()) == ["customers", "service_tickets"]
    row = staged(made).execute(
        """
        select
            count(*), count(source_customer_id), count(resolved_at), min(priority),
            max(priority), bool_and(met_sla)
        from stg_service_tickets
        """
    )
    assert row.fetchone() == (120, 114, 120, 1, 3, True)
    assert str(made.sources.business.as_of) == "2016-03-24"


def test_what_an_order_has_once_holds_for_all_of_its_lines(tmp_path: Path) -> None:
    made = make(brought.shopify_orders(tmp_path / "in"), tmp_path / "p")
    assert made.sources.business.reporting_currency == "USD"
    row = staged(made).execute(
        """
        select
            count(*) = count(ordered_at), count(*) = count(currency),
            count(distinct order_id), count(distinct ordered_at)
        from stg_order_lines
        """
    )
    assert row.fetchone() == (True, True, 200, 200)
    named = staged(made).execute(
        "select count(*) = count(country), min(customer_name) from stg_customers"
    )
    assert named.fetchone() == (True, "User 0")
    assert made.entities["orders_export_1"].is_by_position
    moment = staged(made).execute(
        "select typeof(any_value(ordered_at)), "
        "min(ordered_at) = timestamptz '2023-01-05 15:00:00Z', min(order_date)::text "
        "from stg_order_lines"
    )
    assert moment.fetchone() == ("TIMESTAMP WITH TIME ZONE", True, "2023-01-05")


@pytest.mark.parametrize("preset", presets.presets(), ids=lambda item: item.file)
def test_a_preset_is_recognised_by_its_columns(
    preset: presets.Preset, tmp_path: Path
) -> None:
    """In another order and case, and with its columns meaning what its role knows."""
    columns = {
        meaning: [names] if isinstance(names, str) else list(names)
        for meaning, names in preset.columns.items()
    }
    every = [name for names in columns.values() for name in names]
    header = list(dict.fromkeys([*preset.recognised_by, *every]))
    title = preset.titles[0] if preset.titles else "export"
    path = write_csv(
        tmp_path / f"{title}_2026_05_28.csv",
        [name.upper() for name in reversed(header)],
        [[f"{row}{at}" for at in range(len(header))] for row in range(3)],
    )
    with sample.opened() as connection:
        (found,) = recognise(profile(connection, str(path))).values()
    assert found.preset is not None
    role = None if preset.role == "none" else preset.role
    assert (found.preset.name, found.role) == (preset.name, role)
    # Of several names for one thing the first that is there.
    assert {one.column for one in found.meanings.values()} == {
        names[0].upper() for names in columns.values()
    }
    known = {
        *vocabulary.column_phrases(preset.role),
        *vocabulary.column_phrases("contacts"),
        "order_total",
        *vocabulary.column_phrases("customers"),
        *vocabulary.column_phrases("products"),
        "discount_amount",
        "refunded_amount",
        "order_freight",
    }
    assert set(preset.columns) <= known


def test_a_preset_needs_all_of_its_columns(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", "Name,Financial Status", [("a", "b")])
    with sample.opened() as connection:
        found = recognise(profile(connection, str(path)))["t"]
    assert found.preset is None


def test_every_meaning_has_a_kind_and_every_role_words_in_both_languages() -> None:
    for name, role in vocabulary.roles().items():
        meanings = vocabulary.column_phrases(name)
        assert set(role.needed) | set(role.evidence_weights) <= set(meanings), name
        for meaning in meanings:
            assert vocabulary.kind_of(meaning)
        for place in role.speaks_against:
            other, _, column = place.partition(".")
            assert column in vocabulary.column_phrases(other)
    files = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in vocabulary.FOLDER.glob("*.yml")
    }
    english, chinese = files["english"]["columns"], files["chinese"]["columns"]
    assert {role: set(columns) for role, columns in english.items()} == {
        role: set(columns) for role, columns in chinese.items()
    }
    for language in files.keys() - {"roles"}:
        assert files[language]["words"].keys() == files["english"]["words"].keys()
        for role, columns in files[language]["columns"].items():
            assert columns.keys() <= english[role].keys(), (language, role)
            for phrases in columns.values():
                assert all(isinstance(phrase, str) for phrase in phrases)
        for words in files[language]["words"].values():
            assert all(isinstance(word, str) for word in words), "quote no and on"


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("SalesOrderNumber", "order_lines", "order_id"),
        ("Invoice No", "order_lines", "order_id"),
        ("cust_no", "order_lines", "source_customer_id"),
        ("CUSTOMERNUMBER", "order_lines", "source_customer_id"),
        ("quantityordered", "order_lines", "quantity"),
        ("ORDERLINENUMBER", "order_lines", "line_number"),
        ("fechapedido", "order_lines", "ordered_at"),
        ("custname", "customers", "customer_name"),
        ("filename", "customers", None),
        ("nickname", "customers", None),
        ("paid", "order_lines", None),
        ("Kundenkarte", "order_lines", "source_customer_id"),
        ("Policyholder", "order_lines", "source_customer_id"),
        ("Annual Premium", "order_lines", "net_amount"),
        ("ResellerKey", "order_lines", "source_customer_id"),
        ("EnglishProductName", "products", "product_name"),
        ("下单日期", "order_lines", "ordered_at"),
        ("客户 编号", "order_lines", "source_customer_id"),
        ("含税金额(元)", "order_lines", "net_amount"),
        ("会员姓名", "customers", "customer_name"),
        ("CarrierTrackingNumber", "order_lines", None),
        ("业务员编号", "customers", "owner"),
        ("Donor ID", "order_lines", "source_customer_id"),
        ("Gift Amount", "order_lines", "net_amount"),
        ("Kunden-Nr.", "order_lines", "source_customer_id"),
        ("Rechnungsnr", "order_lines", "order_id"),
        ("Rechnungsdatum", "order_lines", "ordered_at"),
        ("Netto (EUR)", "order_lines", "net_amount"),
        ("MwSt", "order_lines", "tax_amount"),
        ("Fällig am", "payments", "due_date"),
        ("PLZ", "customers", "postal_code"),
        ("Straße", "customers", "street"),
        ("N° client", "order_lines", "source_customer_id"),
        ("N° de facture", "order_lines", "order_id"),
        ("Montant HT", "order_lines", "net_amount"),
        ("Date de commande", "order_lines", "ordered_at"),
        ("Raison sociale", "customers", "customer_name"),
        ("Code postal", "customers", "postal_code"),
        ("Código del cliente", "order_lines", "source_customer_id"),
        ("Folio", "order_lines", "order_id"),
        ("Fecha de venta", "order_lines", "ordered_at"),
        ("Importe neto", "order_lines", "net_amount"),
        ("Razón social", "customers", "customer_name"),
        ("Ref", "order_lines", None),
        ("客戶編號", "order_lines", "source_customer_id"),
        ("訂單日期", "order_lines", "ordered_at"),
        ("業務員", "customers", "owner"),
        ("得意先コード", "order_lines", "source_customer_id"),
        ("売上日", "order_lines", "ordered_at"),
        ("税抜金額", "order_lines", "net_amount"),
        ("会社名", "customers", "customer_name"),
    ],
)
def test_names_of_columns(name: str, role: str, expected: str | None) -> None:
    words = vocabulary.stems(name)
    agrees = {
        meaning: vocabulary.agreement(words, phrases, frozenset())
        for meaning, phrases in vocabulary.column_phrases(role).items()
    }
    best = max(agrees, key=lambda meaning: agrees[meaning])
    assert (best if agrees[best] >= 0.5 else None) == expected


@pytest.mark.parametrize(
    ("header", "currency", "zone"),
    [
        ("Kundennr,Rechnungsnr,Rechnungsdatum,Netto", "EUR", "Europe/Berlin"),
        ("Code client,N° facture,Date facture,Montant HT", "EUR", "Europe/Paris"),
        ("客户编号,订单编号,下单日期,金额", "CNY", "Asia/Shanghai"),
        ("客戶編號,訂單編號,訂單日期,金額", "TWD", "Asia/Taipei"),
        ("顧客コード,伝票番号,売上日,税抜金額", "JPY", "Asia/Tokyo"),
        ("得意先番号,伝票番号,売上日,税抜金額", "JPY", "Asia/Tokyo"),
        # Spanish is spoken in twenty countries.
        ("Código cliente,Folio,Fecha de venta,Importe", "XXX", "UTC"),
    ],
)
def test_names_of_columns_say_where_a_company_may_be(
    tmp_path: Path, header: str, currency: str, zone: str
) -> None:
    rows = [(f"K{n % 7}", f"R{n}", f"2024-03-{n + 1:02d} 10:00", n) for n in range(20)]
    made = make(write_csv(tmp_path / "sales.csv", header, rows), tmp_path / "p")
    assert "order_lines" in [
        one.entity for item in made.entities.values() for one in item.becomes
    ]
    business = made.sources.business
    assert (business.reporting_currency, business.time_zone) == (currency, zone)
    assert {"currency", "time zone"} <= made.questions.keys(), "nothing is a fact"


def test_nothing_that_names_a_customer_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "prices.csv", "sku,price", [("a", 1), ("b", 2)])
    with pytest.raises(ConfigurationError, match="names a customer"):
        make(path, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_members_of_objects_are_columns(tmp_path: Path) -> None:
    lines = [
        {
            "id": n,
            "created_at": f"2024-03-{1 + n % 28:02}T10:00:00Z",
            "customer": {
                "id": n % 7,
                "name": f"Ann Lee {n % 7}",
                "email": f"ann{n % 7}@example.org",
                "address": {"city": "Bern"},
                "tags": ["a", "b"],
            },
            "total": 10 + n,
            "line_items": [{"sku": "a", "qty": 2}],
        }
        for n in range(60)
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "orders.jsonl").write_text(text)
    made = make(tmp_path / "orders.jsonl", tmp_path / "p")
    connection = staged(made)
    found = connection.execute(
        "select customer_name, email from stg_customers where source_customer_id = '3'"
    )
    assert found.fetchone() == ("Ann Lee 3", "ann3@example.org")
    found = connection.execute(
        "select count(distinct order_id), sum(net_amount), count(source_customer_id) "
        "from stg_order_lines"
    )
    assert found.fetchone() == (60, sum(10 + n for n in range(60)), 60)
    brought.becomes_what_it_says(made)
    # Nobody is called by an object, and what is personal is masked.
    page = made.text("MAPPING.md")
    assert "Ann Lee" not in page
    assert "example.org" not in page


def test_an_object_with_personal_members_is_personal(tmp_path: Path) -> None:
    lines = [
        {
            "order_id": n,
            "order_date": f"2024-03-{1 + n % 28:02}",
            "customer_id": f"C{n % 7}",
            "buyer": {"email": f"ann{n % 7}@example.org"},
            "total": 10 + n,
        }
        for n in range(60)
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "orders.jsonl").write_text(text)
    made = make(tmp_path / "orders.jsonl", tmp_path / "p")
    personal = made.entities["orders"].personal
    assert isinstance(personal, Personal)
    # What is landed is the object.
    assert (personal.customer, personal.columns) == ("customer_id", ["buyer"])


def test_what_is_nested_is_said_where_nothing_names_a_customer(tmp_path: Path) -> None:
    order = {"id": 1, "customer": [{"id": 7}], "items": [{"sku": "a", "qty": 2}]}
    (tmp_path / "orders.jsonl").write_text(json.dumps(order) + "\n")
    with pytest.raises(ConfigurationError, match="customer holds objects or lists"):
        make(tmp_path, tmp_path / "p")


def test_nobody_is_called_by_a_list(tmp_path: Path) -> None:
    lines = [
        {
            "order_id": n,
            "order_date": f"2024-03-{1 + n % 28:02}",
            "customer": [{"id": n % 7}],
            "total": 10 + n,
        }
        for n in range(60)
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "orders.jsonl").write_text(text)
    with pytest.raises(ConfigurationError, match="customer holds objects or lists"):
        make(tmp_path / "orders.jsonl", tmp_path / "p")


def test_a_file_that_cannot_be_read_is_said_where_nothing_names_a_customer(
    tmp_path: Path,
) -> None:
    write_csv(tmp_path / "prices.csv", "sku,price", [("a", 1), ("b", 2)])
    (tmp_path / "orders.csv").write_bytes(b"PK\x03\x04\xff\xfe not a text")
    with pytest.raises(ConfigurationError, match=r"not read: orders\.csv"):
        make(tmp_path, tmp_path / "p")


def test_personal_values_are_masked_on_the_page(tmp_path: Path) -> None:
    made = make(brought.shopify_orders(tmp_path / "in"), tmp_path / "p")
    page = made.text("MAPPING.md")
    assert "@example.com" not in page
    assert "User 1" not in page
    assert "| u… |" in page


def test_an_address_is_personal_whatever_its_column_is_called(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "in.csv",
        "Order No,Customer ID,Customer Name,Order Date,Net Amount,Phone No,Notify To",
        [
            (
                n,
                f"C{n % 9}",
                f"Ann {n % 9}",
                f"2024-01-{n:02}",
                n,
                f"030-76543{n:02}",
                f"a{n % 9}@example.com",
            )
            for n in range(1, 29)
        ],
    )
    made = make(path, tmp_path / "p")
    (entity,) = made.sources.sources[0].entities.values()
    assert isinstance(entity.personal, Personal)
    assert set(entity.personal.columns) == {"Customer Name", "Phone No", "Notify To"}


def test_two_lists_of_customers_with_the_same_keys_are_told_apart(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    write_csv(
        folder / "resellers.csv",
        "ResellerKey,ResellerName,Phone",
        [(n, f"Store {n} Ltd", "030-7654321") for n in range(1, 30)],
    )
    write_csv(
        folder / "customers.csv",
        "CustomerKey,FirstName,LastName",
        [(n, f"A{n}", f"B{n}") for n in range(1, 50)],
    )
    header = "SalesOrderNumber,{},ProductKey,OrderDate,OrderQuantity,SalesAmount"
    for name, key in (
        ("reseller_sales", "ResellerKey"),
        ("online_sales", "CustomerKey"),
    ):
        write_csv(
            folder / f"{name}.csv",
            header.format(key),
            [
                (
                    f"{name[:2]}{n}",
                    n % 28 + 1,
                    f"P{n % 5}",
                    f"2024-01-{n % 28 + 1:02}",
                    1,
                    n,
                )
                for n in range(200)
            ],
        )
    made = make(folder, tmp_path / "p")
    brought.becomes_what_it_says(made)
    rows = staged(made).execute(
        """
        select
            count(*), count(distinct source_customer_id),
            count(distinct customer_type)
        from stg_customers
        """
    )
    assert rows.fetchone() == (78, 78, 2)
    lost = staged(made).execute(
        "select count(*) from stg_order_lines anti join stg_customers "
        "using (source_customer_id)"
    )
    assert lost.fetchone() == (0,)


def test_an_amount_is_checked_against_quantity_price_discount_and_tax(
    tmp_path: Path,
) -> None:
    rows = [
        (f"o{n}", f"c{n % 9}", "2024-01-05", n % 4 + 1, 10, 2, 1, (n % 4 + 1) * 10 + 2)
        for n in range(60)
    ]
    path = write_csv(
        tmp_path / "in" / "sales.csv",
        "order_id,customer_id,order_date,quantity,unit_price,tax_amount,position,total",
        rows,
    )
    made = make(path, tmp_path / "p")
    assert made.questions["sales: tax"] == "yes"
    found = staged(made).execute(
        "select sum(net_amount) = sum(quantity) * 10 from stg_order_lines"
    )
    assert found.fetchone() == (True,)


def test_questions_are_asked_once_and_their_answers_kept(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: Question) -> str:
        asked.append(question.about)
        return {"currency": "EUR", "time zone": "Asia/Tokyo"}.get(
            question.about, question.chosen
        )

    made = make(brought.retail_lines(tmp_path / "in"), tmp_path / "p", ask=ask)
    assert len(asked) == len(set(asked))
    assert made.sources.business.reporting_currency == "EUR"
    assert made.sources.business.time_zone == "Asia/Tokyo"
    assert made.proposal.draft.questions.open == []
    assert "'EUR' as currency" in made.model("order_lines")


def test_a_time_zone_that_there_is_none_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no time zone"):
        make(
            brought.retail_lines(tmp_path / "in"),
            tmp_path / "p",
            ask=lambda one: "Mars" if one.about == "time zone" else one.chosen,
        )


def test_a_table_is_what_others_refer_to_it_as(tmp_path: Path) -> None:
    """A header called nothing, whose only day is called nothing: asked, not refused."""
    folder = tmp_path / "in"
    days = [f"2024-{n % 12 + 1:02}-0{n % 9 + 1}" for n in range(90)]
    write_csv(
        folder / "belege.csv",
        "order_number,client_no,erfasst",
        [(f"B{n:04}", f"C{n % 20:03}", day) for n, day in enumerate(days)],
    )
    write_csv(
        folder / "order_lines.csv",
        "order_number,line_no,item_no,qty,price",
        [
            (f"B{n:04}", line, f"A{n % 7}", 2, "3.50")
            for n in range(90)
            for line in (1, 2)
        ],
    )
    made = make(folder, tmp_path / "p")
    brought.becomes_what_it_says(made)
    assert made.questions["belege: ordered_at"] == "erfasst"
    row = staged(made).execute(
        "select count(*), sum(net_amount), count(distinct source_customer_id), "
        "max(order_date) from stg_order_lines"
    )
    assert [str(cell) for cell in row.fetchall()[0]] == [
        "180",
        "1260.0000",
        "20",
        max(days),
    ]


def test_what_is_recognised_and_of_no_use_is_said(tmp_path: Path) -> None:
    """Sales by week in columns, and payments without a day."""
    folder = tmp_path / "in"
    weeks = ["Week 1", "Week 2", "Week 3"]
    write_csv(
        folder / "sales.csv",
        ["Customer", "Product", *weeks],
        [(f"Client {n} Ltd", f"P{n % 3}", n, n, n) for n in range(30)],
    )
    write_csv(
        folder / "payments.csv",
        "payment_id,customer,amount",
        [(n, f"Client {n} Ltd", 5) for n in range(30)],
    )
    made = make(folder, tmp_path / "p")
    assert "order_lines" not in made.sources.provides()
    left_out = made.proposal.draft.left_out
    assert set(left_out) == {"sales", "payments"}
    page = made.text("MAPPING.md")
    assert "sales.csv is taken for order_lines, and no column says" in page
    assert all(reason in page for reason in left_out.values())


@pytest.mark.parametrize(
    ("countries", "currency"),
    [
        (["Brazil"] * 9 + ["France"], "BRL"),
        (["Brazil", "France", "Canada", "Chile"], "XXX"),
    ],
)
def test_a_currency_follows_from_the_country_of_most_or_is_none(
    tmp_path: Path, countries: list[str], currency: str
) -> None:
    write_csv(
        tmp_path / "in" / "customers.csv",
        "customer_id,customer_name,country",
        [(f"C{n:02}", f"N {n}", countries[n % len(countries)]) for n in range(40)],
    )
    write_csv(
        tmp_path / "in" / "employees.csv",
        "employee_id,last_name,country",
        [(f"E{n:02}", f"L{n}", "Japan") for n in range(40)],
    )
    made = make(tmp_path / "in", tmp_path / "p")
    assert made.sources.business.reporting_currency == currency
    assert made.questions["currency"] == currency


@pytest.mark.parametrize(("is_whole", "answer"), [(True, "whole"), (False, "more")])
def test_orders_in_several_files_are_whole_or_go_on(
    is_whole: bool, answer: str, tmp_path: Path
) -> None:
    header = "invoice,sku,invoice_date,qty,price,customer_id"

    def line(invoice: int) -> tuple[object, ...]:
        return (f"I{invoice:03}", "a", "2024-01-05", 1, "2.50", f"C{invoice % 9}")

    first = [line(invoice) for invoice in range(60) for _ in range(3)]
    second = [
        line(invoice)
        for invoice in range(50, 100)
        for _ in range(3 if is_whole or invoice >= 60 else 1)
    ]
    write_csv(tmp_path / "in" / "sales_1.csv", header, first)
    write_csv(tmp_path / "in" / "sales_2.csv", header, second)
    made = make(tmp_path / "in", tmp_path / "p")
    assert made.questions["sales: overlap"] == answer
    assert made.entities["sales"].replace == (["invoice"] if is_whole else [])
    lines = staged(made).execute("select count(*) from stg_order_lines").fetchone()
    assert lines == (300 if is_whole else len(first) + len(second),)
    brought.becomes_what_it_says(made)
