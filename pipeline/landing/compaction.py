"""Puts many small batches of an entity together into one file, a pack; every row stays.

A source that gives a file every few minutes leaves a hundred thousand files in a year,
and every refresh opens each of them. A pack holds the rows of its batches one after the
other, with all their columns as they were, `_batch_id` among them; its manifest describes
each batch as the batch's own did (`packs`), so that nothing is landed again and every
count can still be checked.

The order is: the pack's rows, read back and compared; the pack's manifest; then the old
files go. A kill before the manifest leaves a file that nobody counts, a kill after it old
files that nobody counts; `BatchStore.sweep` removes either. The caller holds the lock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sha256, sync_file, sync_folder
from pipeline.common.home import Home
from pipeline.landing.batches import STATES, Batch
from pipeline.landing.content_hash import ContentHash
from pipeline.landing.packs import Pack
from pipeline.landing.store import BatchStore, stores
from pipeline.landing.write import DICTIONARY_BYTES

log = logging.getLogger("customer_tiers.compaction")

# Rows that are collected before they are written: the size of DuckDB's own row groups.
ROWS_PER_GROUP = 122_880
# A pack is not made larger than this by one more file, so that making it anew (when
# somebody is forgotten, or packs are put together) takes seconds.
LARGEST_PACK = 256 * 2**20


@dataclass(frozen=True)
class Packing:
    """Batches that belong into one file.

    Attributes:
        files: Their files of rows now, oldest first.
        batches: All batches of these files.
        bytes: What the files take now.
        rows: The rows in them.
    """

    source: str
    entity: str
    files: Sequence[Path]
    batches: Sequence[Batch]
    bytes: int
    rows: int


def plan(home: Home, *, least_files: int, small_bytes: int) -> list[Packing]:
    """What can be put together; changes nothing.

    Only accepted batches with the same columns of the same types and the same kind of
    content share a file, so that whoever reads it sees what he saw. The newest batch of
    an entity stays alone: of a snapshot it is the one that is read.

    Args:
        least_files: So many small files of an entity there must be; 0 for never.
        small_bytes: A file of at least this size stays as it is.
    """
    found: list[Packing] = []
    for store in stores(home) if least_files else ():
        found += _plan_entity(store, least_files, small_bytes)
    return found


def _plan_entity(
    store: BatchStore, least_files: int, small_bytes: int
) -> list[Packing]:
    accepted = store.batches("accepted")[:-1]
    # All that a file holds moves together: a pack's replaced batches too.
    files: dict[Path, list[Batch]] = {}
    for batch in store.batches("accepted", "replaced"):
        if batch in accepted or batch.pack is not None:
            files.setdefault(store.data_file(batch), []).append(batch)
    small = {
        path: batches
        for path, batches in files.items()
        if path.exists() and path.stat().st_size < small_bytes
    }
    if len(small) < max(least_files, 2):
        return []
    alike: dict[tuple[bytes, str], list[Path]] = {}
    for path, batches in small.items():
        schema = pq.read_schema(path).remove_metadata().serialize().to_pybytes()
        alike.setdefault((schema, batches[0].content), []).append(path)
    found = []
    for paths in alike.values():
        for some in _cut(paths):
            if len(some) > 1:
                batches = sorted(
                    (batch for path in some for batch in small[path]),
                    key=lambda batch: batch.sequence,
                )
                size = sum(path.stat().st_size for path in some)
                rows = sum(batch.rows_landed for batch in batches)
                found.append(
                    Packing(store.source, store.name, some, batches, size, rows)
                )
    return found


def _cut(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The files in groups that are not too large."""
    group: list[Path] = []
    size = 0
    for path in paths:
        more = path.stat().st_size
        if group and size + more > LARGEST_PACK:
            yield group
            group, size = [], 0
        group.append(path)
        size += more
    yield group


def pack(home: Home, packing: Packing) -> Pack:
    """Puts the batches together; the caller holds the refresh lock.

    Raises:
        CustomerTiersError: What was written is not what was read, or not what the
            manifests say; nothing has changed.
    """
    store = BatchStore(home, packing.source, packing.entity)
    store.sweep()
    taken = max((item.number for item in store.packs()), default=0)
    newest = max(batch.sequence for batch in packing.batches)
    name = f"p{taken + 1:06d}-b{newest:06d}"
    ids = {batch.batch_id for batch in packing.batches}
    entries = [
        (replace(batch, pack=name), state)
        for state in STATES
        for batch in store.batches(state)
        if batch.batch_id in ids
    ]
    entries.sort(key=lambda entry: entry[0].sequence)
    made = Pack(name, entries)
    rows = store.data_file(entries[0][0])
    partial = rows.with_name(f"{rows.name}.partial")
    try:
        written = _write(partial, packing.files)
        _verify(partial, f"{store.source}.{store.name}", made, written)
        digest = sha256(partial)
        sync_file(partial)
        partial.replace(rows)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(store.folder)
    made = Pack(
        name, [(replace(batch, data_sha256=digest), state) for batch, state in entries]
    )
    store.add_pack(made)
    store.sweep()
    log.debug(
        "%s.%s: %d files are one now", store.source, store.name, len(packing.files)
    )
    return made


def _write(path: Path, files: Sequence[Path]) -> str:
    """Writes the rows of the files one after the other; their content hash."""
    content = ContentHash()
    schema = pq.read_schema(files[0])
    with pq.ParquetWriter(
        path, schema, compression="zstd", dictionary_pagesize_limit=DICTIONARY_BYTES
    ) as writer:
        waiting: list[pa.RecordBatch] = []
        count = 0

        def write() -> None:
            table = pa.Table.from_batches(waiting, schema=schema)
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)

        for rows in _rows_of(files, schema):
            content.feed(rows)
            waiting.append(rows)
            count += rows.num_rows
            if count >= ROWS_PER_GROUP:
                write()
                waiting, count = [], 0
        write()
    return content.hexdigest()


def _rows_of(files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for file in files:
        with pq.ParquetFile(file) as opened:
            for rows in opened.iter_batches():
                # The same columns; what else a writer noted of its own does not count.
                yield pa.RecordBatch.from_arrays(rows.columns, schema=schema)


def _verify(path: Path, entity: str, made: Pack, written: str) -> None:
    content = ContentHash()
    counts: dict[str, int] = {}
    with pq.ParquetFile(path) as file:
        for rows in file.iter_batches():
            content.feed(rows)
            for item in rows.column("_batch_id").value_counts().to_pylist():
                of_batch = item["values"]
                counts[of_batch] = counts.get(of_batch, 0) + item["counts"]
    expected = {
        batch.batch_id: batch.rows_landed
        for batch, _ in made.entries
        if batch.rows_landed
    }
    if content.hexdigest() != written or counts != expected:
        raise CustomerTiersError(
            f"{entity}: {path.name} does not hold what its "
            f"{len(made.entries)} batches hold; they stay as they are. The disk or a file of "
            "landing may be damaged: compare with a backup."
        )
