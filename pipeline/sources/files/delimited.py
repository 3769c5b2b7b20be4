"""Reads CSV and TSV: fast where a file is sound, line by line where it is not.

DuckDB reads a sound file. Its own table of rejects does not account for every row
(1.5.5): one quote that never closes hid 736,000 of 3 million rows behind a single reject,
and its lines are not those of the file. So its first error, whatever it is, makes the
stream start over, read line by line by Python, where every line is accounted for. Every
column is text unless sources.yaml declares another type.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.ahead import fetched_ahead
from pipeline.sources.base import Rejected, StartOver
from pipeline.sources.columns import REPEATED, numbered
from pipeline.sources.entity import Entity
from pipeline.sources.files import contents, detection
from pipeline.sources.files.parts import (
    CHUNK,
    READ_ERRORS,
    Part,
    cause,
    engine,
    printable,
    temporary_folder,
)
from pipeline.sources.files.typed import Declared, Typing, declared, divided, query

log = logging.getLogger("customer_tiers.files")

# DuckDB's own row group, so that readers of the landing find whole ones.
ROWS_PER_BATCH = 122_880

# That of a line for DuckDB, so that both ways of reading CSV agree. A quote that is
# never closed takes no more than this with it.
LONGEST_CELL = 2_097_152

MARK = "\ufeff"
_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')


@dataclass(frozen=True)
class Dialect:
    """How the text is read.

    Attributes:
        header_row: The line that names the columns, a line such as `sep=;` counted in.
        detected: Which of it was detected, for the log.
        numbers_names: Whether columns of one name are numbered.
    """

    encoding: str
    delimiter: str
    quote: str
    header_row: int
    detected: str = ""
    numbers_names: bool = False

    def __str__(self) -> str:
        return f"encoding {self.encoding}, delimiter {self.delimiter!r}{self.detected}"


@dataclass
class Effort:
    """Whether the file has proved to need the careful way."""

    is_careful: bool = False


def dialect_of(
    part: Part, entity: Entity, kind: str, check: detection.Utf8Check
) -> Dialect:
    """What is declared, and what the bytes say where nothing is.

    Raises:
        SourceUnavailable: The bytes allow several readings, or contradict sources.yaml.
    """
    if what := contents.markup(check.beginning):
        raise SourceUnavailable(f"{part.where} is no delimited text: it is {what}.")
    mark = detection.marked(check.beginning)
    if entity.encoding:
        encoding = codecs.lookup(entity.encoding).name.removesuffix("-sig")
        if mark and not encoding.startswith(mark):
            raise SourceUnavailable(
                f"{part.where} begins with the byte order mark of {mark}, and "
                f"sources.yaml declares `encoding: {entity.encoding}`; mend or drop it."
            )
    else:
        encoding = codecs.lookup(detection.encoding_of(part, check)).name
    quote, header_row = entity.quote, entity.header_row
    said = detection.separator_line(check.beginning, encoding)
    if said is not None and header_row == 1:
        header_row = 2
    known = entity.delimiter or said or ("\t" if kind == "tsv" else None)
    delimiter = known or detection.delimiter_of(part, encoding, quote, header_row)
    detected = [
        name
        for name, given in [("encoding", entity.encoding), ("delimiter", known)]
        if not given
    ]
    detections = f" (detected: {', '.join(detected)})" if detected else ""
    numbers = entity.repeated_columns == "number"
    return Dialect(encoding, delimiter, quote, header_row, detections, numbers)


def read(
    part: Part,
    entity: Entity,
    dialect: Dialect,
    limit: int | None,
    rejected: list[Rejected],
    effort: Effort,
) -> Iterator[pa.RecordBatch]:
    """The rows in the file's order; a line is the first of the row's.

    Raises:
        SourceUnavailable: It cannot be opened, or its header names no columns.
        StartOver: DuckDB found something wrong; the next call is the careful one.
    """
    try:
        with _text(part, dialect) as file:
            header = _header(_records(file, dialect), dialect, part.where)
            names = header.names
            columns = declared(entity, names, part.where)
            typing = Typing(columns, pa.schema([(name, pa.string()) for name in names]))
            empty: list[list[str | None]] = [[] for _ in names]
            yield typing.split(_text_batch(names, empty))[0]
            if limit is None and header.is_simple and not effort.is_careful:
                yield from _read_sound(part, dialect, columns, rejected, effort)
            else:
                yield from _read_records(part, header, typing, limit, rejected)
            typing.close()
    except (
        duckdb.Error,
        pa.ArrowException,
        UnicodeError,
        *READ_ERRORS,
    ) as error:
        raise SourceUnavailable(
            f"{part.where} cannot be read as CSV: {cause(error)}"
        ) from error


@contextmanager
def _text(part: Part, dialect: Dialect) -> Iterator[io.TextIOWrapper]:
    # Bytes that are no text come through as surrogates and cost their row only.
    with (
        part.open() as file,
        io.TextIOWrapper(
            file, dialect.encoding, errors="surrogateescape", newline=""
        ) as text,
    ):
        yield text


Record = tuple[int, list[str], "list[str] | csv.Error"]


def _records(file: Iterable[str], dialect: Dialect) -> Iterator[Record]:
    """Each record's first line number, its lines, and its cells or what is wrong."""
    csv.field_size_limit(LONGEST_CELL)
    lines: list[str] = []

    def remembered() -> Iterator[str]:
        for line in file:
            lines.append(line)
            # A mark at the beginning of a record begins a file that was put behind
            # another one. It is no character of the first cell.
            yield line.removeprefix(MARK) if len(lines) == 1 else line

    reader = csv.reader(
        remembered(),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
    )
    number = 1
    while True:
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader goes on with the next line
            yield number, lines, error
        else:
            if any('="' in line for line in lines):
                found = [_without_formula(cell) for cell in found]
            yield number, lines, found
        number += len(lines)
        lines.clear()


def _without_formula(cell: str) -> str:
    """`="00123"` is how programs keep a spreadsheet from making 123 of it."""
    found = _TEXT_FORMULA.fullmatch(cell)
    return found[1].replace('""', '"') if found else cell


@dataclass(frozen=True)
class Header:
    """The names of the columns, and what follows them.

    Attributes:
        is_simple: Every line down to the names is a record of its own, and nothing about
            them needs the careful way.
        spare: So many nameless columns end the header; nothing may stand in them.
        records: The records below.
        written: The names as they stand in the file, where some are the same.
    """

    names: list[str]
    is_simple: bool
    spare: int
    records: Iterator[Record]
    written: list[str]

    def cells_of(self, cells: list[str]) -> list[str]:
        """The cells of a record without empty ones behind the last column."""
        width = len(self.names)
        # One more delimiter at the end passes in any row; DuckDB lets it pass, too.
        if width < len(cells) <= width + max(self.spare, 1) and not any(cells[width:]):
            return cells[:width]
        return cells

    def is_repeated(self, lines: list[str], cells: list[str]) -> bool:
        """Whether a record is the header of a file that was put behind another one."""
        line = lines[0].removeprefix(MARK).strip()
        if detection.SEPARATOR_LINE.fullmatch(line):
            return True
        is_sure = len(self.names) > 1 or lines[0].startswith(MARK)
        return is_sure and self.cells_of(cells) == self.written


def _header(records: Iterator[Record], dialect: Dialect, where: str) -> Header:
    last: Record = (1, [], [])
    is_simple = True
    for at in range(1, dialect.header_row + 1):
        last = next(records, (at, [], []))
        number, lines, found = last
        # What DuckDB makes of titles with quotes is not worth finding out.
        is_simple &= number == at and len(lines) == 1
        if at < dialect.header_row:
            is_simple &= not isinstance(found, csv.Error) and '"' not in "".join(lines)
    cells = last[2]
    if isinstance(cells, csv.Error) or not _is_text(cells):
        raise _no_header(where, dialect, "has a header that cannot be read")
    names = list(cells)
    while len(names) > 1 and not names[-1].strip():
        names.pop()
    spare = len(cells) - len(names)
    if spare:
        number, lines, found = next(records, (0, [], cells))
        records = itertools.chain([(number, list(lines), found)], records)
        # A row below that has nothing there either proves that it is no column.
        if not isinstance(found, csv.Error) and (
            not number or any(found[len(names) :])
        ):
            names, spare = cells, 0
    if not names:
        is_empty = dialect.header_row == 1
        what = "is empty" if is_empty else "ends before its header"
    elif blank := [str(at) for at, name in enumerate(names, 1) if not name.strip()]:
        what = f"has no name in column {', '.join(blank)} of its header"
    elif (
        twice := sorted({name for name in names if names.count(name) > 1})
    ) and not dialect.numbers_names:
        what = f"names column {twice[0]!r} twice in its header"
        raise _no_header(where, dialect, what, REPEATED)
    else:
        is_simple &= not spare
        return Header(numbered(names), is_simple, spare, records, names)
    raise _no_header(where, dialect, what)


def _no_header(
    where: str, dialect: Dialect, what: str, advice: str = ""
) -> SourceUnavailable:
    row = dialect.header_row
    which = "the first line" if row == 1 else f"row {row} (`header_row`)"
    return SourceUnavailable(f"{where} {what}; {which} must name the columns.{advice}")


def _read_sound(
    part: Part,
    dialect: Dialect,
    columns: Declared,
    rejected: list[Rejected],
    effort: Effort,
) -> Iterator[pa.RecordBatch]:
    """The rows by DuckDB; a value of a wrong type costs its row, anything else all."""
    wrong: list[tuple[int, str]] = []
    before = 0
    try:
        with (
            _plain_utf8(part, dialect) as path,
            engine() as connection,
        ):
            result = _scan(connection, path, dialect, columns)
            for batch in fetched_ahead(result.to_arrow_reader(ROWS_PER_BATCH)):
                if not columns.is_asked:
                    yield batch.rename_columns(columns.names).select(columns.kept)
                    continue
                sound, bad = divided(pa.Table.from_batches([batch]))
                wrong += [(before + at, reason) for at, reason in bad]
                before += batch.num_rows
                named = sound.rename_columns(columns.names).select(columns.kept)
                yield from named.to_batches()
    except (duckdb.Error, pa.ArrowException, UnicodeError, OSError) as error:
        # Arrow wraps DuckDB's errors in its own and in OSError; one of the disk's comes
        # again.
        log.info("%s is read line by line: %s", part.where, cause(error))
        effort.is_careful = True
        raise StartOver(part.where) from error
    if wrong:
        _place(part, dialect, wrong, rejected)


def _place(
    part: Part,
    dialect: Dialect,
    wrong: list[tuple[int, str]],
    rejected: list[Rejected],
) -> None:
    """Finds line and text of rows that are known by their number only."""
    reasons = dict(wrong)
    last = wrong[-1][0]
    with _text(part, dialect) as file:
        header = _header(_records(file, dialect), dialect, part.where)
        is_single = len(header.names) == 1
        rows = (record for record in header.records if record[2] or is_single)
        for at, (number, lines, _) in enumerate(rows):
            if at in reasons:
                rejected.append(
                    Rejected(number, _format_line("".join(lines)), reasons[at])
                )
            if at == last:
                return


def _scan(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    dialect: Dialect,
    columns: Declared,
) -> duckdb.DuckDBPyConnection:
    relation = """
        read_csv(
            $path, auto_detect = false, header = true, skip = $skip,
            delim = $delimiter, quote = $quote, escape = $quote, columns = $columns,
            strict_mode = true, nullstr = '', compression = 'none'
        )
    """
    sql = query(columns, relation) if columns.is_asked else f"select * from {relation}"
    return connection.execute(
        sql,
        {
            "path": str(path),
            "skip": dialect.header_row - 1,
            "delimiter": dialect.delimiter,
            "quote": dialect.quote,
            "columns": {f"column{at}": "VARCHAR" for at in range(len(columns.names))},
        },
    )


@contextmanager
def _plain_utf8(part: Part, dialect: Dialect) -> Iterator[Path]:
    """The text as DuckDB reads it at full speed: unpacked, in UTF-8, under a plain name.

    It takes longer to write a copy than to unpack twice, but only a plain file is read by
    all cores at once, and a truncated .gz ends without an error in DuckDB.
    """
    is_plain = part.packing == "plain" and dialect.encoding == "utf-8"
    name = str(part.path)
    if is_plain and printable(name) == name and not any(one in name for one in "*?["):
        yield part.path
        return
    with temporary_folder() as folder:
        path = folder / "part.csv"
        if is_plain:  # DuckDB would take the name for a pattern
            path.symlink_to(part.path.absolute())
        else:
            with part.open() as file, path.open("wb") as copy:
                decoder = codecs.getincrementaldecoder(dialect.encoding)("strict")
                while chunk := file.read(CHUNK):
                    copy.write(
                        chunk
                        if dialect.encoding == "utf-8"
                        else decoder.decode(chunk).encode()
                    )
                copy.write(decoder.decode(b"", dialect.encoding != "utf-8").encode())
        yield path


def _read_records(
    part: Part,
    header: Header,
    typing: Typing,
    limit: int | None,
    rejected: list[Rejected],
) -> Iterator[pa.RecordBatch]:
    width = len(header.names)
    columns: list[list[str | None]] = [[] for _ in header.names]
    places: list[tuple[int, str]] = []
    left = limit

    def whole() -> pa.RecordBatch:
        batch, bad = typing.split(_text_batch(header.names, columns))
        for at, reason in bad:
            rejected.append(
                Rejected(places[at][0], _format_line(places[at][1]), reason)
            )
        places.clear()
        for column in columns:
            column.clear()
        return batch

    for number, lines, found in header.records:
        if left == 0:
            break
        if isinstance(found, csv.Error):
            # Whether the lines were one row or many, nobody can tell.
            reason = f"{found}, in what begins in line {number}"
            rejected += [
                Rejected(number + at, _format_line(line), reason)
                for at, line in enumerate(lines)
            ]
            # An empty batch now and then lets the caller see that it is hopeless.
            if len(rejected) % ROWS_PER_BATCH == 0:
                yield whole()
            continue
        if not found and width > 1:
            continue  # a blank line
        if header.is_repeated(lines, found):
            log.warning("%s: line %d repeats the header; no row", part.where, number)
            continue
        cells = header.cells_of(found or [""])
        if len(cells) != width or not _is_text(cells):
            reason = (
                f"{width} columns expected, {len(cells)} found"
                if len(cells) != width
                else "bytes that are no text in the encoding of sources.yaml"
            )
            rejected.append(Rejected(number, _format_line("".join(lines)), reason))
            if len(rejected) % ROWS_PER_BATCH == 0:
                yield whole()
            continue
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell or None)
        places.append((number, "".join(lines)))
        if left is not None:
            left -= 1
        if len(columns[0]) == ROWS_PER_BATCH:
            yield whole()
    if columns[0]:
        yield whole()
    rejected.sort(key=lambda row: row.line or 0)


def _text_batch(names: list[str], columns: list[list[str | None]]) -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array(column, pa.string()) for column in columns], names=names
    )


def _is_text(cells: list[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _format_line(text: str) -> str:
    """The text without its line end; bytes that are no text as hexadecimal escapes."""
    bare = text.rstrip("\r\n")
    return bare.encode(errors="surrogateescape").decode(errors="backslashreplace")
