"""Reads a sheet of a workbook, .xlsx or .xls, with real dates and numbers.

A workbook is read whole: a sheet has a million rows at most.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.base import Rejected
from pipeline.sources.columns import REPEATED, ColumnType, numbered
from pipeline.sources.entity import Entity
from pipeline.sources.files.parts import Part
from pipeline.sources.files.typed import (
    FIRST_INEXACT_ID,
    REAL_MOMENT,
    Declared,
    Typing,
    declared,
)
from pipeline.sources.files.workbooks import (
    Sheet,
    cell_name,
    open_sheet,
    wanted_sheets,
)

ROWS_PER_BATCH = 65_536

# Excel keeps numbers as doubles: whole numbers above this are not what was typed.
EXACT_IN_EXCEL = 2**53


def each(part: Part, entity: Entity) -> list[tuple[Part, Entity]]:
    """The part once for each sheet that is wanted, and how that sheet is read.

    Of a file that is no workbook, and where one sheet is named or none, that is the part
    itself.

    Raises:
        SourceUnavailable: It is no workbook, or no sheet fits the pattern.
    """
    if not entity.has_several_sheets or part.format(entity) not in {"xlsx", "xls"}:
        return [(part, entity)]
    return [
        (
            replace(
                part,
                origin=f"{part.origin}[{name}]",
                where=f"{part.where}, sheet {name}",
            ),
            entity.model_copy(update={"sheet": name}),
        )
        for name in wanted_sheets(part, entity)
    ]


def read(
    part: Part, entity: Entity, limit: int | None, rejected: list[Rejected]
) -> Iterator[pa.RecordBatch]:
    """The rows below the header; a line is the number that Excel shows beside the row.

    Raises:
        SourceUnavailable: It is no workbook, there is no such sheet, or the header does
            not name every column once.
    """
    sheet = open_sheet(part, entity)
    cells, above = sheet.cells, entity.header_row
    flawed = {row for row, _ in sheet.flaws}
    body = [
        (number, row)
        for number, row in enumerate(cells[above:], above + 1)
        if any(cell != "" for cell in row) or number - 1 in flawed
    ]
    header = _header(sheet, body, entity, f"{part.where}, sheet {sheet.name!r}")
    columns = declared(entity, header, part.where)
    wrong = _wrong_cells(sheet, above, columns)
    # A number among texts becomes text, and must not make up digits for it.
    texts = [
        is_id or (kind is None and any(_is_text(row[at]) for _, row in body))
        for at, (is_id, kind) in enumerate(zip(columns.ids, columns.types, strict=True))
    ]
    sound = []
    for number, row in body[:limit]:
        reason = wrong.get(number) or _wrong_id(row, columns.names, texts)
        if reason:
            text = _format_row(_with_flaws(row, number, sheet))
            rejected.append(Rejected(number, text, reason))
        else:
            sound.append((number, row))
    raw = pa.record_batch(
        [
            _column([row[at] for _, row in sound])
            if kind is None
            else pa.array(
                [_as_written(row[at], kind, columns) for _, row in sound]
            ).cast(pa.string())
            for at, kind in enumerate(columns.types)
        ],
        names=header,
    )
    typing = Typing(columns, raw.schema)
    for start in range(0, max(raw.num_rows, 1), ROWS_PER_BATCH):
        batch, bad = typing.split(raw.slice(start, ROWS_PER_BATCH))
        for at, reason in bad:
            number, row = sound[start + at]
            rejected.append(Rejected(number, _format_row(row), reason))
        yield batch
    rejected.sort(key=lambda row: row.line or 0)


def _header(
    sheet: Sheet, body: list[tuple[int, list[Any]]], entity: Entity, where: str
) -> list[str]:
    at_row = entity.header_row
    names = sheet.cells[at_row - 1] if len(sheet.cells) >= at_row else []
    header = [str(name).strip() for name in names]
    # Excel remembers columns that were emptied; they are none.
    while (
        len(header) > 1
        and names[len(header) - 1] == ""
        and not any(row[len(header) - 1] != "" for _, row in body)
    ):
        header.pop()
    twice = sorted({name for name in header if name and header.count(name) > 1})
    numbers = entity.repeated_columns == "number"
    if header and "" not in header and (numbers or not twice):
        return numbered(header)
    which = "the first row" if at_row == 1 else f"row {at_row} (`header_row`)"
    found = ""
    if twice:
        found = f"; {twice[0]!r} is there twice"
    elif header:
        found = f"; {cell_name((at_row - 1, header.index('')))} is empty"
        if any(first[0] < at_row <= last[0] + 1 for first, last in sheet.merged):
            found += ", and cells of the header are merged"
    advice = REPEATED if twice else ""
    raise SourceUnavailable(
        f"{where}: {which} must name every column once{found}.{advice}"
    )


def _wrong_cells(sheet: Sheet, above: int, columns: Declared) -> dict[int, str]:
    """Number of a row → why a value in a column that is read cannot be known."""
    reasons: dict[int, list[str]] = {}
    kept = set(columns.kept)
    for (row, column), flaw in sheet.flaws.items():
        if row >= above and column in kept:
            reasons.setdefault(row + 1, []).append(
                f"{columns.names[column]} in cell {cell_name((row, column))} {flaw}"
            )
    for first, last in sheet.merged:
        covered = sorted(kept.intersection(range(first[1], last[1] + 1)))
        is_one = first[0] == last[0] and len(covered) < 2
        if is_one or not covered or _at(sheet, first) == "":
            continue
        for row in range(max(first[0], above), last[0] + 1):
            reasons.setdefault(row + 1, []).append(
                f"{columns.names[covered[0]]} in the cells {cell_name(first)} to "
                f"{cell_name(last)} is one merged cell, and nobody can tell which row or "
                "column it belongs to"
            )
    return {
        number: f"{'; '.join(found)}; open the workbook in a spreadsheet, mend it and save "
        "it, or name the column in `leave_out` if it is not needed"
        for number, found in reasons.items()
    }


def _at(sheet: Sheet, place: tuple[int, int]) -> Any:
    row, column = place
    cells = sheet.cells[row] if row < len(sheet.cells) else []
    return cells[column] if column < len(cells) else ""


def _is_text(cell: Any) -> bool:
    return isinstance(cell, str) and cell != ""


def _wrong_id(row: list[Any], names: list[str], texts: list[bool]) -> str | None:
    for name, is_id, cell in zip(names, texts, row, strict=False):
        if (
            is_id
            and isinstance(cell, int | float)
            and not isinstance(cell, bool)
            and abs(cell) >= FIRST_INEXACT_ID
        ):
            return (
                f"{name} is {cell:.15G}, a number in scientific notation of which Excel "
                "kept 15 digits; format the column as text before the ids are typed in"
            )
    return None


def _with_flaws(row: list[Any], number: int, sheet: Sheet) -> list[Any]:
    """The row as a person sees it: with the errors, where the cells are empty."""
    flaws = (sheet.flaws.get((number - 1, at)) for at in range(len(row)))
    return [
        flaw.rpartition(" ")[2] if flaw and flaw.startswith("is the error") else cell
        for flaw, cell in zip(flaws, row, strict=True)
    ]


def _format_row(row: list[Any]) -> str:
    return "\t".join(_text(cell) or "" for cell in row)


def _as_written(cell: Any, kind: ColumnType, columns: Declared) -> str | None:
    """The cell as the declared options would write it, so that one parser serves all."""
    if cell == "":
        return None
    if isinstance(cell, dt.date | dt.datetime) and kind.format:
        # Neither the century nor the time of the day is in every format.
        return f"{REAL_MOMENT}{cell.isoformat()}"
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        text = f"{cell:.15g}"
        is_number = kind.kind in {"integer", "decimal", "number"}
        return text.replace(".", columns.decimal) if is_number else text
    return str(cell)


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
