"""Reading files: every row of one comes through or is rejected with place and reason."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.common.settings import PROJECT_ROOT
from pipeline.sources import open_reader
from tests.profiles import examples
from tests.unit.support import files_source, read, rows

CsvFile = Callable[[bytes], Path]


def extracts(folder: Path, pattern: str = "*", **options: Any) -> list[tuple[str, str]]:
    """The name and the fingerprint of each extract, without reading it."""
    source = files_source(folder, pattern, **options)
    with open_reader(source) as reader:
        return [
            (extract.origin, str(extract.fingerprint))
            for extract in reader.extracts(source.entities["items"])
        ]


@pytest.fixture(params=["plain", "gzip"])
def csv_file(request: pytest.FixtureRequest, tmp_path: Path) -> CsvFile:
    """Writes a CSV file: plain it is read in place, as .gz it is unpacked first."""

    def write(content: bytes) -> Path:
        is_plain = request.param == "plain"
        path = tmp_path / ("items.csv" if is_plain else "items.csv.gz")
        path.write_bytes(content if is_plain else gzip.compress(content))
        return path

    return write


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        pytest.param(b"id,b\n1,2\n3,4\n", {}, [("1", "2"), ("3", "4")], id="plain"),
        pytest.param(b"id,b\n1,2", {}, [("1", "2")], id="no end of line at the end"),
        pytest.param(b"id,b\r\n1,2\r\n", {}, [("1", "2")], id="Windows"),
        pytest.param(b"id,b\r1,2\r", {}, [("1", "2")], id="old Macintosh"),
        pytest.param(
            b"id,b\r\n1,2\n3,4\r\n", {}, [("1", "2"), ("3", "4")], id="mixed ends"
        ),
        pytest.param(
            b'id,b\n1,"x\n""y"", z"\n2,"p\r\nq"\n',
            {},
            [("1", 'x\n"y", z'), ("2", "p\r\nq")],
            id="quoted newlines, quotes and delimiters",
        ),
        pytest.param(b'id,b\n1,5" pipe\n', {}, [("1", '5" pipe')], id="inch"),
        pytest.param(
            b"id,b\n\n1,2\n\n\n3,4\n\n", {}, [("1", "2"), ("3", "4")], id="blank lines"
        ),
        pytest.param(b"id\n1\n\n2\n", {}, [("1",), (None,), ("2",)], id="one column"),
        pytest.param(b"id,b\n1,2,\n", {}, [("1", "2")], id="delimiter at the end"),
        pytest.param(
            b'id,b\n007,?\n,NULL\n"",N/A\n 1 ,1e5\n',
            {},
            [("007", "?"), (None, "NULL"), (None, "N/A"), (" 1 ", "1e5")],
            id="text stays text, only nothing is null",
        ),
        pytest.param(
            b"id,b\n#1,\\\n", {}, [("#1", "\\")], id="no comments, no escapes"
        ),
        pytest.param(b"id,b\n1,\0\n", {}, [("1", "\0")], id="zero byte"),
        pytest.param(b"id,b\n", {}, [], id="header only"),
        pytest.param(b"id,b", {}, [], id="header only, no end of line"),
        pytest.param(
            b"id;b\n1,5;'a;b'\n",
            {"delimiter": ";", "quote": "'"},
            [("1,5", "a;b")],
            id="semicolons and single quotes",
        ),
        pytest.param(
            b'id\tb\n"1\t"2\n',
            {"delimiter": "\t", "quote": ""},
            [('"1', '"2')],
            id="tabs without quotes",
        ),
        pytest.param(
            "\ufeffid,b\n1,\ufeff\n".encode(), {}, [("1", "\ufeff")], id="BOM"
        ),
        pytest.param(
            "\ufeffid,b\n\ufeff1,2\n".encode(), {}, [("1", "2")], id="two BOMs"
        ),
        pytest.param(
            '\ufeff"id","b"\n1,2\n'.encode(), {}, [("1", "2")], id="BOM, quoted header"
        ),
        pytest.param(
            "id,b\n1,Müller\n".encode("latin-1"),
            {"encoding": "latin-1"},
            [("1", "Müller")],
            id="Latin-1",
        ),
        pytest.param(
            "id,b\n1,Ã¼\n".encode("latin-1"),
            {"encoding": "latin-1"},
            [("1", "Ã¼")],
            id="Latin-1 that could be UTF-8",
        ),
        pytest.param(
            "id,b\n1,€\n".encode("cp1252"), {"encoding": "cp1252"}, [("1", "€")], id="€"
        ),
        pytest.param(
            "id,b\n1,客户\n".encode("gb18030"),
            {"encoding": "GB18030"},
            [("1", "客户")],
            id="Chinese",
        ),
        pytest.param(
            "id,b\n1,客户\n".encode("utf-16"),
            {"encoding": "utf-16"},
            [("1", "客户")],
            id="UTF-16",
        ),
    ],
)
def test_csv(
    csv_file: CsvFile,
    content: bytes,
    options: dict[str, str],
    expected: list[tuple[str | None, ...]],
) -> None:
    path = csv_file(content)
    table, rejected = read(files_source(path.parent, **options))
    assert table.schema == pa.schema(
        [(name, pa.string()) for name in ["id", "b"][: table.num_columns]]
    )
    assert (rows(table), rejected) == (expected, [])


@pytest.mark.parametrize(
    ("content", "kept", "lines", "reason"),
    [
        (b"id,b\n1,2\n3\n5,6\n", 2, [(3, "3")], "2 columns expected, 1 found"),
        (b"id,b\n1,2\n3,4,5\n5,6\n", 2, [(3, "3,4,5")], "2 columns expected, 3 found"),
        (b"id,b\r\n1,2\r\n3,4,5\r\n", 1, [(3, "3,4,5")], "expected, 3 found"),
        (b'id,b\n1,"\n\n"\n3\n5,6\n', 2, [(5, "3")], "expected, 1 found"),
        (b'id,b\n"1\n",2,3\n5,6\n', 1, [(2, '"1\n",2,3')], "expected, 3 found"),
        (b'"id\n",b\n1\n5,6\n', 1, [(3, "1")], "expected, 1 found"),
        (b'id,b\n1,"x"y\n5,6\n', 1, [(2, '1,"x"y')], "expected after"),
        (b"id,b\n1,\xff\xfe\n5,6\n", 1, [(2, r"1,\xff\xfe")], "no text"),
        (b"id,b\n1\n\xff,2,3\n", 0, [(2, "1"), (3, r"\xff,2,3")], "expected"),
        (
            b'id,b\n1,2\n3,"4\n5,6\n7,8\n',
            1,
            [(3, '3,"4'), (4, "5,6"), (5, "7,8")],
            "unexpected end of data, in what begins in line 3",
        ),
        (
            b'id,b\n3,"4\n5,6"x\n7,8\n',
            1,
            [(2, '3,"4'), (3, '5,6"x')],
            "in what begins in line 2",
        ),
    ],
)
def test_broken_rows_are_rejected_with_line_text_and_reason(
    csv_file: CsvFile,
    content: bytes,
    kept: int,
    lines: list[tuple[int, str]],
    reason: str,
) -> None:
    table, rejected = read(files_source(csv_file(content).parent, encoding="utf-8"))
    assert table.num_rows == kept
    assert [(row.line, row.text) for row in rejected] == lines
    assert all(reason in row.reason for row in rejected)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_quote_that_never_closes_hides_no_rows(
    tmp_path: Path, newline: bytes
) -> None:
    """DuckDB's rejects would count as one row what is 60,000, and pass the limit of 1%."""
    lines = [b"%d,abc" % number for number in range(100_000)]
    lines[40_000] = b'40000,"abc'
    (tmp_path / "items.csv").write_bytes(newline.join([b"id,b", *lines]))
    table, rejected = read(files_source(tmp_path))
    assert table.num_rows + len(rejected) == 100_000
    assert rejected[0].line == 40_002
    assert [row.line for row in rejected] == list(range(40_002, 40_002 + len(rejected)))
    assert table["id"].to_pylist() == [
        str(number)
        for number in range(100_000)
        if not 40_000 <= number < 40_000 + len(rejected)
    ]


def test_a_long_cell(csv_file: CsvFile) -> None:
    path = csv_file(b"id,b\n1,2\n3,%s\n" % (b"x" * 1_500_000))
    table, rejected = read(files_source(path.parent))
    assert (table["b"].to_pylist(), rejected) == (["2", "x" * 1_500_000], [])
    csv_file(b"id,b\n1,2\n3,%s\n5,6\n" % (b"x" * 3_000_000))
    table, (row,) = read(files_source(path.parent))
    assert table["id"].to_pylist() == ["1", "5"]
    assert (row.line, len(row.text)) == (3, 3_000_002)
    assert "field larger than field limit" in row.reason


def test_a_large_file_keeps_its_order(tmp_path: Path) -> None:
    """More than one record batch, and more than DuckDB gives to one thread."""
    count = 400_000
    (tmp_path / "items.csv").write_text(
        "id,b\n" + "".join(f'{n},"a\nb"\n' for n in range(count))
    )
    source = files_source(tmp_path)
    with open_reader(source) as reader:
        (extract,) = reader.extracts(source.entities["items"])
        batches = list(extract.batches())
    assert len(batches) > 2
    found = [int(cell) for batch in batches for cell in batch["id"].to_pylist()]
    assert found == list(range(count))


@dataclass(frozen=True)
class Broken:
    """A row that cannot be read, as it stands in the file."""

    text: str


def cells(encoding: str) -> st.SearchStrategy[str]:
    """Cells of anything that the encoding can say, often of what matters to CSV."""
    return st.text(st.sampled_from("\"',;\n\r \t") | st.characters(codec=encoding))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str] | Broken], dict[str, str], str]:
    """Rows and broken rows of one width, how they are read, and the end of a line."""
    width = draw(st.integers(2, 4))
    options = {
        "delimiter": draw(st.sampled_from([",", ";", "\t", "|"])),
        "quote": draw(st.sampled_from(['"', "'"])),
        "encoding": draw(st.sampled_from(["utf-8", "latin-1", "gb18030", "utf-16"])),
    }
    delimiter, quote = options["delimiter"], options["quote"]
    sound = st.lists(cells(options["encoding"]), min_size=width, max_size=width)
    broken = st.sampled_from(
        [
            delimiter.join("x" * (width - 1)),
            delimiter.join("x" * (width + 1)),
            delimiter.join([f"{quote}x{quote}y", *"x" * (width - 1)]),
        ]
    )
    kinds = sound | sound | sound | st.builds(Broken, broken)
    body = draw(st.lists(kinds, max_size=20) | st.lists(sound, max_size=20))
    return [list("abcd"[:width]), *body], options, draw(st.sampled_from(["\n", "\r\n"]))


def line(row: list[str] | Broken, delimiter: str, quote: str) -> str:
    if isinstance(row, Broken):
        return row.text
    special = {delimiter, quote, "\n", "\r"}
    return delimiter.join(
        f"{quote}{cell.replace(quote, quote * 2)}{quote}" if special & {*cell} else cell
        for cell in row
    )


@settings(max_examples=examples(60), deadline=None)
@given(table=tables(), compressed=st.booleans(), careful=st.booleans())
def test_rows_read_are_rows_yielded_and_rejected(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[list[list[str] | Broken], dict[str, str], str],
    compressed: bool,
    careful: bool,
) -> None:
    body, options, newline = table
    lines = [line(row, options["delimiter"], options["quote"]) for row in body]
    content = newline.join([*lines, ""]).encode(options["encoding"])
    folder = tmp_path_factory.mktemp("csv")
    if compressed:
        (folder / "items.csv.gz").write_bytes(gzip.compress(content))
    else:
        (folder / "items.csv").write_bytes(content)
    # A sample is always read line by line.
    limit = 1_000 if careful else None
    found, rejected = read(files_source(folder, **options), limit)
    assert rows(found) == [
        tuple(cell or None for cell in row)
        for row in body[1:]
        if not isinstance(row, Broken)
    ]
    ends = [len(re.findall("\r\n|\r|\n", text + newline)) for text in lines]
    starts = accumulate(ends[:-1], initial=1)
    assert [(row.line, row.text) for row in rejected] == [
        (start, row.text)
        for start, row in zip(starts, body, strict=True)
        if isinstance(row, Broken)
    ]


@settings(max_examples=examples(60), deadline=None)
@given(content=st.binary() | st.text('ab",\n\r\0\ufeff;').map(str.encode))
def test_any_bytes_are_read_or_reported(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name, kind in [("a.csv", "csv"), ("a.csv.gz", "csv"), ("a.xlsx", "xlsx")]:
        (folder / name).write_bytes(content)
        try:
            table, rejected = read(files_source(folder, name, format=kind))
        except SourceUnavailable as error:
            assert f"shop.items: {name}" in str(error)
        else:
            assert table.num_columns >= 1
            assert all(row.reason for row in rejected)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "is empty"),
        (b"\n1,2\n", "is empty"),
        (b"id,b,id\n1,2,3\n", "names column 'id' twice"),
        (b"id,,b, \n1,2,3,4\n", "no name in column 2, 4"),
        (b'id,"b\n1,2\n', "header that cannot be read"),
        (b"id,\xff\n1,2\n", "header that cannot be read"),
    ],
)
def test_a_file_without_a_proper_header(
    csv_file: CsvFile, header: bytes, message: str
) -> None:
    path = csv_file(header)
    with pytest.raises(SourceUnavailable, match=message) as error:
        read(files_source(path.parent, encoding="utf-8"))
    assert path.name in str(error.value)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_columns_of_one_name_are_numbered_where_that_is_declared(
    tmp_path: Path, name: str
) -> None:
    """The first keeps its name; a number that makes a name that is there is left out."""
    header: list[Any] = ["id", "Note", "Note", "Note 2", "Note"]
    body: list[list[Any]] = [[1, "a", "b", "c", "d"], [2, "e", "f", "g", "h"]]
    if name == "a.xlsx":
        workbook(tmp_path / name, {"Items": [header, *body]})
    else:
        lines = [header, *body, header]  # the last is a header of a file put behind it
        text = "".join(",".join(map(str, line)) + "\n" for line in lines)
        (tmp_path / name).write_text(text)
    with pytest.raises(SourceUnavailable, match="`repeated_columns: number`"):
        read(files_source(tmp_path, name))
    for limit in (None, 10):
        source = files_source(tmp_path, name, repeated_columns="number")
        table, rejected = read(source, limit)
        assert table.column_names == ["id", "Note", "Note 3", "Note 2", "Note 4"]
        assert [row[1:] for row in rows(table)] == [tuple("abcd"), tuple("efgh")]
        assert not rejected


def test_column_names_come_through_unchanged(csv_file: CsvFile) -> None:
    names = ["客户 No.", 'a "b"', " select ", "x,y", "column0", "Id", "x\ny"]
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    path = csv_file(f"{quoted}\n1,2,3,4,5,6,7\n".encode())
    table, _ = read(files_source(path.parent))
    assert table.column_names == names
    assert rows(table) == [("1", "2", "3", "4", "5", "6", "7")]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_sample_is_the_first_rows(csv_file: CsvFile, limit: int) -> None:
    path = csv_file(b"id,b\n1,2\nbroken\n3,4\n5,6\n")
    table, rejected = read(files_source(path.parent), limit)
    assert table["id"].to_pylist() == ["1", "3", "5"][:limit]
    assert len(rejected) == (1 if limit > 1 else 0)


@pytest.mark.parametrize("name", ["items [1].csv", "items*.csv", "items?.csv"])
def test_a_name_is_not_a_pattern(tmp_path: Path, name: str) -> None:
    for other in ("items 1.csv", "itemsX.csv"):
        (tmp_path / other).write_text("id\nother\n")
    (tmp_path / name).write_text("id\nthis\n")
    source = files_source(tmp_path)
    with open_reader(source) as reader:
        found = {
            extract.origin: pa.Table.from_batches(extract.batches())["id"].to_pylist()
            for extract in reader.extracts(source.entities["items"])
        }
    assert found == {"items 1.csv": ["other"], "itemsX.csv": ["other"], name: ["this"]}


@pytest.mark.parametrize("cut", [1, 10, 25, 5_000, 10_000, -9, -8, -4, -1])
def test_a_truncated_gzip_is_an_error(tmp_path: Path, cut: int) -> None:
    content = b"id,b\n" + os.urandom(8_000).hex("\n", 8).replace("\n", ",\n").encode()
    content += b",\n"
    whole = gzip.compress(content)
    (tmp_path / "items.csv.gz").write_bytes(whole[:cut])
    with pytest.raises(SourceUnavailable, match=r"shop\.items: items\.csv\.gz"):
        read(files_source(tmp_path))


@pytest.mark.parametrize("place", [3, 10, 11, 5_000, -6, -2])
def test_a_damaged_gzip_is_an_error(tmp_path: Path, place: int) -> None:
    content = bytearray(
        gzip.compress(b"id,b\n" + os.urandom(8_000).hex(",", 8).encode())
    )
    content[place] ^= 0xFF
    (tmp_path / "items.csv.gz").write_bytes(content)
    with pytest.raises(SourceUnavailable, match=r"shop\.items: items\.csv\.gz"):
        read(files_source(tmp_path))


def test_a_gzip_of_several_parts_is_read_to_the_end(tmp_path: Path) -> None:
    parts = [b"id,b\n1,2\n", b"3,4\n"]
    (tmp_path / "items.csv.gz").write_bytes(b"".join(map(gzip.compress, parts)))
    assert rows(read(files_source(tmp_path))[0]) == [("1", "2"), ("3", "4")]


def no_file(folder: Path) -> None:
    pass


def a_folder_of_that_name(folder: Path) -> None:
    (folder / "items_1.csv").mkdir()


def a_broken_link(folder: Path) -> None:
    (folder / "items_1.csv").symlink_to(folder / "nowhere")


def no_folder(folder: Path) -> None:
    folder.rmdir()


@pytest.mark.parametrize(
    "make", [no_file, a_folder_of_that_name, a_broken_link, no_folder]
)
def test_no_file_matches(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (tmp_path / "items_1.csv").write_text("id\nnot in the folder\n")
    make(folder)
    with pytest.raises(
        SourceUnavailable, match=r"no file matches items_\*\.csv"
    ) as error:
        read(files_source(folder, "items_*.csv"))
    assert error.value.exit_code == 5
    assert str(folder) in str(error.value)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "xlsx", "parquet"])
def test_a_file_that_cannot_be_read(tmp_path: Path, suffix: str) -> None:
    """Nobody reads this one at its first byte, not even root."""
    (tmp_path / f"items.{suffix}").symlink_to("/proc/self/mem")
    with pytest.raises(
        SourceUnavailable, match=r"shop\.items: items\..* cannot be read"
    ):
        read(files_source(tmp_path))


@pytest.mark.parametrize("name", ["items.txt", "items", "items.gz", "items.doc"])
def test_an_unknown_format(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("id\n1\n")
    with pytest.raises(SourceUnavailable, match="of no known format"):
        read(files_source(tmp_path))
    if not name.endswith(".gz"):
        assert rows(read(files_source(tmp_path, format="csv"))[0]) == [("1",)]


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "C.CSV", "10.csv", "9.csv"):
        (tmp_path / name).write_text(f"id\n{name}\n")
    names = [name for name, _ in extracts(tmp_path)]
    assert names == ["10.csv", "9.csv", "C.CSV", "a.csv", "b.csv"]
    table, _ = read(files_source(tmp_path))
    assert table["id"].to_pylist() == names


def test_of_snapshots_only_the_newest_file_counts(tmp_path: Path) -> None:
    for day in ("2014-01-31", "2014-02-01", "2013-12-31"):
        (tmp_path / f"items_{day}.csv").write_text(f"id\n{day}\n")
    table, _ = read(files_source(tmp_path, load="snapshot"))
    assert table["id"].to_pylist() == ["2014-02-01"]


def test_the_same_bytes_are_known_under_any_name(tmp_path: Path) -> None:
    for name, content in [
        ("a.csv", b"id\n1\n"),
        ("b.csv", b"id\n1\n"),
        ("c.csv", b"x"),
    ]:
        (tmp_path / name).write_bytes(content)
    (_, a), (_, b), (_, c) = extracts(tmp_path)
    assert a == b != c


@pytest.mark.parametrize(
    ("name", "mended"),
    [
        ("a.csv", {"delimiter": ";"}),
        ("a.csv", {"quote": "'"}),
        ("a.csv", {"encoding": "gb18030"}),
        ("a.csv", {"format": "parquet"}),
        ("a.xlsx", {"sheet": "Other"}),
    ],
)
def test_the_same_bytes_read_otherwise_are_something_else(
    tmp_path: Path, name: str, mended: dict[str, str]
) -> None:
    """Or a batch that was read wrongly would stay: mending sources.yaml did nothing."""
    (tmp_path / name).write_bytes(b"id\n1\n")
    assert extracts(tmp_path) != extracts(tmp_path, **mended)
    assert extracts(tmp_path) == extracts(tmp_path, key=["other"], max_quarantined=1)


def test_another_spelling_of_an_encoding_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    assert extracts(tmp_path, encoding="UTF8") == extracts(tmp_path)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int32()),
            "money": pa.array([None, 1, 2], pa.decimal128(18, 4)),
            "at": pa.array([0, 1, 2], pa.timestamp("ns", "UTC")),
            "tags": pa.array([["a"], [], None]),
            "客户": ["007", "?", None],
        }
    )
    pq.write_table(table, tmp_path / "items.parquet")
    assert read(files_source(tmp_path))[0].equals(table)
    assert read(files_source(tmp_path), limit=2)[0].equals(table.slice(0, 2))


def test_a_sample_of_parquet_ends_where_it_should(tmp_path: Path) -> None:
    table = pa.table({"id": range(150_000)})
    pq.write_table(table, tmp_path / "items.parquet")
    found, _ = read(files_source(tmp_path), limit=70_000)
    assert found.equals(table.slice(0, 70_000))


def test_a_parquet_file_without_rows_has_columns(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([], pa.int64())})
    pq.write_table(table, tmp_path / "items.parquet")
    assert read(files_source(tmp_path))[0].equals(table)


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_a_truncated_file_is_an_error(tmp_path: Path, suffix: str, cut: int) -> None:
    path = tmp_path / f"items.{suffix}"
    if suffix == "xlsx":
        workbook(path, {"Items": [["id"], [1]]})
    else:
        pq.write_table(pa.table({"id": range(1_000)}), path)
    path.write_bytes(path.read_bytes()[: cut if cut >= 0 else path.stat().st_size // 2])
    with pytest.raises(SourceUnavailable, match=rf"items\.{suffix} is no readable"):
        read(files_source(tmp_path))


def test_damaged_pages_of_parquet_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"id": range(100_000)}), path)
    content = bytearray(path.read_bytes())
    content[5_000:6_000] = b"\xff" * 1_000
    path.write_bytes(content)
    with pytest.raises(SourceUnavailable, match="no readable Parquet file"):
        read(files_source(tmp_path))


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, content in sheets.items():
        sheet = book.create_sheet(name)
        for row in content:
            sheet.append(row)
    book.save(path)


DAY = dt.date(2014, 1, 31)
MOMENT = dt.datetime(2014, 1, 31, 23, 59, 58)


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        pytest.param([1, 2.0, None], pa.int64(), [1, 2, None], id="whole numbers"),
        pytest.param([1, 2.5], pa.float64(), [1.0, 2.5], id="numbers"),
        pytest.param([2**53, -(2**53)], pa.int64(), [2**53, -(2**53)], id="large"),
        pytest.param([1e19, 1], pa.float64(), [1e19, 1.0], id="too large for Excel"),
        pytest.param([1e300], pa.float64(), [1e300], id="too large for an integer"),
        pytest.param(
            [True, False, None], pa.bool_(), [True, False, None], id="yes, no"
        ),
        pytest.param([DAY, None], pa.date32(), [DAY, None], id="days"),
        pytest.param([MOMENT], pa.timestamp("us"), [MOMENT], id="moments"),
        pytest.param(
            [MOMENT, DAY],
            pa.timestamp("us"),
            [MOMENT, dt.datetime(2014, 1, 31)],
            id="moments and days",
        ),
        pytest.param(["007", "?", None], pa.string(), ["007", "?", None], id="text"),
        pytest.param(
            ["A1", 516.0, 1.5, True, DAY, None],
            pa.string(),
            ["A1", "516", "1.5", "True", "2014-01-31", None],
            id="mixed",
        ),
        pytest.param([DAY, 1], pa.string(), ["2014-01-31", "1"], id="day and number"),
        pytest.param([True, 1], pa.string(), ["True", "1"], id="yes and number"),
        pytest.param([None, None], pa.string(), [None, None], id="nothing"),
        pytest.param([dt.time(3, 4)], pa.string(), ["03:04:00"], id="time of day"),
    ],
)
def test_a_column_of_a_sheet(
    tmp_path: Path, column: list[Any], kind: pa.DataType, expected: list[Any]
) -> None:
    # The other column keeps rows of nothing from being the sheet's empty end.
    content = [["a", "客户"], *([value, "x"] for value in column)]
    workbook(tmp_path / "items.xlsx", {"Items": content})
    table, _ = read(files_source(tmp_path))
    assert table.column_names == ["a", "客户"]
    assert (table["a"].type, table["a"].to_pylist()) == (kind, expected)


def test_empty_rows_of_a_sheet_are_no_rows(tmp_path: Path) -> None:
    content: list[list[Any]] = [
        ["a", "b"],
        [1, None],
        [None, None],
        [2, 3],
        [None, None],
    ]
    workbook(tmp_path / "items.xlsx", {"Items": content})
    table, _ = read(files_source(tmp_path))
    assert rows(table) == [(1, None), (2, 3)]
    assert rows(read(files_source(tmp_path), limit=1)[0]) == [(1, None)]


def test_the_sheet_is_chosen_by_name_else_the_first(tmp_path: Path) -> None:
    sheets: dict[str, list[list[Any]]] = {
        "One": [["a"], [1]],
        "Two": [["a"], [2]],
        "Head": [["a"]],
        "None": [],
    }
    workbook(tmp_path / "items.xlsx", sheets)
    assert rows(read(files_source(tmp_path))[0]) == [(1,)]
    assert rows(read(files_source(tmp_path, sheet="Two"))[0]) == [(2,)]
    head, _ = read(files_source(tmp_path, sheet="Head"))
    assert (head.column_names, head.num_rows) == (["a"], 0)
    with pytest.raises(
        SourceUnavailable, match="no sheet 'Three'; it has One, Two, Head"
    ):
        read(files_source(tmp_path, sheet="Three"))


@pytest.mark.parametrize(
    "content",
    [
        [],
        [[None, None], ["a", "b"]],
        [["a", None], [1, 2]],
        [["a", "a"]],
        [["a", " "], [1, 2]],
    ],
    ids=["empty", "header below", "nameless", "twice", "blank"],
)
def test_a_sheet_without_a_proper_header(
    tmp_path: Path, content: list[list[Any]]
) -> None:
    workbook(tmp_path / "items.xlsx", {"Items": content})
    with pytest.raises(SourceUnavailable, match="name every column once"):
        read(files_source(tmp_path))


WORKBOOK = PROJECT_ROOT / "tests" / "data" / "workbook" / "customers.xls"


def test_a_workbook_of_excel_97(tmp_path: Path) -> None:
    """Whole customers with real dates and numbers; ids that lost digits are reported."""
    shutil.copy(WORKBOOK, tmp_path)
    source = files_source(
        tmp_path, "*.xls", sheet="客户", header_row=2, key=["客户编号"]
    )
    table, rejected = read(source)
    assert table.schema.types == [
        pa.string(),
        pa.string(),
        pa.date32(),
        pa.timestamp("us"),
        pa.float64(),
        pa.int64(),
        pa.bool_(),
        pa.string(),
    ]
    day = dt.date(2004, 2, 29)
    assert ",".join(table.column_names) == (
        "客户编号,公司名称,成立日期,更新时间,注册资本,员工数,重点,备注"
    )
    assert rows(table) == [
        ("310101199001011234", "上海汽车", day, MOMENT, 1234.56, 1200, True, "A-1"),
        ("007", "Zürich AG", dt.date(2014, 12, 9), MOMENT, 0.1, 16777217, False, "8"),
        ("009", "李 & 王", None, None, 2469.12, None, None, None),
    ]
    assert [(row.line, row.reason.partition(",")[0]) for row in rejected] == [
        (5, "客户编号 is 1.2E+17"),
        (8, "备注 is 1.2E+17"),
    ]


def test_a_workbook_of_excel_97_as_declared(tmp_path: Path) -> None:
    shutil.copy(WORKBOOK, tmp_path)
    declared = {"注册资本": "decimal(12,2)", "员工数": "text", "成立日期": "timestamp"}
    source = files_source(
        tmp_path, sheet="客户", header_row=2, key=["客户编号"], columns=declared
    )
    table, rejected = read(source)
    assert [row.line for row in rejected] == [5, 8]
    assert table.select(["注册资本", "员工数", "成立日期"]).to_pylist() == [
        {"注册资本": Decimal(amount), "员工数": count, "成立日期": day}
        for amount, count, day in [
            ("1234.56", "1200", dt.datetime(2004, 2, 29)),
            ("0.10", "16777217", dt.datetime(2014, 12, 9)),
            ("2469.12", None, None),
        ]
    ]
