"""The types that `columns` of an entity may declare, read from their spelling.

Not here: how a value becomes one (each reader's own way).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.common.errors import SourceUnavailable

# As POSIX has it, `%y` of 69 to 99 is 1969 to 1999, and 00 to 68 is 2000 to 2068.
POSIX_FIRST_YEAR = 1969

# What helps where a file names columns several times.
REPEATED = (
    " Say `repeated_columns: number` in sources.yaml to read them under numbered names."
)

Kind = Literal["text", "integer", "decimal", "number", "boolean", "date", "timestamp"]


@dataclass(frozen=True)
class ColumnType:
    """A declared type; `spelling` is how sources.yaml and messages write it.

    Years of two digits (`%y`) are those of the hundred that begins with `first_year`.
    """

    kind: Kind
    spelling: str
    precision: int = 0
    scale: int = 0
    format: str | None = None
    first_year: int = POSIX_FIRST_YEAR


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
    pattern = r"(date|timestamp)\s+(\S.*?)(?:\s+from\s+(\d{4}))?"
    if (found := re.fullmatch(pattern, text)) and "%" in text:
        if found[3] and ("%y" not in found[2] or int(found[3]) < 1000):
            raise ValueError(
                f"{spelling!r} says from which year on years of two digits (%y) are, and "
                "has none; give it as in date %d.%m.%y from 1930"
            )
        first = int(found[3] or POSIX_FIRST_YEAR)
        return ColumnType(found[1], text, format=found[2], first_year=first)  # type: ignore[arg-type]
    raise ValueError(
        f"{spelling!r} is no type; give text, integer, decimal(p,s) with p up to 38, "
        "number, boolean, date or timestamp, the last two with a format if need be, as "
        "in date %d.%m.%Y"
    )


def numbered(names: Sequence[str]) -> list[str]:
    """The names, where one that came before gets a number: Comment, Comment 2, Comment 3.

    A number that makes a name which is there already is passed over.
    """
    taken, found = set(names), list[str]()
    seen: set[str] = set()
    for name in names:
        own, number = name, 1
        while own in seen or (number > 1 and own in taken):
            number += 1
            own = f"{name} {number}"
        seen.add(own)
        found.append(own)
    return found


def refuse_names_that_are_one(names: Sequence[str], where: str) -> None:
    """Refuses columns whose names are the same, or differ in nothing but their case.

    SQL, and so everything that reads what is landed, does not tell them apart.

    Raises:
        SourceUnavailable: Names the two.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(name.lower())
        if other is None:
            seen[name.lower()] = name
        elif other == name:
            raise SourceUnavailable(
                f"{where} has two columns named {name!r}; have one of them renamed where "
                "it is made, or say `repeated_columns: number` in sources.yaml."
            )
        else:
            raise SourceUnavailable(
                f"{where} has the columns {other!r} and {name!r}, which differ only in "
                "case, and SQL takes them for one; have one renamed in the source, or "
                "name one that is not needed in `leave_out` in sources.yaml."
            )
