"""What people really put into the folder: landed, quarantined, or refused with a reason.

One row of a table for each case. Nothing is ever lost: where the rows of a file can be
counted, they are those that came through and those that were rejected.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.common.errors import SourceUnavailable
from tests.unit.sources.test_files import extracts
from tests.unit.support import files_source, read, rows

CHINESE = "id,name\n" + "".join(f"{n},上海客户管理有限公司\n" for n in range(9))
WESTERN = "id,name\n1,Müller\n2,Zoë\n3,Café Orléans\n"


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return packed.getvalue()


def named(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"id\n1\n")
    return packed.getvalue()


def linked() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return packed.getvalue()


def locked() -> bytes:
    packed = bytearray(named("a.csv"))
    for signature, offset in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)]:
        packed[packed.index(signature) + offset] |= 1
    return bytes(packed)


def book(*content: list[Any], sheet: str = "Items") -> bytes:
    workbook = openpyxl.Workbook()
    workbook.active.title = sheet
    for row in content:
        workbook.active.append(row)
    packed = io.BytesIO()
    workbook.save(packed)
    return packed.getvalue()


def parquet(**columns: Any) -> bytes:
    packed = io.BytesIO()
    pq.write_table(pa.table(columns), packed)
    return packed.getvalue()


def csv_of(*cells: str) -> bytes:
    lines = "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells, 1))
    return f"id,v\n{lines}".encode()


@dataclass(frozen=True)
class Case:
    """One file and what becomes of it.

    Attributes:
        landed: The rows that come through.
        rejected: Line and a word of the reason of each row that does not.
    """

    name: str
    content: bytes
    landed: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


def typed(
    title: str, kind: str, good: list[tuple[str, Any]], bad: list[str], **options: Any
) -> Any:
    """Text cells of one declared column: what they become, and those that do not fit."""
    cells = [cell for cell, _ in good] + bad
    return pytest.param(
        Case(
            "a.csv",
            csv_of(*cells),
            [(str(n), value) for n, (_, value) in enumerate(good, 1)],
            [(len(good) + n + 1, f"no {kind}") for n in range(1, len(bad) + 1)],
            {"columns": {"v": kind}, "delimiter": ",", **options},
        ),
        id=title,
    )


def case(
    title: str,
    name: str,
    content: bytes,
    landed: Sequence[tuple[Any, ...]],
    rejected: Sequence[tuple[int, str]] = (),
    **options: Any,
) -> Any:
    """A row of the table of what lands."""
    return pytest.param(
        Case(name, content, list(landed), list(rejected), options), id=title
    )


D = Decimal
DAY = dt.date(2014, 1, 31)
LONG_ID = 123456789012345678

LANDED = [
    # Encodings and dialects that are detected
    case("UTF-8", "a.csv", "id,v\n1,客户\n".encode(), [("1", "客户")]),
    case("UTF-8, BOM", "a.csv", "\ufeffid,v\n1,é\n".encode(), [("1", "é")]),
    case("UTF-16, BOM", "a.csv", "id;v\n1;客\n".encode("utf-16"), [("1", "客")]),
    case("UTF-32, BOM", "a.csv", "id;v\n1;客\n".encode("utf-32"), [("1", "客")]),
    case(
        "GB18030",
        "a.csv",
        CHINESE.encode("gb18030"),
        [(str(n), "上海客户管理有限公司") for n in range(9)],
    ),
    case(
        "GB18030 in gz",
        "a.csv.gz",
        gzip.compress(CHINESE.encode("gb18030")),
        [(str(n), "上海客户管理有限公司") for n in range(9)],
    ),
    case(
        "Latin-1",
        "a.csv",
        WESTERN.encode("latin-1"),
        [("1", "Müller"), ("2", "Zoë"), ("3", "Café Orléans")],
    ),
    case("semicolons", "a.csv", b"id;v\n1;2,5\n", [("1", "2,5")]),
    case("pipes", "a.csv", b"id|v\n1|a,b;c\n", [("1", "a,b;c")]),
    case("tabs in .csv", "a.csv", b"id\tv\n1\ta,b\n", [("1", "a,b")]),
    case("a comma in a header of tabs", "a.csv", b"id\tv,w\n1\t2\n", [("1", "2")]),
    case("TSV", "a.tsv", b"id\tv\n1\ta,b\n", [("1", "a,b")]),
    case("one column", "a.csv", b"id\n1\n2\n", [("1",), ("2",)]),
    case(
        "titles above the header",
        "a.csv",
        b"Orders of January\n\nid,v\n1,2\n",
        [("1", "2")],
        header_row=3,
        delimiter=",",
    ),
    case(
        "quoted titles above the header",
        "a.csv",
        b'"Orders\nof",January,x\nid,v\n1,2\n',
        [("1", "2")],
        header_row=2,
    ),
    case("blanks around names stay", "a.csv", b"id, v\n1, 2\n", [("1", " 2")]),
    # Rows that go to the quarantine
    case("a short row", "a.csv", b"id,v\n1\n2,3\n", [("2", "3")], [(2, "1 found")]),
    case("a long row", "a.csv", b"id,v\n1,2,3\n", [], [(2, "3 found")]),
    case("an open quote", "a.csv", b'id,v\n1,"2\n3,4\n', [], [(2, "end"), (3, "end")]),
    case(
        "bytes that are no text",
        "a.csv",
        b"id,v\n1,\xff\n2,3\n",
        [("2", "3")],
        [(2, "no text")],
        encoding="utf-8",
    ),
    # Declared types
    typed(
        "integers", "integer", [("1", 1), (" -7 ", -7), ("", None)], ["1.5", "x", "1e3"]
    ),
    typed("an integer that is too large", "integer", [], ["9223372036854775808"]),
    typed(
        "decimals",
        "decimal(12,3)",
        [("1.5", D("1.500")), ("1.50000", D("1.500")), ("-.5", D("-0.500"))],
        ["abc", "1.2345", "1,5", "1_000", "12345678901"],
    ),
    typed("small decimals", "decimal(9,6)", [("5E-05", D("0.000050"))], ["5E-07"]),
    typed(
        "a decimal comma and points of thousands",
        "decimal(12,2)",
        [("1.234.567,5", D("1234567.50")), ("1234,5", D("1234.50"))],
        ["1.5", "12.34,5", "1,234.5"],
        decimal=",",
        thousands=".",
    ),
    typed(
        "commas of thousands",
        "integer",
        [("1,234", 1234), ("12", 12)],
        ["1,23", "1,2345"],
        thousands=",",
    ),
    typed(
        "spaces of thousands", "number", [("1\u00a0234.5", 1234.5)], [], thousands=" "
    ),
    typed("numbers", "number", [("1e3", 1000.0), ("2", 2.0)], ["NaN", "inf", "1e999"]),
    typed("booleans", "boolean", [("是", True), ("No", False)], ["2", "maybe"]),
    typed("days", "date", [("2014-01-31", DAY)], ["2014-02-30", "31.01.2014", "2014"]),
    typed(
        "days by format",
        "date %d.%m.%Y",
        [("31.01.2014", DAY), ("1.2.2014", dt.date(2014, 2, 1))],
        ["31.02.2014", "2014-01-31"],
    ),
    typed(
        "moments",
        "timestamp",
        [
            ("2014-01-31 10:00:00", dt.datetime(2014, 1, 31, 10)),
            ("2014-01-31T10:00:00+08:00", dt.datetime(2014, 1, 31, 2)),
            ("2014-01-31T10:00:00Z", dt.datetime(2014, 1, 31, 10)),
        ],
        ["2014-01-31 25:00:00", "infinity", "10:00"],
    ),
    typed(
        "moments by format",
        "timestamp %d/%m/%Y %H:%M",
        [("31/01/2014 10:30", dt.datetime(2014, 1, 31, 10, 30))],
        ["01/31/2014 10:30"],
    ),
    case(
        "two wrong values in a row",
        "a.csv",
        b"id,a,b\n1,x,y\n",
        [],
        [(2, "a is 'x', which is no integer; b is 'y', which is no date")],
        columns={"a": "integer", "b": "date"},
    ),
    case(
        "a wrong value below lines in quotes and blank lines",
        "a.csv",
        b'id,v,t\n1,1,"a\nb"\n\n2,x,c\n',
        [("1", 1, "a\nb")],
        [(5, "v is 'x'")],
        columns={"v": "integer"},
    ),
    case(
        "a wrong value beside a short row",
        "a.csv",
        b"id,v\n1,x\n2\n3,3\n",
        [("3", 3)],
        [(2, "no integer"), (3, "1 found")],
        columns={"v": "integer"},
    ),
    # Ids that a spreadsheet has spoilt
    *(
        case(
            f"the id {text}", "a.csv", f"id,v\n{text},2\n".encode(), [], [(2, "digits")]
        )
        for text in ("1.2E+17", "9.007E17", "1E+17")
    ),
    case("a code with an E", "a.csv", b"id\n12E3\n1E5\n", [("12E3",), ("1E5",)]),
    case(
        "declared text in scientific notation",
        "a.csv",
        b"id,v\n1,1.2E+17\n",
        [],
        [(2, "v is 1.2E+17, a number in scientific notation")],
        columns={"v": "text"},
    ),
    case(
        "an id that Excel took for a number",
        "a.xlsx",
        book(["id", "v"], [LONG_ID, "a"], [7, "b"]),
        [(7, "b")],
        [(2, "scientific notation of which Excel kept 15 digits")],
    ),
    case(
        "an id that a float has spoilt",
        "a.parquet",
        parquet(id=[1.2e17, 5.0]),
        [(5.0,)],
        [(1, "digits are lost")],
    ),
    # Excel
    case(
        "Chinese headers, real dates and numbers",
        "a.xlsx",
        book(["id", "日期", "数量"], [1, DAY, 2.5]),
        [(1, DAY, 2.5)],
    ),
    case(
        "a title, and declared columns",
        "a.xlsx",
        book(["Orders"], [None], ["id", "d", "m"], [7, DAY, 19.990000000000002]),
        [("7", DAY, D("19.99"))],
        header_row=3,
        columns={"id": "text", "d": "date %d.%m.%Y", "m": "decimal(9,2)"},
    ),
    case(
        "text and real dates in a column",
        "a.xlsx",
        book(["id", "d"], [1, DAY], [2, "31.01.2014"], [3, "soon"]),
        [(1, DAY), (2, DAY)],
        [(4, "d is 'soon', which is no date %d.%m.%Y")],
        columns={"d": "date %d.%m.%Y"},
    ),
    case(
        "a decimal comma in text only",
        "a.xlsx",
        book(["id", "m"], [1, 1.5], [2, "1.234,5"]),
        [(1, D("1.50")), (2, D("1234.50"))],
        columns={"m": "decimal(9,2)"},
        decimal=",",
        thousands=".",
    ),
    case("a workbook in gz", "a.xlsx.gz", gzip.compress(book(["id"], [1])), [(1,)]),
    # JSON
    case(
        "JSON lines",
        "a.jsonl",
        b'{"id":1,"v":"a"}\n\n{"id":2}\n',
        [(1, "a"), (2, None)],
    ),
    case(
        "a JSON array",
        "a.json",
        b'[{"id": 1},\n {"id": 2, "v": 0.5}]',
        [(1, None), (2, 0.5)],
    ),
    case("an array, BOM", "a.json", b'\xef\xbb\xbf [{"id": 1}]\n', [(1,)]),
    case(
        "an array in GB18030",
        "a.json",
        '[{"id": "客户"}]'.encode("gb18030"),
        [("客户",)],
        encoding="gb18030",
    ),
    case("lines in .json", "a.json", b'{"id":1}\n{"id":2}\n', [(1,), (2,)]),
    case(
        "broken lines of JSON",
        "a.ndjson",
        b'{"id":1}\n{"id":\n[1]\n{"id":"\xff"}\n{"id":2}\n',
        [(1,), (2,)],
        [(2, "no valid JSON"), (3, "no object"), (4, "no text")],
    ),
    case("things in an array", "a.json", b'[{"id":1}, 2]', [(1,)], [(2, "no object")]),
    case(
        "mixed and nested values",
        "a.jsonl",
        b'{"id":1,"v":2,"w":[1]}\n{"id":"x","v":true}\n',
        [("1", "2", "[1]"), ("x", "true", None)],
    ),
    case(
        "whole numbers beyond 64 bits",
        "a.jsonl",
        b'{"id":18446744073709551615}\n',
        [("18446744073709551615",)],
    ),
    case(
        "declared columns of JSON",
        "a.jsonl",
        b'{"id":"1","m":1.5}\n{"id":"2","m":"1,5"}\n{"id":"3","m":"x"}\n',
        [("1", D("1.50")), ("2", D("1.50"))],
        [(3, "m is 'x', which is no decimal(9,2)")],
        columns={"m": "decimal(9,2)"},
        decimal=",",
    ),
    case("JSON, BOM", "a.jsonl", b'\xef\xbb\xbf{"id":1}\n', [(1,)]),
    case("odd names", "a.jsonl", b'{"id":1,"a/b~\'c":2}\n', [(1, 2)]),
    # Parquet
    case(
        "Parquet with text to be typed",
        "a.parquet",
        parquet(id=["1", "2"], v=["1.5", "x"]),
        [("1", D("1.5"))],
        [(2, "v is 'x'")],
        columns={"v": "decimal(4,1)"},
    ),
    case(
        "Parquet whose moments have a zone",
        "a.parquet",
        parquet(id=["1"], v=pa.array([0], pa.timestamp("ns", "Asia/Shanghai"))),
        [("1", dt.datetime(1970, 1, 1))],
        columns={"v": "timestamp"},
    ),
    # Archives
    case("gz", "a.csv.gz", gzip.compress(b"id\n1\n", mtime=0), [("1",)]),
    case("zip", "a.zip", zipped(b_csv=b"id\n2\n", a_csv=b"id\n1\n"), [("1",), ("2",)]),
    case(
        "chosen members",
        "a.zip",
        zipped(x__b_csv=b"id\n2\n", a_csv=b"id\n1\n"),
        [("2",)],
        member="x/*.csv",
    ),
    case("Parquet in a zip", "a.zip", zipped(**{"a.parquet": parquet(id=[1])}), [(1,)]),
]


@pytest.mark.parametrize("case", LANDED)
@pytest.mark.parametrize("limit", [None, 1_000_000], ids=["fast", "careful"])
def test_rows_land_or_are_quarantined(
    tmp_path: Path, case: Case, limit: int | None
) -> None:
    (tmp_path / case.name).write_bytes(case.content)
    table, rejected = read(files_source(tmp_path, **case.options), limit)
    assert rows(table) == case.landed
    assert [row.line for row in rejected] == [line for line, _ in case.rejected]
    for row, (_, reason) in zip(rejected, case.rejected, strict=True):
        assert reason in row.reason
        assert row.text


REFUSED = [
    # Encodings
    ("a.csv", b"id\n\xc0\xee\n", {}, ["ambiguous", "Declare `encoding`", "gb18030"]),
    ("a.csv", "id\n€5\n".encode("cp1252"), {}, ["ambiguous", "cp1252"]),
    ("a.csv", "id,b\n1,ab\n".encode("utf-16-le"), {}, ["byte order mark", "utf-16-le"]),
    (
        "a.csv",
        "\ufeffid\n1\n".encode(),
        {"encoding": "gb18030"},
        ["byte order mark of utf-8", "encoding: gb18030"],
    ),
    (
        "a.csv",
        ("客户" * 30 + "\n").encode()[:-2] + b"\n",
        {},
        ["no UTF-8", "quarantine"],
    ),
    # Wrong names
    ("a.csv", gzip.compress(b"id\n1\n", mtime=0), {}, ["archive", "wrong name"]),
    ("a.csv", book(["id"]), {}, ["workbook", "wrong name"]),
    ("a.doc", b"id\n", {}, ["no known format", "format: csv"]),
    # Headers and delimiters
    ("a.csv", b"", {}, ["is empty"]),
    ("a.csv", b"id,id\n", {}, ["'id' twice"]),
    ("a.csv", b"id,\n", {}, ["no name in column 2"]),
    ("a.csv", b"id\n1\n", {"header_row": 5}, ["ends before its header", "row 5"]),
    ("a.csv", b"a,b;c\n1,2;3\n", {}, ["',' or ';'", "declare `delimiter`"]),
    (
        "a.csv",
        b"id,v\n1,2\n",
        {"columns": {"price": "integer"}},
        ["no column 'price'", "id, v"],
    ),
    # Excel
    ("a.xlsx", b"PK no", {}, ["no readable workbook"]),
    ("a.xls", b"no workbook", {}, ["no readable workbook"]),
    ("a.xlsx", book(["id"], [1]), {"sheet": "Orders"}, ["no sheet 'Orders'", "Items"]),
    ("a.xlsx", book(["id"], [1]), {"header_row": 9}, ["row 9"]),
    ("a.xlsx", book(["id"], [1]), {"max_unpacked_bytes": 99}, ["unpacks to", "99"]),
    # JSON and Parquet
    ("a.json", b'[{"id":1},', {}, ["cannot be read as JSON", "no end"]),
    ("a.json", b'[{"id":1}', {}, ["cannot be read as JSON", "no end"]),
    ("a.json", b'[{"id":[1]', {}, ["cannot be read as JSON"]),
    ("a.json", b'[{"id":1}, {"id":}]', {}, ["cannot be read as JSON"]),
    ("a.json", b'[{"id":1}]x]', {}, ["cannot be read as JSON"]),
    ("a.json", b'[{"id":1}][{"id":2}]', {}, ["cannot be read as JSON"]),
    ("a.json", b'{\n"id": 1\n}\n', {}, ["holds no object", "array of objects"]),
    ("a.jsonl", b"", {}, ["holds no object"]),
    ("a.jsonl", b'{"id":1}\n', {"columns": {"v": "text"}}, ["no column 'v'", "id"]),
    ("a.parquet", b"PAR1", {}, ["no readable Parquet"]),
    # Archives
    (
        "a.csv.gz",
        gzip.compress(b"id\n1\n", mtime=0)[:-4],
        {},
        ["cannot be read", "too early"],
    ),
    ("a.csv.gz", b"id\n1\n", {}, ["cannot be read", "gzip"]),
    (
        "a.csv.gz",
        gzip.compress(b"id\n" + b"0" * 1_000_000, mtime=0),
        {"max_unpacked_bytes": 1_000},
        ["unpacks to more than 1,000 bytes", "max_unpacked_bytes"],
    ),
    (
        "a.zip",
        zipped(a_csv=b"id\n" + b"0" * 1_000_000),
        {"max_unpacked_bytes": 1_000},
        ["a.zip/a.csv", "unpacks to more than 1,000 bytes"],
    ),
    ("a.zip", b"PK no zip", {}, ["no readable zip"]),
    ("a.zip", named("a.csv")[:-10], {}, ["no readable zip"]),
    ("a.zip", named("../a.csv"), {}, ["refused", "outside of the archive"]),
    ("a.zip", named("a.csv", "/etc/x.csv"), {}, ["refused", "outside of the archive"]),
    ("a.zip", named("C:\\x.csv"), {}, ["refused", "outside of the archive"]),
    ("a.zip", linked(), {}, ["refused", "a link"]),
    ("a.zip", locked(), {}, ["a.zip/a.csv", "password"]),
    ("a.zip", named("a.txt"), {}, ["no member", "a.txt"]),
    ("a.zip", named("a.csv"), {"member": "b*"}, ["no member", "b*", "a.csv"]),
]


@pytest.mark.parametrize(("name", "content", "options", "words"), REFUSED)
def test_a_file_is_refused_with_a_reason(
    tmp_path: Path, name: str, content: bytes, options: dict[str, Any], words: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnavailable) as error:
        read(files_source(tmp_path, **options))
    message = str(error.value)
    assert message.startswith(f"shop.items: {name}")
    assert "Traceback" not in message and "\n" not in message
    for word in words:
        assert word in message


def outside_by_link(folder: Path) -> None:
    (folder / "a.csv").symlink_to(folder.parent / "secret.csv")


def outside_by_folder(folder: Path) -> None:
    (folder / "deep").symlink_to(folder.parent)


@pytest.mark.parametrize(
    ("make", "pattern"), [(outside_by_link, "*.csv"), (outside_by_folder, "deep/*.csv")]
)
def test_a_link_out_of_the_folder_is_refused(
    tmp_path: Path, make: Callable[[Path], None], pattern: str
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("id\n1\n")
    make(folder)
    with pytest.raises(SourceUnavailable, match="lies outside of"):
        read(files_source(folder, pattern))


@pytest.mark.parametrize("pattern", ["../*.csv", "a/../../*.csv", "/etc/*.csv"])
def test_a_pattern_out_of_the_folder_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="source's path"):
        files_source(tmp_path, pattern)


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {"v": "money"}},
        {"columns": {"v": "decimal(39,2)"}},
        {"columns": {"v": "date dd.mm"}},
        {"decimal": ",", "thousands": ","},
        {"thousands": "0"},
        {"header_row": 0},
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"give|greater"):
        files_source(tmp_path, **options)


@pytest.mark.parametrize(
    "name",
    ["~$a.csv", ".a.csv", "a.csv.part", "a.tmp", "a.csv.crdownload", "young.csv"],
)
def test_a_file_that_is_being_written_is_left(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for each in ("old.csv", name):
        (tmp_path / each).write_text(f"id\n{each}\n")
    hour_ago = time.time() - 3600
    os.utime(tmp_path / "old.csv", (hour_ago, hour_ago))
    if name != "young.csv":
        os.utime(tmp_path / name, (hour_ago, hour_ago))
    table, _ = read(files_source(tmp_path, settle_seconds=60))
    assert rows(table) == [("old.csv",)]
    if not name.startswith("."):
        assert f"{name} is left for the next time" in caplog.text


def test_packed_or_not_the_same_rows_are_the_same_content(tmp_path: Path) -> None:
    content = b"id,v\n1,2\n"
    (tmp_path / "x.csv").write_bytes(content)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "x.zip").write_bytes(zipped(y_csv=content))
    found = extracts(tmp_path)
    assert [origin for origin, _ in found] == ["x.csv", "x.csv.gz", "x.zip/y.csv"]
    assert len({fingerprint for _, fingerprint in found}) == 1
    assert extracts(tmp_path, columns={"v": "integer"}) != found


def test_what_was_detected_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_bytes(CHINESE.replace(",", ";").encode("gb18030"))
    with caplog.at_level("INFO"):
        read(files_source(tmp_path))
    assert (
        "encoding gb18030, delimiter ';' (detected: encoding, delimiter)" in caplog.text
    )


def test_rows_of_a_csv_in_a_cell_are_no_rows(tmp_path: Path) -> None:
    """More than one thread's share, beginning in what looks like rows: still one cell."""
    inner = "".join(f"{n},inner\n" for n in range(120_000))
    cells = [inner.replace("inner", f"inner {n}") for n in range(12)]
    body = "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells))
    (tmp_path / "a.csv").write_text(f"id,v\n{body}")
    table, rejected = read(files_source(tmp_path))
    assert (table["v"].to_pylist(), rejected) == (cells, [])


def test_a_value_that_does_not_fit_shows_row_and_reason(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,UnitPrice\n1,2.5\n2,abc\n")
    _, (row,) = read(files_source(tmp_path, columns={"UnitPrice": "decimal(12,3)"}))
    assert (row.line, row.text) == (3, "2,abc")
    assert row.reason == "UnitPrice is 'abc', which is no decimal(12,3)"


def test_many_wrong_values_are_all_reported(tmp_path: Path) -> None:
    """Over several batches, and by both ways of reading."""
    count = 300_000
    lines = [f"{n},{'x' if n % 1_000 == 7 else n}" for n in range(count)]
    (tmp_path / "a.csv").write_text("\n".join(["id,v", *lines, ""]))
    source = files_source(tmp_path, columns={"v": "integer"})
    for limit in (None, count):
        table, rejected = read(source, limit)
        assert table.num_rows + len(rejected) == count
        assert [row.line for row in rejected] == list(range(9, count, 1_000))
        assert [json.loads(row.text.split(",")[0]) for row in rejected] == list(
            range(7, count, 1_000)
        )
