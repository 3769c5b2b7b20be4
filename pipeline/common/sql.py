"""Pieces of SQL as text, for every module that writes some; DuckDB's where engines differ.

Values go into a query as parameters; these are for where none can stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def quoted(identifier: str) -> str:
    """The identifier in double quotes, safe whatever stands in it."""
    return '"' + identifier.replace('"', '""') + '"'


def columns(names: Iterable[str]) -> str:
    """The names as a list of columns."""
    return ", ".join(map(quoted, names))


def literal(text: object) -> str:
    """The text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def number(value: float) -> str:
    """The number as a literal of a double.

    In brackets, as it may be negative; with an exponent, because engines take a literal
    without one for a decimal.
    """
    text = repr(float(value))
    return f"({text})" if "e" in text else f"({text}e0)"


def parquet(files: Iterable[Path]) -> str:
    """Reads the files as one relation, columns matched by name; there must be one."""
    # DuckDB takes every name for a pattern, and a home may be called `data [old]`.
    names = [literal(re.sub(r"([*?\[])", r"[\1]", str(path))) for path in files]
    return f"read_parquet([{', '.join(names)}], union_by_name = true)"
