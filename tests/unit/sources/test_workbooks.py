"""Cells of a workbook whose value cannot be known, sheets nobody sees, and no workbooks."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.common.errors import SourceUnavailable
from pipeline.common.settings import PROJECT_ROOT
from pipeline.sources.files.workbooks import cell_name
from tests.unit.support import files_source, read, rows

DATA = PROJECT_ROOT / "tests" / "data" / "workbook"
ERRORS = ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"]


def sheet_of(*content: list[Any]) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.Workbook()
    for row in content:
        book.active.append(row)
    return book, book.active


def calculated(book: openpyxl.Workbook, **values: str) -> bytes:
    """The workbook as Excel saves it: with the value of each formula of these cells."""
    book.calculation.fullCalcOnLoad = None
    packed = io.BytesIO()
    book.save(packed)
    return changed(
        packed.getvalue(),
        lambda xml: re.sub(
            r'(<c r="(\w+)"[^>]*><f>[^<]*</f>)<v ?/>',
            lambda found: f"{found[1]}<v>{values.get(found[2], '')}</v>",
            xml,
        ),
    )


def changed(content: bytes, change: Any) -> bytes:
    """The workbook with another XML of its first sheet."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(packed, "w") as after,
    ):
        for name in before.namelist():
            member = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                member = change(member.decode()).encode()
            after.writestr(name, member)
    return packed.getvalue()


@pytest.mark.parametrize("declared", [{}, {"v": "text"}, {"v": "decimal(9,2)"}])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_costs_its_row(
    tmp_path: Path, error: str, declared: dict[str, str]
) -> None:
    book, _ = sheet_of(["id", "v"], ["a", 1], ["b", error], ["c", None], ["d", 2])
    book.save(tmp_path / "a.xlsx")
    table, (row,) = read(files_source(tmp_path, columns=declared))
    assert table["id"].to_pylist() == ["a", "c", "d"]
    assert (row.line, row.text) == (3, f"b\t{error}")
    assert row.reason.startswith(f"v in cell B3 is the error {error}; ")


def test_a_row_of_nothing_but_an_error_is_a_row(tmp_path: Path) -> None:
    book, _ = sheet_of(["id", "v"], ["a", 1], [None, "#N/A"])
    book.save(tmp_path / "a.xlsx")
    table, rejected = read(files_source(tmp_path))
    assert (table.num_rows, [row.line for row in rejected]) == (1, [3])


def test_an_error_in_a_column_that_is_not_read_does_not_matter(tmp_path: Path) -> None:
    book, _ = sheet_of(["id", "v", "w"], ["a", 1, "#N/A"], ["b", "#REF!", 2])
    book.active["E3"] = "#N/A"  # beside the table
    book.save(tmp_path / "a.xlsx")
    table, (row,) = read(files_source(tmp_path, leave_out=["w"]))
    assert (table.column_names, rows(table)) == (["id", "v"], [("a", 1)])
    assert row.reason.startswith("v in cell B3 is the error #REF!; ")
    assert "w in cell" not in row.reason


def test_cells_without_places_are_counted(tmp_path: Path) -> None:
    """Programs may leave out where a cell is, and write XML with prefixes."""
    book, _ = sheet_of(["id", "v"], ["a", 1], ["b", "#N/A"])
    packed = io.BytesIO()
    book.save(packed)

    def bare(xml: str) -> str:
        xml = re.sub(r'(<c|<row) r="\w+"', r"\1", xml)
        return re.sub(r"<(/?)(c|row|v|sheetData)(?=[ />])", r"<\1x:\2", xml).replace(
            "<worksheet ",
            '<worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ',
        )

    (tmp_path / "a.xlsx").write_bytes(changed(packed.getvalue(), bare))
    table, (row,) = read(files_source(tmp_path))
    assert (table.num_rows, row.line) == (1, 3)
    assert "B3 is the error #N/A" in row.reason


def test_a_formula_that_was_never_calculated_has_no_value(tmp_path: Path) -> None:
    book, _ = sheet_of(
        ["id", "n", "v"], ["a", 1, "=B2*2"], ["b", 2, 4], ["c", 3, "=B4"]
    )
    book.save(tmp_path / "a.xlsx")
    table, rejected = read(files_source(tmp_path, columns={"v": "decimal(18,4)"}))
    assert table["id"].to_pylist() == ["b"]
    assert [row.line for row in rejected] == [2, 4]
    assert (
        "v in cell C2 holds a formula that was never calculated" in rejected[0].reason
    )
    assert "open the workbook in a spreadsheet" in rejected[0].reason


def test_what_a_program_stores_beside_a_formula_may_be_no_result(
    tmp_path: Path,
) -> None:
    """XlsxWriter stores 0, and asks that the workbook be calculated when it is opened."""
    book, _ = sheet_of(["id", "v"], ["a", "=1*2"], ["b", "=3-3"])
    content = calculated(book, B2="2", B3="0")
    (tmp_path / "a.xlsx").write_bytes(content)
    assert rows(read(files_source(tmp_path))[0]) == [("a", 2), ("b", 0)]
    waits = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(waits, "w") as after,
    ):
        for name in before.namelist():
            member = before.read(name)
            if name == "xl/workbook.xml":
                assert b"<calcPr" in member
                member = member.replace(b"<calcPr", b'<calcPr fullCalcOnLoad="1"')
            after.writestr(name, member)
    (tmp_path / "a.xlsx").write_bytes(waits.getvalue())
    table, (row,) = read(files_source(tmp_path))
    assert (rows(table), row.line) == ([("a", 2)], 3)


def test_a_formula_whose_result_is_an_empty_text_is_calculated(tmp_path: Path) -> None:
    book, _ = sheet_of(["id", "v"], ["a", '=""'], ["b", "x"])
    content = changed(
        calculated(book), lambda xml: xml.replace('<c r="B2">', '<c r="B2" t="str">')
    )
    (tmp_path / "a.xlsx").write_bytes(content)
    table, rejected = read(files_source(tmp_path))
    assert (rows(table), rejected) == ([("a", None), ("b", "x")], [])


@pytest.mark.parametrize(
    ("area", "lines"),
    [
        ("B3:B4", [3, 4]),
        ("B3:C3", [3]),
        ("A4:C4", [4]),
        ("D2:D4", []),
        ("A5:A5", []),
    ],
)
def test_a_merged_cell_belongs_to_nobody_knows_which_row(
    tmp_path: Path, area: str, lines: list[int]
) -> None:
    book, sheet = sheet_of(
        ["id", "v", "w"], *([f"a{n}", n, "x"] for n in range(1, 5)), [None, None, None]
    )
    sheet.merge_cells(area)
    book.save(tmp_path / "a.xlsx")
    table, rejected = read(files_source(tmp_path))
    assert [row.line for row in rejected] == lines
    assert table.num_rows + len(rejected) == 4
    assert all("is one merged cell" in row.reason for row in rejected)


def test_a_merged_title_and_a_merged_column_that_is_left_out(tmp_path: Path) -> None:
    book, sheet = sheet_of(["Report"], ["id", "v"], ["a", 1], ["b", 2])
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("B3:B4")
    book.save(tmp_path / "a.xlsx")
    table, rejected = read(files_source(tmp_path, header_row=2, leave_out=["v"]))
    assert (rows(table), rejected) == ([("a",), ("b",)], [])
    with pytest.raises(
        SourceUnavailable, match=r"B1 is empty, and cells .* are merged"
    ):
        read(files_source(tmp_path))


def test_a_hidden_sheet_is_read_only_when_it_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name, state in [
        ("_a", "hidden"), ("_b", "veryHidden"), ("Seen", "visible"), ("More", "visible")
    ]:  # fmt: skip
        sheet = book.create_sheet(name)
        sheet.append(["id"])
        sheet.append([name])
        sheet.sheet_state = state
    book.remove(book["Sheet"])
    book.active = 2
    book.save(tmp_path / "a.xlsx")
    assert rows(read(files_source(tmp_path))[0]) == [("Seen",)]
    assert rows(read(files_source(tmp_path, sheet="_b"))[0]) == [("_b",)]


def test_a_workbook_of_excel_97_is_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes((DATA / "errors.xls").read_bytes())
    table, rejected = read(files_source(tmp_path))
    assert rows(table) == [("A1", 10.5, "x"), ("A5", None, "y")]
    assert [(row.line, row.reason.split(";")[0]) for row in rejected] == [
        (3, "amount in cell B3 is the error #N/A"),
        (4, "amount in cell B4 is the error #DIV/0!"),
        (5, "amount in cell B5 is the error #REF!"),
        *(
            (
                line,
                "note in the cells C7 to C8 is one merged cell, and nobody can tell "
                "which row or column it belongs to",
            )
            for line in (7, 8)
        ),
    ]
    source = files_source(tmp_path, leave_out=["amount", "note"])
    assert read(source)[0].num_rows == 7


def locked_xls() -> bytes:
    """Excel 97 says it by a record; the one with the writer's name is as long."""
    content = (DATA / "errors.xls").read_bytes()
    assert content.count(b"\x5c\x00\x70\x00") == 1
    return content.replace(b"\x5c\x00\x70\x00", b"\x2f\x00\x70\x00")


def zipped(*names: str, mimetype: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


HTML = b"<html><body><table><tr><td>id</td></tr></table></body></html>"
XML = (
    b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HTML, ["an HTML page", "save it as .xlsx"]),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", ["an HTML page"]),
        (HTML.decode().encode("utf-16"), ["an HTML page"]),
        (XML, ["an XML spreadsheet of Excel 2003", "save it as .xlsx"]),
        (b"<?xml version='1.0'?><orders/>", ["it is XML", "save it as .xlsx"]),
        (b"id\tname\nA1\tAlder\n", ["tab-separated text", "`format: tsv`"]),
        ("id\tname\n".encode("utf-16"), ["tab-separated text", "`format: tsv`"]),
        (b"id;name\nA1;Alder\n", ["plain text", "`format: csv`"]),
        (b"%PDF-1.7", ["a PDF document"]),
        (b"ID;PWXL;N;E\n", ["a SYLK spreadsheet"]),
        (gzip.compress(b"x", mtime=0), ["packed by gzip", ".xlsx.gz"]),
        (b"", ["empty"]),
        (zipped("a.csv"), ["a zip archive", "call it .zip"]),
        (zipped("word/document.xml"), ["Word"]),
        (
            zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
            ["an OpenDocument file"],
        ),
        ((DATA / "locked.xlsx").read_bytes(), ["locked by a password", "without one"]),
        (locked_xls(), ["locked by a password", "without one"]),
        (b"\x00\x01\x02", ["no readable workbook"]),
    ],
)
@pytest.mark.parametrize("name", ["a.xls", "a.xlsx"])
def test_what_is_no_workbook_is_called_what_it_is(
    tmp_path: Path, name: str, content: bytes, words: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnavailable) as error:
        read(files_source(tmp_path))
    message = str(error.value)
    assert message.startswith(f"shop.items: {name} is ")
    for word in words:
        assert word in message


def test_text_under_the_name_of_a_workbook_is_read_as_it_is_declared(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.xls").write_bytes(b"id\tname\nA1\tAlder\n")
    assert rows(read(files_source(tmp_path, format="tsv"))[0]) == [("A1", "Alder")]


@pytest.mark.parametrize(
    "content", [HTML, b"\xef\xbb\xbf <!doctype html>", b"%PDF-1.7"]
)
def test_a_page_under_the_name_of_a_csv_is_no_csv(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceUnavailable, match="is no delimited text"):
        read(files_source(tmp_path))


def test_names_of_cells() -> None:
    names = [cell_name((0, column)) for column in (0, 25, 26, 51, 52, 701, 702)]
    assert names == ["A1", "Z1", "AA1", "AZ1", "BA1", "ZZ1", "AAA1"]
