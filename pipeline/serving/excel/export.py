"""Writes the workbook of a release, there whole or as it was before."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import sync_file, sync_folder
from pipeline.journal import disk
from pipeline.release.catalogue import Release
from pipeline.serving import contents
from pipeline.serving.contents import Contents
from pipeline.serving.excel import columns, overview
from pipeline.serving.excel.columns import Lang
from pipeline.serving.excel.workbook import MOST_ROWS, Book

# Rows that are in memory at once.
_ROWS = 10_000


@dataclass(frozen=True)
class Written:
    """A workbook.

    Attributes:
        sheets: Name → rows in it.
        left_out: Name → rows that a sheet has no room for.
    """

    file: Path
    lang: Lang
    sheets: dict[str, int]
    left_out: dict[str, int]


def export(release: Release, file: Path, lang: Lang) -> Written:
    """Writes a release's workbook in one language.

    Raises:
        ConfigurationError: The release has no customers' table, or the file cannot be
            written.
        DiskFull: There is no room; what was there before is as it was.
    """
    found = contents.read(release)
    partial = file.with_name(f".{file.name}.partial")
    try:
        # Beside the file, where there is room for it, and not where memory is the disk.
        with tempfile.TemporaryDirectory(
            prefix=f".{file.name}.", dir=file.parent
        ) as folder:
            sheets, left_out = _write(found, partial, lang, Path(folder))
        sync_file(partial)
        partial.replace(file)
        sync_folder(file.parent)
    except Exception as error:
        if disk.is_full(error):
            raise disk.DiskFull(
                f"{file} has no room; what was there before is as it was. Make room or "
                "give another folder."
            ) from error
        if isinstance(error, OSError):
            raise ConfigurationError(f"{file} cannot be written: {error}") from error
        raise
    finally:
        partial.unlink(missing_ok=True)
    return Written(file, lang, sheets, left_out)


def _write(
    found: Contents, file: Path, lang: Lang, folder: Path
) -> tuple[dict[str, int], dict[str, int]]:
    day = found.as_of_date
    title = f"客户概览 {day}" if lang == "zh" else f"Customers as of {day}"
    with contents.opened(found.file) as connection:
        known = columns.columns_of(connection)
        if "customer_360.customer_label" not in known:
            raise ConfigurationError(
                f"Release {found.release_id} was made by an earlier version and has no "
                "marts.customer_360. Refresh once."
            )
        queries = list(columns.found(connection, lang, known))
        left_out = {
            query.sheet.name(lang): query.rows - (MOST_ROWS - 1)
            for query in queries
            if query.rows > MOST_ROWS - 1
        }
        book = Book(file, lang, title, folder)
        overview.write(book, connection, found, known, queries, _notes(left_out, lang))
        sheets = {}
        for query in queries:
            name = query.sheet.name(lang)
            rows = _rows(connection.execute(query.text))
            sheets[name] = book.table(
                name,
                query.columns,
                rows,
                found.reporting_currency,
                query.sheet.frozen,
            )
        book.close()
    return sheets, left_out


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := cursor.fetchmany(_ROWS):
        yield from rows


def _notes(left_out: dict[str, int], lang: Lang) -> list[str]:
    return [
        f"工作表“{name}”容纳不下另外 {rows:,} 行，已按重要性省略。"
        if lang == "zh"
        else f"The sheet {name} has no room for {rows:,} more rows, the least of the list."
        for name, rows in left_out.items()
    ]
