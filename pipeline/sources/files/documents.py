"""Reads JSON: an array of objects, or JSON lines, an object a line.

The columns are all members that any object has, in the order in which they first come up.
A member that is always a whole number, a number, a boolean or text is such a column;
anything else, nested values too, is kept as its JSON text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.common import sql
from pipeline.common.errors import SourceUnavailable
from pipeline.sources.base import Rejected
from pipeline.sources.columns import ColumnType
from pipeline.sources.entity import Entity
from pipeline.sources.files.parts import (
    CHUNK,
    READ_ERRORS,
    Part,
    cause,
    engine,
    temporary_folder,
)
from pipeline.sources.files.typed import Typing, declared

BLOCK = 4 << 20
ROWS_PER_BATCH = 16_384

# Of one object of an array; DuckDB keeps so much of a file in memory for each thread.
LARGEST_OBJECT = 16 << 20


Block = tuple[list[int], list[str]]


def read(
    part: Part, entity: Entity, kind: str, limit: int | None, rejected: list[Rejected]
) -> Iterator[pa.RecordBatch]:
    """The objects in the file's order, read twice: once to know all columns.

    A line is that of JSON lines; in an array it is the place of the object, from 1.

    Raises:
        SourceUnavailable: The file is no JSON, or no object is in it.
    """
    try:
        with engine() as connection:
            is_array = kind == "json" and _first_character(part, entity) == "["
            opened = _array if is_array else _lines
            members = _members(
                connection, (_sorted_out(connection, b) for b in opened(part, entity))
            )
            names = list(members)
            if not names:
                raise SourceUnavailable(_nothing(part, kind))
            columns = declared(entity, names, part.where)
            wanted = ", ".join(
                _expression(name, members[name], type_, entity)
                for name, type_ in zip(names, columns.types, strict=True)
            )
            typing: Typing | None = None
            left = limit
            for block in opened(part, entity):
                (numbers, texts), bad = _sorted_out(connection, block)
                rejected += bad
                objects = pa.table({"j": pa.array(texts[:left], pa.string())})
                if left is not None:
                    left -= objects.num_rows
                raw = _run(connection, f"select {wanted} from objects", objects)
                raw = raw.rename_columns(names)
                typing = typing or Typing(columns, raw.schema)
                batch, wrong = typing.split(_one_batch(raw))
                rejected += [
                    Rejected(numbers[at], texts[at], reason) for at, reason in wrong
                ]
                yield batch
                if left == 0:
                    break
            rejected.sort(key=lambda row: row.line or 0)
    except (duckdb.Error, pa.ArrowException, UnicodeError, *READ_ERRORS) as error:
        raise SourceUnavailable(
            f"{part.where} cannot be read as JSON: {_without_place(cause(error))}"
        ) from error


def _without_place(text: str) -> str:
    """DuckDB's words without the copy that it read, and without its count of objects."""
    text = re.sub(r" in file \"[^\"]*\",?", "", text)
    return re.sub(r" in record/value \d+", "", text)


def _nothing(part: Part, kind: str) -> str:
    what = "an array of objects, or an object a line," if kind == "json" else "a line"
    return (
        f"{part.where} holds no object that can be read; {what} is expected"
        f"{'' if kind == 'json' else ' to be an object'}."
    )


def _encoding(entity: Entity) -> str:
    found = entity.encoding or "utf-8"
    return (
        "utf-8-sig" if found.lower().replace("_", "-") in {"utf-8", "utf8"} else found
    )


def _first_character(part: Part, entity: Entity) -> str:
    with part.open() as file:
        text = file.read(65_536).decode(_encoding(entity), errors="replace")
    return text.lstrip()[:1]


def _lines(part: Part, entity: Entity) -> Iterator[Block]:
    number = 0
    with (
        part.open() as file,
        io.TextIOWrapper(
            file, encoding=_encoding(entity), errors="surrogateescape", newline="\n"
        ) as text,
    ):
        while lines := text.readlines(BLOCK):
            numbers = range(number + 1, number + len(lines) + 1)
            number += len(lines)
            kept = [
                (n, line)
                for n, line in zip(numbers, lines, strict=True)
                if line.strip()
            ]
            yield [n for n, _ in kept], [line.rstrip("\r\n") for _, line in kept]


def _array(part: Part, entity: Entity) -> Iterator[Block]:
    # DuckDB takes a name with *, ? or [ for a pattern.
    with part.as_file() as file, engine() as connection, temporary_folder() as folder:
        link = folder / "array.json"
        with file.open("rb") as raw:
            begins_plain = raw.read(1) == b"["
        is_utf8 = _encoding(entity) == "utf-8-sig"
        if begins_plain and is_utf8 and not _may_hold_halves(file):
            link.symlink_to(file.absolute())
        else:
            _copy_without_halves(file, link, _encoding(entity))
        _refuse_if_cut(part, link)
        found = connection.execute(
            "select json from read_json_objects($path, format = 'array', "
            "compression = 'uncompressed', maximum_object_size = $largest)",
            {"path": str(link), "largest": LARGEST_OBJECT},
        )
        number = 0
        for batch in found.to_arrow_reader(ROWS_PER_BATCH):
            texts = [_with_halves(text) for text in batch.column(0).to_pylist()]
            yield list(range(number + 1, number + len(texts) + 1)), texts
            number += len(texts)


# Half a character ----------------------------------------------------------------------

# An emoji is two escapes; a program that cuts texts leaves one, which is no character. It
# costs its object only, but DuckDB gives up the array. In the copy that DuckDB reads an
# escape of a noncharacter, which no text has, stands before the digits.
_HALF_SURELY = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_MARKED = "\\ufdd0"
_LONGEST_ESCAPE = 12


def _may_hold_halves(path: Path) -> bool:
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if _HALF_SURELY.search(tail + chunk):
                return True
            tail = chunk[-_LONGEST_ESCAPE:]
    return False


def _copy_without_halves(path: Path, copy: Path, encoding: str) -> None:
    rest = ""
    with (
        io.TextIOWrapper(path.open("rb"), encoding, newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        while chunk := source.read(CHUNK):
            text = rest + chunk
            # An escape that goes on behind the end waits for the next part.
            end = max(len(text) - _LONGEST_ESCAPE, 0)
            at = 0
            for found in _ESCAPE.finditer(text):
                if found.start() >= end:
                    break
                if found[1]:
                    target.write(text[at : found.start()] + _MARKED + found[1])
                    at = found.end()
                end = max(end, found.end())
            target.write(text[at:end])
            rest = text[end:]
        target.write(_ESCAPE.sub(_marked, rest))


def _marked(found: re.Match[str]) -> str:
    return f"{_MARKED}{found[1]}" if found[1] else found[0]


def _with_halves(text: str) -> str:
    return text.replace(_MARKED, "\\u") if _MARKED in text else text


def _is_half(text: str) -> bool:
    return "\\u" in text and any(found[1] for found in _ESCAPE.finditer(text))


def _refuse_if_cut(part: Part, path: Path) -> None:
    """DuckDB (1.5.5) reads an array that was cut off between objects without an error."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(size - 4096, 0))
        end = file.read().rstrip()[-1:]
    if end != b"]":
        raise SourceUnavailable(
            f"{part.where} cannot be read as JSON: the array has no end; fetch it again."
        )


def _sorted_out(
    connection: duckdb.DuckDBPyConnection, block: Block
) -> tuple[Block, list[Rejected]]:
    """The objects, and what is no object or no text."""
    numbers, texts = block
    bad: list[Rejected] = []
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        kept = []
        for number, text in zip(numbers, texts, strict=True):
            try:
                text.encode()
                kept.append((number, text))
            except UnicodeEncodeError:
                escaped = text.encode(errors="surrogateescape")
                bad.append(
                    Rejected(
                        number,
                        escaped.decode(errors="backslashreplace"),
                        "bytes that are no text in UTF-8, the encoding of JSON",
                    )
                )
        numbers, texts = [n for n, _ in kept], [text for _, text in kept]
    objects = pa.table({"j": pa.array(texts, pa.string())})
    is_object = _run(
        connection,
        "select case when not json_valid(j) then 0 "
        "when json_type(j) <> 'OBJECT' then 1 "
        "when len(json_keys(j)) > len(list_distinct(json_keys(j))) then 2 else 3 end "
        "from objects",
        objects,
    ).column(0)
    found = is_object.to_numpy()
    if (found == 3).all():
        return (numbers, texts), bad
    reasons = [
        "is no valid JSON",
        "is JSON but no object",
        "names a member twice, so that nobody can tell which value is meant",
    ]
    half = (
        "has an escape such as \\ud83d that is half a character, and is no valid JSON"
    )
    bad += [
        Rejected(
            number, text, half if not what and _is_half(text) else reasons[int(what)]
        )
        for number, text, what in zip(numbers, texts, found, strict=True)
        if what < 3
    ]
    kept = [
        pair
        for pair, what in zip(zip(numbers, texts, strict=True), found, strict=True)
        if what == 3
    ]
    return ([n for n, _ in kept], [text for _, text in kept]), bad


def _members(
    connection: duckdb.DuckDBPyConnection,
    blocks: Iterator[tuple[Block, list[Rejected]]],
) -> dict[str, set[str]]:
    """Name → the JSON types of its values, over all objects."""
    members: dict[str, set[str]] = {}
    for (_, texts), _ in blocks:
        objects = pa.table({"j": pa.array(texts, pa.string())})
        found = _run(
            connection,
            r"""
            with named as (
                select
                    j,
                    unnest(json_keys(j)) as name,
                    generate_subscripts(json_keys(j), 1) as place,
                    row_number() over () as row_number,
                from objects
            ),
            typed as (
                select
                    name,
                    place,
                    row_number,
                    '/' || replace(replace(name, '~', '~0'), '/', '~1') as pointer,
                    json_type(j, pointer) as type,
                    case
                        when type in ('BIGINT', 'UBIGINT')
                            and try_cast(json_extract_string(j, pointer) as bigint) is null
                            then 'LARGE'
                        else type
                    end as kind,
                from named
            )
            select name, kind, min(row_number * 10000 + place) as first_seen
            from typed
            group by name, kind
            order by first_seen
            """,
            objects,
        )
        for name, kind in zip(
            found.column(0).to_pylist(), found.column(1).to_pylist(), strict=True
        ):
            members.setdefault(name, set()).add(kind)
    return members


def _expression(
    name: str, kinds: set[str], declared_as: ColumnType | None, entity: Entity
) -> str:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    place = sql.literal(pointer)
    text = f"json_extract_string(j, {place})"
    if declared_as is not None:
        is_number = declared_as.kind in {"integer", "decimal", "number"}
        if entity.decimal == "," and is_number:
            # A number in JSON has a point whatever the text in it has.
            return (
                f"case when json_type(j, {place}) = 'DOUBLE' "
                f"then replace({text}, '.', ',') else {text} end"
            )
        return text
    real = kinds - {"NULL"}
    if real and real <= {"BIGINT", "UBIGINT"}:
        return f"cast({text} as bigint)"
    if real and real <= {"BIGINT", "UBIGINT", "LARGE", "DOUBLE"} and "DOUBLE" in real:
        return f"cast({text} as double)"
    if real == {"BOOLEAN"}:
        return f"cast({text} as boolean)"
    return text


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, objects: pa.Table
) -> pa.Table:
    connection.register("objects", objects)
    try:
        return connection.execute(sql).to_arrow_table()
    finally:
        connection.unregister("objects")


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    whole = table.combine_chunks().to_batches()
    return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=table.schema)
