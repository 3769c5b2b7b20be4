"""CSV files for people, who open them in a spreadsheet program.

Such a program runs a cell that begins with `=`, `+`, `-` or `@` as a formula, whoever
wrote it into a customer's name. `safe` puts an apostrophe before such a text, and
`meant` takes it off where we read the file again: what was written comes back as it was,
also a text that began with an apostrophe of its own. A number stays a number, negative
or not, and so does a text that is one as a whole, which no program takes for a formula.
A byte-order mark tells Excel that the file is UTF-8.

Every CSV that the product writes goes through here (a test holds it). Not here: files
that only programs read, and workbooks, whose cells know what is text.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from pipeline.common.files import sync_file, sync_folder, write_text

MARK = "\ufeff"
# The wide forms, too: Excel of a Chinese or Japanese Windows takes them for the others.
_STARTS = r"=+\-@\t\r\n＝＋－＠"
# Apostrophes before one: a text that looks like what `safe` gives gets one more.
_FORMULA = rf"^'*[{_STARTS}]"
_SAFE = rf"^'+[{_STARTS}]"
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"

_formula = re.compile(_FORMULA)
_safe = re.compile(_SAFE)
_quoted = re.compile(r"[\",\r\n]")
# `$` would allow a line break behind the number.
_number = re.compile(_NUMBER.removesuffix("$"))


def safe(value: object) -> object:
    """A cell that no program runs: a text that would be a formula gets an apostrophe."""
    if not isinstance(value, str) or not _formula.match(value):
        return value
    return value if _number.fullmatch(value) else f"'{value}"


def meant(text: str) -> str:
    """The text that `safe` made this one of."""
    return text[1:] if _safe.match(text) else text


def safe_sql(expression: str) -> str:
    """`safe` of an expression of text in DuckDB."""
    return (
        f"case when regexp_matches({expression}, '{_sql(_FORMULA)}') and not "
        f"regexp_full_match({expression}, '{_sql(_NUMBER)}') "
        f"then '''' || {expression} else {expression} end"
    )


def meant_sql(expression: str) -> str:
    """`meant` of an expression of text in DuckDB."""
    return (
        f"case when regexp_matches({expression}, '{_sql(_SAFE)}') "
        f"then {expression}[2:] else {expression} end"
    )


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """The rows as CSV, every cell safe."""
    return "".join(",".join(map(_cell, row)) + "\n" for row in chain((columns,), rows))


def _cell(value: object) -> str:
    text = "" if value is None else str(safe(value))
    # Python's own writer leaves a carriage return bare where lines end otherwise, and
    # what follows it would be a row of its own.
    return '"' + text.replace('"', '""') + '"' if _quoted.search(text) else text


def write(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Writes a CSV file with a byte-order mark, whole or not at all."""
    write_text(path, MARK + csv_text(columns, rows))


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a CSV file as they were meant, with a mark or without."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        rows = [
            {name: meant(text) for name, text in row.items() if name is not None}
            for row in reader
        ]
        return [meant(name) for name in reader.fieldnames or ()], rows


def mark_of(path: Path) -> str:
    """The byte-order mark that the file begins with, if it does."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return MARK if file.read(3) == MARK.encode() else ""


def marked(plain: Path, path: Path) -> None:
    """Puts a CSV file that an engine wrote in its place, behind a byte-order mark.

    Args:
        plain: The file without one; it is gone afterwards.
        path: The file, there whole or as it was before.
    """
    partial = path.with_name(f".{path.name}.marked")
    try:
        with plain.open("rb") as source, partial.open("wb") as target:
            target.write(MARK.encode())
            shutil.copyfileobj(source, target, 1 << 20)
        sync_file(partial)
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)
        plain.unlink(missing_ok=True)


def _sql(pattern: str) -> str:
    return pattern.replace("'", "''")
