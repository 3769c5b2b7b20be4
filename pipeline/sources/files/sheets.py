"""Reads a sheet of a workbook, .xlsx or .xls, with real dates and numbers.

A workbook is read whole: a sheet has a million rows at most.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.base import Rejected
from pipeline.sources.columns import ColumnType
from pipeline.sources.config import Entity
from pipeline.sources.files.parts import READ_ERRORS, Part, cause
from pipeline.sources.files.typed import FIRST_INEXACT_ID, Declared, Typing, declared

ROWS_PER_BATCH = 65_536

# Excel keeps numbers as doubles: whole numbers above this are not what was typed.
EXACT_IN_EXCEL = 2**53


def read(
    part: Part, entity: Entity, limit: int | None, rejected: list[Rejected]
) -> Iterator[pa.RecordBatch]:
    """The rows below the header; a line is the number that Excel shows beside the row.

    Raises:
        SourceUnavailable: It is no workbook, there is no such sheet, or the header does
            not name every column once.
    """
    sheet, cells = _cells(part, entity)
    above = entity.header_row
    body = [
        (number, row)
        for number, row in enumerate(cells[above:], above + 1)
        if any(cell != "" for cell in row)
    ]
    header = _header(cells, body, entity, f"{part.where}, sheet {sheet!r}")
    columns = declared(entity, header, part.where)
    # A number among texts becomes text, and must not make up digits for it.
    texts = [
        is_id or (kind is None and any(_is_text(row[at]) for _, row in body))
        for at, (is_id, kind) in enumerate(zip(columns.ids, columns.types, strict=True))
    ]
    sound = []
    for number, row in body[:limit]:
        if reason := _wrong_id(row, columns.names, texts):
            rejected.append(Rejected(number, _shown(row), reason))
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
            rejected.append(Rejected(number, _shown(row), reason))
        yield batch
    rejected.sort(key=lambda row: row.line or 0)


def _cells(part: Part, entity: Entity) -> tuple[str, list[list[Any]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with part.open() as file:
            content = file.read()
        _refuse_a_bomb(part, content, entity)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        if not workbook.sheet_names:
            raise SourceUnavailable(f"{part.where} has no sheet with cells.")
        sheet = entity.sheet or workbook.sheet_names[0]
        if sheet not in workbook.sheet_names:
            raise SourceUnavailable(
                f"{part.where} has no sheet {sheet!r}; it has "
                f"{', '.join(workbook.sheet_names)}. Mend `sheet` in sources.yaml."
            )
        cells = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (CalamineError, *READ_ERRORS) as error:
        raise SourceUnavailable(
            f"{part.where} is no readable workbook: {cause(error)}"
        ) from error
    return sheet, cells


def _refuse_a_bomb(part: Part, content: bytes, entity: Entity) -> None:
    if not content.startswith(b"PK"):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > entity.max_unpacked_bytes:
        raise SourceUnavailable(
            f"{part.where} unpacks to {size:,} bytes, more than the "
            f"{entity.max_unpacked_bytes:,} of `max_unpacked_bytes` in sources.yaml."
        )


def _header(
    cells: list[list[Any]],
    body: list[tuple[int, list[Any]]],
    entity: Entity,
    where: str,
) -> list[str]:
    names = cells[entity.header_row - 1] if len(cells) >= entity.header_row else []
    header = [str(name).strip() for name in names]
    # Excel remembers columns that were emptied; they are none.
    while (
        len(header) > 1
        and names[len(header) - 1] == ""
        and not any(row[len(header) - 1] != "" for _, row in body)
    ):
        header.pop()
    if not header or "" in header or len(set(header)) < len(header):
        which = (
            "the first row"
            if entity.header_row == 1
            else f"row {entity.header_row} (`header_row`)"
        )
        raise SourceUnavailable(f"{where}: {which} must name every column once.")
    return header


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


def _shown(row: list[Any]) -> str:
    return "\t".join(_text(cell) or "" for cell in row)


def _as_written(cell: Any, kind: ColumnType, columns: Declared) -> str | None:
    """The cell as the declared options would write it, so that one parser serves all."""
    if cell == "":
        return None
    if isinstance(cell, dt.date | dt.datetime) and kind.format:
        return cell.strftime(kind.format)
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
