"""No file for people runs what stands in a name: one table over all that write one."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import spreadsheets
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.identity import asking, decided
from pipeline.serving.crm import formats
from pipeline.serving.crm.accounts import Account, Target
from pipeline.serving.excel import export as excel
from pipeline.sources.writeback import System
from pipeline.tiers import what_if
from tests.unit.serving.customers import tables
from tests.unit.serving.releases import publish

# Text → how a CSV file for people has it.
CELLS = {
    "=1+1": "'=1+1",
    '=HYPERLINK("http://evil.example")': '\'=HYPERLINK("http://evil.example")',
    "+1 555 0100": "'+1 555 0100",
    "-2+3+cmd|' /C calc'!A0": "'-2+3+cmd|' /C calc'!A0",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1+1": "'\t=1+1",
    "\r=1+1": "'\r=1+1",
    "\n=1+1": "'\n=1+1",
    "＝1+1": "'＝1+1",
    "'=1+1": "''=1+1",  # comes back as it was, too
    "-12.50": "-12.50",  # a number, whoever wrote it
    "-1\n": "'-1\n",
    "": "",
    "'s-Hertogenbosch": "'s-Hertogenbosch",
    "王 = 李": "王 = 李",
    'plain, "quoted"': 'plain, "quoted"',
}

Writer = Callable[[Path, str], Path]


def _pairs(path: Path, text: str) -> Path:
    asked = {"left_source": "erp", "left_customer_id": "1", "right_source": "crm"}
    asking.to_spreadsheet(path, [{**asked, "right_customer_id": "2", "name": text}])
    return path


def _decisions(path: Path, text: str) -> Path:
    asking.write(
        path,
        [asking.Decision("erp", "1", "crm", "2", "same", "Ann", "2024-01-31", text)],
    )
    return path


def _what_if(path: Path, text: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(
            "create table moves (customer_id varchar, customer_name varchar, "
            "revenue_12m decimal(28, 4), on_day date)"
        )
        connection.execute("insert into moves values ('C1', ?, -5, null)", [text])
        what_if.write(connection, path)
    return path


def _crm(path: Path, text: str, system: System = "zoho") -> Path:
    target = Target("crm", system, "Accounts", "en", {"tier": "Tier", "score": "Score"})
    account = Account("7328395000000680055", {"tier": text, "score": Decimal("-1.5")})
    formats.write(path, target, ["tier", "score"], [account])
    return path


def _crm_book(path: Path, text: str) -> Path:
    return _crm(path, text, "fxiaoke")


WRITERS: dict[str, Writer] = {
    "export crm": _crm,
    "match --write": _pairs,
    "match_decisions.csv": _decisions,
    "what-if --output": _what_if,
}


@pytest.mark.parametrize("text", CELLS)
@pytest.mark.parametrize("writer", WRITERS)
def test_a_csv_cell_is_no_formula(tmp_path: Path, writer: str, text: str) -> None:
    path = WRITERS[writer](tmp_path / "file.csv", text)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        heads, row = csv.reader(file)
    assert len(row) == len(heads)
    assert CELLS[text] in row
    _, (back,) = spreadsheets.read(path)
    assert text in back.values()


def test_a_negative_number_stays_one(tmp_path: Path) -> None:
    path = _what_if(tmp_path / "moves.csv", "Ann")
    _, (row,) = spreadsheets.read(path)
    assert row["revenue_12m"] == "-5.0000"
    (found,) = duckdb.sql(f"select revenue_12m from '{path}'").fetchall()
    assert found == (-5,)


def _workbook(path: Path, text: str) -> Path:
    before = os.umask(0o077)
    try:
        release = publish(Home.open(path.parent / "home"), tables=tables(text))
    finally:
        os.umask(before)
    excel.export(release, path, "en")
    return path


BOOKS: dict[str, Writer] = {
    "export crm": _crm_book,
    "export excel": _workbook,
    "match --write": _pairs,
}


@pytest.mark.parametrize("text", ["=1+1", "+1 555 0100", "@SUM(A1)", "'=1", "-12.50"])
@pytest.mark.parametrize("writer", BOOKS)
def test_a_cell_of_a_workbook_is_text(tmp_path: Path, writer: str, text: str) -> None:
    """As it is: a workbook says of a cell that it is text, and needs no apostrophe."""
    book = openpyxl.load_workbook(BOOKS[writer](tmp_path / "file.xlsx", text))
    cells = [
        cell
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value == text
    ]
    assert cells
    kinds = {
        cell.data_type for sheet in book.worksheets for row in sheet for cell in row
    }
    assert "f" not in kinds
    assert {cell.data_type for cell in cells} == {"s"}


@given(st.text(alphabet="=+-@'\t\r\nＡ＝１a1.e ", max_size=6))
def test_what_was_written_comes_back(text: str) -> None:
    made = spreadsheets.safe(text)
    assert isinstance(made, str)
    assert spreadsheets.meant(made) == text
    with duckdb.connect() as connection:
        safe, meant = connection.execute(
            f"select {spreadsheets.safe_sql('t')}, {spreadsheets.meant_sql('s')} "
            "from (select ? as t, ? as s)",
            [text, made],
        ).fetchone() or (None, None)
    assert (safe, meant) == (made, text)


@pytest.mark.parametrize("value", [-5, -0.5, None, True, dt.date(2024, 1, 31)])
def test_what_is_no_text_is_left_alone(value: object) -> None:
    assert spreadsheets.safe(value) is value


def test_a_decision_means_what_was_decided(tmp_path: Path) -> None:
    """The file is read by us, by DuckDB as a seed, and by whoever edits it."""
    made = asking.Decision(
        "erp", "=A1", "crm", "-7x", "same", "@ann", "2024-01-31", "+"
    )
    path = tmp_path / "match_decisions.csv"
    asking.write(path, [made])
    assert asking.read(path) == [made]
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} varchar" for name in asking.COLUMNS)
        connection.execute(f"create table seed ({columns})")
        connection.execute(f"copy seed from '{path}' (format csv, header true)")
        found = connection.execute(f"from {decided.meant('seed')}").fetchall()
    assert found == [tuple(getattr(made, name) for name in asking.COLUMNS)]


# Files that a program reads, or whose cells are numbers and codes of the policy.
_OTHERS = {"pipeline/tiers/calibrate.py"}


def test_every_csv_is_written_in_one_place() -> None:
    found = [
        str(path.relative_to(PROJECT_ROOT))
        for path in sorted((PROJECT_ROOT / "pipeline").rglob("*.py"))
        if _writes_csv(ast.parse(path.read_text("utf-8")))
    ]
    assert set(found) == _OTHERS


def _writes_csv(tree: ast.AST) -> bool:
    names: Sequence[str] = ("to_csv", "write_csv", "DictWriter")
    return any(
        isinstance(node, ast.Attribute)
        and (
            node.attr in names
            or (
                node.attr == "writer"
                and isinstance(node.value, ast.Name)
                and node.value.id == "csv"
            )
        )
        for node in ast.walk(tree)
    )
