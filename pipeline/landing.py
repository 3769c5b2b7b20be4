"""Landing: what a source gave, kept for ever as immutable Parquet batches.

Plain functions on paths. A batch is three files that share its name:

    landing/<source>/<entity>/<batch>.parquet          the rows, source columns + ours
    quarantine/<source>/<entity>/<batch>.parquet       the rows that could not be read
    landing/<source>/<entity>/<batch>.<state>.json     the manifest, written last

The manifest makes the batch exist, so a kill leaves either a whole batch or files that
nobody counts. Its state is part of its name and changes by rename: `pending` until the
gate has looked at it, then `accepted` or `refused`. Only accepted batches feed the
warehouse and count as landed before; a refused one is kept to be looked at, and its
source is read again next time. Not here: reading (readers) and judging (gates).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SourceUnavailable
from pipeline.home import Home, read_json, sync_file, sync_folder, write_json
from pipeline.sources import Entity, Extract, Reader, StartOver

State = Literal["pending", "accepted", "refused"]
STATES: tuple[State, ...] = ("pending", "accepted", "refused")

OWN_COLUMNS = ("_batch_id", "_loaded_at", "_source_file", "_row_number", "_deleted")

QUARANTINE_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("batch_id", pa.string()),
        ("source_file", pa.string()),
        ("line", pa.int64()),
        ("text", pa.string()),
        ("reason", pa.string()),
        ("quarantined_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class Batch:
    """One landed batch, as its manifest tells it.

    `rows_read = rows_landed + rows_quarantined`; the gate checks it against the files.
    """

    batch_id: str
    source: str
    entity: str
    load: str
    origin: str
    fingerprint: str
    loaded_at: str
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    columns: list[str]

    @property
    def sequence(self) -> int:
        """The batch's place in the order of landing; the clock is not trusted for it."""
        return int(self.batch_id.split("-")[0].removeprefix("b"))


@dataclass(frozen=True)
class Landed:
    """What one pass over an entity did."""

    batches: list[Batch]
    already_landed: int


def entity_folder(home: Home, source: str, entity: str) -> Path:
    """The folder of an entity's batches."""
    return home.landing / source / entity


def data_file(home: Home, batch: Batch) -> Path:
    """The Parquet file of the batch's rows."""
    return entity_folder(home, batch.source, batch.entity) / f"{batch.batch_id}.parquet"


def quarantine_file(home: Home, batch: Batch) -> Path:
    """The Parquet file of the rows that could not be read; absent when there are none."""
    folder = home.quarantine / batch.source / batch.entity
    return folder / f"{batch.batch_id}.parquet"


def _manifest(home: Home, batch: Batch, state: State) -> Path:
    folder = entity_folder(home, batch.source, batch.entity)
    return folder / f"{batch.batch_id}.{state}.json"


def batches(home: Home, source: str, entity: str, *states: State) -> list[Batch]:
    """The entity's batches in the given states, oldest first."""
    folder = entity_folder(home, source, entity)
    found = [
        Batch(**read_json(path))
        for state in states
        for path in folder.glob(f"b*.{state}.json")
    ]
    return sorted(found, key=lambda batch: batch.sequence)


def in_force(home: Home, source: str, entity: Entity) -> list[Batch]:
    """The accepted batches that make up the entity now, oldest first.

    Of an entity that comes as snapshots, that is the newest one alone.
    """
    accepted = batches(home, source, entity.name, "accepted")
    return accepted[-1:] if entity.load == "snapshot" else accepted


def land(
    home: Home, source: str, entity: Entity, reader: Reader, *, now: dt.datetime
) -> Landed:
    """Lands everything of the entity that is not in force yet, as pending batches.

    Args:
        now: The moment written as `_loaded_at`; aware.

    Raises:
        SourceUnavailable: From the reader; batches landed before stay pending and are
            swept by the next call.
    """
    folder = entity_folder(home, source, entity.name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(home, source, entity.name)
    known = _known_fingerprints(home, source, entity)
    landed: list[Batch] = []
    already = 0
    for extract in reader.extracts(entity):
        if extract.fingerprint in known:
            already += 1
            continue
        batch = _write(home, source, entity, extract, now)
        if batch.fingerprint in known:
            _discard(home, batch, "pending")
            already += 1
            continue
        known.add(batch.fingerprint)
        landed.append(batch)
    return Landed(landed, already)


def sweep(home: Home, source: str, entity: str) -> None:
    """Removes what a killed run left: pending batches, and files without a manifest."""
    for batch in batches(home, source, entity, "pending"):
        _discard(home, batch, "pending")
    kept = {batch.batch_id for batch in batches(home, source, entity, *STATES)}
    for folder in (
        entity_folder(home, source, entity),
        home.quarantine / source / entity,
    ):
        for path in folder.glob("*"):
            if path.name.split(".")[0] not in kept:
                path.unlink(missing_ok=True)


def accept(home: Home, batch: Batch) -> None:
    """Lets a pending batch feed the warehouse."""
    _move(home, batch, "pending", "accepted")


def refuse(home: Home, batch: Batch) -> None:
    """Keeps a pending batch out of the warehouse, for somebody to look at.

    An earlier refusal of the same content is dropped: its source is read again at every
    refresh until it is mended, and one copy tells enough.
    """
    for earlier in batches(home, batch.source, batch.entity, "refused"):
        if earlier.fingerprint == batch.fingerprint:
            _discard(home, earlier, "refused")
    _move(home, batch, "pending", "refused")


def _known_fingerprints(home: Home, source: str, entity: Entity) -> set[str]:
    # A snapshot that returns to an earlier state must land again: only the newest counts.
    return {batch.fingerprint for batch in in_force(home, source, entity)}


def _write(
    home: Home, source: str, entity: Entity, extract: Extract, now: dt.datetime
) -> Batch:
    folder = entity_folder(home, source, entity.name)
    taken = [batch.sequence for batch in batches(home, source, entity.name, *STATES)]
    number = max(taken, default=0) + 1
    provisional = folder / f"b{number:06d}.parquet.partial"
    batch_id = f"b{number:06d}"
    if extract.fingerprint:
        batch_id = f"{batch_id}-{extract.fingerprint[:12]}"
    where = f"{source}.{entity.name}: {extract.origin}"
    while True:
        try:
            rows, columns, digest = _write_rows(
                extract, provisional, batch_id, now, where
            )
            break
        except StartOver:
            continue
    fingerprint = extract.fingerprint or digest
    batch = Batch(
        batch_id=batch_id,
        source=source,
        entity=entity.name,
        load=entity.load,
        origin=extract.origin,
        fingerprint=fingerprint,
        loaded_at=now.isoformat(),
        rows_read=rows + len(extract.rejected),
        rows_landed=rows,
        rows_quarantined=len(extract.rejected),
        columns=columns,
    )
    if extract.rejected:
        _write_quarantine(home, batch, extract, now)
    if columns:
        sync_file(provisional)
        provisional.replace(data_file(home, batch))
        sync_folder(folder)
    write_json(_manifest(home, batch, "pending"), asdict(batch))
    return batch


def _write_rows(
    extract: Extract, path: Path, batch_id: str, now: dt.datetime, where: str
) -> tuple[int, list[str], str]:
    """Writes the stream to the path; the number of rows, the columns, a content hash."""
    digest = hashlib.sha256()
    rows = 0
    columns: list[str] = []
    writer: pq.ParquetWriter | None = None
    try:
        for record_batch in extract.batches():
            if not extract.fingerprint:
                _feed(digest, record_batch)
            stamped = _stamp(record_batch, batch_id, now, extract.origin, rows)
            if writer is None:
                columns = record_batch.schema.names
                _check_names(columns, where)
                writer = pq.ParquetWriter(path, stamped.schema, compression="zstd")
            writer.write_batch(stamped)
            rows += record_batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows, columns, digest.hexdigest()


def _check_names(columns: Sequence[str], where: str) -> None:
    """The names as SQL sees them, where case does not count."""
    taken = set(OWN_COLUMNS)
    for name in columns:
        if name.lower() in taken:
            raise SourceUnavailable(
                f"{where} has a column {name!r} whose name is taken (case does not "
                "count); rename it in the source, or read a view without it."
            )
        taken.add(name.lower())


def _feed(digest: hashlib._Hash, record_batch: pa.RecordBatch) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, record_batch.schema) as stream:
        stream.write_batch(record_batch)
    digest.update(sink.getvalue())


def _stamp(
    record_batch: pa.RecordBatch,
    batch_id: str,
    now: dt.datetime,
    origin: str,
    rows_before: int,
) -> pa.RecordBatch:
    count = record_batch.num_rows
    own = {
        "_batch_id": pa.repeat(pa.scalar(batch_id), count),
        "_loaded_at": pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), count),
        "_source_file": pa.repeat(pa.scalar(origin), count),
        "_row_number": pa.arange(rows_before + 1, rows_before + count + 1),
        "_deleted": pa.repeat(pa.scalar(False), count),
    }
    return pa.record_batch(
        [*record_batch.columns, *own.values()],
        names=[*record_batch.schema.names, *own],
    )


def _write_quarantine(
    home: Home, batch: Batch, extract: Extract, now: dt.datetime
) -> None:
    path = quarantine_file(home, batch)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    table = pa.Table.from_pylist(
        [
            {
                "source": batch.source,
                "entity": batch.entity,
                "batch_id": batch.batch_id,
                "source_file": batch.origin,
                "line": row.line,
                "text": row.text,
                "reason": row.reason,
                "quarantined_at": now,
            }
            for row in extract.rejected
        ],
        schema=QUARANTINE_SCHEMA,
    )
    provisional = path.with_suffix(".parquet.partial")
    pq.write_table(table, provisional, compression="zstd")
    sync_file(provisional)
    provisional.replace(path)
    sync_folder(path.parent)


def _move(home: Home, batch: Batch, before: State, after: State) -> None:
    _manifest(home, batch, before).rename(_manifest(home, batch, after))
    sync_folder(entity_folder(home, batch.source, batch.entity))


def _discard(home: Home, batch: Batch, state: State) -> None:
    # The manifest first: without it the other files are leftovers that nobody counts.
    for path in (
        _manifest(home, batch, state),
        data_file(home, batch),
        quarantine_file(home, batch),
    ):
        path.unlink(missing_ok=True)


def counted_rows(home: Home, batch: Batch) -> tuple[int, int]:
    """Rows in the batch's two files, from their own footers, not from the manifest."""

    def rows(path: Path) -> int:
        return pq.read_metadata(path).num_rows if path.exists() else 0

    return rows(data_file(home, batch)), rows(quarantine_file(home, batch))


def iter_quarantine_files(home: Home) -> Iterator[Path]:
    """Every quarantine file of the home."""
    return home.quarantine.glob("*/*/b*.parquet")
