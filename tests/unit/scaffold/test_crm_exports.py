"""Exports of the pages of Zoho CRM and Fxiaoke, as projects that `init --from` makes.

The files hold what the stand-ins of the services hold, so that what must come out is known
from there: each customer's revenue, to the cent.
"""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import duckdb
import jinja2
import openpyxl
import pytest

from tests.standins import exports, fxiaoke_company, zoho_company
from tests.standins.base import ManualClock
from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.zoho_crm import ZohoCrm
from tests.standins.zoho_desk import ZohoDesk
from tests.unit.scaffold import brought
from tests.unit.scaffold.brought import Made, make, staged

# What two languages call the fields; no more of them than the files have.
GERMAN = {
    "id": "Datensatz-ID", "Account_Name": "Firmenname", "Created_Time": "Erstellt am",
    "Modified_Time": "Geändert am", "Parent_Account": "Übergeordnete Firma",
    "Industry": "Branche", "Annual_Revenue": "Jahresumsatz", "Employees": "Mitarbeiter",
    "Phone": "Telefon", "Mobile": "Mobil", "Email": "E-Mail", "Website": "Webseite",
    "Billing_Street": "Straße (Rechnung)", "Billing_City": "Ort (Rechnung)",
    "Billing_Country": "Land (Rechnung)", "Billing_Code": "PLZ (Rechnung)",
    "Billing_State": "Bundesland (Rechnung)", "Tax_Number": "Steuernummer",
    "Accounts.Owner": "Firma-Besitzer", "Contacts.Owner": "Kontakt-Besitzer",
    "Leads.Owner": "Lead-Besitzer", "Deals.Owner": "Abschluss-Besitzer",
    "Products.Owner": "Produkt-Besitzer", "Sales_Orders.Owner": "Auftrag-Besitzer",
    "Invoices.Owner": "Rechnung-Besitzer", "Cases.Owner": "Fall-Besitzer",
    "Calls.Owner": "Anruf-Besitzer", "First_Name": "Vorname", "Last_Name": "Nachname",
    "Contacts.Full_Name": "Kontaktname", "Leads.Full_Name": "Leadname",
    "Company": "Unternehmen", "Title": "Titel", "Lead_Status": "Lead-Zustand",
    "Lead_Source": "Lead-Quelle", "Converted__s": "Ist konvertiert",
    "Converted_Account": "Konvertierte Firma", "Deal_Name": "Abschlussname",
    "Stage": "Phase", "Amount": "Betrag", "Probability": "Wahrscheinlichkeit (%)",
    "Closing_Date": "Abschlussdatum", "Product_Name": "Produktname",
    "Product_Code": "Produktcode", "Product_Category": "Produktkategorie",
    "Unit_Price": "Stückpreis", "SO_Number": "Auftragsnummer", "Status": "Zustand",
    "Subject": "Betreff", "Sub_Total": "Zwischensumme", "Discount": "Rabatt",
    "Tax": "Steuer", "Adjustment": "Anpassung", "Grand_Total": "Gesamtsumme",
    "Order_Date": "Auftragsdatum", "Quantity": "Menge", "List_Price": "Listenpreis",
    "Invoice_Number": "Rechnungsnummer", "Invoice_Date": "Rechnungsdatum",
    "Due_Date": "Fälligkeitsdatum", "Sales_Order": "Auftrag", "Case_Number": "Fallnummer",
    "Priority": "Dringlichkeit", "Type": "Art", "Case_Origin": "Herkunft",
    "Call_Start_Time": "Anrufbeginn", "What_Id": "Bezogen auf", "Who_Id": "Kontakt",
}  # fmt: skip
CHINESE = {
    "id": "记录ID", "Account_Name": "客户名", "Created_Time": "创建于",
    "Modified_Time": "修改于", "Parent_Account": "母客户", "Industry": "所在行业",
    "Annual_Revenue": "年度收入", "Employees": "雇员", "Phone": "座机", "Mobile": "移动",
    "Email": "电邮", "Website": "网站地址", "Billing_City": "账单城市",
    "Billing_Country": "账单国家", "Tax_Number": "税务登记号", "Accounts.Owner": "客户所有者",
    "Contacts.Owner": "联系人所有者", "Leads.Owner": "线索所有者",
    "Deals.Owner": "交易所有者", "Products.Owner": "产品所有者",
    "Sales_Orders.Owner": "订单所有者", "Invoices.Owner": "发票所有者",
    "Cases.Owner": "案例所有者", "Calls.Owner": "通话所有者", "First_Name": "名",
    "Last_Name": "姓", "Contacts.Full_Name": "联系人全名", "Leads.Full_Name": "线索全名",
    "Company": "单位", "Title": "头衔", "Lead_Status": "线索进度",
    "Converted__s": "已转化", "Converted_Account": "转化后的客户", "Deal_Name": "交易名",
    "Stage": "进度", "Amount": "数额", "Probability": "几率 (%)",
    "Closing_Date": "结束于", "Product_Name": "产品名", "Product_Code": "产品代号",
    "Product_Category": "产品类", "Unit_Price": "每件价格", "SO_Number": "订单号码",
    "Status": "进展", "Subject": "主旨", "Sub_Total": "小计数", "Discount": "减免",
    "Tax": "税费", "Adjustment": "调整", "Grand_Total": "总计数", "Order_Date": "订购于",
    "Quantity": "件", "List_Price": "目录价", "Invoice_Date": "开具于",
    "Case_Number": "案例号码", "Priority": "轻重", "Type": "种类", "Case_Origin": "来自",
    "Call_Start_Time": "通话开始", "What_Id": "关于", "Who_Id": "何人",
}  # fmt: skip
WORDS = {
    "de": {"Cancelled": "Storniert", "Delivered": "Geliefert", "Closed": "Abgehakt",
           "High": "Eilig", "Medium": "Mittel", "Low": "Später", "Closed Won": "Geschafft",
           "Negotiation": "Verhandlung"},
    "zh": {"Cancelled": "不要了", "Delivered": "送到", "Closed": "办完", "High": "要紧",
           "Medium": "还好", "Low": "随意", "Closed Won": "拿下", "Negotiation": "商谈"},
}  # fmt: skip
LANGUAGES = {"de": GERMAN, "zh": CHINESE}


def organisation() -> tuple[ZohoCrm, zoho_company.Company]:
    crm = ZohoCrm(ManualClock(zoho_company.NOW))
    return crm, zoho_company.furnish(crm, ZohoDesk(crm))


@functools.cache
def shared() -> tuple[ZohoCrm, zoho_company.Company]:
    """One that no test changes."""
    return organisation()


def revenue(made: Made, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Customer → what its lines come to, in cents."""
    return {
        str(customer): round(100 * amount)
        for customer, amount in connection.execute(
            "select source_customer_id, sum(net_amount) from stg_order_lines group by 1"
        ).fetchall()
    }


def bought(company: Any) -> dict[str, int]:
    return {key: cents for key, cents in company.revenue.items() if cents}


def check_of_orders(made: Made, connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """What the project's own test of orders against their lines finds."""
    source = made.proposal.draft.source
    name = f"{source}_orders_are_the_sum_of_their_lines"
    environment = jinja2.Environment(autoescape=False)
    environment.globals.update(
        config=lambda **_: "",
        latest=lambda relation: f"select * from {relation}",
        source=lambda name, entity: f'landing."{name}__{entity}"',
        ref=lambda model: model.replace(f"stg_{source}__", "stg_"),
    )
    text = made.text(f"dbt_project/tests/{name}.sql")
    return connection.execute(environment.from_string(text).render()).fetchall()


def presets_of(made: Made) -> set[str]:
    return {
        one.preset.file.removesuffix(".yml")
        for one in made.proposal.draft.found.values()
        if one.preset
    }


# ------------------------------------------------------------------------------ Zoho


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(one, marks=[] if one == "repeated" else pytest.mark.slow)
        for one in get_args(exports.Lines)
    ],
)
def test_exports_of_zoho_come_to_what_its_orders_do(
    lines: exports.Lines, tmp_path: Path
) -> None:
    """Without tax, with discounts and adjustments, without cancelled orders."""
    crm, company = shared()
    modules = ("Accounts", "Products", "Sales_Orders", "Invoices")
    exports.zoho(crm, tmp_path / "in", lines=lines, modules=modules)
    made = make(tmp_path / "in", tmp_path / "p", "zoho")
    brought.becomes_what_it_says(made)
    connection = staged(made)
    assert revenue(made, connection) == bought(company)
    # What invoices say is what orders say.
    assert list(made.proposal.draft.left_out) == ["invoices_2026_06_01"]
    assert made.sources.business.time_zone == "Asia/Shanghai"
    if lines != "none":
        assert check_of_orders(made, connection) == []
        connection.execute(
            "update stg_order_lines set net_amount = net_amount + 0.01 where order_id = "
            "(select min(order_id) from stg_order_lines)"
        )
        assert len(check_of_orders(made, connection)) == 1
    days = connection.execute(
        "select count(*) from stg_order_lines where order_date <> ordered_at::date"
    )
    assert days.fetchone() == (0,)


@pytest.mark.slow
def test_what_else_zoho_exports_comes_through(tmp_path: Path) -> None:
    """Everything by ids, which are those of the API."""
    crm, company = shared()
    made = make(exports.zoho(crm, tmp_path / "in"), tmp_path / "p", "zoho")
    connection = staged(made)

    def one(query: str) -> tuple[Any, ...]:
        return connection.execute(query).fetchone() or ()

    assert presets_of(made) == {
        f"zoho_{name}"
        for name in (
            *(
                "accounts",
                "contacts",
                "leads",
                "deals",
                "products",
                "invoices",
                "cases",
            ),
            *("calls", "sales_orders_lines"),
        )
    }
    keys = {
        key
        for (key,) in connection.execute(
            "select source_customer_id from stg_customers"
        ).fetchall()
    }
    assert keys == set(company.accounts)
    known = "(select source_customer_id from stg_customers)"
    for entity in ("contacts", "interactions", "service_tickets"):
        assert one(
            f"select count(*) from stg_{entity} where source_customer_id not in {known}"
        ) == (0,), entity
    assert one(
        "select count(*), count(*) filter (where source_product_id in "
        "(select source_product_id from stg_products)) = count(*) from stg_order_lines"
    )[1]
    converted, deals, prospects = one(
        "select count(*) filter (where source_customer_id is not null "
        "and stage = 'Contacted' and not is_open), "
        "count(*) filter (where stage in ('Negotiation') and is_open), "
        "count(*) filter (where source_customer_id is null) from stg_leads"
    )
    leads = crm.modules["Leads"].records.values()
    assert converted == sum(bool(lead.get("Converted__s")) for lead in leads)
    assert deals == 25 and prospects == len(leads) - converted
    assert one(
        "select count(*) from stg_leads where customer_type = 'company' "
        "and lead_name is not null"
    ) == (len(leads) + len(crm.modules["Deals"].records),)
    cases = crm.modules["Cases"].records
    closed = sum(case["Status"] == "Closed" for case in cases.values())
    assert one(
        "select count(resolved_at), min(date_diff('hour', opened_at, resolved_at)), "
        "count(priority) from stg_service_tickets"
    ) == (closed, 9, len(cases))
    # On the user's clock: nine in the morning, as the file says.
    assert one("select distinct hour(opened_at) from stg_service_tickets") == (9,)


def test_an_order_that_is_cancelled_later_is_left_out_then(tmp_path: Path) -> None:
    """Though no order was when the project was made."""
    crm, _ = organisation()
    orders = crm.modules["Sales_Orders"].records
    for order in orders.values():
        order["Status"] = "Delivered"
    modules = ("Accounts", "Sales_Orders")
    folder = exports.zoho(crm, tmp_path / "in", modules=modules)
    made = make(folder, tmp_path / "p", "zoho")
    first, *_ = orders.values()
    first["Status"] = "Cancelled"
    exports.zoho(crm, folder, modules=modules)
    counted = staged(made).execute(
        "select count(distinct order_id), bool_or(order_id = ?) from stg_order_lines",
        [first["id"]],
    )
    assert counted.fetchone() == (len(orders) - 1, False)


def test_invoices_are_the_revenue_where_no_orders_are(tmp_path: Path) -> None:
    crm, company = shared()
    modules = ("Accounts", "Contacts", "Invoices")
    made = make(
        exports.zoho(crm, tmp_path / "in", modules=modules), tmp_path / "p", "zoho"
    )
    assert revenue(made, staged(made)) == bought(company)


# ------------------------------------------------------------------ another language


def translated(
    folder: Path, language: str, **options: Any
) -> tuple[ZohoCrm, zoho_company.Company]:
    crm, company = organisation()
    labels = exports.translate(crm, LANGUAGES[language], WORDS[language])
    exports.zoho(crm, folder, labels=labels, **options)
    return crm, company


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        pytest.param("de", "repeated", id="German", marks=pytest.mark.slow),
        pytest.param("zh", "none", id="Chinese"),
    ],
)
def test_headers_of_another_language_are_read_by_the_metadata(
    language: str, lines: exports.Lines, tmp_path: Path
) -> None:
    crm, company = translated(tmp_path / "in", language, lines=lines)
    exports.zoho_metadata(crm, tmp_path / "in")
    made = make(tmp_path / "in", tmp_path / "p", "zoho")
    brought.becomes_what_it_says(made)
    connection = staged(made)
    assert revenue(made, connection) == bought(company)
    # Words of selections as well: which are urgent, which are over.
    cases = crm.modules["Cases"].records
    closed = sum(case["Status"] == "Closed" for case in cases.values())
    found = connection.execute(
        "select count(resolved_at), count(*) filter (where priority = 2) "
        "from stg_service_tickets"
    )
    assert found.fetchone() == (closed, len(cases))
    closed = connection.execute(
        "select count(*) from stg_leads where stage = ? and is_open",
        [WORDS[language]["Closed Won"]],
    )
    assert closed.fetchone() == (0,)
    assert {"zoho_accounts", "zoho_cases", "zoho_deals"} <= presets_of(made)


def test_metadata_that_the_api_landed_says_it_too(tmp_path: Path) -> None:
    modules = ("Accounts", "Sales_Orders")
    crm, company = translated(tmp_path / "in", "de", modules=modules)
    rows = [
        (module, one["api_name"], one["api_name"], one["field_label"], one["data_type"],
         value, seen)
        for module, described in crm.modules.items()
        for one in described.fields
        for value, seen in [
            ("", ""),
            *((option["actual_value"], option["display_value"])
              for option in one["pick_list_values"]),
        ]
    ]  # fmt: skip
    brought.write_csv(
        tmp_path / "in" / "metadata.csv",
        "object,field,api_name,label,type,option_value,option_label",
        rows,
    )
    made = make(tmp_path / "in", tmp_path / "p", "zoho")
    assert revenue(made, staged(made)) == bought(company)
    assert "metadata" not in made.entities


def test_without_metadata_nothing_is_guessed_of_another_language(
    tmp_path: Path,
) -> None:
    translated(tmp_path / "in", "de", modules=("Accounts",))
    with pytest.raises(Exception, match="names a customer"):
        make(tmp_path / "in", tmp_path / "p", "zoho")


def test_a_label_of_two_fields_is_none_and_unknown_ones_are_named(
    tmp_path: Path,
) -> None:
    crm, _ = translated(tmp_path / "in", "de", modules=("Accounts",))
    exports.zoho_metadata(crm, tmp_path / "in", ("Accounts",))
    path = tmp_path / "in" / "fields_Accounts.json"
    answer = json.loads(path.read_text())
    fields: list[Mapping[str, Any]] = [
        {**one, "field_label": "Telefon"} if one["api_name"] == "Website" else one
        for one in answer["fields"]
        if one["api_name"] != "Employees"
    ]
    path.write_text(json.dumps({"fields": fields}))
    made = make(tmp_path / "in", tmp_path / "p", "zoho")
    accounts = made.proposal.draft.profile.tables["accounts_2026_06_01"]
    assert accounts.columns["Telefon"].standard == ""
    assert accounts.columns["Firmenname"].standard == "Account Name"
    said = " ".join(made.proposal.draft.profile.notes)
    assert "Telefon as in fields_Accounts.json: more than one field" in said
    assert "Webseite, Mitarbeiter" in said or "Mitarbeiter, Webseite" in said
    assert "Telefon" in made.text("MAPPING.md")


# --------------------------------------------------------------------------- Fxiaoke


@functools.cache
def tenant() -> tuple[FxiaokeStandin, fxiaoke_company.Company]:
    made = FxiaokeStandin(ManualClock(fxiaoke_company.NOW))
    return made, fxiaoke_company.furnish(made)


@pytest.mark.slow
def test_exports_of_fxiaoke_come_to_what_its_orders_do(tmp_path: Path) -> None:
    """With discounts of whole orders and what came back; approved orders alone."""
    service, company = tenant()
    folder = exports.fxiaoke(service, tmp_path / "in")
    _invoices(folder, service)
    made = make(folder, tmp_path / "p", "fxiaoke")
    brought.becomes_what_it_says(made)
    connection = staged(made)
    accounts = service.objects["AccountObj"]
    expected = {accounts[key]["name"]: cents for key, cents in bought(company).items()}
    assert revenue(made, connection) == expected
    assert check_of_orders(made, connection) == []
    assert presets_of(made) == {
        f"fxiaoke_{name}"
        for name in (
            *("accounts", "contacts", "leads", "opportunities", "products", "orders"),
            *("order_products", "returns", "payments", "invoices", "cases"),
        )
    }
    assert len(made.proposal.draft.left_out) == 1
    # A deal is not its customer, though none of the customers has two.
    assert connection.execute(
        "select count(*) from stg_leads where lead_id = source_customer_id"
    ).fetchone() == (0,)
    assert connection.execute(
        "select distinct currency from stg_leads where amount is not null"
    ).fetchall() == [("CNY",)]
    returns = connection.execute(
        "select count(*), max(net_amount) < 0, min(is_return) from stg_order_lines "
        "where quantity < 0"
    )
    notes = len(service.objects["ReturnedGoodsInvoiceObj"])
    assert returns.fetchone() == (notes, True, True)
    opened = connection.execute(
        "select count(*) filter (where is_open), count(*) filter (where amount is null) "
        "from stg_leads"
    )
    deals = service.objects["NewOpportunityObj"].values()
    leads = service.objects["LeadsObj"].values()
    going = [one for one in deals if one["sales_status"] == "1"]
    assert opened.fetchone() == (
        len(going) + sum(one["leads_status"] in "12" for one in leads),
        len(leads),
    )
    contacts = connection.execute(
        "select count(*), count(phone), count(distinct source_customer_id) "
        "from stg_contacts where source_customer_id in "
        "(select source_customer_id from stg_customers)"
    )
    assert contacts.fetchone() == (len(accounts),) * 3


def _invoices(folder: Path, service: FxiaokeStandin) -> None:
    """开票申请: the revenue of the orders once more; its labels are assumed."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["开票申请编号", "客户名称", "开票日期", "开票金额", "生命状态"])
    accounts = service.objects["AccountObj"]
    for number, order in enumerate(service.objects["SalesOrderObj"].values()):
        name = accounts[order["account_id"]]["name"]
        amount = float(order["order_amount"])
        sheet.append([f"KP{number:05}", name, "2026-05-01", amount, "正常"])
    book.save(folder / "开票申请.xlsx")


def test_orders_without_the_sum_of_their_products_are_their_lines(
    tmp_path: Path,
) -> None:
    """A discount that no column says is not invented; the project's test finds it."""
    service, _ = tenant()
    objects = ("AccountObj", "SalesOrderObj", "SalesOrderProductObj")
    folder = exports.fxiaoke(service, tmp_path / "in", objects)
    path = folder / "销售订单.xlsx"
    sheet = openpyxl.load_workbook(path).active
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    place = rows[0].index("产品合计")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row[:place] + row[place + 1 :])
    book.save(path)
    made = make(folder, tmp_path / "p", "fxiaoke")
    connection = staged(made)
    orders = service.objects["SalesOrderObj"].values()
    discounted = [
        one
        for one in orders
        if one["order_amount"] != one["product_amount"]
        and one["life_status"] == "normal"
    ]
    assert len(check_of_orders(made, connection)) == len(discounted) > 0
    lines = connection.execute(
        "select sum(net_amount) from stg_order_lines where not is_return"
    ).fetchone()
    assert lines is not None
    assert round(100 * lines[0]) == sum(
        round(100 * float(one["product_amount"]))
        for one in orders
        if one["life_status"] == "normal"
    )


def test_files_of_exports_have_what_is_described(tmp_path: Path) -> None:
    """Labels as headers, `zcrm_` before ids, lookups in two columns, no offset."""
    crm, _ = shared()
    exports.zoho(crm, tmp_path, modules=("Accounts",))
    with (tmp_path / "Accounts_2026_06_01.csv").open(encoding="utf-8") as file:
        header, first, *_ = csv.reader(file)
    assert header[:3] == ["Record Id", "Account Owner.id", "Account Owner"]
    assert first[0].startswith("zcrm_7328") and first[header.index("Created Time")] == (
        "2024-06-01 09:00:00"
    )
