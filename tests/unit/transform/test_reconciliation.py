"""Reconciliation: each way of losing or doubling rows and money is found, and named."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.landing import accounting
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.sources import Becomes, open_reader
from tests.models import Warehouse, compiled
from tests.unit.support import files_source, store_of

NOW = dt.datetime(2014, 2, 1, 5, tzinfo=dt.UTC)


# ------------------------------------------------------------------ what landed rows say


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


def counted(
    tmp_path: Path,
    exports: Path,
    files: Mapping[str, str],
    *becomes: Becomes,
    **options: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `accounting` counts of one entity whose files landed one after another."""
    home = Home.open(tmp_path / "home")
    options = {"deleted_when": {"column": "gone", "values": ["Y"]}} | options
    source = files_source(exports, **options)
    (entity,) = source.entities.values()
    for name, text in files.items():
        (exports / name).write_text("id,customer,amount,gone\n" + text)
        with open_reader(source) as reader:
            for batch in land(
                LandedEntity(home, "shop", entity), reader, now=NOW
            ).batches:
                store_of(home, batch).accept(batch)
    entity = entity.model_copy(update={"becomes": list(becomes)})
    source = source.model_copy(update={"entities": {"items": entity}})
    with duckdb.connect() as connection:
        landed = LandedEntity(home, "shop", entity)
        relation = landed.relation(landed.in_force())
        connection.execute(
            f"""
            create schema landing;
            create view landing.shop__items as select * from {relation};
            create table landing.refresh__context as
            select date '2014-01-31' as as_of_date,
                timestamp '2014-02-01 08:00' as known_until
            """
        )
        accounting.count(connection, [landed], "America/Los_Angeles")
        landed, told = (
            connection.execute(f"from landing.refresh__{name}")
            .to_arrow_table()
            .to_pylist()
            for name in ("landed", "becomes")
        )
    return landed[0], told


FILES = {
    "a.csv": "1,x,1.10,N\n2,x,2.20,N\n3,y,3.30,N\nno,such\n",
    "b.csv": "2,x,2.25,N\n3,y,3.30,Y\n4,z,-4.40,N\n",
}


def test_rows_are_counted_at_every_step(tmp_path: Path, exports: Path) -> None:
    landed, (told,) = counted(
        tmp_path, exports, FILES, Becomes(entity="order_lines", amount="amount")
    )
    assert {
        name: landed[name]
        for name in landed
        if name.startswith("rows_") or name.endswith(("_keys", "_rows"))
    } == {
        "rows_read": 7,
        "rows_landed": 6,
        "rows_quarantined": 1,
        "rows_forgotten": 0,
        "rows_refused": 0,
        "different_keys": 4,
        "repeated_keys": 0,
        "deleted_keys": 1,
        "superseded_rows": 2,
    }
    assert told == {
        "source": "shop",
        "landed_entity": "items",
        "entity": "order_lines",
        "current_rows": 3,
        "left_out_rows": 0,
        "merged_rows": 0,
        "taken_rows": 3,
        "taken_amount": Decimal("-1.0500"),
        # 2.20, which 2.25 corrects, and 3.30, of which the source says no more.
        "superseded_amount": Decimal("5.5000"),
    }


def test_what_a_newer_file_replaces_is_counted_with_its_money(
    tmp_path: Path, exports: Path
) -> None:
    """All that customer y had in the first file, also the line that no newer one has."""
    landed, (told,) = counted(
        tmp_path,
        exports,
        {
            "a.csv": "1,x,1.10,N\n2,y,2.20,N\n3,y,3.30,N\n",
            "b.csv": "2,y,2.25,N\n4,z,4.40,N\n",
        },
        Becomes(entity="order_lines", amount="amount"),
        replace=["customer"],
    )
    assert (landed["rows_landed"], landed["superseded_rows"]) == (5, 2)
    assert told["superseded_amount"] == Decimal("5.5000")
    assert (told["taken_rows"], told["taken_amount"]) == (3, Decimal("7.7500"))


def test_what_is_left_out_and_what_is_one_is_counted(
    tmp_path: Path, exports: Path
) -> None:
    _, (sales, customers) = counted(
        tmp_path,
        exports,
        FILES | {"c.csv": "5,x,9,N\n"},
        Becomes(
            entity="order_lines", amount="amount", where="cast(amount as decimal) > 0"
        ),
        Becomes(entity="customers", each=["customer"]),
    )
    assert (sales["current_rows"], sales["left_out_rows"], sales["taken_rows"]) == (
        4,
        1,
        3,
    )
    assert sales["taken_amount"] == Decimal("12.3500")
    assert (customers["merged_rows"], customers["taken_rows"]) == (2, 2)
    assert customers["taken_amount"] == 0
    assert customers["superseded_amount"] is None


def test_rows_may_depend_on_another_table_of_the_source(tmp_path: Path) -> None:
    """Its newest versions, without the deleted ones: order 2 is cancelled since."""
    home = Home.open(tmp_path / "home")
    files = {
        "orders": {"a.csv": "1,x,0,N\n2,y,0,N\n3,z,0,N\n", "b.csv": "2,y,0,Y\n"},
        "items": {"a.csv": "10,1,1.10,N\n11,2,2.20,N\n12,3,4.40,N\n13,9,8.80,N\n"},
    }
    becomes = Becomes(
        entity="order_lines",
        amount="amount",
        where="customer in (select id from orders where customer <> 'z')",
    )
    tables = []
    for name, contents in files.items():
        (tmp_path / name).mkdir()
        source = files_source(
            tmp_path / name, deleted_when={"column": "gone", "values": ["Y"]}
        )
        (entity,) = source.entities.values()
        entity = entity.model_copy(update={"name": name})
        source = source.model_copy(update={"entities": {name: entity}})
        for file, text in contents.items():
            (tmp_path / name / file).write_text("id,customer,amount,gone\n" + text)
            with open_reader(source) as reader:
                for batch in land(
                    LandedEntity(home, "shop", entity), reader, now=NOW
                ).batches:
                    store_of(home, batch).accept(batch)
        declared = [becomes] if name == "items" else []
        entity = entity.model_copy(update={"becomes": declared})
        tables.append(LandedEntity(home, "shop", entity))
    with duckdb.connect() as connection:
        connection.execute(
            "create schema landing; create table landing.refresh__context as "
            "select date '2014-01-31' as as_of_date, now()::timestamp as known_until"
        )
        for table in tables:
            connection.execute(
                f"create view landing.shop__{table.name} as "
                f"select * from {table.relation(table.in_force())}"
            )
        accounting.count(connection, tables, "UTC")
        (row,) = connection.execute(
            "select taken_rows, left_out_rows, taken_amount "
            "from landing.refresh__becomes"
        ).fetchall()
    assert row == (1, 3, Decimal("1.1000"))


def test_what_cannot_be_computed_is_told(tmp_path: Path, exports: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"shop\.items: .*`becomes: order_lines`.*no_such"
    ):
        counted(
            tmp_path,
            exports,
            FILES,
            Becomes(entity="order_lines", amount="no_such"),
        )


# ---------------------------------------------------------- from staging to the marts

AS_OF = dt.date(2014, 1, 31)


def staged_relations() -> dict[str, tuple[str, dict[str, str]]]:
    """Staging model that reconciliation reads → its relation and canonical columns."""
    found = {}
    for block in re.findall(
        r"select\s+'\w+' as source((?:(?!select).)*?)\bfrom (\S+)",
        compiled()["reconciliation"][1],
        re.DOTALL,
    ):
        columns = dict(re.findall(r"cast\((\w+) as (.+?)\) as \w+", block[0]))
        found[block[1].split(".")[-1].strip('"')] = (block[1], columns)
    return found


class Books:
    """Staging and marts that agree; a test takes something away, or adds it."""

    def __init__(self) -> None:
        self.warehouse = Warehouse()
        run = self.warehouse.connection.execute
        self.staged = staged_relations()
        for relation, given in self.staged.values():
            typed = ", ".join(f"{name} {kind}" for name, kind in given.items())
            run(f"create table {relation} ({typed})")
        for name, declared in {
            "forgotten": "source varchar, source_customer_id varchar, "
            "customer_type varchar, receipt varchar, reason varchar",
            "landed": "source varchar, entity varchar, rows_read bigint, "
            "rows_landed bigint, rows_quarantined bigint, rows_forgotten bigint, "
            "superseded_rows bigint, different_keys bigint, deleted_keys bigint, "
            "rows_refused bigint",
            "becomes": "source varchar, landed_entity varchar, entity varchar, "
            "current_rows bigint, left_out_rows bigint, merged_rows bigint, "
            "taken_rows bigint, taken_amount decimal(28, 4), "
            "superseded_amount decimal(28, 4)",
        }.items():
            run(f"create table work.landing.refresh__{name} ({declared})")
        self.warehouse.lay_query(
            "core_refresh",
            f"select 'r' as refresh_id, date '{AS_OF}' as as_of_date, "
            "timestamp '2014-02-01 08:00' as known_until",
        )
        self.stage("erp__customers", source_customer_id=["'k1'", "'k2'", "'k3'"])
        self.stage(
            "erp__order_lines",
            order_date=["date '2014-01-30'", "date '2014-01-31'", "date '2014-02-01'"],
            net_amount=["10.0001", "-2.5", "99"],
            currency=["'USD'", "'EUR'", "'USD'"],
        )
        self.stage(
            "erp__payments",
            invoiced_on=["date '2014-01-30'", "null"],
            due_date=["date '2014-03-01'", "date '2014-02-20'"],
            amount=["7", "8"],
            currency=["'USD'", "'USD'"],
        )
        self.stage("erp__products", source_product_id=["'p'"])
        self.stage("crm__leads", amount=["5"], currency=["'GBP'"])
        self.mart(
            "customer_source_keys",
            "select 'erp' as source, 'k' || (range + 1) as source_customer_id, "
            "'C' || range as customer_id from range(3)",
        )
        self.mart(
            "event_days",
            "select * replace (cast(amount as decimal(28, 4)) as amount, "
            "cast(source_amount as decimal(28, 4)) as source_amount) "
            "from (values ('order_lines', 'erp', 'USD', 1, 10.0001, 10.0001), "
            "('order_lines', 'erp', 'EUR', 1, -3, -2.5)) "
            "as t (entity, source, currency, events, amount, source_amount)",
        )
        self.mart(
            "payments",
            "select 'erp' as source, 'C0' as customer_id, 'USD' as source_currency, "
            "cast(7 as decimal(18, 4)) as source_amount, "
            "cast(7 as decimal(18, 4)) as amount",
        )
        self.mart("products", "select 'erp' as source, 'p' as product_id")
        self.mart(
            "leads",
            "select 'crm' as source, null as customer_id, 'GBP' as source_currency, "
            "cast(5 as decimal(18, 4)) as source_amount, "
            "cast(8 as decimal(18, 4)) as amount",
        )
        for name in (
            "interactions", "service_tickets", "contacts", "core_survey_responses",
        ):  # fmt: skip
            self.mart(name, "select '' as source, '' as customer_id from range(0)")
        self.mart(
            "core_customers_won_later",
            "select '' as source, '' as source_customer_id from range(0)",
        )
        self.mart(
            "core_unplaced_lines",
            "select '' as source, '' as currency, '' as treatment, "
            "0::decimal(18, 4) as net_amount from range(0)",
        )

    def stage(self, name: str, **columns: list[str]) -> None:
        relation, _ = self.staged[f"stg_{name}"]
        for row in zip(*columns.values(), strict=True):
            self.warehouse.connection.execute(
                f"insert into {relation} ({', '.join(columns)}) "
                f"values ({', '.join(row)})"
            )

    def mart(self, name: str, query: str) -> None:
        self.warehouse.lay_query(name, query)

    def change(self, statement: str, name: str) -> None:
        self.warehouse.connection.execute(
            statement.format(self.warehouse.relation(name))
        )

    def differences(self) -> list[tuple[str, str, int, Decimal]]:
        """Entity, currency, rows and money of what does not add up."""
        rows = self.warehouse.build("reconciliation").rows(
            "select * from {reconciliation} where row_difference <> 0 "
            "or amount_difference <> 0 order by entity, currency"
        )
        return [
            (
                row["entity"],
                row["currency"],
                row["row_difference"],
                row["amount_difference"],
            )
            for row in rows
        ]

    def told(self, entity: str, currency: str = "-") -> dict[str, Any]:
        (row,) = self.warehouse.rows(
            f"from {{reconciliation}} where entity = '{entity}' "
            f"and currency = '{currency}'"
        )
        return row


@pytest.fixture
def books() -> Books:
    return Books()


def test_books_that_agree(books: Books) -> None:
    assert books.differences() == []
    usd = books.told("order_lines", "USD")
    assert (usd["staged_rows"], usd["later_rows"], usd["mart_rows"]) == (2, 1, 1)
    assert (usd["later_amount"], usd["mart_amount"]) == (99, Decimal("10.0001"))
    assert books.told("order_lines", "EUR")["reporting_amount"] == -3
    assert books.told("payments", "USD")["later_rows"] == 1
    assert books.told("leads", "GBP")["unmatched_rows"] == 1


@pytest.mark.parametrize(
    ("statement", "name", "expected"),
    [
        (
            "delete from {} where currency = 'EUR'",
            "event_days",
            ("order_lines", "EUR", 1, Decimal("-2.5")),
        ),
        (
            "update {} set source_amount = source_amount + 0.0001 "
            "where currency = 'USD'",
            "event_days",
            ("order_lines", "USD", 0, Decimal("-0.0001")),
        ),
        (
            "insert into {} values ('order_lines', 'other', 'CHF', 1, 1, 1)",
            "event_days",
            ("order_lines", "CHF", -1, Decimal(-1)),
        ),
        ("insert into {} from {}", "payments", ("payments", "USD", -1, Decimal(-7))),
        ("delete from {}", "leads", ("leads", "GBP", 1, Decimal(5))),
        (
            "delete from {} where source_customer_id = 'k2'",
            "customer_source_keys",
            ("customers", "-", 1, Decimal(0)),
        ),
        ("delete from {}", "products", ("products", "-", 1, Decimal(0))),
    ],
)
def test_what_is_lost_or_doubled_on_the_way(
    books: Books, statement: str, name: str, expected: tuple[str, str, int, Decimal]
) -> None:
    relation = books.warehouse.relation(name)
    books.warehouse.connection.execute(statement.replace("{}", relation))
    assert books.differences() == [expected]


def test_what_is_left_out_is_accounted_for(books: Books) -> None:
    books.change("delete from {} where currency = 'EUR'", "event_days")
    books.mart(
        "core_unplaced_lines",
        "select 'erp' as source, 'EUR' as currency, 'leave_out' as treatment, "
        "(-2.5)::decimal(18, 4) as net_amount",
    )
    assert books.differences() == []
    assert books.told("order_lines", "EUR")["left_out_rows"] == 1


def test_a_mislabelled_currency_is_a_difference_in_two(books: Books) -> None:
    books.change("update {} set currency = 'USD'", "event_days")
    assert books.differences() == [
        ("order_lines", "EUR", 1, Decimal("-2.5")),
        ("order_lines", "USD", -1, Decimal("2.5")),
    ]


def test_who_was_forgotten_is_explained(books: Books) -> None:
    """Staging may still have the record, or not any more; the marts have it nameless."""
    books.warehouse.connection.execute(
        "insert into work.landing.refresh__forgotten (source, source_customer_id) "
        "values ('erp', 'k3'), ('erp', 'gone')"
    )
    assert books.differences() == []
    assert books.told("customers")["forgotten_rows"] == 1


def test_an_amount_without_a_rate_is_counted(books: Books) -> None:
    books.change("update {} set amount = null", "leads")
    assert books.differences() == []
    assert books.told("leads", "GBP")["unpriced_rows"] == 1


# --------------------------------------------------------------- from reading to staging


LANDED = {
    "source": "erp",
    "entity": "products",
    "rows_read": 10,
    "rows_landed": 8,
    "rows_quarantined": 1,
    "rows_forgotten": 1,
    "superseded_rows": 5,
    "different_keys": 3,
    "deleted_keys": 1,
    "rows_refused": 4,
}


def landing_row(
    books: Books, taken: int = 1, amount: int = 0, **changed: int
) -> dict[str, Any]:
    """The row of the products, of which staging gives one."""
    landed = LANDED | changed
    run = books.warehouse.connection.execute
    run(
        f"insert into work.landing.refresh__landed ({', '.join(landed)}) "
        f"values ({', '.join(map(repr, landed.values()))})"
    )
    run(
        "insert into work.landing.refresh__becomes values "
        f"('erp', 'products', 'products', 2, {2 - taken}, 0, {taken}, {amount}, null)"
    )
    books.warehouse.build("reconciliation", "landing_reconciliation")
    (row,) = books.warehouse.rows("from {landing_reconciliation}")
    return row


def test_every_row_read_is_explained(books: Books) -> None:
    row = landing_row(books)
    assert (row["landing_difference"], row["row_difference"]) == (0, 0)
    assert (row["current_rows"], row["left_out_rows"], row["staged_rows"]) == (2, 1, 1)
    assert row["refused_rows"] == 4


@pytest.mark.parametrize("name", ["rows_read", "rows_quarantined", "superseded_rows"])
def test_a_row_that_is_lost_in_landing(books: Books, name: str) -> None:
    row = landing_row(books, **{name: LANDED[name] + 1})  # type: ignore[operator]
    assert abs(row["landing_difference"]) == 1


def test_a_row_that_staging_loses(books: Books) -> None:
    assert landing_row(books, taken=2)["row_difference"] == 1


def test_money_that_staging_loses(books: Books) -> None:
    row = landing_row(books, amount=12)
    assert (row["row_difference"], row["amount_difference"]) == (0, 12)


def test_deals_and_prospects_are_compared_together(books: Books) -> None:
    books.stage("crm__leads", amount=["6"], currency=["'USD'"])
    run = books.warehouse.connection.execute
    for name, amount in (("leads", 5), ("deals", 6)):
        run(
            "insert into work.landing.refresh__landed (source, entity, rows_read, "
            "rows_landed, rows_quarantined, rows_forgotten, superseded_rows, "
            "different_keys, deleted_keys, rows_refused) "
            f"values ('crm', '{name}', 1, 1, 0, 0, 0, 1, 0, 0)"
        )
        run(
            "insert into work.landing.refresh__becomes values "
            f"('crm', '{name}', 'leads', 1, 0, 0, 1, {amount}, null)"
        )
    books.warehouse.build("reconciliation", "landing_reconciliation")
    assert books.warehouse.rows(
        "select landed_entity, staged_rows, row_difference, staged_amount, "
        "amount_difference from {landing_reconciliation} order by all"
    ) == [
        {
            "landed_entity": name,
            "staged_rows": 2,
            "row_difference": 0,
            "staged_amount": 11,
            "amount_difference": 0,
        }
        for name in ("deals", "leads")
    ]


# ---------------------------------------------------------------- from mart to mart


def marts(**changed: str) -> list[tuple[str, str, Decimal]]:
    """The figures that differ, between three customers' marts."""
    warehouse = Warehouse()
    laid = {
        "customers": "select 'C' || range as customer_id from range(4)",
        "customer_tiers": "select 'C' || range as customer_id from range(4)",
        "customer_source_keys": "select 'C' || range % 4 as customer_id from range(5)",
        "customer_value": "from (values (10.5, 10, 4, 1.5, 2, 1, 'active'), "
        "(-3, 0, 0, null, 0, 0, 'lost'), (0, 0, 0, -2, 0, 3, 'prospect'), "
        "(5, 1, 1, 0.5, 1, 0, 'not recorded')) "
        "as t (revenue, revenue_12m, margin, profit, "
        "order_count_12m, ticket_count_12m, lifecycle_stage)",
        "tier_summary": "from (values (2, 7.5, 10, 4, 1.5, 2, 1), "
        "(1, 0, 0, 0, -2, 0, 3), (1, 5, 1, 1, 0.5, 1, 0))"
        " as t (customers, revenue, revenue_12m, margin, profit, order_count_12m, "
        "ticket_count_12m)",
        "customer_concentration": "from (values (10.5, 1.5), (0, -2)) "
        "as t (revenue, profit)",
        "event_days": "from (values ('order_lines', 12.5), ('payments', 99)) "
        "as t (entity, amount)",
    }
    for name, query in (laid | changed).items():
        warehouse.lay_query(name, query)
    rows = warehouse.build("mart_reconciliation").rows(
        "from {mart_reconciliation} where difference <> 0 order by figure, to_mart"
    )
    return [(row["figure"], row["to_mart"], row["difference"]) for row in rows]


def test_marts_that_agree() -> None:
    """Who has no revenue and no known profit, or is not known, is on no curve, and that is
    counted."""
    assert marts() == []


@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        (
            "event_days",
            "select 'order_lines' as entity, 12.5001 as amount",
            [("revenue", "customer_value", Decimal("0.0001"))],
        ),
        (
            "customer_tiers",
            "select 'C' || range as customer_id from range(3)",
            [("customers", "customer_tiers", 1), ("customers", "tier_summary", -1)],
        ),
        (
            "customer_source_keys",
            "select 'C0' as customer_id",
            [("customers", "customer_source_keys", 3)],
        ),
        (
            "customer_concentration",
            "select 10.5 as revenue, 1.5 as profit",
            [("profit", "customer_concentration", -2)],
        ),
    ],
)
def test_marts_that_tell_two_stories(
    name: str, query: str, expected: list[tuple[str, str, Decimal]]
) -> None:
    assert marts(**{name: query}) == expected
