"""Opens a workbook and gives one sheet of it: its cells, and what is wrong with them.

The library that reads cells fast gives an empty one for an error, for a formula that was
never calculated and for what a merged cell covers. Here these are found by themselves:
in the XML of .xlsx, by xlrd in .xls. Not here: what cells become.
"""

from __future__ import annotations

import fnmatch
import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.entity import Entity
from pipeline.sources.files import contents
from pipeline.sources.files.parts import CHUNK, READ_ERRORS, Part, cause

# What makes it worth reading every cell: an error, or a formula.
_SUSPECT = re.compile(rb"""\st\s*=\s*["']e["']|<(?:[\w.-]+:)?f[\s/>]""")
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_UNCALCULATED = "holds a formula that was never calculated"

# What an OLE file calls the workbook in it that a password locks.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

# Row and column of a cell, both from 0.
Place = tuple[int, int]


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Attributes:
        cells: Row by row, from the first cell of the sheet on.
        flaws: What is wrong with a cell whose value cannot be known.
        merged: The first and the last cell of each merged area.
    """

    name: str
    cells: list[list[Any]]
    flaws: dict[Place, str]
    merged: list[tuple[Place, Place]]


def cell_name(place: Place) -> str:
    """The cell as a spreadsheet calls it, such as B3."""
    row, column = place
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def open_sheet(part: Part, entity: Entity) -> Sheet:
    """The sheet that the entity names, else the first one that can be seen.

    Raises:
        SourceUnavailable: It is no workbook, is locked, or has no such sheet.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with part.open() as file:
            content = file.read()
        _refuse_a_bomb(part, content, entity)
        _refuse_another_content(part, content)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        name = _chosen(workbook, part, entity)
        sheet = workbook.get_sheet_by_name(name)
        cells = sheet.to_python(skip_empty_area=False)
        if content.startswith(b"PK"):
            flaws = dict(_flaws_of_xlsx(content, name))
        else:
            flaws = dict(_flaws_of_xls(content, name))
        return Sheet(name, cells, flaws, list(sheet.merged_cell_ranges or []))
    except PasswordError:
        raise _locked(part) from None
    except (
        CalamineError,
        ElementTree.ParseError,
        expat.ExpatError,
        KeyError,
        *READ_ERRORS,
    ) as error:
        raise SourceUnavailable(
            f"{part.where} is no readable workbook: {cause(error)}"
        ) from error


def wanted_sheets(part: Part, entity: Entity) -> list[str]:
    """The sheets with cells that can be seen and fit the entity's pattern, in order.

    Raises:
        SourceUnavailable: It is no workbook, is locked, or no sheet fits.
    """
    assert entity.sheet is not None
    found = [
        name
        for name, is_visible in listed_sheets(part, entity)
        if is_visible and fnmatch.fnmatchcase(name, entity.sheet)
    ]
    if not found:
        raise SourceUnavailable(
            f"{part.where} has no sheet that fits {entity.sheet!r}; mend `sheet` in "
            "sources.yaml."
        )
    return found


def listed_sheets(part: Part, entity: Entity) -> list[tuple[str, bool]]:
    """The sheets with cells, in order, and whether each can be seen.

    Raises:
        SourceUnavailable: It is no workbook, or is locked.
    """
    from python_calamine import (
        CalamineError,
        CalamineWorkbook,
        PasswordError,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    try:
        with part.open() as file:
            content = file.read()
        _refuse_a_bomb(part, content, entity)
        _refuse_another_content(part, content)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError:
        raise _locked(part) from None
    except (CalamineError, KeyError, *READ_ERRORS) as error:
        raise SourceUnavailable(
            f"{part.where} is no readable workbook: {cause(error)}"
        ) from error
    return [
        (str(sheet.name), sheet.visible == SheetVisibleEnum.Visible)
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet
    ]


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


def _refuse_another_content(part: Part, content: bytes) -> None:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:200] if "mimetype" in names else b""
        found = contents.in_an_archive(names, kind)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        if _ENCRYPTED in content or _is_encrypted_xls(content):
            raise _locked(part)
        return
    else:
        found = contents.under_the_name_of_a_workbook(content)
    if found is not None:
        raise SourceUnavailable(f"{part.where} is no readable workbook: it is {found}.")


def _locked(part: Part) -> SourceUnavailable:
    return SourceUnavailable(
        f"{part.where} is locked by a password; save it without one, and bring it again."
    )


def _is_encrypted_xls(content: bytes) -> bool:
    import xlrd

    try:
        _opened_xls(content)
    except xlrd.XLRDError as error:
        return "encrypted" in str(error)
    except (ValueError, LookupError, AssertionError, struct.error):
        return False  # what else it is, is found when it is read
    return False


def _chosen(workbook: Any, part: Part, entity: Entity) -> str:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    names = workbook.sheet_names
    if entity.sheet:
        if entity.sheet not in names:
            raise SourceUnavailable(
                f"{part.where} has no sheet {entity.sheet!r}; it has "
                f"{', '.join(names)}. Mend `sheet` in sources.yaml."
            )
        return entity.sheet
    sheets = [
        sheet
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if not sheets:
        raise SourceUnavailable(f"{part.where} has no sheet with cells.")
    for sheet in sheets:
        if sheet.visible == SheetVisibleEnum.Visible:
            return str(sheet.name)
    raise SourceUnavailable(
        f"{part.where}: all its sheets are hidden ({', '.join(names)}); declare the one "
        "to be read as `sheet` in sources.yaml."
    )


# .xlsx -------------------------------------------------------------------------------


def _flaws_of_xlsx(content: bytes, sheet: str) -> Iterator[tuple[Place, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name.lower(): name for name in archive.namelist()}
        book = "xl/workbook.xml"
        if book not in members:  # .xlsb has no formulas that are written out
            return
        root = ElementTree.fromstring(archive.read(members[book]))
        member = members.get(_member_of(archive, members, root, sheet).lower())
        if member is None or not _is_suspect(archive, member):
            return
        calculates = root.find("{*}calcPr")
        waits = calculates is not None and calculates.get("fullCalcOnLoad") in {
            "1",
            "true",
        }
        with archive.open(member) as file:
            yield from _Cells(waits).flaws(file)


def _member_of(
    archive: zipfile.ZipFile,
    members: dict[str, str],
    root: ElementTree.Element,
    sheet: str,
) -> str:
    relation = next(
        found.get(_RELATIONS) or found.get("id")
        for found in root.iterfind("{*}sheets/{*}sheet")
        if found.get("name") == sheet
    )
    rels = archive.read(members["xl/_rels/workbook.xml.rels"])
    target = next(
        found.get("Target", "")
        for found in ElementTree.fromstring(rels)
        if found.get("Id") == relation
    )
    return posixpath.normpath(posixpath.join("/xl", target)).removeprefix("/")


def _is_suspect(archive: zipfile.ZipFile, member: str) -> bool:
    tail = b""
    with archive.open(member) as file:
        while chunk := file.read(CHUNK):
            if _SUSPECT.search(tail + chunk):
                return True
            tail = chunk[-64:]
    return False


class _Cells:
    """Goes through the XML of a sheet for cells whose value is none.

    `waits` is whether the workbook asks to be calculated when it is opened: what a
    program stored as 0 beside a formula is then no result.
    """

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._found: list[tuple[Place, str]] = []
        self._row = self._column = -1
        self._kind = ""
        self._has_formula = self._in_value = False
        self._value: list[str] = []

    def flaws(self, file: Any) -> Iterator[tuple[Place, str]]:
        """The flaws, in the order of the cells."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        while chunk := file.read(CHUNK):
            parser.Parse(chunk, False)
            yield from self._found
            self._found = []
        parser.Parse(b"", True)
        yield from self._found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "row":
            # Programs may leave out the places of rows and cells that follow each other.
            self._row = int(attributes.get("r", self._row + 2)) - 1
            self._column = -1
        elif name == "c":
            self._column += 1
            if "r" in attributes:
                self._row, self._column = _place(attributes["r"])
            self._kind = attributes.get("t", "n")
            self._has_formula = False
            self._value = []
        elif name == "f":
            self._has_formula = True
        elif name == "v":
            self._in_value = True

    def _text(self, text: str) -> None:
        if self._in_value:
            self._value.append(text)

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "v":
            self._in_value = False
        elif name == "c":
            value = "".join(self._value).strip()
            place = (self._row, self._column)
            if self._kind == "e":
                self._found.append((place, f"is the error {value or '#ERROR'}"))
            elif self._has_formula and self._kind != "str":
                is_none = value == "" or (self._waits and _is_zero(value))
                if is_none:
                    self._found.append((place, _UNCALCULATED))


def _is_zero(value: str) -> bool:
    return re.fullmatch(r"0(\.0*)?", value) is not None


def _place(reference: str) -> Place:
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(reference[len(letters) :]) - 1, column - 1


# .xls --------------------------------------------------------------------------------


def _flaws_of_xls(content: bytes, name: str) -> Iterator[tuple[Place, str]]:
    import xlrd

    try:
        sheet = _opened_xls(content).sheet_by_name(name)
    except (
        xlrd.XLRDError,
        ValueError,
        LookupError,
        AssertionError,
        struct.error,
    ) as error:
        raise OSError(f"its cells cannot be checked for errors ({error})") from error
    for row in range(sheet.nrows):
        kinds = sheet.row_types(row)
        if xlrd.XL_CELL_ERROR not in kinds:
            continue
        for column, kind in enumerate(kinds):
            if kind == xlrd.XL_CELL_ERROR:
                code = sheet.cell_value(row, column)
                text = xlrd.error_text_from_code.get(code, "#ERROR")
                yield (row, column), f"is the error {text}"


def _opened_xls(content: bytes) -> Any:
    import xlrd

    return xlrd.open_workbook(
        file_contents=content,
        logfile=io.StringIO(),
        on_demand=True,
        ragged_rows=True,
        ignore_workbook_corruption=True,
    )
