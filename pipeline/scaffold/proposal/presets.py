"""Exports of well-known systems, from the YAML files in `presets/`.

A file says by which columns an export is recognised, what it is, and what its columns
mean. Names are those of the system's own export. Not here: what follows from it.
"""

from __future__ import annotations

import functools
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
        role: What the table is.
        columns: Meaning → column; columns that are not there are passed over.
        fill: Columns that an order has in its first row only.
        closed: Values of the status that leave a row out, such as cancelled orders.
    """

    name: str
    recognised_by: Sequence[str]
    role: str
    columns: Mapping[str, str]
    note: str = ""
    fill: Sequence[str] = ()
    customer_type: str | None = None
    file: str = field(default="", compare=False)


@functools.cache
def presets() -> list[Preset]:
    """All of them, those first that ask for most columns."""
    found = [
        Preset(**yaml.safe_load(path.read_text(encoding="utf-8")), file=path.name)
        for path in sorted(FOLDER.glob("*.yml"))
    ]
    return sorted(found, key=lambda item: -len(item.recognised_by))


def of(table: Table) -> Preset | None:
    """The preset whose columns the table has, spelt as the table spells them."""
    spelt = {_plain(name): name for name in table.columns}
    for preset in presets():
        if all(_plain(name) in spelt for name in preset.recognised_by):
            return Preset(
                preset.name,
                preset.recognised_by,
                preset.role,
                {
                    meaning: spelt[_plain(column)]
                    for meaning, column in preset.columns.items()
                    if _plain(column) in spelt
                },
                preset.note,
                [spelt[_plain(name)] for name in preset.fill if _plain(name) in spelt],
                preset.customer_type,
                preset.file,
            )
    return None


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
