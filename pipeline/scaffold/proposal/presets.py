"""Exports of well-known systems, from the YAML files in `presets/`.

A file says by which columns an export is recognised, what it is, and what its columns
mean. Names are those of the system's own export. Not here: what follows from it.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pipeline.profiling.tables import Table

FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Preset:
    """One known export.

    Attributes:
        name: What it is, as a person would say.
        recognised_by: Columns that it has; all of them, in any order and case.
        titles: What its file or sheet is called, where the columns are those of others
            too; with digits and what stands around them left out.
        role: What the table is; `none` for one of which nothing is made.
        columns: Meaning → column, or several of which the first that is there counts;
            columns that are not there are passed over.
        fill: Columns that an order has in its first row only.
        less: Meanings of amounts that the order's amount holds, and revenue does not.
        adjustment: Column → sign: what an order is more or less than its lines.
        difference: Two columns, the first of which is what an order comes to, and the
            second what its lines do; nothing where one of them is not there.
        cancelled: Words of the status that leave an order out, whether or not any order
            has them yet.
        is_return: Each row is goods that came back, with an amount above 0.
        yields_to: Names of exports beside which this one counts for nothing, because it
            says the same once more.
    """

    name: str
    recognised_by: Sequence[str]
    role: str
    columns: Mapping[str, str | Sequence[str]]
    note: str = ""
    fill: Sequence[str] = ()
    customer_type: str | None = None
    titles: Sequence[str] = ()
    less: Sequence[str] = ()
    adjustment: Mapping[str, int] = field(default_factory=dict)
    difference: Sequence[str] = ()
    cancelled: Sequence[str] = ()
    is_return: bool = False
    yields_to: Sequence[str] = ()
    file: str = field(default="", compare=False)

    @property
    def adjusts(self) -> bool:
        """Whether it says what an order is more or less than its lines."""
        return bool(self.adjustment or self.difference)

    def column(self, meaning: str) -> str | None:
        """The column of a meaning, where the table has one."""
        found = self.columns.get(meaning)
        return found if isinstance(found, str) else None


@functools.cache
def presets() -> list[Preset]:
    """All of them, those first that ask for most columns."""
    found = [
        Preset(**yaml.safe_load(path.read_text(encoding="utf-8")), file=path.name)
        for path in sorted(FOLDER.glob("*.yml"))
    ]
    return sorted(found, key=lambda item: -len(item.recognised_by))


def of(table: Table) -> Preset | None:
    """The preset whose columns the table has, spelt as the table spells them.

    A column is called what the system calls it in English, where the metadata of an
    export says so (`labels`).
    """
    spelt = {_plain(name): name for name in table.columns}
    spelt |= {
        _plain(column.standard): column.name
        for column in table.columns.values()
        if column.standard
    }
    for preset in presets():
        if preset.titles and not _is_titled(table, preset.titles):
            continue
        if all(_plain(name) in spelt for name in preset.recognised_by):
            return dataclasses.replace(
                preset,
                columns={
                    meaning: column
                    for meaning, names in preset.columns.items()
                    if (column := _first(names, spelt)) is not None
                },
                fill=[
                    spelt[_plain(name)] for name in preset.fill if _plain(name) in spelt
                ],
                adjustment={
                    spelt[_plain(name)]: sign
                    for name, sign in preset.adjustment.items()
                    if _plain(name) in spelt
                },
                difference=[
                    spelt[_plain(name)]
                    for name in preset.difference
                    if all(_plain(one) in spelt for one in preset.difference)
                ],
            )
    return None


def _first(names: str | Sequence[str], spelt: Mapping[str, str]) -> str | None:
    listed = [names] if isinstance(names, str) else names
    return next((spelt[_plain(name)] for name in listed if _plain(name) in spelt), None)


def _is_titled(table: Table, titles: Sequence[str]) -> bool:
    stated = [
        table.title.partition(", sheet")[0].split(".")[0],
        table.entity.sheet or "",
    ]
    return any(_DIGITS.sub("", text).strip().lower() in titles for text in stated)


_DIGITS = re.compile(r"[-_.() ]*\d[-_.() \d]*$")


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
