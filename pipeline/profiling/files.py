"""The tables of a folder, of one file or of a workbook: which files belong together.

Files whose names differ in digits only and that have the same columns are one table. A
sheet is a table; sheets of a workbook with the same columns are one. Not here: reading.
"""

from __future__ import annotations

import fnmatch
import glob
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.profiling import field_labels, names, units
from pipeline.sources import Entity, Source, open_reader
from pipeline.sources.entity import POSITION
from pipeline.sources.files.detection import AmbiguousEncoding
from pipeline.sources.files.parts import FORMATS, parts_of
from pipeline.sources.files.workbooks import listed_sheets, open_sheet

# More files than these in a folder are no export that a person made.
MOST_FILES = 5_000
# Of a family of files, the headers of so many are compared.
MOST_HEADERS = 12
# How far down a sheet its header may stand, below titles.
MOST_ROWS_ABOVE = 20

_TEXT = {".txt", ".dat"}
_PACKED = {".gz", ".zip"}


@dataclass(frozen=True)
class Found:
    """A table that was found: how it is read, and the files or sheets that it is of.

    `encodings` are those that its bytes allow, where there are several, each with what
    comes of it; the first is the one that is taken. `scale` is what a line above it
    multiplies its amounts by.
    """

    title: str
    name: str
    entity: Entity
    parts: Sequence[str]
    encodings: Sequence[str] = ()
    scale: int = 1


def source_of(folder: Path, entity: Entity, name: str = "new") -> Source:
    """A source of kind `files` with one entity."""
    return Source(
        name=name, kind="files", path=folder, entities={"table": entity}, provides=[]
    )


def find(what: Path) -> tuple[Path, list[Found], list[str]]:
    """The tables in a folder or a file.

    Returns:
        The folder that patterns of files are relative to, the tables, and what cannot be
        read, each with why.

    Raises:
        ConfigurationError: There is no such folder or file, or nothing of a known format
            in it.
    """
    if not what.exists():
        raise ConfigurationError(
            f"{what} is neither a file nor a folder; give --from a folder of files, a "
            "file, or the URL of a database, such as postgresql://reader@host/erp."
        )
    folder = what.parent if what.is_file() else what
    paths = [what] if what.is_file() else _files(what)
    unread: list[str] = []
    found: list[Found] = []
    for family in _families(paths, folder):
        try:
            found += _tables_of(folder, family)
        except SourceUnavailable as error:
            unread.append(reason(error))
    if not found:
        why = "".join(f"\n  {line}" for line in unread)
        raise ConfigurationError(
            f"{what} holds no table that can be read; CSV, TSV, Excel, Parquet, JSON "
            f"lines, also as .gz or .zip.{why}"
        )
    return folder, found, unread


def reason(error: SourceUnavailable) -> str:
    """Why a table cannot be read, without the name that it has in the meantime."""
    return re.sub(r"^new\.\w*: ", "", str(error))


def _files(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith((".", "~$")) for part in path.parts[1:])
        and _suffix(path.name) in {*FORMATS, *_TEXT, ".zip"}
        and not field_labels.is_metadata(path)
    )
    if len(found) > MOST_FILES:
        raise ConfigurationError(
            f"{folder} holds {len(found):,} files; give --from a folder with the tables "
            f"of one source, {MOST_FILES:,} files at most."
        )
    return found


def _suffix(name: str) -> str:
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix


def _families(paths: Sequence[Path], folder: Path) -> list[list[Path]]:
    """The files by their names without digits."""
    families: dict[str, list[Path]] = {}
    for path in paths:
        relative = path.relative_to(folder).as_posix()
        shape = re.sub(r"\d+", "0", relative)
        families.setdefault(shape, []).append(path)
    return list(families.values())


def _tables_of(folder: Path, family: Sequence[Path]) -> Iterator[Found]:
    suffix = _suffix(family[0].name)
    if suffix == ".zip":
        for path in family:
            yield from _members(folder, path)
    elif FORMATS.get(suffix) in {"xlsx", "xls"}:
        yield from _sheets(folder, family)
    else:
        yield from _plain(folder, family, suffix)


def _pattern(paths: Sequence[Path], folder: Path) -> str:
    relative = [path.relative_to(folder).as_posix() for path in paths]
    if len(relative) == 1:
        return glob.escape(relative[0])
    return re.sub(r"\d+([-_. ]?\d+)*", "*", glob.escape(relative[0]))


def _plain(folder: Path, family: Sequence[Path], suffix: str) -> Iterator[Found]:
    """One table where all headers are the same, else one a file."""
    options: dict[str, Any] = {"format": "csv"} if suffix in _TEXT else {}
    step = max(1, len(family) // MOST_HEADERS)
    asked = dict.fromkeys([*family[::step], family[-1]])
    encodings: list[str] = []
    for path in asked:
        fits = _encodings(folder, entity_of(_pattern([path], folder), **options))
        if fits:
            options["encoding"], encodings = next(iter(fits)), list(fits.values())
            break
    if any(
        _repeats(folder, entity_of(_pattern([path], folder), **options))
        for path in asked
    ):
        options["repeated_columns"] = "number"
    headers = {
        tuple(_header(folder, entity_of(_pattern([path], folder), **options)))
        for path in asked
    }
    is_one = len(headers) == 1
    for paths in [list(family)] if is_one else [[path] for path in family]:
        stem = paths[0].name.split(".")[0]
        if len(paths) > 1:
            stem = re.sub(r"[-_. ]*\d+([-_. ]?\d+)*$", "", stem) or stem
        yield Found(
            title=_displayed(paths, folder),
            name=names.identifier(stem),
            entity=entity_of(_pattern(paths, folder), **options),
            parts=[path.relative_to(folder).as_posix() for path in paths],
            encodings=encodings,
        )


def _encodings(folder: Path, entity: Entity) -> dict[str, str]:
    """Encoding → what comes of it, where a file's bytes allow several.

    The first is that of Western languages, if it fits: what is written in another one
    hardly ever reads as one of theirs, and the other way round it often does.
    """
    try:
        _header(folder, entity)
    except AmbiguousEncoding as error:
        fits = sorted(error.fits, key=lambda one: "cp1252" not in one.names)
        return {
            "cp1252" if "cp1252" in one.names else one.names[0]: str(one)
            for one in fits
        }
    except SourceUnavailable:
        pass
    return {}


def entity_of(files: str, **options: Any) -> Entity:
    """How a table is read before its key is known; a file that is there counts as whole."""
    return Entity(key=list(POSITION), files=files, settle_seconds=0, **options)


def _repeats(folder: Path, entity: Entity) -> bool:
    """Whether a file that cannot be read can be, once columns of one name are numbered."""
    try:
        _header(folder, entity)
    except SourceUnavailable:
        numbered = entity.model_copy(update={"repeated_columns": "number"})
        try:
            return bool(_header(folder, numbered))
        except SourceUnavailable:
            return False
    return False


def _header(folder: Path, entity: Entity) -> list[str]:
    """The names of the columns.

    Raises:
        SourceUnavailable: The file cannot be read, or names no columns.
    """
    with open_reader(source_of(folder, entity)) as reader:
        extract = next(iter(reader.extracts(entity, limit=1)))
        for batch in extract.batches():
            return list(batch.schema.names)
    raise SourceUnavailable(f"{extract.origin} is empty.")


def _members(folder: Path, path: Path) -> Iterator[Found]:
    """The files in a zip, each a table."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [item.filename for item in archive.infolist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceUnavailable(f"{path.name} is no readable zip: {error}") from error
    for member in members:
        suffix = PurePosixPath(member.lower()).suffix
        if suffix not in FORMATS or member.startswith("__MACOSX/"):
            continue
        entity = entity_of(_pattern([path], folder), member=glob.escape(member))
        fits = _encodings(folder, entity)
        if fits:
            entity = entity.model_copy(update={"encoding": next(iter(fits))})
        if _repeats(folder, entity):
            entity = entity.model_copy(update={"repeated_columns": "number"})
        _header(folder, entity)
        yield Found(
            title=f"{path.name}/{member}",
            name=names.identifier(PurePosixPath(member).stem),
            entity=entity,
            parts=[f"{path.name}/{member}"],
            encodings=list(fits.values()),
        )


def _sheets(folder: Path, family: Sequence[Path]) -> Iterator[Found]:
    """The visible sheets that hold a table; those with the same columns are one.

    Workbooks with the same sheets and columns are one family, else each is by itself.
    """
    shapes = {path: _shapes(path, folder) for path in family}
    if not any(shapes.values()):
        raise SourceUnavailable(
            f"{_displayed(family, folder)}: no visible sheet has a row that names each of "
            "its columns. What is grouped under headings, as reports are, has to be "
            "exported as a list."
        )
    first = shapes[family[0]]
    is_one = len(family) > 1 and all(found == first for found in shapes.values())
    for paths in [list(family)] if is_one else [[path] for path in family]:
        found = shapes[paths[0]]
        names_of_sheets = [name for sheets in found.values() for name in sheets]
        for (header, scale, _), sheets in found.items():
            wanted = _sheets_pattern(sheets, names_of_sheets)
            for group in [sheets] if wanted else [[name] for name in sheets]:
                yield Found(
                    title=f"{_displayed(paths, folder)}, "
                    f"sheet{'s' if len(group) > 1 else ''} {', '.join(group)}",
                    name=names.identifier(_stem_of_sheets(group, paths[0])),
                    entity=entity_of(
                        _pattern(paths, folder),
                        sheet=(wanted or group[0]) if len(group) > 1 else group[0],
                        header_row=header,
                    ),
                    parts=[f"{path.name}[{name}]" for path in paths for name in group],
                    scale=scale,
                )


# Header row, scale of its amounts, columns → the sheets of a workbook that have them.
Shapes = dict[tuple[int, int, tuple[str, ...]], list[str]]


def _shapes(path: Path, folder: Path) -> Shapes:
    """The shapes of the sheets of a workbook that hold a table."""
    pattern = _pattern([path], folder)
    first = entity_of(pattern)
    (part, *_) = parts_of(path, first, path.name)
    shapes: Shapes = {}
    for name, is_visible in listed_sheets(part, first):
        if not is_visible:
            continue
        cells = open_sheet(part, entity_of(pattern, sheet=name)).cells
        header = header_row(cells)
        if header is not None:
            above = " ".join(str(cell) for row in cells[: header - 1] for cell in row)
            columns = tuple(str(cell).strip() for cell in cells[header - 1])
            shape = (header, units.scale_of_note(above), columns)
            shapes.setdefault(shape, []).append(name)
    return shapes


def _stem_of_sheets(sheets: Sequence[str], path: Path) -> str:
    """The sheet's name, or the file's where the sheet's says nothing."""
    stem = sheets[0]
    if len(sheets) > 1:
        stem = re.sub(r"[-_. ]*\d+([-_. ]?\d+)*$", "", stem)
    generic = r"(sheet|tabelle|year|month|data|工作表|\d*年|\d*月)\s*\d*"
    return path.stem if not stem or re.fullmatch(generic, stem.lower()) else stem


def _sheets_pattern(sheets: Sequence[str], listed: Sequence[str]) -> str | None:
    """A pattern that these sheets fit and no others; None where there is none."""
    shapes = {re.sub(r"\d+", "*", sheet) for sheet in sheets}
    for pattern in [*shapes, "*"] if len(shapes) == 1 else ["*"]:
        if [name for name in listed if fnmatch.fnmatchcase(name, pattern)] == sheets:
            return pattern
    return None


def _displayed(paths: Sequence[Path], folder: Path) -> str:
    return (
        paths[0].name
        if len(paths) == 1
        else f"{len(paths)} files " + _pattern(paths, folder)
    )


def header_row(cells: Sequence[Sequence[Any]]) -> int | None:
    """The row that names the columns, counted from 1; None where there is no table.

    It is the first whose cells are all different texts, one above each column of values.
    """
    for at, row in enumerate(cells[:MOST_ROWS_ABOVE]):
        filled = [cell for cell in row if cell != ""]
        below = cells[at + 1 : at + 30]
        if not filled or not any(any(cell != "" for cell in line) for line in below):
            continue
        used = [
            place
            for place in range(len(row))
            if any(place < len(line) and line[place] != "" for line in below)
        ]
        texts = [row[place] for place in used]
        if (
            len(used) > 1
            and all(isinstance(cell, str) and cell.strip() for cell in texts)
            and len({str(cell).strip().lower() for cell in texts}) == len(texts)
        ):
            return at + 1
    return None
