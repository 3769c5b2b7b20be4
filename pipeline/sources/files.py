"""Reads files in a folder: CSV, Excel and Parquet, plain or as `.gz` (CSV).

One file is one extract, its fingerprint the hash of its bytes, so that the same file
under another name is known before it is parsed. Every CSV column is text, because
types are staging's business.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.errors import SourceUnavailable
from pipeline.sources.base import Extract, Rejected, Since
from pipeline.sources.config import Entity, Source

ROWS_PER_BATCH = 65_536

# That of a line for DuckDB, so that both ways of reading CSV agree. A quote that is
# never closed takes no more than this with it.
LONGEST_CELL = 2_097_152

# Excel keeps numbers as doubles: whole numbers above this are not what was typed.
EXACT_IN_EXCEL = 2**53


class FilesReader:
    """Reads the entities of a source of kind `files`."""

    def __init__(self, source: Source) -> None:
        assert source.path is not None  # the configuration demands it
        self._name = source.name
        self._folder = source.path

    def __enter__(self) -> FilesReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """One extract a file, in the order of the file names.

        Of an entity that comes as snapshots only the last file counts.

        Raises:
            SourceUnavailable: No file matches, or one cannot be opened.
        """
        assert entity.files is not None
        files = sorted(
            path for path in self._folder.glob(entity.files) if path.is_file()
        )
        if not files:
            raise SourceUnavailable(
                f"{self._name}.{entity.name}: no file matches {entity.files} in "
                f"{self._folder}; bring the file back or mend `files` in sources.yaml."
            )
        for path in files[-1:] if entity.load == "snapshot" else files:
            yield self._extract(path, entity, limit)

    def _extract(self, path: Path, entity: Entity, limit: int | None) -> Extract:
        where = f"{self._name}.{entity.name}: {path.name}"
        kind = entity.format or _format_of(path, where)
        try:
            fingerprint = _fingerprint(path, entity, kind)
        except OSError as error:
            raise SourceUnavailable(
                f"{where} cannot be read: {error.strerror}"
            ) from error
        rejected: list[Rejected] = []

        def batches() -> Iterator[pa.RecordBatch]:
            if kind == "csv":
                return _read_csv(path, entity, limit, rejected, where)
            if kind == "xlsx":
                return _read_sheet(path, entity, limit, where)
            return _read_parquet(path, limit, where)

        return Extract(
            origin=path.name,
            fingerprint=fingerprint,
            batches=batches,
            rejected=rejected,
        )


def _format_of(path: Path, where: str) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    known = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
    if not suffixes or suffixes[-1] not in known:
        raise SourceUnavailable(
            f"{where} is of no known format; say `format: csv`, `xlsx` or `parquet`."
        )
    return known[suffixes[-1]]


def _fingerprint(path: Path, entity: Entity, kind: str) -> str:
    # How it is read is part of it: two entities may live in one workbook, and a file
    # must land again once a wrong encoding or delimiter was mended in sources.yaml.
    read_as = [kind]
    if kind == "csv":
        read_as += [entity.delimiter, entity.quote, codecs.lookup(entity.encoding).name]
    if kind == "xlsx":
        read_as += [entity.sheet or ""]
    digest = hashlib.sha256(repr(read_as).encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _read_csv(
    path: Path,
    entity: Entity,
    limit: int | None,
    rejected: list[Rejected],
    where: str,
) -> Iterator[pa.RecordBatch]:
    """A sound file is read by DuckDB, any other line by line, in twice the time.

    DuckDB's own table of rejects does not account for every row (1.5.5): one quote that
    never closes hid 736,000 of 3 million rows behind a single reject, its lines are not
    those of the file, and a truncated .gz ends without an error.
    """
    opened = gzip.open if _is_gzip(path) else open
    try:
        # Bytes that are no text come through as surrogates and cost their row only.
        with opened(
            path, "rt", encoding=entity.encoding, errors="surrogateescape", newline=""
        ) as file:
            records = _records(file, entity)
            header = _header(records, where)
            yield _text_batch(header, [[] for _ in header])  # of no rows, too
            if limit is None and _is_sound(path, entity, len(header)):
                yield from _read_sound_csv(path, entity, header)
            else:
                yield from _read_records(records, header, limit, rejected)
    except (
        duckdb.Error,
        pa.ArrowException,
        OSError,
        EOFError,
        zlib.error,
        UnicodeError,
    ) as error:
        raise SourceUnavailable(f"{where} cannot be read as CSV: {error}") from error


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


Record = tuple[int, list[str], "list[str] | csv.Error"]


def _records(file: Iterable[str], entity: Entity) -> Iterator[Record]:
    """Each record's first line number, its lines, and its cells or what is wrong."""
    csv.field_size_limit(LONGEST_CELL)
    lines: list[str] = []

    def remembered() -> Iterator[str]:
        for line in file:
            lines.append(line)
            is_first = number == len(lines) == 1
            yield line.removeprefix("\ufeff") if is_first else line

    reader = csv.reader(
        remembered(),
        delimiter=entity.delimiter,
        quotechar=entity.quote or None,
        quoting=csv.QUOTE_MINIMAL if entity.quote else csv.QUOTE_NONE,
        strict=True,
    )
    number = 1
    while True:
        try:
            cells: list[str] | csv.Error = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader goes on with the next line
            cells = error
        yield number, lines, cells
        number += len(lines)
        lines.clear()


def _header(records: Iterator[Record], where: str) -> list[str]:
    _, _, header = next(records, (1, [], []))
    if isinstance(header, csv.Error) or not _is_text(header):
        what = "has a header that cannot be read"
    elif not header:
        what = "is empty"
    elif blank := [str(at) for at, name in enumerate(header, 1) if not name.strip()]:
        what = f"has no name in column {', '.join(blank)} of its header"
    elif twice := sorted({name for name in header if header.count(name) > 1}):
        what = f"names column {twice[0]!r} twice in its header"
    else:
        return header
    raise SourceUnavailable(f"{where} {what}; the first line must name the columns.")


def _is_sound(path: Path, entity: Entity, width: int) -> bool:
    """Whether DuckDB finds nothing wrong with any line; half the work of reading it."""
    if _is_gzip(path) or codecs.lookup(entity.encoding).name != "utf-8":
        return False
    if any(character in str(path) for character in "*?["):
        return False  # DuckDB would take the name for a pattern
    with duckdb.connect() as connection:
        try:
            _scan_csv(connection, "count(columns(*))", path, entity, width).fetchall()
        except duckdb.Error:
            return False
    return True


def _read_sound_csv(
    path: Path, entity: Entity, header: list[str]
) -> Iterator[pa.RecordBatch]:
    with duckdb.connect() as connection:
        result = _scan_csv(connection, "*", path, entity, len(header))
        for batch in result.to_arrow_reader(ROWS_PER_BATCH):
            yield batch.rename_columns(header)


def _scan_csv(
    connection: duckdb.DuckDBPyConnection,
    wanted: str,
    path: Path,
    entity: Entity,
    width: int,
) -> duckdb.DuckDBPyConnection:
    return connection.execute(
        f"""
        select {wanted} from read_csv(
            $path, auto_detect = false, header = true, delim = $delimiter,
            quote = $quote, escape = $quote, columns = $columns,
            strict_mode = true, nullstr = ''
        )
        """,
        {
            "path": str(path),
            "delimiter": entity.delimiter,
            "quote": entity.quote,
            "columns": {f"column{at}": "VARCHAR" for at in range(width)},
        },
    )


def _read_records(
    records: Iterable[Record],
    header: list[str],
    limit: int | None,
    rejected: list[Rejected],
) -> Iterator[pa.RecordBatch]:
    width = len(header)
    columns: list[list[str | None]] = [[] for _ in header]
    left = limit
    for number, lines, found in records:
        if left == 0:
            break
        if isinstance(found, csv.Error):
            # Whether the lines were one row or many, nobody can tell.
            reason = f"{found}, in what begins in line {number}"
            rejected += [
                Rejected(number + at, _shown(line), reason)
                for at, line in enumerate(lines)
            ]
            continue
        if not found and width > 1:
            continue  # a blank line
        cells = found or [""]
        if len(cells) == width + 1 and not cells[-1]:
            cells.pop()  # a delimiter at the end; DuckDB lets it pass, too
        if len(cells) != width or not _is_text(cells):
            reason = (
                f"{width} columns expected, {len(cells)} found"
                if len(cells) != width
                else "bytes that are no text in the encoding of sources.yaml"
            )
            rejected.append(Rejected(number, _shown("".join(lines)), reason))
            continue
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell or None)
        if left is not None:
            left -= 1
        if len(columns[0]) == ROWS_PER_BATCH:
            yield _text_batch(header, columns)
            columns = [[] for _ in header]
    if columns[0]:
        yield _text_batch(header, columns)


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


def _shown(text: str) -> str:
    """The text without its line end; bytes that are no text as hexadecimal escapes."""
    bare = text.rstrip("\r\n")
    return bare.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _read_parquet(
    path: Path, limit: int | None, where: str
) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    try:
        left = limit
        with pq.ParquetFile(path) as file:
            yield pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
            for batch in file.iter_batches(ROWS_PER_BATCH):
                part = batch if left is None else batch.slice(0, left)
                if left is not None:
                    left -= part.num_rows
                yield part
                if left == 0:
                    return
    except (pa.ArrowException, OSError) as error:
        raise SourceUnavailable(
            f"{where} is no readable Parquet file: {error}"
        ) from error


def _read_sheet(
    path: Path, entity: Entity, limit: int | None, where: str
) -> Iterator[pa.RecordBatch]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(path)
        sheet = entity.sheet or workbook.sheet_names[0]
        if sheet not in workbook.sheet_names:
            raise SourceUnavailable(
                f"{where} has no sheet {sheet!r}; it has {', '.join(workbook.sheet_names)}."
            )
        rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise SourceUnavailable(f"{where} is no readable workbook: {error}") from error
    header = [str(name).strip() for name in rows[0]] if rows else []
    if not header or "" in header or len(set(header)) < len(header):
        raise SourceUnavailable(
            f"{where}, sheet {sheet!r}: the first row must name every column once."
        )
    body = [row for row in rows[1:] if any(cell != "" for cell in row)][:limit]
    yield pa.record_batch(
        [_column([row[i] for row in body]) for i in range(len(header))], names=header
    )


def _column(cells: list[Any]) -> pa.Array:
    """A sheet's column as Arrow: dates, numbers or booleans when all of it is, else text.

    Whole numbers stay whole: Excel knows floats only, and 516.0 is no postal code.
    """
    values = [None if cell == "" else cell for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and kinds:
        whole = all(
            value is None
            or (float(value).is_integer() and abs(value) <= EXACT_IN_EXCEL)
            for value in values
        )
        return pa.array(values, pa.int64() if whole else pa.float64(), safe=False)
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {dt.date}:
        return pa.array(values, pa.date32())
    if kinds and kinds <= {dt.date, dt.datetime}:
        moments = [
            value
            if value is None or isinstance(value, dt.datetime)
            else dt.datetime.combine(value, dt.time())
            for value in values
        ]
        return pa.array(moments, pa.timestamp("us"))
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)
