"""Reads JSON: an array of objects, or JSON lines, an object a line.

The columns are all members that any object has, in the order in which they first come up.
A member that is always a whole number, a number, a boolean or text is such a column;
anything else, nested values too, is kept as its JSON text.
"""

from __future__ import annotations

import io
import shutil
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
            f"{part.where} cannot be read as JSON: {cause(error)}"
        ) from error


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
        if begins_plain and _encoding(entity) == "utf-8-sig":
            link.symlink_to(file.absolute())
        else:
            text = io.TextIOWrapper(file.open("rb"), _encoding(entity), newline="")
            with text, link.open("w", encoding="utf-8", newline="") as copy:
                shutil.copyfileobj(text, copy, CHUNK)
        _refuse_if_cut(part, link)
        found = connection.execute(
            "select json from read_json_objects($path, format = 'array', "
            "compression = 'uncompressed', maximum_object_size = $largest)",
            {"path": str(link), "largest": LARGEST_OBJECT},
        )
        number = 0
        for batch in found.to_arrow_reader(ROWS_PER_BATCH):
            texts = batch.column(0).to_pylist()
            yield list(range(number + 1, number + len(texts) + 1)), texts
            number += len(texts)


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
                shown = text.encode(errors="surrogateescape")
                bad.append(
                    Rejected(
                        number,
                        shown.decode(errors="backslashreplace"),
                        "bytes that are no text in UTF-8, the encoding of JSON",
                    )
                )
        numbers, texts = [n for n, _ in kept], [text for _, text in kept]
    objects = pa.table({"j": pa.array(texts, pa.string())})
    is_object = _run(
        connection,
        "select case when not json_valid(j) then 0 "
        "when json_type(j) = 'OBJECT' then 2 else 1 end from objects",
        objects,
    ).column(0)
    found = is_object.to_numpy()
    if (found == 2).all():
        return (numbers, texts), bad
    reasons = ["is no valid JSON", "is JSON but no object"]
    bad += [
        Rejected(number, text, reasons[int(what)])
        for number, text, what in zip(numbers, texts, found, strict=True)
        if what < 2
    ]
    kept = [
        pair
        for pair, what in zip(zip(numbers, texts, strict=True), found, strict=True)
        if what == 2
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
