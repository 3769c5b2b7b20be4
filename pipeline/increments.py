"""What a further load of an entity goes on from, and what it says that is new.

Reads landed Parquet files with DuckDB; writes nothing. Landing asks here where the last
load ended, which keys are gone, and whether an increment repeats what is known.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import sql
from pipeline.sources import Entity, Extract

# Arrow's type of a cursor, by the letter of which kind of Python value it gives.
_PARSERS: dict[str, Any] = {
    "timestamp": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "decimal": Decimal,
    "int": int,
    "uint": int,
    "float": float,
    "double": float,
    "string": str,
}


def highest(before: pa.Scalar | None, record_batch: pa.RecordBatch, column: str) -> Any:
    """The higher of `before` and the highest value of the column, as an Arrow scalar."""
    if column not in record_batch.schema.names or record_batch.num_rows == 0:
        return before
    found = pc.max(record_batch.column(column))
    if not found.is_valid:
        return before
    if before is None or found.as_py() > before.as_py():
        return found
    return before


def written(cursor: pa.Scalar | None) -> dict[str, str] | None:
    """A cursor as a manifest holds it: its type and its value, as text."""
    if cursor is None:
        return None
    value = cursor.as_py()
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    return {"type": str(cursor.type), "value": text}


def read(cursor: dict[str, str] | None) -> Any | None:
    """The value that `written` wrote."""
    if cursor is None:
        return None
    kind = cursor["type"]
    for prefix, parse in _PARSERS.items():
        if kind.startswith(prefix):
            return parse(cursor["value"])
    raise ValueError(f"a cursor of type {kind} cannot be gone on from")


def flags(record_batch: pa.RecordBatch, entity: Entity) -> pa.Array:
    """For each row, whether the source marks it as deleted."""
    count = record_batch.num_rows
    condition = entity.deleted_when
    if condition is None or condition.column not in record_batch.schema.names:
        return pa.repeat(pa.scalar(False), count)
    # Compared as text: a flag is 1, true or Y, whatever type the source gives it.
    marks = pa.array([_flag_text(value) for value in condition.values])
    column = record_batch.column(condition.column).cast(pa.string())
    return pc.is_in(pc.utf8_lower(column), value_set=marks)


def _flag_text(value: object) -> str:
    return str(value).lower()


def as_markers(extract: Extract, entity: Entity, cursor: Any | None) -> Extract:
    """Keys of deleted rows as rows of the entity: its key columns, and its cursor.

    The cursor is the highest one landed, so that a marker is newer than what it deletes
    and older than a row that comes back under the same key.
    """

    def batches() -> Iterator[pa.RecordBatch]:
        for record_batch in extract.batches():
            yield _with_cursor(record_batch, entity, cursor)

    return Extract(
        origin=extract.origin,
        fingerprint=extract.fingerprint,
        batches=batches,
        rejected=extract.rejected,
        content="deletes",
    )


def _with_cursor(
    record_batch: pa.RecordBatch, entity: Entity, cursor: Any | None
) -> pa.RecordBatch:
    if entity.cursor is None or cursor is None:
        return record_batch
    values = pa.repeat(pa.scalar(cursor), record_batch.num_rows)
    return pa.record_batch(
        [*record_batch.columns, values],
        names=[*record_batch.schema.names, entity.cursor.column],
    )


def gone(
    extract: Extract, entity: Entity, files: Sequence[Path], cursor: Any | None
) -> Extract:
    """Markers for the keys that were landed and are not among the extract's keys.

    Args:
        extract: All keys that there are now (`content="keys"`).
        entity: The entity; its key and cursor say which landed row is the newest.
        files: The Parquet files of the entity's batches in force, oldest first.
        cursor: The highest cursor landed.
    """

    def batches() -> Iterator[pa.RecordBatch]:
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
            keys = Path(folder) / "keys.parquet"
            _spool(extract, keys)
            result = connection.execute(
                f"""
                select {sql.columns(entity.key)}
                from ({_alive(entity, files)}) as alive
                anti join read_parquet($keys) as present
                using ({sql.columns(entity.key)})
                order by all
                """,
                {"keys": str(keys)},
            )
            for record_batch in result.to_arrow_reader(65_536):
                yield _with_cursor(record_batch, entity, cursor)

    return Extract(
        origin=extract.origin, fingerprint=None, batches=batches, content="deletes"
    )


def says_nothing_new(new: Path, files: Sequence[Path], columns: Sequence[str]) -> bool:
    """Whether every row of the new file was landed before, column by column.

    An increment is read with an overlap; when nothing has happened it holds the overlap
    only.
    """
    if not files:
        return False
    with duckdb.connect() as connection:
        known = connection.execute(
            f"select column_name from (describe select * from {sql.parquet(files)})"
        ).fetchall()
        if not set(columns) <= {name for (name,) in known}:
            return False
        row = connection.execute(
            f"""
            select count(*) from (
                select {sql.columns(columns)} from {sql.parquet([new])}
                except
                select {sql.columns(columns)}
                from {sql.parquet(files)}
            )
            """
        ).fetchone()
    return row is not None and row[0] == 0


def _alive(entity: Entity, files: Sequence[Path]) -> str:
    """SQL of the keys whose newest landed version is not deleted."""
    newest_first = [f"{sql.quoted(entity.cursor.column)} desc"] if entity.cursor else []
    newest_first += ["_batch_id desc", "_row_number desc"]
    return f"""
        select {sql.columns(entity.key)}
        from {sql.parquet(files)}
        qualify row_number() over (
            partition by {sql.columns(entity.key)} order by {", ".join(newest_first)}
        ) = 1 and not _deleted
    """


def _spool(extract: Extract, path: Path) -> None:
    writer: pq.ParquetWriter | None = None
    for record_batch in extract.batches():
        if writer is None:
            writer = pq.ParquetWriter(path, record_batch.schema)
        writer.write_batch(record_batch)
    if writer is not None:
        writer.close()
