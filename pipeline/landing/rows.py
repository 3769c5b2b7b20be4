"""Rows of a batch in the Parquet file that holds them, which may be that of a pack.

Reads and counts; writes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.common import engine, sql
from pipeline.common.files import sha256
from pipeline.landing.batches import Batch


def read(path: Path, batch: Batch) -> Iterator[pa.RecordBatch]:
    """The batch's rows, whoever else's are in the file; none without a file."""
    if not path.exists():
        return
    with pq.ParquetFile(path) as file:
        if batch.pack is None:
            yield from file.iter_batches()
            return
        for group in range(file.num_row_groups):
            # Rows lie in the order of their batches, so most groups are passed over.
            if not _may_hold(file.metadata.row_group(group), batch.batch_id):
                continue
            for rows in file.iter_batches(row_groups=[group]):
                theirs = pc.equal(rows.column("_batch_id"), batch.batch_id)
                if theirs.true_count:
                    yield rows.filter(theirs)


def _may_hold(group: pq.RowGroupMetaData, batch_id: str) -> bool:
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema == "_batch_id" and column.is_stats_set:
            known = column.statistics
            return not known.has_min_max or bool(known.min <= batch_id <= known.max)
    return True


def count(path: Path, batch: Batch) -> int:
    """The batch's rows in the file, counted in the file itself; 0 without one."""
    if not path.exists():
        return 0
    if batch.pack is None:
        return count_all(path)
    return _count_by_batch(path, _version(path)).get(batch.batch_id, 0)


def count_all(path: Path) -> int:
    """All rows of the file; 0 without one."""
    return pq.read_metadata(path).num_rows if path.exists() else 0


def hash_of(path: Path) -> str | None:
    """The file's SHA-256; None without one."""
    return _hash(path, _version(path)) if path.exists() else None


def _version(path: Path) -> tuple[int, int, int]:
    """What changes with the file's content: every change of it is a new file."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=16)
def _count_by_batch(path: Path, version: tuple[int, int, int]) -> dict[str, int]:
    """Rows of each batch in a pack's file; asked for every batch, counted once."""
    with duckdb.connect(config=engine.config()) as connection:
        rows = connection.execute(
            f"select _batch_id, count(*) from {sql.parquet([path])} group by _batch_id"
        ).fetchall()
    return dict(rows)


@functools.lru_cache(maxsize=16)
def _hash(path: Path, version: tuple[int, int, int]) -> str:
    """Asked for every batch of a pack, worked out once."""
    return sha256(path)
