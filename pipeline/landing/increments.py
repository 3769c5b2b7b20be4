"""What landed rows say of their keys: which are new, which are gone, which came again.

Reads landed Parquet files with DuckDB; writes nothing. Landing asks here where the last
load ended, which keys are gone, and whether an increment repeats what is known.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.common import engine, sql
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
    found = pa.repeat(pa.scalar(False), record_batch.num_rows)
    for condition in entity.deleted_when:
        if condition.column not in record_batch.schema.names:
            continue
        # Compared as text: a flag is 1, true or Y, whatever type the source gives it.
        marks = pa.array([_flag_text(value) for value in condition.values])
        column = record_batch.column(condition.column).cast(pa.string())
        found = pc.or_(found, pc.is_in(pc.utf8_lower(column), value_set=marks))
    return found


def _flag_text(value: object) -> str:
    return str(value).lower()


@dataclass
class Listing:
    """What landing finds by the keys that a source lists.

    Attributes:
        marked: The ids of the batches whose rows are markers.
        changed: The listed rows that are not as they landed: their key never landed or
            was found gone before, or another column has another value. Filled as the
            markers are made.
    """

    marked: Sequence[str]
    changed: list[dict[str, Any]] = field(default_factory=list)


def markers(
    extract: Extract,
    entity: Entity,
    landed: str,
    since: str,
    listing: Listing | None = None,
) -> Extract:
    """Markers of landed keys that the extract says are deleted, or no longer lists.

    A marker has the cursor of the version that it deletes, so that it is newer than
    that and older than a row that comes back under the same key. Where that version is
    of before the table was read as a whole, its cursor means nothing any more, and the
    marker has none: what comes back is of the present generation.

    Args:
        extract: Keys of deleted rows (`content="deletes"`), or of all that there are.
        entity: The entity; its key and cursor say which landed row is the newest.
        landed: SQL of the entity's rows in force.
        since: The id of the batch with which the entity's present generation begins.
        listing: Takes which of the listed keys changed in silence.

    Returns:
        Rows of the key's columns and the cursor; none of a key that is deleted already.
    """
    key = sql.columns(entity.key)
    is_gone = "semi" if extract.content == "deletes" else "anti"
    wanted = key
    if entity.cursor and entity.cursor.column not in entity.key:
        cursor = sql.quoted(entity.cursor.column)
        is_present = f"_batch_id >= {sql.literal(since)}"
        wanted += f", case when {is_present} then {cursor} end as {cursor}"

    def batches() -> Iterator[pa.RecordBatch]:
        with (
            tempfile.TemporaryDirectory() as folder,
            duckdb.connect(config=engine.config()) as connection,
        ):
            keys = Path(folder) / "keys.parquet"
            _spool(extract, keys)
            rows = landed
            if extract.within:
                rows = _within(landed, sql.parquet([keys]), entity, extract.within)
            result = connection.execute(
                f"""
                select {wanted}
                from {rows} as landed
                {is_gone} join {sql.parquet([keys])} as listed using ({key})
                qualify {_is_newest(entity)} and not _deleted
                order by all
                """
            )
            yield from result.to_arrow_reader(65_536)
            if listing is not None:
                listing.changed += _changed(connection, keys, landed, entity, listing)

    return Extract(
        origin=extract.origin,
        fingerprint=None,
        batches=batches,
        rejected=extract.rejected,
        content="deletes",
    )


def _within(landed: str, listed: str, entity: Entity, columns: Sequence[str]) -> str:
    """SQL of the newest rows that have listed values in these columns.

    Of a key that has such a value in an older row only, there is none: it went elsewhere.
    """
    key, values = sql.columns(entity.key), sql.columns(columns)
    return f"""(
        select * from (
            select * from {landed} as versions
            semi join (
                select {key} from {landed} as every
                semi join {listed} as listed using ({values})
            ) as touched using ({key})
            qualify {_is_newest(entity)}
        ) as newest
        semi join {listed} as listed using ({values})
    )"""


def _changed(
    connection: duckdb.DuckDBPyConnection,
    keys: Path,
    landed: str,
    entity: Entity,
    listing: Listing,
) -> list[dict[str, Any]]:
    """The listed rows that are not as they landed, each with the listed columns.

    What landed as deleted by a mark of the source itself (`deleted_when`) is listed too
    as long as it is there, and is as it landed. What never landed was gone whenever rows
    were read, and has come back with a time that is no newer.
    """
    columns = pq.read_schema(keys).names
    known = connection.sql(f"select * from {landed} as landed limit 0").columns
    # A field that is read since lately is in no batch yet.
    others = [
        sql.quoted(name) for name in columns if name not in entity.key and name in known
    ]
    key = sql.columns(entity.key)
    differs = " or ".join(
        f"listed.{name} is distinct from landed.{name}" for name in others
    )
    marked = ", ".join(map(sql.literal, listing.marked)) or "null"
    result = connection.execute(
        f"""
        select listed.*
        from {sql.parquet([keys])} as listed
        left join (
            select * from {landed} as versions qualify {_is_newest(entity)}
        ) as landed using ({key})
        where case
            when landed._batch_id is null then true
            when landed._deleted then landed._batch_id in ({marked})
            else {differs or "false"}
        end
        order by all
        """
    )
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def says_nothing_new(
    new: Path, landed: str, entity: Entity, columns: Sequence[str]
) -> bool:
    """Whether the new file's rows, once landed, would leave everything as it is.

    An increment is read with an overlap; when nothing has happened it holds the overlap
    only. Its rows are then the newest versions of their keys, or older ones by their
    cursor, which were landed and have been overtaken.

    Args:
        new: A Parquet file of rows.
        landed: SQL of the entity's rows in force.
        entity: The entity; its key and cursor say which landed row is the newest.
        columns: What is compared; both have these columns.
    """
    key, compared = sql.columns(entity.key), sql.columns(columns)
    still_counts = _is_newest(entity)
    if entity.cursor:
        order = f"order by {sql.quoted(entity.cursor.column)} desc nulls last"
        still_counts += f" or rank() over (partition by {key} {order}) > 1"
    with duckdb.connect(config=engine.config()) as connection:
        row = connection.execute(
            f"""
            select count(*) from (
                select {compared} from {sql.parquet([new])}
                except
                select {compared} from (
                    select *
                    from {landed} as landed
                    semi join {sql.parquet([new])} as new using ({key})
                    qualify {still_counts}
                )
            )
            """
        ).fetchone()
    return row is not None and row[0] == 0


@dataclass(frozen=True)
class Keys:
    """How often the keys of an entity's rows in force came.

    Attributes:
        different: Keys, deleted ones too.
        repeated: Of these, keys that one batch alone held more than once.
        deleted: Of these, keys whose newest row is marked as deleted.
    """

    different: int
    repeated: int
    deleted: int


def count_keys(
    connection: duckdb.DuckDBPyConnection, landed: str, entity: Entity
) -> Keys:
    """Counts the keys in `landed`, SQL of the entity's rows in force."""
    key = sql.columns(entity.key)
    counted = connection.execute(
        f"""
        select count(*), count(case when most > 1 then 1 end)
        from (
            select {key}, max(times) as most
            from (
                select {key}, _batch_id, count(*) as times
                from {landed} as landed
                group by {key}, _batch_id
            ) as in_batches
            group by {key}
        ) as of_keys
        """
    ).fetchone()
    gone = connection.execute(
        f"""
        select count(*) from (
            select _deleted
            from {landed} as landed
            semi join (select {key} from {landed} as marked where _deleted) as ever
            using ({key})
            qualify {_is_newest(entity)} and _deleted
        ) as deleted
        """
    ).fetchone()
    assert counted is not None
    assert gone is not None
    return Keys(*counted, *gone)


def current(landed: str, entity: Entity) -> str:
    """SQL of the newest rows of each key in `landed`, without the deleted ones.

    Only keys that came more than once, or are marked as deleted, are put in order: of a
    table that is corrected now and then these are few.
    """
    key = sql.columns(entity.key)
    often = (
        f"(select {key} from {landed} as counted group by {key} "
        "having count(*) > 1 or bool_or(_deleted)) as often"
    )
    return f"""(
        select * from {landed} as once anti join {often} using ({key})
        union all by name
        select * from {landed} as versions semi join {often} using ({key})
        qualify {_is_newest(entity)} and not _deleted
    )"""


def newest(landed: str, entity: Entity) -> str:
    """SQL of the newest row of each key in `landed`, deleted ones too."""
    return f"(select * from {landed} as versions qualify {_is_newest(entity)})"


def _is_newest(entity: Entity) -> str:
    """SQL of whether a row is the newest version of its key, as staging decides it."""
    order = ["_batch_id desc", "_row_number desc"]
    if entity.cursor:
        order.insert(0, f"{sql.quoted(entity.cursor.column)} desc nulls last")
    return (
        f"row_number() over (partition by {sql.columns(entity.key)} "
        f"order by {', '.join(order)}) = 1"
    )


def _spool(extract: Extract, path: Path) -> None:
    writer: pq.ParquetWriter | None = None
    for record_batch in extract.batches():
        if writer is None:
            writer = pq.ParquetWriter(path, record_batch.schema)
        writer.write_batch(record_batch)
    if writer is not None:
        writer.close()
