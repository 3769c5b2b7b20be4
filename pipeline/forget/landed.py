"""Landing, quarantine and identity/ without the customer, file by file.

Only what a batch holds of him is changed: its name, its fingerprint, its state and its
other rows stay, so that the file it came from does not land again. Each file is replaced
by a rename; doing it all once more changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.common import engine
from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import sync_file, sync_folder
from pipeline.common.home import Home
from pipeline.forget.personal_data import declared_stores, landed_files
from pipeline.forget.subject import Place, Subject, Value
from pipeline.forget.values import is_text
from pipeline.identity import memory
from pipeline.landing.batches import OWN_COLUMNS, STATES, Batch
from pipeline.landing.store import BatchStore
from pipeline.sources import Personal
from pipeline.suppression.suppression_list import anonymised, cells, key_text, rows_of

Transform = Callable[[pa.RecordBatch], pa.RecordBatch]


def foresee(home: Home, subject: Subject) -> Subject:
    """The subject with what will become of each batch; changes nothing.

    The counts are worked out before anything is changed, so that a second run after a
    kill arrives at the same ones.
    """
    batches: dict[str, dict[str, int]] = {}
    places: dict[tuple[str, str], list[int]] = {}
    gone = _dropped_keys(home, subject)
    for store, personal in declared_stores(home, subject.personal):
        change = transform(subject, store.source, store.name, personal, gone)
        for batch in store.batches(*STATES):
            before, after, his, texts = _count(store, batch, change, subject, personal)
            unread = store.quarantine_file(batch)
            kept = len(_unread(unread, subject, personal)) if unread.exists() else 0
            dropped = before - after + batch.rows_quarantined - kept
            if not (his or texts or dropped):
                continue
            batches[_place_of(batch)] = {
                "rows_landed": after,
                "rows_quarantined": kept,
                "rows_forgotten": batch.rows_forgotten + dropped,
            }
            sums = places.setdefault((store.source, store.name), [0, 0])
            sums[0] += his + batch.rows_quarantined - kept
            sums[1] += texts
    return replace(
        subject,
        batches=batches,
        places=[
            Place(source, name, _action(subject.personal[source][name]), his, texts)
            for (source, name), (his, texts) in places.items()
        ],
    )


def _place_of(batch: Batch) -> str:
    """The batch as the subject's counts name it."""
    return f"{batch.source}/{batch.entity}/{batch.batch_id}"


def _action(personal: Personal | None) -> str:
    if personal is None:
        return "texts"
    return "dropped" if personal.rows == "drop" else "kept under another key"


def rewrite(home: Home, subject: Subject) -> None:
    """Rewrites the batches that `foresee` named, and what unfinished runs left.

    Raises:
        CustomerTiersError: A batch did not come out as foreseen.
    """
    gone = _dropped_keys(home, subject)
    for store, personal in declared_stores(home, subject.personal):
        store.sweep()
        change = transform(subject, store.source, store.name, personal, gone)
        files: dict[Path, list[Batch]] = {}
        for batch in store.batches(*STATES):
            counts: Any = subject.batches.get(_place_of(batch))
            if counts is not None:
                of_file = files.setdefault(store.data_file(batch), [])
                of_file.append(replace(batch, **counts))
        for path, changed in files.items():
            _rewrite_batches(store, path, changed, change, subject, personal)


def transform(
    subject: Subject,
    source: str,
    entity: str,
    personal: Personal | None,
    gone: set[tuple[str, str, tuple[str, ...]]],
) -> Transform:
    """What an entity's rows are without the customer."""
    numbers = [value for value in subject.values if value.is_number]
    words = [value for value in subject.values if not value.is_number]
    key = subject.keys[source][entity]

    def change(batch: pa.RecordBatch) -> pa.RecordBatch:
        theirs = pa.repeat(pa.scalar(False), batch.num_rows)
        if personal is not None:
            theirs = rows_of(batch, personal, source, subject.lookup)
            if personal.rows == "drop":
                marks = _marks(batch, key, source, entity, gone)
                batch, theirs = (
                    batch.filter(pc.invert(marks)),
                    theirs.filter(pc.invert(marks)),
                )
            batch = anonymised(batch, personal, source, subject.lookup)
            if personal.rows == "drop":
                theirs = pa.repeat(pa.scalar(False), batch.num_rows)
        for at, field in enumerate(batch.schema):
            if field.name in OWN_COLUMNS or not is_text(field.type):
                continue
            column = _without(batch.column(at), numbers)
            if theirs.true_count:
                column = pc.if_else(theirs, _without(column, words), column)
            if column is not batch.column(at):
                batch = batch.set_column(at, field, column)
        return batch

    return change


def _without(column: pa.Array, values: Sequence[Value]) -> pa.Array:
    pattern = "|".join(re.escape(value.text) for value in values)
    if not pattern:
        return column
    if not pc.any(pc.match_substring_regex(column, pattern, ignore_case=True)).as_py():
        return column
    for value in values:
        column = pc.replace_substring_regex(
            column, f"(?i){re.escape(value.text)}", value.replacement
        )
    return column


def _dropped_keys(
    home: Home, subject: Subject
) -> set[tuple[str, str, tuple[str, ...]]]:
    """Keys of rows that are dropped: markers of their deletion go with them."""
    found = set()
    for source, name, personal, batch, path in landed_files(home, subject):
        key = subject.keys[source][name]
        if personal is None or personal.rows == "keep" or personal.customer in key:
            continue
        if batch.content != "rows" or not {personal.customer, *key} <= {*batch.schema}:
            continue
        for rows in pq.ParquetFile(path).iter_batches(
            columns=[personal.customer, *key]
        ):
            his = rows.filter(rows_of(rows, personal, source, subject.lookup))
            for row in his.select(key).to_pylist():
                found.add((source, name, _as_texts(row[item] for item in key)))
    return found


def _marks(
    batch: pa.RecordBatch,
    key: Sequence[str],
    source: str,
    entity: str,
    gone: set[tuple[str, str, tuple[str, ...]]],
) -> pa.Array:
    """For each row, whether it is a marker that a dropped row was deleted."""
    if not gone or not {*key, "_deleted"} <= {*batch.schema.names}:
        return pa.repeat(pa.scalar(False), batch.num_rows)
    return pa.array(
        [
            row["_deleted"]
            and (source, entity, _as_texts(row[item] for item in key)) in gone
            for row in batch.select([*key, "_deleted"]).to_pylist()
        ],
        pa.bool_(),
    )


def _as_texts(values: Any) -> tuple[str, ...]:
    return tuple(key_text(value) or "" for value in values)


def _count(
    store: BatchStore,
    landed: Batch,
    change: Transform,
    subject: Subject,
    personal: Personal | None,
) -> tuple[int, int, int, int]:
    """Rows before and after, rows of his, and other rows that are changed."""
    before = after = his = texts = 0
    for batch in store.record_batches(landed):
        changed = change(batch)
        theirs = 0
        if personal is not None:
            theirs = rows_of(batch, personal, store.source, subject.lookup).true_count
        before += batch.num_rows
        after += changed.num_rows
        his += max(theirs, batch.num_rows - changed.num_rows)
        if not theirs and batch.num_rows == changed.num_rows:
            texts += _differing(batch, changed)
    return before, after, his, texts


def _differing(one: pa.RecordBatch, other: pa.RecordBatch) -> int:
    differs = pa.repeat(pa.scalar(False), one.num_rows)
    for before, after in zip(one.columns, other.columns, strict=True):
        if before is not after and not before.equals(after):
            unequal = pc.not_equal(before.cast(after.type), after)
            differs = pc.or_(differs, pc.fill_null(unequal, False))
    return int(differs.true_count)


def _unread(path: Path, subject: Subject, personal: Personal | None) -> pa.Table:
    """The quarantined rows that do not name him."""
    table = pq.read_table(path)
    keys = {key_text(item.key) for item in subject.records} if personal else set()
    kept = [
        not any(value.is_in(text) or value.is_in(reason) for value in subject.values)
        and not (keys & cells(text))
        for text, reason in zip(
            table["text"].to_pylist(), table["reason"].to_pylist(), strict=True
        )
    ]
    return table.filter(pa.array(kept, pa.bool_()))


def _rewrite_batches(
    store: BatchStore,
    path: Path,
    changed: Sequence[Batch],
    change: Transform,
    subject: Subject,
    personal: Personal | None,
) -> None:
    """Rewrites a file of rows, the unread rows of its batches, and their manifests.

    Args:
        changed: Batches of the file, with the counts that were foreseen.
    """
    if path.exists():
        _rewrite_file(path, change)
    for batch in changed:
        unread = store.quarantine_file(batch)
        if unread.exists():
            kept = _unread(unread, subject, personal)
            partial = unread.with_name(f".{unread.name}.partial")
            if kept.num_rows:
                pq.write_table(kept, partial, compression="zstd")
                sync_file(partial)
                partial.replace(unread)
            else:
                unread.unlink()
            sync_folder(unread.parent)
        found = store.counted_rows(batch)
        if found != (batch.rows_landed, batch.rows_quarantined):
            raise CustomerTiersError(
                f"{batch.source}.{batch.entity}: the batch {batch.batch_id} should hold "
                f"{batch.rows_landed} and {batch.rows_quarantined} rows, and its files "
                f"hold {found}. The landing was changed meanwhile; the forgetting stops "
                "here."
            )
    store.update(changed)


def _rewrite_file(path: Path, change: Transform) -> None:
    partial = path.with_name(f".{path.name}.partial")
    file = pq.ParquetFile(path)
    writer: pq.ParquetWriter | None = None
    try:
        for batch in file.iter_batches():
            changed = change(batch)
            if writer is None:
                writer = pq.ParquetWriter(partial, changed.schema, compression="zstd")
            writer.write_batch(changed)
        if writer is None:
            return
    finally:
        if writer is not None:
            writer.close()
        file.close()
    sync_file(partial)
    partial.replace(path)
    sync_folder(path.parent)


def rewrite_identity(home: Home, subject: Subject) -> None:
    """Takes his records out of what identity keeps to save work."""
    there = memory.folder(home)
    records = [f"{item.source}\x1f{item.key}" for item in subject.records]
    sides = {
        "kept_forms": [""],
        "kept_prints": [""],
        "kept_scores": ["left_", "right_"],
    }
    for name, prefixes in sides.items():
        path = there / f"{name}.parquet"
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        if not path.exists():
            continue
        conditions = " and ".join(
            "not list_contains($records, "
            f"{side}source || chr(31) || {_key_column(side)})"
            for side in prefixes
        )
        with duckdb.connect(config=engine.config()) as connection:
            kept = connection.execute(
                f"select * from read_parquet($path) where {conditions}",
                {"path": str(path), "records": records},
            ).to_arrow_table()
        if kept.num_rows < pq.read_metadata(path).num_rows:
            pq.write_table(kept, partial, compression="zstd")
            sync_file(partial)
            partial.replace(path)
            sync_folder(there)


def _key_column(side: str) -> str:
    return f"{side}customer_id" if side else "source_customer_id"
