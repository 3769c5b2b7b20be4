"""What strangers bring, small: files, a workbook and a database in well-known shapes.

And a look at a project made of it: its staging models over what its own `sources.yaml`
lands, so that a model that does not run, or does not give what `becomes` counts, is found
without a refresh. Not here: what must come out of it.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import openpyxl
import pyarrow as pa

from pipeline.common import sql
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.profiling import sample
from pipeline.profiling.profile import profile
from pipeline.scaffold.proposal import project, writing
from pipeline.scaffold.proposal.project import Proposal
from pipeline.scaffold.proposal.questions import Ask
from pipeline.sources import Entity, Source, SourcesFile, load_sources, open_reader

TODAY = dt.date(2026, 1, 15)


@dataclass
class Made:
    """A project, and what was thought while it was made."""

    folder: Path
    proposal: Proposal

    @property
    def sources(self) -> SourcesFile:
        """Its sources.yaml, read as a refresh reads it."""
        settings = Settings.load(self.folder / "data", self.folder / "sources.yaml")
        return load_sources(settings)

    @property
    def entities(self) -> dict[str, Entity]:
        """The entities of its only source."""
        (source,) = self.sources.sources
        return source.entities

    def text(self, name: str) -> str:
        """One of its files."""
        return (self.folder / name).read_text(encoding="utf-8")

    def model(self, entity: str) -> str:
        """The staging model of an entity."""
        source = self.proposal.draft.source
        return self.text(
            f"dbt_project/models/staging/{source}/stg_{source}__{entity}.sql"
        )

    @property
    def questions(self) -> dict[str, str]:
        """What each question is about → the answer taken."""
        return {one.about: one.chosen for one in self.proposal.draft.questions.all}

    def column(self, entity: str, name: str) -> str:
        """The SQL of a canonical column."""
        (mapping,) = [one for one in self.proposal.mappings if one.entity == entity]
        return mapping.columns[name].sql


def make(
    what: Path | str, folder: Path, source: str = "shop", ask: Ask | None = None
) -> Made:
    """The project that `init --from` makes of it."""
    with sample.opened() as connection:
        found = profile(connection, str(what))
        proposal = project.propose(connection, found, source, ask, TODAY)
        writing.write(connection, proposal, folder)
    return Made(folder, proposal)


def staged(made: Made) -> duckdb.DuckDBPyConnection:
    """The tables `stg_<entity>` of the project, over what its readers give."""
    (source,) = made.sources.sources
    connection = duckdb.connect()
    connection.execute("create schema landing; set TimeZone = 'UTC'")
    for entity in source.entities.values():
        _land(connection, source, entity)
    environment = jinja2.Environment(autoescape=False)
    environment.globals.update(
        latest=lambda relation: f"select * from {relation}",
        source=lambda name, entity: f'landing."{name}__{entity}"',
        local_to_utc=lambda column, zone: f"({column} at time zone '{zone}')",
        var=lambda name: getattr(made.sources.business, name),
        utc_time=lambda column: f"({column} at time zone 'UTC')",
        business_date=lambda column: (
            f"cast(({column} at time zone 'UTC') at time zone "
            f"'{made.sources.business.time_zone}' as date)"
        ),
    )
    money = (PROJECT_ROOT / "dbt_project" / "macros" / "money.sql").read_text("utf-8")
    environment.globals["part_of_order"] = environment.from_string(
        money
    ).module.part_of_order  # type: ignore[attr-defined]
    for name in source.provides:
        query = environment.from_string(made.model(name)).render()
        connection.execute(f"create table stg_{name} as {query}")
    return connection


def _land(
    connection: duckdb.DuckDBPyConnection, source: Source, entity: Entity
) -> None:
    tables = []
    with open_reader(source) as reader:
        for number, extract in enumerate(
            reader.extracts(entity.model_copy(update={"settle_seconds": 0}))
        ):
            batches = list(extract.batches())
            assert not extract.rejected, extract.rejected[:3]
            found = pa.Table.from_batches(batches)
            rows = found.num_rows
            for name, values in {
                "_row_number": pa.array(range(1, rows + 1), pa.int64()),
                "_batch_id": pa.array([f"{number:06}"] * rows, pa.string()),
                "_source_file": pa.array([extract.origin] * rows, pa.string()),
            }.items():
                found = found.append_column(name, values)
            tables.append(found)
    whole = pa.concat_tables(tables, promote_options="permissive")
    connection.register("_whole", whole)
    newest = ""
    if entity.replaced_by:
        names = sql.columns(entity.replaced_by)
        newest = f" qualify _batch_id = max(_batch_id) over (partition by {names})"
    name = sql.quoted(f"{source.name}__{entity.name}")
    connection.execute(f"create table landing.{name} as select * from _whole{newest}")
    connection.unregister("_whole")


def becomes_what_it_says(made: Made) -> None:
    """Staging gives the rows and the money that sources.yaml counts."""
    connection = staged(made)
    (source,) = made.sources.sources
    counted: dict[str, list[Any]] = {}
    with_amounts = set()
    for entity in source.entities.values():
        for item in entity.becomes:
            each = (
                f"count(distinct ({', '.join(item.each)}))" if item.each else "count(*)"
            )
            test = item.where or "true"
            row = connection.execute(
                f"""
                select
                    {each} filter (where {test}),
                    sum(cast({item.amount or 0} as decimal(18, 4)))
                        filter (where {test})
                from landing.{sql.quoted(f"{source.name}__{entity.name}")} as landed
                """
            ).fetchone()
            assert row is not None
            if item.amount:
                with_amounts.add(item.entity)
            total = counted.setdefault(item.entity, [0, 0])
            total[0] += row[0]
            total[1] += row[1] or 0
    assert set(counted) == set(source.provides)
    for entity_name, (rows, amount) in counted.items():
        money = {"order_lines": "net_amount", "payments": "amount", "leads": "amount"}
        column = money.get(entity_name, "0")
        if entity_name not in with_amounts:
            column = "0"
        found = connection.execute(
            f"select count(*), coalesce(sum({column}), 0) from stg_{entity_name}"
        ).fetchone()
        assert found == (rows, amount), entity_name


def write_csv(
    path: Path, header: str | Sequence[str], rows: Sequence[Sequence[Any]]
) -> Path:
    """A CSV; the header may be one text with commas."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = header.split(",") if isinstance(header, str) else header
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
    return path


def chinese_workbook(folder: Path) -> Path:
    """客户, 商品, 销售明细, 回款 and 工单, a title above the first."""
    dice = random.Random(1)
    day = dt.datetime(2023, 1, 5)
    customers = [
        (
            f"KH{n:03}",
            f"上海{n}号贸易有限公司" if n % 3 else f"李{n}",
            "浙江省",
            f"138{n:08}",
        )
        for n in range(30)
    ]
    lines = []
    for order in range(120):
        moment = day + dt.timedelta(dice.randrange(600))
        customer = f"KH{dice.randrange(28):03}"
        for product in dice.sample(range(12), dice.randrange(1, 4)):
            quantity = dice.choice([-1, 1, 2, 5, 9])
            price = 100 + product
            first = (f"XS{order:05}", moment, customer, f"SP{product:02}")
            lines.append((*first, quantity, price, quantity * price))
    sheets: dict[str, list[Sequence[Any]]] = {
        "客户档案": [
            ["客户资料一览表"],
            ["客户编号", "客户名称", "省份", "联系电话"],
            *customers,
        ],
        "商品": [
            ["商品编码", "商品名称", "类别", "零售价", "成本价"],
            *[(f"SP{n:02}", f"轴承{n}", "轴承", 100 + n, 60 + n) for n in range(12)],
        ],
        "销售明细": [
            ["单据编号", "日期", "客户编号", "商品编码", "数量", "单价", "金额"],
            *lines,
        ],
        "回款记录": [
            ["回款编号", "客户编号", "到期日", "回款日期", "金额"],
            *[
                (f"HK{n}", f"KH{n % 28:03}", day, day if n % 4 else None, 100 + n)
                for n in range(40)
            ],
        ],
        "售后工单": [
            ["工单编号", "客户编号", "创建时间", "解决时间", "优先级", "满意度"],
            *[
                (
                    f"GD{n}",
                    f"KH{n % 28:03}",
                    day + dt.timedelta(hours=9, days=n),
                    day + dt.timedelta(hours=30, days=n),
                    "高" if n % 5 else "低",
                    n % 5 + 1,
                )
                for n in range(40)
            ],
        ],
    }
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "业务数据.xlsx"
    book.save(path)
    return path


def fxiaoke_exports(folder: Path) -> Path:
    """Excel files with the labels of Fxiaoke's fields, one an object; one order cancelled.

    The layout is assumed: labels of fields and of options, lookups by name, days as text.
    """
    day = dt.datetime(2025, 1, 6, 9)
    names = [f"华东{n}设备有限公司" for n in range(20)]
    orders: list[Sequence[Any]] = []
    lines: list[Sequence[Any]] = []
    payments: list[Sequence[Any]] = []
    for n in range(80):
        moment = day + dt.timedelta(days=5 * n)
        number, customer = f"SO{n:05}", names[n % 18]
        state = "作废" if n == 7 else "正常"
        orders.append((number, customer, f"{moment:%Y-%m-%d}", 300 + n, state))
        for product, amount in (("泵", 200), ("阀", 100 + n)):
            lines.append((f"L{len(lines):05}", number, product, 2, amount / 2, amount))
        paid = f"{moment:%Y-%m-%d}"
        payments.append((f"HK{n:05}", customer, paid, 300 + n, "正常"))
    files: dict[str, list[Sequence[Any]]] = {
        "客户": [
            ["客户名称", "客户级别", "成交状态", "统一社会信用代码", "省", "市", "电话",
             "来源", "负责人", "生命状态"],
            *[
                (name, "普通客户", "已成交", f"91310000MA1K{n:06}", "上海市", "上海",
                 f"021-5{n:07}", "展会", "李雷", "正常")
                for n, name in enumerate(names)
            ],
        ],
        "产品": [
            ["产品名称", "产品编码", "分类", "标准价格", "生命状态"],
            ("泵", "P-1", "流体", 100, "正常"),
            ("阀", "P-2", "流体", 80, "正常"),
        ],
        "销售订单": [
            ["销售订单编号", "客户名称", "下单日期", "销售订单金额", "生命状态"],
            *orders,
        ],
        "订单产品": [
            ["订单产品编号", "销售订单编号", "产品名称", "数量", "销售单价", "小计"],
            *lines,
        ],
        "回款": [
            ["回款编号", "客户名称", "回款日期", "本次回款总金额", "生命状态"],
            *payments,
        ],
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        book = openpyxl.Workbook()
        sheet = book.active
        for row in rows:
            sheet.append(list(row))
        book.save(folder / f"{name}.xlsx")
    return folder


def zoho_exports(folder: Path) -> Path:
    """CSV exports of Zoho CRM: labels, `zcrm_` ids, lookups in two columns, local times."""

    def zcrm(number: int) -> str:
        return f"zcrm_7328395000000{number:06}"

    write_csv(
        folder / "Accounts_2026_05_28.csv",
        "Record Id,Account Owner.id,Account Owner,Account Name,Phone,Parent Account.id,"
        "Website,Industry,Billing City,Billing Country,Created Time,Modified Time",
        [
            (zcrm(n), zcrm(900_000), "Li Lei", f"Works {n} Ltd", f"+86 21 555{n:04}",
             zcrm(1) if n == 7 else "", f"https://works{n}.example.cn", "Machinery",
             "Shanghai", "China", "2024-03-01 09:00:00", "2026-05-14 11:36:09")
            for n in range(1, 41)
        ],
    )  # fmt: skip
    write_csv(
        folder / "Deals_2026_05_28.csv",
        "Record Id,Deal Owner.id,Deal Owner,Deal Name,Account Name.id,Account Name,Stage,"
        "Amount,Closing Date,Probability (%),Created Time,Modified Time",
        [
            (zcrm(1_000 + n), zcrm(900_000), "Li Lei", f"Deal {n}", zcrm(1 + n % 40),
             f"Works {1 + n % 40} Ltd", ("Closed Won", "Negotiation")[n % 2],
             1_000 + 250 * n, f"2026-0{1 + n % 8}-15", (100, 60)[n % 2],
             "2025-11-25 17:58:05", "2026-05-14 11:36:09")
            for n in range(60)
        ],
    )  # fmt: skip
    write_csv(
        folder / "Contacts_2026_05_28.csv",
        "Record Id,Contact Owner.id,Contact Owner,First Name,Last Name,Account Name.id,"
        "Account Name,Email,Phone,Title",
        [
            (zcrm(2_000 + n), zcrm(900_000), "Li Lei", "Ming", f"Wang{n}",
             zcrm(1 + n % 40), f"Works {1 + n % 40} Ltd", f"w{n}@example.cn",
             f"+86 138 0000 {n:04}", "Buyer")
            for n in range(50)
        ],
    )  # fmt: skip
    return folder


def retail_lines(folder: Path) -> Path:
    """A flat file of invoices: no key, guests, returns, numbers written as floats."""
    dice = random.Random(2)
    rows = []
    for invoice in range(400):
        day = dt.datetime(2010, 12, 1, 8) + dt.timedelta(hours=invoice * 9)
        guest = invoice % 6 == 0
        customer = "" if guest else f"{12346 + dice.randrange(60)}.0"
        country = dice.choice(["United Kingdom"] * 8 + ["France"])
        for _ in range(dice.randrange(1, 4)):
            stock = f"{85000 + dice.randrange(30)}A"
            quantity = dice.choice([1, 2, 6, 12, -1])
            row = [536365 + invoice, stock, f"MUG {stock}", quantity]
            rows.append([*row, day, dice.choice([1.25, 2.1]), customer, country])
    rows.append(rows[-1])  # the same product twice in one invoice
    header = (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,"
        "Country"
    )
    return write_csv(folder / "online_sales.csv", header, rows)


def header_and_lines(folder: Path) -> Path:
    """A folder: customers whose number changes with each order, orders, items."""
    dice = random.Random(3)
    customers, orders, items, reviews = [], [], [], []
    for order in range(150):
        person = f"p{dice.randrange(60):028x}"
        customers.append((f"c{order:031x}", person, f"{order:05}", "franca", "SP"))
        status = "canceled" if order % 15 == 0 else "delivered"
        moment = dt.datetime(2017, 1, 2, 10) + dt.timedelta(hours=order * 90)
        orders.append((f"o{order:031x}", f"c{order:031x}", status, moment))
        for item in range(dice.randrange(1, 4)):
            product = f"d{dice.randrange(20):031x}"
            price = f"{dice.randrange(10, 90)}.90"
            items.append((f"o{order:031x}", item + 1, product, price, "7.50"))
        reviews.append((f"r{order:031x}", f"o{order:031x}", order % 5 + 1, moment))
    write_csv(
        folder / "olist_customers_dataset.csv",
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
        customers,
    )
    write_csv(
        folder / "olist_orders_dataset.csv",
        "order_id,customer_id,order_status,order_purchase_timestamp",
        orders,
    )
    write_csv(
        folder / "olist_order_items_dataset.csv",
        "order_id,order_item_id,product_id,price,freight_value",
        items,
    )
    write_csv(
        folder / "olist_products_dataset.csv",
        "product_id,product_category_name",
        [(f"d{n:031x}", "pet_shop" if n % 2 else "moveis") for n in range(20)],
    )
    write_csv(
        folder / "olist_order_reviews_dataset.csv",
        "review_id,order_id,review_score,review_creation_date",
        reviews,
    )
    return folder


def trading_database(folder: Path) -> Path:
    """A SQLite file with declared keys, a table with a blank in its name, employees."""
    dice = random.Random(4)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trading.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            create table Customers (
                CustomerID text primary key, CompanyName text, City text,
                Country text, Phone text
            );
            create table Employees (
                EmployeeID integer primary key, LastName text, FirstName text, City text
            );
            create table Categories (CategoryID integer primary key, CategoryName text);
            create table Products (
                ProductID integer primary key, ProductName text,
                CategoryID integer references Categories, UnitPrice numeric(10, 2)
            );
            create table Orders (
                OrderID integer primary key, CustomerID text references Customers,
                EmployeeID integer references Employees, OrderDate datetime,
                ShippedDate datetime, Freight numeric(10, 2)
            );
            create table "Order Details" (
                OrderID integer references Orders,
                ProductID integer references Products, UnitPrice numeric(10, 2),
                Quantity integer, Discount numeric(4, 2),
                primary key (OrderID, ProductID)
            );
            """
        )
        put = connection.executemany
        countries = ["Germany"] * 3 + ["France"]
        put(
            "insert into Customers values (?, ?, ?, ?, ?)",
            [
                (
                    f"CU{n:03}",
                    f"Firm {n} GmbH",
                    "Berlin",
                    countries[n % 4],
                    "030-0074321",
                )
                for n in range(40)
            ],
        )
        put(
            "insert into Employees values (?, ?, ?, ?)",
            [(n, f"L{n}", f"F{n}", "Seattle") for n in range(1, 10)],
        )
        put(
            "insert into Categories values (?, ?)",
            [(1, "Beverages"), (2, "Seafood"), (3, "Produce")],
        )
        put(
            "insert into Products values (?, ?, ?, ?)",
            [(n, f"Product {n}", n % 3 + 1, 10 + n) for n in range(1, 31)],
        )
        for order in range(10248, 10448):
            day = dt.datetime(1996, 7, 4) + dt.timedelta(days=dice.randrange(600))
            customer = f"CU{dice.randrange(38):03}"
            connection.execute(
                "insert into Orders values (?, ?, ?, ?, ?, ?)",
                (order, customer, order % 9 + 1, str(day), str(day), 12.5),
            )
            put(
                'insert into "Order Details" values (?, ?, ?, ?, ?)',
                [
                    (
                        order,
                        product,
                        10 + product,
                        dice.randrange(1, 9),
                        0.1 * (product % 3),
                    )
                    for product in dice.sample(range(1, 31), dice.randrange(1, 4))
                ],
            )
        connection.commit()
    return path


def help_desk_log(folder: Path) -> Path:
    """Versions of incidents, all text, `?` for nothing."""
    rows = []
    for ticket in range(120):
        opened = dt.datetime(2016, 2, 29, 1, 16) + dt.timedelta(hours=ticket * 5)
        for version in range(3):
            at = opened + dt.timedelta(hours=version)
            closed = at if version == 2 else None
            rows.append(
                [
                    f"INC{ticket:07}",
                    "Closed" if closed else "New",
                    version,
                    "true",
                    f"Caller {ticket % 25}" if ticket % 20 else "?",
                    opened.strftime("%d/%m/%Y %H:%M"),
                    at.strftime("%d/%m/%Y %H:%M"),
                    "Phone",
                    f"{ticket % 3 + 1} - Word",
                    closed.strftime("%d/%m/%Y %H:%M") if closed else "?",
                ]
            )
    header = (
        "number,incident_state,sys_mod_count,made_sla,caller_id,opened_at,sys_updated_at,"
        "contact_type,priority,resolved_at"
    )
    return write_csv(folder / "incident_log.csv", header, rows)


def shopify_orders(folder: Path) -> Path:
    """The order's own columns stand in its first row only."""
    dice = random.Random(5)
    header = (
        "Name,Email,Financial Status,Currency,Shipping,Created at,Lineitem quantity,"
        "Lineitem name,Lineitem price,Lineitem sku,Billing Name,Billing Country,Source,"
        "Lineitem discount"
    )
    rows = []
    for order in range(200):
        moment = dt.datetime(2023, 1, 5, 10) + dt.timedelta(hours=order * 37)
        buyer = dice.randrange(70)
        for line in range(dice.randrange(1, 4)):
            product = dice.randrange(12)
            first = line == 0

            def once(text: str, first: bool = first) -> str:
                return text if first else ""

            rows.append(
                [
                    f"#{1001 + order}",
                    f"user{buyer}@example.com",
                    once("paid"),
                    once("USD"),
                    once("5.00"),
                    once(f"{moment} -0500"),
                    dice.randrange(1, 4),
                    f"Shirt {product}",
                    f"{10 + product}.00",
                    f"SKU{product}",
                    once(f"User {buyer}"),
                    once("US"),
                    once("web"),
                    "1.00" if product == 3 else "0.00",
                ]
            )
    return write_csv(folder / "orders_export_1.csv", header, rows)
