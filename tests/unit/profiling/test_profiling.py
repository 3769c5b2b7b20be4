"""What is measured of tables that nobody described: columns, keys, references, files."""

from __future__ import annotations

import csv
import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.profiling import names, sample, units, wide
from pipeline.profiling.columns import identity
from pipeline.profiling.profile import profile
from pipeline.profiling.tables import Column, Profile, Reference

Measure = Callable[[str | Path], Profile]


@pytest.fixture
def measure() -> Iterator[Measure]:
    """Measures what is given; the samples stay as long as the test."""
    with sample.opened() as connection:
        yield lambda what: profile(connection, str(what))


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def column(measure: Measure, folder: Path, values: Sequence[str]) -> Column:
    """The column of a CSV that holds the values."""
    rows = [(number, value) for number, value in enumerate(values)]
    found = measure(write(folder / "t.csv", ["row", "it"], rows))
    return found.tables["t"].columns["it"]


@pytest.mark.parametrize(
    ("values", "kind", "declared", "low"),
    [
        (["1", "22", "-3"], "integer", "integer", -3),
        (["1.50", "2", "30.25"], "decimal", "decimal(18,4)", 1.5),
        (["1,234.50", "7.00", "2,000.00"], "decimal", None, 7),
        (["1.234,50", "7,25", "2.000,00"], "decimal", None, 7.25),
        (["$1,200.00", "$3.50", "($7.00)"], "decimal", None, -7),
        (["12%", "3.5%", "100%"], "decimal", None, 0.035),
        (["yes", "no", "yes"], "boolean", "boolean", None),
        (["是", "否", "是"], "boolean", "boolean", None),
        (
            ["2024-01-31", "2023-05-01", "2024-02-29"],
            "date",
            "date",
            dt.date(2023, 5, 1),
        ),
        (["31/01/2024", "1/2/2024"], "date", "date %d/%m/%Y", dt.date(2024, 1, 31)),
        (["01/31/2024", "02/01/2024"], "date", "date %m/%d/%Y", dt.date(2024, 1, 31)),
        (
            ["2024年1月5日", "2024年12月31日"],
            "date",
            "date %Y年%m月%d日",
            dt.date(2024, 1, 5),
        ),
        (["20240105", "20241231"], "date", "date %Y%m%d", dt.date(2024, 1, 5)),
        (["20240105", "20249931"], "integer", "integer", 20240105),
        (
            ["29/2/2016 01:16", "5/3/2016 12:00"],
            "timestamp",
            "timestamp %d/%m/%Y %H:%M",
            dt.datetime(2016, 2, 29, 1, 16),
        ),
        (["2024-02-31", "2024-01-05"], "text", None, "2024-01-05"),
        (["A-1", "7", "B"], "text", None, "7"),
        (["SKU12", "SKU7"], "text", None, "SKU12"),
        (["USD 12.50", "USD 1,000"], "decimal", None, 12.5),
        (["12,50 €", "7,25 €"], "decimal", None, 7.25),
        (["1.234,56 €", "-3,00 €"], "decimal", None, -3),
        (["1.234,50-", "3,00"], "decimal", None, -1234.5),
        (["€ 1,234", "€ 2,000,000"], "decimal", None, 1234),
        (["₹1,00,000.50", "₹12,34,567"], "decimal", None, 100000.5),
        (["$0.125", "$1.500"], "decimal", None, 0.125),
        (["0,125", "1,500"], "decimal", None, 0.125),
        (["12,5 %", "100 %"], "decimal", None, 0.125),
        (
            ["2024-01-31", "2024年2月5日", "2023/12/1"],
            "date",
            None,
            dt.date(2023, 12, 1),
        ),
        (
            ["2024-01-31 00:00:00", "2024年2月5日", "31.12.2023"],
            "timestamp",
            None,
            dt.datetime(2023, 12, 31),
        ),
        # Of these one might be the fifth of June or the sixth of May.
        (["31/01/2024", "01/31/2024", "05/06/2024"], "text", None, "01/31/2024"),
        (["2024-01-31 10:00Z", "2024年2月5日"], "text", None, "2024-01-31 10:00Z"),
        (["2024-01-31", "later"], "text", None, "2024-01-31"),
    ],
)
def test_what_the_values_of_a_text_are(
    measure: Measure,
    tmp_path: Path,
    values: list[str],
    kind: str,
    declared: str | None,
    low: object,
) -> None:
    found = column(measure, tmp_path, values)
    assert (found.kind, found.declared) == (kind, declared)
    assert found.low == (pytest.approx(low) if isinstance(low, float) else low)


def test_an_order_of_day_and_month_that_nobody_can_tell_is_kept_open(
    measure: Measure, tmp_path: Path
) -> None:
    found = column(measure, tmp_path, ["01/02/2024", "03/04/2024"])
    assert {"%d/%m/%Y", "%m/%d/%Y"} <= set(found.formats)
    found = column(measure, tmp_path, ["01/02/2024", "13/04/2024"])
    assert set(found.formats) == {"%d/%m/%Y"}


def test_a_time_of_the_world_is_told_from_one_of_a_clock(
    measure: Measure, tmp_path: Path
) -> None:
    zoned = ["2024-01-05 10:00:00 -0500", "2024-07-05 10:00:00 -0400"]
    found = column(measure, tmp_path, zoned)
    assert (found.kind, found.has_zone) == ("timestamp", True)
    assert found.low == dt.datetime(2024, 1, 5, 15)
    found = column(measure, tmp_path, ["2024-01-05 10:00:00", "2024-07-05 10:00:00"])
    assert (found.kind, found.has_zone) == ("timestamp", False)


def test_what_stands_for_nothing_is_none(measure: Measure, tmp_path: Path) -> None:
    found = column(measure, tmp_path, ["5/3/2016 12:00", "?", "29/2/2016 01:16", "?"])
    assert (found.kind, found.nulls, list(found.markers)) == ("timestamp", 2, ["?"])
    assert found.declared is None, "the reader would put these rows into the quarantine"


def test_who_buys_without_a_name_is_nobody(measure: Measure, tmp_path: Path) -> None:
    found = column(measure, tmp_path, ["Acme", "Público en general", "Bolt", "散客"])
    assert (found.nulls, found.distinct) == (2, 2)
    assert set(found.markers) == {"Público en general", "散客"}
    # Cash is a way to pay.
    assert column(measure, tmp_path, ["Cash", "Card"]).nulls == 0


def test_an_encoding_that_is_not_certain_is_taken_and_said(
    measure: Measure, tmp_path: Path
) -> None:
    """In cp1250 the same bytes are Slovak: Lefčvre."""
    text = "N° facture;Raison sociale\n1;Lefèvre\n2;Garnier\n"
    (tmp_path / "ventes.csv").write_bytes(text.encode("cp1252"))
    table = measure(tmp_path).tables["ventes"]
    assert table.entity.encoding == "cp1252"
    assert "French" in table.encodings[0] and len(table.encodings) > 1
    assert "Lefèvre" in table.columns["Raison sociale"].examples
    # What can be read as one thing alone needs no declaration.
    (tmp_path / "ventes.csv").write_bytes(text.encode())
    assert measure(tmp_path).tables["ventes"].entity.encoding is None


def test_an_identifier_that_was_written_as_a_float_is_whole(
    measure: Measure, tmp_path: Path
) -> None:
    found = column(measure, tmp_path, ["17850.0", "13047.0"])
    assert found.is_whole
    assert r"'\.0$'" in identity(found)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["a@b.com", "c.d@e.org"], "email"),
        (["+44 20 7946 0000", "(206) 555-9857"], "phone"),
        (["GBP", "EUR"], "currency"),
        (["上海贸易", "李明"], "chinese"),
    ],
)
def test_patterns(
    measure: Measure, tmp_path: Path, values: list[str], pattern: str
) -> None:
    assert column(measure, tmp_path, values).share(pattern) == 1


def key_of(measure: Measure, folder: Path, rows: Sequence[Sequence[Any]]) -> Any:
    header = [["order_no", "line_no", "sku", "note"][at] for at in range(len(rows[0]))]
    return measure(write(folder / "t.csv", header, rows)).tables["t"].key


def test_keys_are_one_column_a_pair_a_triple_or_none(
    measure: Measure, tmp_path: Path
) -> None:
    assert key_of(measure, tmp_path / "one", [(1, 1), (2, 1), (3, 1)]) == ["order_no"]
    pair = [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert key_of(measure, tmp_path / "two", pair) == ["order_no", "line_no"]
    triple = [(a, b, f"S{c}") for a in (1, 2) for b in (1, 2) for c in (1, 2)]
    assert len(key_of(measure, tmp_path / "three", triple)) == 3
    assert key_of(measure, tmp_path / "none", [(1, 1), (1, 1)]) is None


def test_a_key_holds_within_each_file(measure: Measure, tmp_path: Path) -> None:
    """The same order comes in two exports, which overlap."""
    header = ["order_no", "line_no", "amount"]
    write(tmp_path / "sales_01.csv", header, [(1, 1, 5), (1, 2, 5), (2, 1, 5)])
    write(tmp_path / "sales_02.csv", header, [(2, 1, 5), (3, 1, 5), (3, 2, 5)])
    table = measure(tmp_path).tables["sales"]
    assert table.key == ["order_no", "line_no"]
    assert table.entity.files == "sales_*.csv"
    assert not table.is_repeated


def test_whole_exports_are_told_from_increments(
    measure: Measure, tmp_path: Path
) -> None:
    for day in (1, 2):
        rows = [(number, f"c{number}") for number in range(20 + day)]
        write(tmp_path / f"customers_2024-01-0{day}.csv", ["customer_id", "name"], rows)
    assert measure(tmp_path).tables["customers"].is_repeated


def test_files_with_other_columns_are_other_tables(
    measure: Measure, tmp_path: Path
) -> None:
    write(tmp_path / "t1.csv", ["a_id", "x"], [(1, 2)])
    write(tmp_path / "t2.csv", ["b_id", "y"], [(1, 2)])
    assert {table.title for table in measure(tmp_path).tables.values()} == {
        "t1.csv",
        "t2.csv",
    }


def references(found: Profile) -> set[tuple[str, str, str]]:
    return {(one.table, one.column, one.to_table) for one in found.references}


def test_references_are_found_in_the_values(measure: Measure, tmp_path: Path) -> None:
    customers = [(f"C{number:03}", "x") for number in range(50)]
    write(tmp_path / "customers.csv", ["number", "name"], customers)
    orders = [(number, f"C{number % 40:03}", 3) for number in range(200)]
    write(tmp_path / "orders.csv", ["order_id", "customer_number", "qty"], orders)
    found = references(measure(tmp_path))
    assert ("orders", "customer_number", "customers") in found
    assert ("orders", "qty", "customers") not in found


def test_small_numbers_refer_to_nothing_by_chance(
    measure: Measure, tmp_path: Path
) -> None:
    write(tmp_path / "products.csv", ["product_id", "n"], [(n, n) for n in range(100)])
    rows = [(n, n % 9 + 1, n % 50) for n in range(300)]
    write(tmp_path / "lines.csv", ["line_id", "quantity", "product_id"], rows)
    found = references(measure(tmp_path))
    assert ("lines", "product_id", "products") in found
    assert ("lines", "quantity", "products") not in found


def test_a_value_in_ten_may_be_missing_but_not_half(
    measure: Measure, tmp_path: Path
) -> None:
    """A record may be gone; a column of other things that has its name may not."""
    write(
        tmp_path / "people.csv", ["people_id", "x"], [(f"P{n}", 1) for n in range(100)]
    )
    for missing, is_found in ((5, True), (60, False)):
        rows = [(n, f"P{n % 100 + missing}") for n in range(200)]
        write(tmp_path / "calls.csv", ["call_no", "people_ref"], rows)
        found = references(measure(tmp_path))
        assert (("calls", "people_ref", "people") in found) is is_found, missing


def test_a_database_declares_its_keys_and_references(
    measure: Measure, tmp_path: Path
) -> None:
    path = tmp_path / "erp.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            create table "Kunden Stamm" (nr integer primary key, n text);
            create table bons (
                a integer, b integer, k integer references "Kunden Stamm",
                primary key (a, b)
            );
            insert into "Kunden Stamm" values (1, 'x'), (2, 'y');
            insert into bons values (1, 1, 1), (1, 2, 1);
            create table "empty" (a integer);
            """
        )
    found = measure(path)
    assert list(found.tables) == ["kunden_stamm", "bons"]
    assert found.tables["kunden_stamm"].entity.table == "Kunden Stamm"
    assert tuple(found.tables["bons"].key or ()) == ("a", "b")
    assert Reference("bons", "k", "kunden_stamm", "nr", 1.0, True) in found.references
    assert found.unread == ["table empty has no rows."]


def test_a_password_is_never_repeated() -> None:
    from pipeline.profiling import databases

    url = "postgresql://reader:s3cr%40t@erp.example:5432/erp?sslmode=require"
    shown = databases.without_password(url, "ERP_PASSWORD")
    assert shown == (
        "postgresql://reader:${ERP_PASSWORD}@erp.example:5432/erp?sslmode=require"
    )
    assert databases.without_password("sqlite:///a.db", "X") == "sqlite:///a.db"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("postgresql://${U}:s3cret@h/d", "postgresql://${U}:${X}@h/d"),
        ("postgresql://u:${PW}@h/d", "postgresql://u:${PW}@h/d"),
        ("postgresql://u:s3?cret@${H}/d", "postgresql://u:${X}@${H}/d"),
        ("mysql://h/d?password=s3cret&a=1", "mysql://h/d?password=${X}&a=1"),
        ("mysql://u:${PW}@h/d?ssl_key=s3cret", "mysql://u:${PW}@h/d?ssl_key=${X}"),
        ("postgresql://h/d?token=${T}", "postgresql://h/d?token=${T}"),
        ("${DATABASE_URL}", "${DATABASE_URL}"),
        ("sqlite:////data/a@b.db", "sqlite:////data/a@b.db"),
    ],
)
def test_a_password_beside_references_is_not_written_either(
    given: str, written: str
) -> None:
    from pipeline.profiling import databases

    assert databases.without_password(given, "X") == written


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def test_sheets_are_tables_and_a_title_is_none(
    measure: Measure, tmp_path: Path
) -> None:
    path = workbook(
        tmp_path / "数据.xlsx",
        {
            "客户档案": [
                ["客户一览"],
                [],
                ["客户编号", "客户名称"],
                ["K1", "甲"],
                ["K2", "乙"],
            ],
            "说明": [["只有一列"], ["x"]],
        },
    )
    found = measure(path)
    (table,) = found.tables.values()
    assert (table.name, table.entity.sheet, table.entity.header_row) == (
        "ke_hu_dang_an",
        "客户档案",
        3,
    )
    assert table.key == ["客户编号"]


def test_a_report_in_groups_is_no_list_and_says_so(
    measure: Measure, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Sales by Customer Detail"],
        [None, "Date", "Num", "Amount"],
        ["Alpha Foods"],
        [None, "2024-03-05", 1001, 10],
        ["Total for Alpha Foods", None, None, 10],
    ):
        sheet.append(row)
    book.save(tmp_path / "report.xlsx")
    with pytest.raises(ConfigurationError, match="grouped under headings"):
        measure(tmp_path)


def test_sheets_with_the_same_columns_are_one_table(
    measure: Measure, tmp_path: Path
) -> None:
    header = ["Invoice", "Item", "Qty"]
    path = workbook(
        tmp_path / "retail.xlsx",
        {
            "Year 2009": [header, [1, "a", 1], [1, "a", 1]],
            "Year 2010": [header, [2, "a", 1]],
            "Notes": [["What", "Who"], ["x", "y"]],
        },
    )
    tables = measure(path).tables
    assert tables["retail"].entity.sheet == "Year *"
    assert tables["retail"].rows == 3
    assert tables["notes"].rows == 1


def test_a_sample_is_bounded_and_says_so(
    measure: Measure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_ROWS", 10)
    path = write(tmp_path / "t.csv", ["id"], [(n,) for n in range(25)])
    table = measure(path).tables["t"]
    assert (table.rows, table.is_whole) == (10, False)
    assert table.sampled == "a sample of 10 rows"
    monkeypatch.setattr(sample, "MOST_ROWS", 25)
    assert measure(path).tables["t"].is_whole


def test_of_many_files_the_first_and_the_last_are_read(
    measure: Measure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_PARTS", 3)
    for day in range(1, 10):
        write(tmp_path / f"t_{day}.csv", ["id", "day"], [(day, f"2024-01-0{day}")])
    table = measure(tmp_path).tables["t"]
    assert (table.rows, table.is_whole) == (3, False)
    assert table.columns["day"].high == dt.date(2024, 1, 9)


def test_what_cannot_be_read_is_said(measure: Measure, tmp_path: Path) -> None:
    write(tmp_path / "good.csv", ["id"], [(1,), (2,)])
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    found = measure(tmp_path)
    assert list(found.tables) == ["good"]
    assert len(found.unread) == 1
    assert "bad.parquet" in found.unread[0]
    with pytest.raises(ConfigurationError, match="neither a file nor a folder"):
        measure(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "words", "own"),
    [
        ("SalesOrderNumber", ("sales", "order", "number"), "sales_order_number"),
        ("Sub-Category", ("sub", "category"), "sub_category"),
        ("order_id", ("order", "id"), "order_id"),
        ("客户 编号", ("客户编号",), "ke_hu_bian_hao"),
        ("2024 Umsätze", ("2024", "umsätze"), "table_2024_umsatze"),
    ],
)
def test_names(name: str, words: tuple[str, ...], own: str) -> None:
    assert names.words(name) == words
    assert names.identifier(name) == own
    assert names.identifier(name, {own}) == f"{own}_2"


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("2024-01", (2024, 1)),
        ("2024/1", (2024, 1)),
        ("202412", (2024, 12)),
        ("2024-03-01 00:00:00", (2024, 3)),
        ("01/2024", (2024, 1)),
        ("2024年1月", (2024, 1)),
        ("2024年12月份", (2024, 12)),
        ("1月", (None, 1)),
        ("十二月", (None, 12)),
        ("3月销售额", (None, 3)),
        ("Jan", (None, 1)),
        ("September", (None, 9)),
        ("Sept.", (None, 9)),
        ("Jan-24", (2024, 1)),
        ("Feb 2023", (2023, 2)),
        ("Mar'22", (2022, 3)),
        ("2024 May", (2024, 5)),
        ("13月", None),
        ("202413", None),
        ("January sales team", None),
        ("month", None),
        ("1", None),
        ("2024", None),
        ("Mayor", None),
        ("Q1", None),
    ],
)
def test_the_month_in_the_name_of_a_column(
    name: str, month: tuple[int | None, int] | None
) -> None:
    assert wide.month_of(name) == month


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("2024", (2024, "")),
        ("FY2024", (2024, "")),
        ("2024年度", (2024, "")),
        ("2026 YTD", (2026, "")),
        ("Sales 2023", (2023, "sales")),
        ("2023 Revenue (EUR)", (2023, "revenue eur")),
        ("Umsatz 2023", (2023, "umsatz")),
        ("2023年销售额", (2023, "销售额")),
        ("Qty 2023", (2023, "qty")),
        ("Sales target 2024", None),
        ("2024年销售目标", None),
        ("Cost of sales 2023", None),
        ("Sales growth 2023 %", None),
        ("Employees 2023", None),
        ("Sales 2022/2023", None),
        ("Sales", None),
        ("Order 202412", None),
    ],
)
def test_the_year_in_the_name_of_a_column(
    name: str, year: tuple[int, str] | None
) -> None:
    assert wide.year_of(name) == year


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("金额（万元）", 10_000),
        ("销售额(万)", 10_000),
        ("销量（万件）", 10_000),
        ("注册资本 百万元", 1_000_000),
        ("营业额（亿元）", 100_000_000),
        ("应收 千元", 1_000),
        ("Umsatz TEUR", 1_000),
        ("Umsatz Tsd. €", 1_000),
        ("Umsatz (Mio. EUR)", 1_000_000),
        ("Sales (k€)", 1_000),
        ("Sales in thousands", 1_000),
        ("Turnover '000", 1_000),
        ("Turnover (000s)", 1_000),
        ("Revenue ($m)", 1_000_000),
        ("Revenue in millions", 1_000_000),
        ("Turnover ₹ lakh", 100_000),
        ("Turnover Rs. crore", 10_000_000),
        ("金额（元）", 1),
        ("万科销售额", 1),
        ("重量（千克）", 1),
        ("Distance km", 1),
        ("Weight (t)", 1),
        ("Order 10000", 1),
        ("Sales 2000", 1),
        ("Kgs", 1),
        ("M", 1),
    ],
)
def test_the_units_in_the_name_of_a_column(name: str, scale: int) -> None:
    assert units.scale_of(name) == scale


@pytest.mark.parametrize(
    ("above", "scale"),
    [
        ("销售明细表  单位：万元", 10_000),
        ("2024年销售统计（单位:千元）", 1_000),
        ("Sales by customer (in thousands)", 1_000),
        ("Alle Beträge in TEUR", 1_000),
        ("Amounts in $ millions", 1_000_000),
        ("单位：元", 1),
        ("编制单位：上海万千贸易有限公司", 1),
        ("Our million customers", 1),
        ("", 1),
    ],
)
def test_the_units_in_a_line_above_a_table(above: str, scale: int) -> None:
    assert units.scale_of_note(above) == scale


def test_numbers_are_what_their_units_make_of_them(
    measure: Measure, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "t.csv",
        ["编号", "金额（亿元）", "客户数（万个）", "备注（万元）"],
        [("a1", "1.23456789", 2, "x"), ("b2", "-0.5", 3, "y")],
    )
    (table,) = measure(path).tables.values()
    named = table.columns
    assert (named["金额（亿元）"].low, named["金额（亿元）"].high) == (
        -50_000_000,
        123_456_789,
    )
    assert named["金额（亿元）"].declared is None, (
        "the reader would land another number"
    )
    assert named["客户数（万个）"].high == 30_000
    assert named["备注（万元）"].scale == 1, "texts are what they are"


def long_rows(measure: Measure, path: Path) -> tuple[Any, list[tuple[Any, ...]]]:
    with sample.opened() as connection:
        (table,) = profile(connection, str(path)).tables.values()
        assert table.wide is not None
        names = ", ".join([*table.wide.ids, table.wide.day, table.wide.value])
        rows = connection.execute(
            f'select {names} from "{table.relation}" order by all'
        ).fetchall()
    return table, rows


def test_months_in_columns_are_rows(measure: Measure, tmp_path: Path) -> None:
    """Without sums of rows and columns, and without months in which nothing was."""
    path = write(
        tmp_path / "t.csv",
        ["customer", "2024-01", "2024-02", "2024-03", "Q1", "Total"],
        [
            ("a", "1.50", "0", "3", "4.5", "4.5"),
            ("b", "", "0.00", "7", "7", "7"),
            ("Total", "1.5", "0", "10", "11.5", "11.5"),
        ],
    )
    table, rows = long_rows(measure, path)
    assert rows == [
        ("a", dt.date(2024, 1, 1), "1.50"),
        ("a", dt.date(2024, 3, 1), "3"),
        ("b", dt.date(2024, 3, 1), "7"),
    ]
    assert (table.wide.key, table.wide.total_words) == (
        ["customer"],
        {"customer": ["Total"]},
    )
    assert table.columns["net_amount"].kind == "decimal"
    assert table.columns["net_amount"].declared is None, "the reader has no such column"


def test_years_in_columns_are_rows(measure: Measure, tmp_path: Path) -> None:
    """What else is of one year is not repeated with each; several things are one."""
    header = ["customer", "town", "Qty 2023", "Sales 2022", "Sales 2023", "Sales 2024"]
    path = write(
        tmp_path / "t.csv",
        [*header, "Profit 2023", "Total"],
        [("a", "x", 3, "1.50", "", "3", 9, "4.5"), ("b", "y", 0, 0, "7", "", 9, "7")],
    )
    table, rows = long_rows(measure, path)
    assert rows == [
        ("a", "x", dt.date(2022, 1, 1), "1.50"),
        ("a", "x", dt.date(2024, 1, 1), "3"),
        ("b", "y", dt.date(2023, 1, 1), "7"),
    ]
    assert (table.wide.span, table.wide.value) == (12, "net_amount")


def test_the_year_of_months_stands_in_a_column_or_a_file(
    measure: Measure, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "years.csv",
        ["customer", "year", "Jan", "Feb", "Mar"],
        [("a", "2022", 1, 0, 0), ("a", "2023", 0, 2, 0)],
    )
    _, rows = long_rows(measure, path)
    assert [row[-2:] for row in rows] == [
        (dt.date(2022, 1, 1), "1"),
        (dt.date(2023, 2, 1), "2"),
    ]
    for year in (2022, 2023):
        write(
            tmp_path / "files" / f"sales_{year}.csv",
            ["customer", "Jan", "Feb", "Mar"],
            [("a", year - 2000, 0, 0)],
        )
    table, rows = long_rows(measure, tmp_path / "files")
    assert table.wide.year is None
    assert rows == [
        ("a", dt.date(2022, 1, 1), "22"),
        ("a", dt.date(2023, 1, 1), "23"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        ["customer", "Jan", "Feb"],
        ["customer", "Jan", "Feb", "January"],
        ["customer", "Jan", "Feb", "2024-03"],
        ["Jan", "Feb", "Mar"],
        ["customer", "2023", "2024"],
        ["customer", "Sales 2024"],
        ["customer", "Employees 2022", "Employees 2023", "Employees 2024"],
    ],
)
def test_what_is_no_table_of_months_or_years(
    measure: Measure, tmp_path: Path, header: list[str]
) -> None:
    rows = [[f"c{n}" if name == "customer" else n for name in header] for n in range(5)]
    (table,) = measure(write(tmp_path / "t.csv", header, rows)).tables.values()
    assert table.wide is None
