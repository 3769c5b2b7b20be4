"""What a reader used to guess in silence: read as it is meant, or said with its row."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.gates.source_trial import try_source
from pipeline.sources import open_reader
from pipeline.sources.files.detection import Oddities
from tests.profiles import examples
from tests.unit.support import files_source, read, rows

CSV_CASES: list[Any] = [
    pytest.param(
        "id,v\nA1,1\n\ufeffid,v\nA2,2\n",
        [("A1", "1"), ("A2", "2")],
        [],
        id="two files with marks and headers, one behind the other",
    ),
    pytest.param(
        "id,v\nA1,1\n\ufeffA2,2\n",
        [("A1", "1"), ("A2", "2")],
        [],
        id="a mark before a row",
    ),
    pytest.param(
        'id,v\nA1,1\n\ufeff"A2",2\n',
        [("A1", "1"), ("A2", "2")],
        [],
        id="a mark before a quote",
    ),
    pytest.param(
        "id,v\nA1,1\nid,v\nA2,2\n",
        [("A1", "1"), ("A2", "2")],
        [],
        id="a header again, without a mark",
    ),
    pytest.param(
        "id,v\nA1,1\ufeffid,v\nA2,2\n",
        [("A2", "2")],
        [(2, "3 found")],
        id="a first file without an end of line",
    ),
    pytest.param("sep=;\nid;v\nA1;1,5\n", [("A1", "1,5")], [], id="sep=;"),
    pytest.param('"sep=|"\r\nid|v\r\nA1|1\r\n', [("A1", "1")], [], id="sep in quotes"),
    pytest.param("\ufeffsep=\t\nid\tv\nA1\t1\n", [("A1", "1")], [], id="sep=tab, mark"),
    pytest.param(
        "sep=;\nid;v\nA1;1\nsep=;\nid;v\nA2;2\n",
        [("A1", "1"), ("A2", "2")],
        [],
        id="two files with sep=",
    ),
    pytest.param(
        "id,v,\nA1,1,\nA2,2,\n",
        [("A1", "1"), ("A2", "2")],
        [],
        id="a delimiter at the end of every line",
    ),
    pytest.param(
        "id,v,,,\nA1,1,,,\nA2,2\nA3,3,,\n",
        [("A1", "1"), ("A2", "2"), ("A3", "3")],
        [],
        id="several",
    ),
    pytest.param(
        "id,v,\nA1,1,\nA2,2,x\n",
        [("A1", "1")],
        [(3, "2 columns expected, 3 found")],
        id="a value where the header has no name",
    ),
    pytest.param(
        'id,v\n="00123",x\n"=""007""","=""a """"b"""""""\n',
        [("00123", "x"), ("007", 'a "b"')],
        [],
        id="text that a spreadsheet must not take for a number",
    ),
    pytest.param(
        'id,v\nA1,=1+1\nA2,"="\nA3,a="b"\n',
        [("A1", "=1+1"), ("A2", "="), ("A3", 'a="b"')],
        [],
        id="other formulas stay as they are",
    ),
    pytest.param('="id","=""v"""\nA1,1\n', [("A1", "1")], [], id="in the header"),
]


@pytest.mark.parametrize(("text", "landed", "lines"), CSV_CASES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "gb18030"])
@pytest.mark.parametrize("limit", [None, 1_000])
def test_csv(
    tmp_path: Path,
    text: str,
    landed: list[tuple[str, str]],
    lines: list[tuple[int, str]],
    encoding: str,
    limit: int | None,
) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    table, rejected = read(files_source(tmp_path, encoding=encoding), limit)
    assert (table.column_names, rows(table)) == (["id", "v"], landed)
    assert [row.line for row in rejected] == [line for line, _ in lines]
    for row, (_, word) in zip(rejected, lines, strict=True):
        assert word in row.reason


@pytest.mark.parametrize("odd", ["\ufeffB,2\n", '="B",2\n', "id,v\n"])
def test_oddities_are_found_wherever_chunks_are_cut(odd: str) -> None:
    """The bytes are looked at in parts; DuckDB must not get such a file as it stands."""
    content = f"id,v\nA,1\n{odd}A,1\n".encode()
    for cut in range(6, len(content)):
        oddities = Oddities()
        oddities.feed(content[:cut])
        oddities.feed(content[cut:])
        assert oddities.are_there, cut


def test_a_sound_file_is_not_odd() -> None:
    oddities = Oddities()
    oddities.feed('\ufeffid,v\n1,"a=b"\n2,id\n'.encode())
    assert not oddities.are_there


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_names_that_differ_in_case_are_reported_with_both(
    tmp_path: Path, kind: str
) -> None:
    names = ["id", "Amount", "amount"]
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        path.write_text("id,Amount,amount\nA1,1,2\n")
    elif kind == "parquet":
        pq.write_table(pa.table({name: [1] for name in names}), path)
    elif kind == "jsonl":
        path.write_text('{"id":1,"Amount":1}\n{"id":2,"amount":2}\n')
    else:
        book = openpyxl.Workbook()
        book.active.append(names)
        book.active.append([1, 2, 3])
        book.save(path)
    with pytest.raises(SourceUnavailable, match=r"'Amount' and 'amount'.*only in case"):
        read(files_source(tmp_path))
    (tried,) = try_source(files_source(tmp_path), tmp_path)
    assert "'Amount' and 'amount'" in tried.problem
    table, _ = read(files_source(tmp_path, leave_out=["amount"]))
    assert table.column_names == ["id", "Amount"]


def test_a_name_that_parquet_has_twice_is_reported(tmp_path: Path) -> None:
    columns = [pa.array([1]), pa.array([2]), pa.array([3])]
    table = pa.Table.from_arrays(columns, names=["id", "v", "v"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(SourceUnavailable, match="two columns named 'v'"):
        read(files_source(tmp_path))


def test_what_is_left_out_may_not_be_needed(tmp_path: Path) -> None:
    for options in (
        {"leave_out": ["id"]},
        {"leave_out": ["v"], "columns": {"v": "text"}},
    ):
        with pytest.raises(ValueError, match="leave_out names"):
            files_source(tmp_path, **options)


@pytest.mark.parametrize("limit", [None, 1_000])
def test_a_column_that_is_left_out_is_not_landed(
    tmp_path: Path, limit: int | None
) -> None:
    (tmp_path / "a.csv").write_text("id,v,w\n1,x,1\n2,y,1.2E+17\n")
    table, rejected = read(files_source(tmp_path, leave_out=["v"]), limit)
    assert (rows(table), rejected) == ([("1", "1"), ("2", "1.2E+17")], [])


# Days and moments ----------------------------------------------------------------------


def parsed(folder: Path, kind: str, cells: list[str]) -> list[Any]:
    lines = "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells))
    (folder / "a.csv").write_text(f"id,v\n{lines}")
    table, rejected = read(files_source(folder, columns={"v": kind}, delimiter=","))
    assert table.num_rows + len(rejected) == len(cells)
    found = dict(rows(table))
    return [found.get(str(n), "rejected") for n in range(len(cells))]


DAY = dt.date(2024, 1, 5)
TEN = dt.datetime(2024, 1, 5, 10)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        (
            "date %d.%m.%Y",
            {"05.01.2024": DAY, "5.1.2024": DAY, "05.01.24": None, "05.01.024": None},
        ),
        ("date %m/%d/%Y", {"1/5/2024": DAY, "1/5/24": None, "01/05/0024": None}),
        ("date %Y%m%d", {"20240105": DAY, "240105": None, "2024015": None}),
        ("date %d-%b-%Y", {"05-Jan-2024": DAY, "05-Jan-24": None}),
        ("timestamp %d/%m/%Y %H:%M", {"05/01/2024 10:00": TEN, "05/01/24 10:00": None}),
        (
            "timestamp %d/%m/%Y %H:%M %z",
            {"05/01/2024 05:00 -0500": TEN, "05/01/24 05:00 -0500": None},
        ),
        (
            "date %d.%m.%y",
            {
                "05.01.24": DAY,
                "05.01.68": dt.date(2068, 1, 5),
                "05.01.69": dt.date(1969, 1, 5),
                "05.01.2024": None,
            },
        ),
        (
            "date %d.%m.%y from 1930",
            {
                "05.01.24": DAY,
                "05.01.29": dt.date(2029, 1, 5),
                "05.01.30": dt.date(1930, 1, 5),
                "29.02.00": dt.date(2000, 2, 29),
            },
        ),
        (
            "date %d.%m.%y from 1850",
            {"29.02.00": None, "01.03.00": dt.date(1900, 3, 1)},
        ),
        (
            "timestamp",
            {
                "2024-01-05 05:00:00 -0500": TEN,
                "2024-01-05 05:00:00 -05:00": TEN,
                "2024-01-05 05:00:00-05": TEN,
                "2024-01-05T15:30:00.5 +0530": TEN + dt.timedelta(seconds=0.5),
                "2024-01-05 10:00:00 UTC": TEN,
                "2024-01-05 10:00:00 GMT": TEN,
                "2024-01-05 10:00:00 Z": TEN,
                "2024-01-05 10:00": TEN,
                "2024-01-05 10:00:00 EST": None,
                "2024-01-05 10:00:00 America/New_York": None,
                "2024-01-05 10:00:00 +25:00": None,
                "2024-01-05 10:00:00+0099": None,
                "2024-01-05 10:00:00 PM": None,
            },
        ),
    ],
)
def test_days_and_moments(
    tmp_path: Path, kind: str, cells: dict[str, dt.date | None]
) -> None:
    expected = [value or "rejected" for value in cells.values()]
    assert parsed(tmp_path, kind, list(cells)) == expected


@pytest.mark.parametrize("kind", ["date %d.%m.%Y from 1930", "date %y from 0999"])
def test_a_first_year_that_makes_no_sense(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ValueError, match=r"from which year|give it as in"):
        files_source(tmp_path, columns={"v": kind})


@settings(max_examples=examples(50), deadline=None)
@given(
    day=st.dates(dt.date(1930, 1, 1), dt.date(2029, 12, 31)),
    first=st.integers(1850, 2029),
)
def test_years_of_two_digits_lie_in_the_hundred_that_is_declared(
    tmp_path_factory: pytest.TempPathFactory, day: dt.date, first: int
) -> None:
    folder = tmp_path_factory.mktemp("years")
    (found,) = parsed(folder, f"date %d.%m.%y from {first}", [f"{day:%d.%m.%y}"])
    if found != "rejected":
        assert first <= found.year < first + 100
        assert f"{found:%d.%m.%y}" == f"{day:%d.%m.%y}"
    else:
        assert (day.month, day.day) == (2, 29)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("date %d.%m.%y", dt.date(1945, 5, 8)),
        ("timestamp %d.%m.%Y", dt.datetime(1945, 5, 8, 23, 1)),
        ("timestamp %d.%m.%y", dt.datetime(1945, 5, 8, 23, 1)),
    ],
)
@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_a_real_moment_keeps_its_century_and_its_time(
    tmp_path: Path, suffix: str, kind: str, expected: object
) -> None:
    """It went through the declared format, in which neither may be written."""
    moment = dt.datetime(1945, 5, 8, 23, 1)
    if suffix == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(["id", "v"])
        book.active.append([1, moment])
        book.save(tmp_path / "a.xlsx")
    else:
        table = pa.table({"id": [1], "v": pa.array([moment], pa.timestamp("us"))})
        pq.write_table(table, tmp_path / "a.parquet")
    table, rejected = read(files_source(tmp_path, columns={"v": kind}))
    assert (rows(table), rejected) == ([(1, expected)], [])


def test_the_hour_that_comes_twice_stays_two_hours(tmp_path: Path) -> None:
    """The end of summer time in New York: half past one, and an hour later again."""
    cells = ["2024-11-03 01:30:00 -0400", "2024-11-03 01:30:00 -0500"]
    first, second = parsed(tmp_path, "timestamp", cells)
    assert second - first == dt.timedelta(hours=1)
    # Without an offset it is one text, and stays what is written: nobody knows which.
    naive = parsed(
        tmp_path, "timestamp", ["2024-11-03 01:30:00", "2024-03-10 02:30:00"]
    )
    assert naive == [dt.datetime(2024, 11, 3, 1, 30), dt.datetime(2024, 3, 10, 2, 30)]


# JSON ----------------------------------------------------------------------------------

HALF = '{"id":3,"name":"x\\ud83d"}'


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    "half", [HALF, HALF.replace("\\ud83d", "\\uDE80y"), HALF.replace("x", "\\\\")]
)
def test_half_a_character_costs_its_object(
    tmp_path: Path, name: str, half: str
) -> None:
    whole = [
        '{"id":1,"name":"a\\u0000b"}',
        '{"id":2,"name":"\\ud83d\\ude80 \\\\ud83d"}',
    ]
    objects = [*whole, half, '{"id":4,"name":"c"}']
    text = f"[{','.join(objects)}]" if name == "a.json" else "\n".join(objects)
    (tmp_path / name).write_text(text)
    table, (row,) = read(files_source(tmp_path))
    assert rows(table) == [(1, "a\0b"), (2, "🚀 \\ud83d"), (4, "c")]
    assert (row.line, row.text) == (3, half)
    assert "half a character" in row.reason


NAMES = st.text(st.sampled_from('a\\"u{}[],:🚀')) | st.sampled_from(
    ["\ud83d", "x\ude80", "\ude80\ud83d", "\ud83d\ude80"]
)


@settings(max_examples=examples(20), deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=8),
    padding=st.integers(0, 40),
)
def test_objects_read_are_objects_landed_and_rejected(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], padding: int
) -> None:
    folder = tmp_path_factory.mktemp("json")
    listed = [{"id": n, "name": name} for n, name in enumerate(names)]
    text = json.dumps([{"id": -1, "name": "p"}, *listed])
    # The copy is made in parts; an escape may lie across their border.
    filler = " " * ((1 << 20) - len(text) + padding)
    (folder / "a.json").write_text(text[:1] + filler + text[1:])
    table, rejected = read(files_source(folder))
    whole = {}
    for n, name in enumerate(json.loads(json.dumps(names))):
        try:
            name.encode()
            whole[n] = name
        except UnicodeEncodeError:
            continue
    assert {-1: "p", **whole} == dict(rows(table))
    assert len(rejected) == len(names) - len(whole)


def test_a_member_twice_in_an_object_is_nobodys_guess(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id":1,"v":1}\n{"id":2,"v":1,"v":2}\n')
    table, (row,) = read(files_source(tmp_path))
    assert (rows(table), row.line) == ([(1, 1)], 2)
    assert "twice" in row.reason


def test_a_broken_array_is_reported_without_our_own_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id":1}, {"id":}]')
    with pytest.raises(SourceUnavailable) as error:
        read(files_source(tmp_path))
    assert "customer-tiers-" not in str(error.value)
    assert "record/value" not in str(error.value)


# Names of files ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "a'; drop table x; --.csv", 'a"b.csv', "a\nb.csv", "a b\t.csv", "$(id).csv",
        "{id}.csv", "%s.csv", "a;b.csv", "客户.csv", "é.csv", "e\u0301.csv",
        "\u202egnp.csv", "a\\b.csv", "-rf.csv", "[a].csv", "a?*.csv", "x" * 240 + ".csv",
        b"\xff\xfe.csv".decode("utf-8", "surrogateescape"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_file_may_be_called_anything(tmp_path: Path, name: str, suffix: str) -> None:
    content = b"id,v\n1,x\n2\n"
    (tmp_path / (name + suffix)).write_bytes(
        gzip.compress(content) if suffix else content
    )
    source = files_source(tmp_path, columns={"v": "text"})
    table, (row,) = read(source)
    assert (rows(table), row.line) == ([("1", "x")], 3)
    with open_reader(source) as reader:
        (extract,) = reader.extracts(source.entities["items"])
    # It goes into Parquet, JSON and logs, which hold text.
    assert extract.origin.encode().decode() == extract.origin
    assert "\n" not in extract.origin


def test_money_of_a_workbook_is_what_was_typed(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "v"])
    book.active.append([1, 1234.5])
    packed = io.BytesIO()
    book.save(packed)
    (tmp_path / "a.xlsx").write_bytes(packed.getvalue())
    table, _ = read(files_source(tmp_path, columns={"v": "decimal(12,2)"}))
    assert rows(table) == [(1, Decimal("1234.50"))]
