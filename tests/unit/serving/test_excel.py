"""The workbook of a release: what stands in it, as what, in both languages."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.serving.excel import export as exporting
from pipeline.serving.excel import workbook
from tests.conftest import invoke
from tests.unit.serving.customers import FORMULA, tables
from tests.unit.serving.releases import publish


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


def rows(book: Any, sheet: str) -> list[dict[str, Any]]:
    """The rows of a sheet that is a table, by their heads."""
    heads, *found = book[sheet].values
    return [dict(zip(heads, row, strict=True)) for row in found]


def written(home: Home, file: Path, lang: Any = "en", **more: Any) -> Any:
    exporting.export(publish(home, tables=tables(), **more), file, lang)
    return openpyxl.load_workbook(file)


def test_a_table_has_typed_cells_a_head_that_stays_and_a_filter(
    home: Home, tmp_path: Path
) -> None:
    book = written(home, tmp_path / "c.xlsx")
    assert book.sheetnames == [
        *("Overview", "Customers", "Actions by owner", "Movement", "Matrix")
    ]
    first, second, third = rows(book, "Customers")
    assert first["Customer"] == "Big Wheels"
    assert first["Revenue, last 12 months (CNY)"] == 1000.5
    assert second["Profit, last 12 months (CNY)"] == -75.5
    assert first["Due on"] == dt.datetime(2024, 2, 10)
    assert third["Profit, last 12 months (CNY)"] is None  # not known is not nought
    assert third["Customer"] == FORMULA
    sheet = book["Customers"]
    (profit,) = (cell for cell in sheet[1] if "Profit" in cell.value)
    assert sheet.cell(3, profit.column).number_format == "#,##0;[Red]-#,##0"
    (likely,) = (cell for cell in sheet[1] if "Probability" in cell.value)
    assert sheet.cell(2, likely.column).number_format == "0.0%"
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.auto_filter.ref.endswith("4")


def test_a_column_in_which_nobody_has_a_value_is_left_out(
    home: Home, tmp_path: Path
) -> None:
    book = written(home, tmp_path / "c.xlsx")
    heads = set(rows(book, "Customers")[0])
    assert not {"Health", "Potential score", "Industry", "City", "Verdict"} & heads
    assert {"Value score", "Total score"} <= heads


def test_verdicts_stand_in_it_where_the_release_has_them(
    home: Home, tmp_path: Path
) -> None:
    release = publish(
        home,
        "create table marts.customer_verdicts as select 'C2' as customer_id, "
        "'loses_money' as verdict, 'Loses money' as verdict_name_en, '亏损' as "
        "verdict_name_zh, 75.5 as at_stake, 'loss a year' as at_stake_means_en, "
        "'年亏损' as at_stake_means_zh, 'Review prices' as recommendation_en, "
        "'复核价格' as recommendation_zh, 1 as place",
        tables=tables(),
    )
    exporting.export(release, tmp_path / "c.xlsx", "zh")
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    found = {row["客户"]: row for row in rows(book, "客户")}
    assert found["小轮公司"]["结论"] == "亏损"
    assert found["小轮公司"]["涉及金额（CNY）"] == 75.5
    assert found["Big Wheels"]["结论"] is None
    assert "亏损" in [row[0] for row in book["概览"].values]


def test_chinese_names_sheets_heads_and_values(home: Home, tmp_path: Path) -> None:
    book = written(home, tmp_path / "c.xlsx", "zh")
    assert book.sheetnames == [
        *("概览", "客户", "待办行动（按负责人）", "等级变动", "客户矩阵")
    ]
    assert rows(book, "客户")[0]["客户等级"] == "重要客户"
    (up,) = rows(book, "等级变动")
    assert (up["变动"], up["原等级"], up["新等级"]) == ("上升", "普通客户", "重要客户")


def test_actions_stand_by_owner_and_those_of_nobody_last(
    home: Home, tmp_path: Path
) -> None:
    book = written(home, tmp_path / "c.xlsx")
    found = rows(book, "Actions by owner")
    assert [(row["Owner"], row["Action"], row["Overdue"]) for row in found] == [
        ("Ann", "Visit", None),
        ("nobody named", "Call", "yes"),
    ]


def test_charts_are_native_and_point_at_the_cells(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "c.xlsx"
    book = written(home, file)
    with zipfile.ZipFile(file) as packed:
        charts = [
            packed.read(name).decode()
            for name in packed.namelist()
            if name.startswith("xl/charts/chart")
        ]
    assert len(charts) == 4
    (scatter,) = (chart for chart in charts if "scatterChart" in chart)
    assert "<c:f>Matrix!$C$2</c:f>" in scatter
    assert book["Matrix"]["C2"].value == 7.25
    assert book["Matrix"]["C1"].value == "Relative strength"
    (months,) = (chart for chart in charts if "Revenue by month" in chart)
    first = months.split("<c:cat>")[1].split("<c:f>")[1].split("</c:f>")[0]
    cells = book["Overview"][first.split("!")[1].replace("$", "")]
    assert [cell.value for (cell,) in cells] == [
        dt.datetime(2023, 11, 1),
        dt.datetime(2023, 12, 1),  # January has not ended
    ]


def test_the_overview_has_a_year_of_movement(home: Home, tmp_path: Path) -> None:
    book = written(home, tmp_path / "c.xlsx")
    found = [row[:3] for row in book["Overview"].values]
    at = next(i for i, row in enumerate(found) if str(row[0]).startswith("A year ago"))
    assert found[at : at + 3] == [
        ("A year ago (rows) → now (columns)", "Key", "Standard"),
        ("Standard", 1, 0),
        ("not known a year ago", 0, 2),
    ]


def test_what_a_sheet_has_no_room_for_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (workbook, exporting):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    done = exporting.export(publish(home, tables=tables()), tmp_path / "c.xlsx", "en")
    assert (done.sheets["Customers"], done.left_out) == (2, {"Customers": 1})
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    names = [row["Customer"] for row in rows(book, "Customers")]
    assert names == ["Big Wheels", "小轮公司"]  # the one without revenue is left out
    assert book["Overview"]["A3"].value == (
        "The sheet Customers has no room for 1 more rows, the least of the list."
    )


def test_a_release_with_less_gives_fewer_sheets(home: Home, tmp_path: Path) -> None:
    """A company without sales, matrix or actions."""
    only = [text for text in tables() if "customer_360 as select" in text]
    release = publish(home, tables=only)
    exporting.export(release, tmp_path / "c.xlsx", "en")
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    assert book.sheetnames == ["Overview", "Customers"]


def test_an_old_release_is_refused(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "c.xlsx"
    with pytest.raises(ConfigurationError, match=r"no marts\.customer_360"):
        exporting.export(publish(home), file, "en")
    assert list(tmp_path.iterdir()) == [home.root]


def test_the_command_writes_one_or_two(home: Home, tmp_path: Path) -> None:
    publish(home, tables=tables())
    file = tmp_path / "book.xlsx"
    done = invoke(*("export", "excel", file, "--lang", "both", "--home", home.root))
    assert done.returncode == 0, done.stderr
    assert "(Customers 3, Actions by owner 2, Movement 1, Matrix 2)" in done.stdout
    assert sorted(path.name for path in tmp_path.glob("*.xlsx")) == [
        "book-en.xlsx",
        "book-zh.xlsx",
    ]
    wrong = invoke("export", "excel", tmp_path / "book.csv", "--home", home.root)
    assert (wrong.returncode, "ends in .xlsx" in wrong.stderr) == (2, True)
