"""Writes what a reader gave as one batch: rows, unread rows, and the manifest last.

Each file is written under a temporary name and renamed when whole, so that a kill at any
moment leaves nothing that counts. Not here: which extracts are written (`load`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common.errors import SourceUnavailable
from pipeline.common.files import sha256, sync_file, sync_folder
from pipeline.landing import increments
from pipeline.landing.batches import OWN_COLUMNS, Batch, State
from pipeline.landing.content_hash import ContentHash
from pipeline.landing.entity import LandedEntity
from pipeline.sources import Extract, Rejected, StartOver
from pipeline.suppression.suppression_list import Guard

Content = Literal["rows", "deletes", "keys"]

# Up to how many bytes Parquet collects the different values of a column before it takes
# them for what they are, all different. With Arrow's 1 MiB it does so for ids and amounts
# in vain: a table of 15 columns took 1.5 times as long and 1.3 times the space. Less costs
# repetitive columns their dictionary: with 64 KiB Online Retail is 1.5 times as large.
DICTIONARY_BYTES = 128 * 1024

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


@dataclass
class _Written:
    """What was written of a stream: how much, of which columns, up to which cursor."""

    rows_read: int = 0
    rows: int = 0
    schema: dict[str, str] = field(default_factory=dict)
    cursor: pa.Scalar | None = None
    digest: str = ""


@dataclass(frozen=True)
class BatchWriter:
    """Writes extracts of one pass over an entity.

    Attributes:
        landed: The entity.
        guard: Keeps forgotten customers out.
        now: The moment written as `_loaded_at`; aware.
    """

    landed: LandedEntity
    guard: Guard
    now: dt.datetime

    def write(
        self,
        extract: Extract,
        number: int,
        *,
        content: Content = "rows",
        replaced: Batch | None = None,
        state: State = "pending",
    ) -> Batch:
        """Writes the extract as a batch.

        Args:
            extract: What the reader gave, or markers made of it.
            number: The batch's place in the order of landing.
            content: What the reader gave.
            replaced: The batch that it takes the place of once accepted.
            state: The state that the batch begins with.

        Raises:
            SourceUnavailable: From the reader, or a column's name is one of ours.
        """
        landed = self.landed
        provisional = landed.folder / f"b{number:06d}.parquet.partial"
        batch_id = f"b{number:06d}"
        if extract.fingerprint:
            batch_id = f"{batch_id}-{extract.fingerprint[:12]}"
        written = self._write_data(extract, provisional, batch_id, content)
        rejected = self.guard.rejected(extract.rejected)
        batch = Batch(
            batch_id=batch_id,
            source=landed.source,
            entity=landed.name,
            load=landed.entity.load,
            origin=extract.origin,
            fingerprint=extract.fingerprint or _with_rejected(written.digest, extract),
            loaded_at=self.now.isoformat(),
            rows_read=written.rows_read + len(extract.rejected),
            rows_landed=written.rows,
            rows_quarantined=len(rejected),
            schema=written.schema,
            content="sweep" if content == "keys" else content,
            cursor=increments.written(written.cursor) if extract.moves_cursor else None,
            replaces=replaced.batch_id if replaced else None,
            is_whole=extract.is_whole,
            rows_forgotten=written.rows_read
            - written.rows
            + len(extract.rejected)
            - len(rejected),
            data_sha256=sha256(provisional) if provisional.exists() else None,
        )
        if rejected:
            _write_quarantine(landed.quarantine_file(batch), batch, rejected, self.now)
        if provisional.exists():
            sync_file(provisional)
            provisional.replace(landed.data_file(batch))
            sync_folder(landed.folder)
        landed.add(batch, state)
        return batch

    def _write_data(
        self, extract: Extract, path: Path, batch_id: str, content: Content
    ) -> _Written:
        """Writes the rows, again from their start when the reader says so."""
        while True:
            try:
                return self._write_rows(extract, path, batch_id, content)
            except StartOver:
                path.unlink(missing_ok=True)
            except BaseException:
                # On a disk that is full, the next to write will need the room.
                path.unlink(missing_ok=True)
                raise

    def _write_rows(
        self, extract: Extract, path: Path, batch_id: str, content: Content
    ) -> _Written:
        """Writes the extract's stream to the path; no file without a record batch."""
        entity = self.landed.entity
        done = _Written()
        content_hash = ContentHash()
        writer: pq.ParquetWriter | None = None
        try:
            for record_batch in extract.batches():
                if not extract.fingerprint:
                    content_hash.feed(record_batch)
                deleted = (
                    increments.flags(record_batch, entity)
                    if content == "rows"
                    else pa.repeat(pa.scalar(True), record_batch.num_rows)
                )
                stamped = _stamp(
                    record_batch,
                    batch_id,
                    self.now,
                    extract.origin,
                    done.rows_read,
                    deleted,
                )
                # After the digest: an unchanged source must have an unchanged one.
                if content == "rows":
                    stamped = self.guard.rows(stamped)
                if entity.cursor is not None:
                    done.cursor = increments.highest(
                        done.cursor, record_batch, entity.cursor.column
                    )
                _note_types(done.schema, record_batch)
                if writer is None:
                    self._check_names(record_batch.schema.names, extract.origin)
                    writer = pq.ParquetWriter(
                        path,
                        stamped.schema,
                        compression="zstd",
                        dictionary_pagesize_limit=DICTIONARY_BYTES,
                    )
                writer.write_batch(stamped)
                done.rows_read += record_batch.num_rows
                done.rows += stamped.num_rows
        finally:
            if writer is not None:
                writer.close()
        done.digest = content_hash.hexdigest()
        if content == "keys":  # a sweep is a batch of its own, whatever it finds
            done.digest += f"-{self.now.isoformat()}"
        return done

    def _check_names(self, columns: Sequence[str], origin: str) -> None:
        """The names as SQL sees them, where case does not count."""
        taken = set(OWN_COLUMNS)
        for name in columns:
            if name.lower() in taken:
                raise SourceUnavailable(
                    f"{self.landed.source}.{self.landed.name}: {origin} has a column "
                    f"{name!r} whose name is taken (case does not count); rename it in "
                    "the source, or read a view without it."
                )
            taken.add(name.lower())


def _with_rejected(digest: str, extract: Extract) -> str:
    """The content hash of a query: rows that could not be read are content too."""
    if not extract.rejected:
        return digest
    content = json.dumps([digest, *(asdict(row) for row in extract.rejected)])
    return hashlib.sha256(content.encode()).hexdigest()


def _note_types(schema: dict[str, str], record_batch: pa.RecordBatch) -> None:
    """Notes the type of each column that has a value; a column without any is `null`."""
    for declared, column in zip(record_batch.schema, record_batch.columns, strict=True):
        if column.null_count < len(column):
            schema[declared.name] = str(declared.type)
        else:
            schema.setdefault(declared.name, "null")


def _stamp(
    record_batch: pa.RecordBatch,
    batch_id: str,
    now: dt.datetime,
    origin: str,
    rows_before: int,
    deleted: pa.Array,
) -> pa.RecordBatch:
    """The rows with our own columns beside them."""
    count = record_batch.num_rows
    own = {
        "_batch_id": pa.repeat(pa.scalar(batch_id), count),
        "_loaded_at": pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), count),
        "_source_file": pa.repeat(pa.scalar(origin), count),
        "_row_number": pa.arange(rows_before + 1, rows_before + count + 1),
        "_deleted": deleted,
    }
    return pa.record_batch(
        [*record_batch.columns, *own.values()],
        names=[*record_batch.schema.names, *own],
    )


def _write_quarantine(
    path: Path, batch: Batch, rejected: Sequence[Rejected], now: dt.datetime
) -> None:
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
            for row in rejected
        ],
        schema=QUARANTINE_SCHEMA,
    )
    provisional = path.with_suffix(".parquet.partial")
    pq.write_table(table, provisional, compression="zstd")
    sync_file(provisional)
    provisional.replace(path)
    sync_folder(path.parent)
