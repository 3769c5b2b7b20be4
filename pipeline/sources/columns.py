"""The types that `columns` of an entity may declare, read from their spelling.

Not here: how a value becomes one (each reader's own way).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "decimal", "number", "boolean", "date", "timestamp"]


@dataclass(frozen=True)
class ColumnType:
    """A declared type; `spelling` is how sources.yaml and messages write it."""

    kind: Kind
    spelling: str
    precision: int = 0
    scale: int = 0
    format: str | None = None


def column_type(spelling: str) -> ColumnType:
    """Reads a type such as `decimal(12,3)` or `date %d.%m.%Y`.

    Raises:
        ValueError: There is no such type; says which there are.
    """
    text = spelling.strip()
    if text in {"text", "integer", "number", "boolean", "date", "timestamp"}:
        return ColumnType(text, text)  # type: ignore[arg-type]
    if found := re.fullmatch(r"decimal\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)", text):
        precision, scale = int(found[1]), int(found[2])
        if 1 <= precision <= 38 and scale <= precision:
            spelt = f"decimal({precision},{scale})"
            return ColumnType("decimal", spelt, precision, scale)
    if (found := re.fullmatch(r"(date|timestamp)\s+(\S.*)", text)) and "%" in text:
        return ColumnType(found[1], text, format=found[2])  # type: ignore[arg-type]
    raise ValueError(
        f"{spelling!r} is no type; give text, integer, decimal(p,s) with p up to 38, "
        "number, boolean, date or timestamp, the last two with a format if need be, as "
        "in date %d.%m.%Y"
    )
