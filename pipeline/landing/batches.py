"""Landing: what a source gave, kept for ever as immutable Parquet batches.

Plain functions on paths. A batch is three files that share its name:

    landing/<source>/<entity>/<batch>.parquet          the rows, source columns + ours
    quarantine/<source>/<entity>/<batch>.parquet       the rows that could not be read
    landing/<source>/<entity>/<batch>.<state>.json     the manifest, written last

The manifest makes the batch exist, so a kill leaves either a whole batch or files that
nobody counts. Its state is part of its name and changes by rename: `pending` until the
gate has looked at it, then `accepted` or `refused`. Only accepted batches feed the
warehouse and count as landed before; a refused one is kept to be looked at, and its
source is read again next time. A batch whose file was read again on request, for the
rows in its quarantine, is `replaced` by the new one. One whose files are not what was
written any more is `damaged`: a file is read again into the same place, a table as a
whole, and what the source does not hold any more stops the refresh rather than be lost.

Many small batches may have been put together into a pack (`pipeline.landing.compaction`): one
file of rows and one manifest that tells each of its batches, with its state:

    landing/<source>/<entity>/<pack>.parquet           the rows, as they were
    landing/<source>/<entity>/<pack>.json              the manifest, written last
    landing/<source>/<entity>/<pack>.copy              the same, should it be damaged

A batch of a pack is a batch as any other; its unread rows stay in a file of their own.

Rows are never taken away: a deletion is a further row with `_deleted`. The one exception
is a customer who was forgotten (`pipeline.forget`): his rows are dropped, or stand under
a key that leads nowhere, in what is landed and in whatever lands later. Not here: reading
(readers), judging (gates), and what an increment goes on from (`increments`).
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.common import sql
from pipeline.common.errors import CustomerTiersError, SourceUnavailable
from pipeline.common.files import (
    read_json,
    sha256,
    sync_file,
    sync_folder,
    write_json,
    write_text,
)
from pipeline.common.home import Home
from pipeline.landing import increments
from pipeline.landing.content_hash import ContentHash
from pipeline.sources import Entity, Extract, Reader, Rejected, Since, StartOver
from pipeline.suppression.suppression_list import Guard, Suppression

log = logging.getLogger("customer_tiers.landing")

State = Literal["pending", "accepted", "refused", "replaced"]
STATES: tuple[State, ...] = ("pending", "accepted", "refused", "replaced")

OWN_COLUMNS = ("_batch_id", "_loaded_at", "_source_file", "_row_number", "_deleted")

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


@dataclass(frozen=True)
class Batch:
    """One landed batch, as its manifest tells it.

    `rows_read = rows_landed + rows_quarantined + rows_forgotten`; the gate checks it
    against the files.

    Attributes:
        schema: Type of each source column; `null` where no row had a value.
        content: `rows`; or markers of deleted rows, told by the source (`deletes`) or
            found by listing all keys (`sweep`).
        cursor: The highest value of the entity's cursor column in it.
        is_whole: The rows are all that the source held at that moment.
        replaces: The batch of the same file that it takes the place of once accepted.
        rows_forgotten: Rows that are not kept, because they are a forgotten customer's.
        data_sha256: Hash of the file that holds its rows; None without one, and for
            batches of before hashes were noted.
        pack: The pack whose file holds the rows; None for a file of the batch's own.
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
    schema: dict[str, str]
    content: str = "rows"
    cursor: dict[str, str] | None = None
    replaces: str | None = None
    is_whole: bool = False
    rows_forgotten: int = 0
    data_sha256: str | None = None
    pack: str | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the source's columns."""
        return list(self.schema)

    @property
    def sequence(self) -> int:
        """The batch's place in the order of landing; the clock is not trusted for it."""
        return _sequence(self.batch_id)


def _sequence(name: str) -> int:
    """The number in a batch's id, and in the names of its files."""
    return int(re.split(r"[-.]", name)[0].removeprefix("b"))


@dataclass(frozen=True)
class Landed:
    """What one pass over an entity did."""

    batches: list[Batch]
    already_landed: int
    seconds: float = field(default=0.0, compare=False)


def entity_folder(home: Home, source: str, entity: str) -> Path:
    """The folder of an entity's batches."""
    return home.landing / source / entity


def data_file(home: Home, batch: Batch) -> Path:
    """The Parquet file of the batch's rows; that of its pack holds others' too."""
    folder = entity_folder(home, batch.source, batch.entity)
    return folder / f"{batch.pack or batch.batch_id}.parquet"


def quarantine_file(home: Home, batch: Batch) -> Path:
    """The Parquet file of the rows that could not be read; absent when there are none."""
    folder = home.quarantine / batch.source / batch.entity
    return folder / f"{batch.batch_id}.parquet"


def manifest(home: Home, batch: Batch, state: State) -> Path:
    """The file that makes the batch exist, unless it is told by a pack."""
    folder = entity_folder(home, batch.source, batch.entity)
    return folder / f"{batch.batch_id}.{state}.json"


def batches(home: Home, source: str, entity: str, *states: State) -> list[Batch]:
    """The entity's batches in the given states, oldest first."""
    folder = entity_folder(home, source, entity)
    # Packs last, and over the others: whoever asks while batches are being packed finds
    # each of them in one place or the other.
    found = {
        batch.batch_id: (batch, state)
        for state in states
        for path in folder.glob(f"b*.{state}.json")
        if (batch := _read_manifest(path)) is not None
    }
    for pack in packs(home, source, entity):
        found |= {batch.batch_id: (batch, state) for batch, state in pack.told}
    return sorted(
        (batch for batch, state in found.values() if state in states),
        key=lambda batch: batch.sequence,
    )


def _read_manifest(path: Path) -> Batch | None:
    try:
        batch = Batch(**read_json(path))
        told = (batch.source, batch.entity, batch.batch_id)
        if told != (*path.parts[-3:-1], path.name.split(".")[0]):
            raise ValueError(f"it tells of {' '.join(told)}")
        return batch
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise CustomerTiersError(
            f"{path} is damaged ({error}); the next refresh reads its source again."
        ) from error


@dataclass(frozen=True)
class Pack:
    """Batches whose rows lie in one file.

    Attributes:
        name: Its number, and that of its newest batch: `p000002-b000150`.
        told: Its batches with their states, oldest first.
    """

    source: str
    entity: str
    name: str
    told: Sequence[tuple[Batch, State]]

    @property
    def number(self) -> int:
        """Its place among the packs; of two that tell one batch the later counts."""
        return int(self.name.split("-")[0].removeprefix("p"))


def packs(home: Home, source: str, entity: str) -> list[Pack]:
    """The entity's packs, oldest first."""
    folder = entity_folder(home, source, entity)
    found = []
    for path in folder.glob("p*.json"):
        try:
            told = read_json(path)["batches"]
        except FileNotFoundError:
            return packs(home, source, entity)  # it has just gone into another one
        except (ValueError, TypeError, KeyError) as error:
            raise CustomerTiersError(
                f"{path} is damaged ({error}); the next refresh mends it from its copy."
            ) from error
        found.append(
            Pack(
                source,
                entity,
                path.stem,
                [
                    (
                        Batch(
                            **{k: v for k, v in item.items() if k != "state"},
                            pack=path.stem,
                        ),
                        item["state"],
                    )
                    for item in told
                ],
            )
        )
    return sorted(found, key=lambda pack: pack.number)


def pack_files(home: Home, pack: Pack) -> tuple[Path, Path]:
    """The pack's manifest and its file of rows."""
    folder = entity_folder(home, pack.source, pack.entity)
    return folder / f"{pack.name}.json", folder / f"{pack.name}.parquet"


def write_pack(home: Home, pack: Pack) -> None:
    """Writes the pack's manifest; from then on it tells its batches.

    Twice, because nothing else tells so much: its copy goes first when the pack goes.
    """
    path, _ = pack_files(home, pack)
    told = [{**_told(batch), "state": state} for batch, state in pack.told]
    write_json(path, {"batches": told}, hashed=True)
    write_json(path.with_suffix(".copy"), {"batches": told}, hashed=True)


def _mend_packs(folder: Path) -> None:
    """Puts the copy of a pack's manifest in the place of one that is damaged or lost."""
    for copy in folder.glob("p*.copy"):
        path = copy.with_suffix(".json")
        try:
            read_json(path)["batches"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("%s is damaged (%s); its copy takes its place", path, error)
            try:
                write_json(path, read_json(copy), hashed=True)
            except ValueError as both:
                raise CustomerTiersError(
                    f"{path} and {copy} are damaged; take them from a backup."
                ) from both


def _told(batch: Batch) -> dict[str, Any]:
    told = asdict(batch)
    del told["pack"]  # the place of a manifest says so
    return told


def update(home: Home, changed: Sequence[Batch]) -> None:
    """Writes the manifests of batches of one entity anew, with their states as they are.

    Their files were rewritten, so their hashes are taken anew too.
    """
    new = {batch.batch_id: batch for batch in changed}
    for batch in changed:
        if batch.pack is None:
            path = manifest(home, batch, state_of(home, batch))
            now = replace(batch, data_sha256=_hash(home, batch))
            write_json(path, _told(now), hashed=True)
    packed = {batch.pack for batch in changed if batch.pack is not None}
    for pack in packs(home, changed[0].source, changed[0].entity) if packed else []:
        if pack.name in packed:
            digest = sha256(pack_files(home, pack)[1])
            told = [
                (replace(new.get(item.batch_id, item), data_sha256=digest), state)
                for item, state in pack.told
            ]
            write_pack(home, replace(pack, told=told))


def in_force(home: Home, source: str, entity: Entity) -> list[Batch]:
    """The accepted batches that make up the entity now, oldest first.

    Of an entity that comes as snapshots, that is the newest one alone.
    """
    accepted = batches(home, source, entity.name, "accepted")
    return accepted[-1:] if entity.load == "snapshot" else accepted


def relation(home: Home, entity: Entity, some: Sequence[Batch]) -> str | None:
    """SQL of the rows of the batches, markers of deleted ones too; None without a file.

    Args:
        some: Batches of the entity, oldest first.

    Where a table with a cursor was read as a whole, its story begins anew: the source may
    have gone back to older cursors. Of each key, what was told before its last story does
    not count.
    """
    if (rows := _rows(home, some)) is None:
        return None
    if len(begins := _stories(entity, some)) == 1:
        return rows
    stories = ", ".join(f"({sql.literal(batch.batch_id)})" for batch in begins)
    return f"""(
        select landed.*
        from {rows} as landed
        asof join (values {stories}) as story (begins)
        on landed._batch_id >= story.begins
        qualify
            story.begins = max(story.begins) over (partition by {sql.columns(entity.key)})
    )"""


def _stories(entity: Entity, some: Sequence[Batch]) -> list[Batch]:
    """The batches with which the entity's story begins: the first, and whole ones.

    Without a cursor there is one story, because what landed last counts in any case.
    """
    return [
        batch
        for at, batch in enumerate(some)
        if at == 0 or (batch.is_whole and entity.cursor is not None)
    ]


def unread(home: Home, source: str, entity: Entity) -> list[Batch]:
    """The batches in force that have rows in quarantine.

    Where a table was read as a whole, what could not be read before is told by that
    batch, if it still cannot.
    """
    some = in_force(home, source, entity)
    last = max((batch.sequence for batch in some if batch.is_whole), default=0)
    return [
        batch
        for batch in some
        if batch.sequence >= last and quarantine_file(home, batch).exists()
    ]


def schema_in_force(home: Home, source: str, entity: Entity) -> dict[str, str]:
    """The columns of the entity's newest accepted rows, with their types; empty before."""
    schema: dict[str, str] = {}
    for batch in batches(home, source, entity.name, "accepted"):
        if batch.content == "rows":
            known = {
                name: kind for name, kind in schema.items() if name in batch.schema
            }
            schema = {
                name: known.get(name, kind) if kind == "null" else kind
                for name, kind in batch.schema.items()
            }
    return schema


def land(
    home: Home,
    source: str,
    entity: Entity,
    reader: Reader,
    *,
    now: dt.datetime,
    full: bool = False,
) -> Landed:
    """Lands everything of the entity that is not in force yet, as pending batches.

    Args:
        now: The moment written as `_loaded_at`; aware.
        full: Ignore where the last load ended, and read everything again.

    Raises:
        SourceUnavailable: From the reader; batches landed before stay pending and are
            swept by the next call.
        CustomerTiersError: A batch is damaged, and its file is not in the source any more.
        ConfigurationError: Somebody was forgotten, and sources.yaml does not say where
            the entity holds data of customers.
    """
    began = time.monotonic()
    folder = entity_folder(home, source, entity.name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    damaged = _set_aside(home, source, entity)
    sweep(home, source, entity.name)
    before = in_force(home, source, entity)
    # A snapshot that returns to an earlier state must land again: only the newest counts.
    known = {batch.fingerprint for batch in before}
    again = {batch.origin: batch for batch in before if is_asked_again(home, batch)}
    # Of a table, no part can be read again that a batch would be in place of: all of it.
    reads_all = full or bool(again or damaged)
    since = _since(entity, before, now=now, full=reads_all)
    guard = Suppression.load(home).guard(source, entity)
    landed: list[Batch] = []
    already = 0
    last = _last(folder)
    for extract in reader.extracts(entity, since):
        is_file = extract.fingerprint is not None
        replaced = again.get(extract.origin) if is_file else None
        if extract.fingerprint in known and replaced is None:
            already += 1
            continue
        if is_file and (lost := damaged.pop(_mark(extract), None)) is not None:
            _restore(home, source, entity, extract, now, guard, lost)
            known.add(str(extract.fingerprint))
            already += 1
            continue
        content = extract.content
        told = (
            extract
            if content == "rows"
            else _markers(home, entity, guard.keys(extract), [*before, *landed])
        )
        batch = _write(
            home, source, entity, told, now, content, replaced, guard, last + 1
        )
        if replaced is None and _is_known(
            home, entity, extract, batch, [*before, *landed]
        ):
            _discard(home, batch, "pending")
            already += 1
            if batch.is_whole:
                _answer(home, before)
                _settle([path for mark, path in damaged.items() if not mark])
            continue
        last = batch.sequence
        known.add(batch.fingerprint)
        landed.append(batch)
    superseded = entity.load == "snapshot" and landed
    if gone := [mark for mark in damaged if mark and not superseded]:
        named = ", ".join(f"{damaged[mark].name} ({mark})" for mark in gone)
        raise CustomerTiersError(
            f"{source}.{entity.name}: {named} in {folder} cannot be read any more, and the "
            "files that they came from are not in the source. Bring the files back (the "
            "content counts, not the name) or take the batches from a backup; to go on "
            f"without their rows, remove {', '.join(damaged[m].name for m in gone)}."
        )
    return Landed(landed, already, time.monotonic() - began)


def _mark(extract: Extract) -> str:
    """What of a file's content hash stands in the id of its batch."""
    return (extract.fingerprint or "")[:12]


def _set_aside(home: Home, source: str, entity: Entity) -> dict[str, Path]:
    """Takes out of force what is not as it was written.

    Every batch in force is hashed, at the speed of the disk: whoever reads the marts must
    not find out first.

    Returns:
        Mark of the file's content (empty for a query) → the manifest set aside, of the
        batches that nothing has come in place of.
    """
    folder = entity_folder(home, source, entity.name)
    for state in ("pending", "refused", "replaced"):
        # Not in force, so that nothing is lost with them.
        for path in folder.glob(f"b*.{state}.json"):
            if _is_unreadable(path):
                log.warning("%s is damaged and not in force; it is dropped", path)
                path.unlink()
    for path in folder.glob("b*.accepted.json"):
        if why := _is_unreadable(path):
            _take_out(path, why)
    _mend_packs(folder)
    damaged_packs = set()
    for batch in in_force(home, source, entity):
        if why := _damage(home, batch):
            if batch.pack is None:
                _take_out(manifest(home, batch, "accepted"), why)
            else:
                damaged_packs.add(batch.pack)
    for pack in packs(home, source, entity.name):
        if pack.name in damaged_packs:
            _take_apart(home, pack)
    found = sorted(folder.glob("b*.damaged.json"))
    after = [
        batch.sequence
        for batch in batches(home, source, entity.name, "accepted")
        if batch.is_whole or entity.load == "snapshot"
    ]
    settled = [path for path in found if _sequence(path.name) < max(after, default=0)]
    _settle(settled)
    return {
        path.name.split(".")[0].partition("-")[2]: path
        for path in found
        if path not in settled
    }


def _settle(marks: Sequence[Path]) -> None:
    """Forgets damaged batches whose rows are told by another; `sweep` takes the files."""
    for path in marks:
        path.unlink()


def _take_out(path: Path, why: str) -> None:
    log.warning("%s: %s; its source is read again", path, why)
    path.rename(path.with_name(path.name.replace(".accepted.", ".damaged.")))
    sync_folder(path.parent)


def _take_apart(home: Home, pack: Pack) -> None:
    """Takes every batch of a damaged pack out of force, each with a mark of its own."""
    path, _ = pack_files(home, pack)
    log.warning("%s: the pack is damaged; its sources are read again", path)
    for batch, state in pack.told:
        if state == "accepted":
            mark = path.with_name(f"{batch.batch_id}.damaged.json")
            write_json(mark, _told(batch), hashed=True)
    path.with_suffix(".copy").unlink(missing_ok=True)
    path.unlink()
    sync_folder(path.parent)


def _is_unreadable(path: Path) -> str:
    try:
        _read_manifest(path)
    except CustomerTiersError as error:
        return str(error)
    return ""


def _damage(home: Home, batch: Batch) -> str:
    """Why the batch's files are not what its manifest says; empty when they are."""
    try:
        found = counted_rows(home, batch)
    except (OSError, pa.ArrowException, duckdb.Error) as error:
        return f"its file is damaged ({error})"
    if found != (batch.rows_landed, batch.rows_quarantined):
        return (
            f"its files hold {found[0]:,} and {found[1]:,} rows instead of "
            f"{batch.rows_landed:,} and {batch.rows_quarantined:,}"
        )
    if batch.data_sha256 and _hash(home, batch) != batch.data_sha256:
        return "its file is not the one that was written (hash)"
    return ""


def _hash(home: Home, batch: Batch) -> str | None:
    path = data_file(home, batch)
    if not path.exists():
        return None
    found = path.stat()
    return _hash_of(path, (found.st_ino, found.st_size, found.st_mtime_ns))


@functools.lru_cache(maxsize=16)
def _hash_of(path: Path, _version: tuple[int, int, int]) -> str:
    """The file's hash; asked for every batch of a pack, worked out once."""
    return sha256(path)


def _restore(
    home: Home,
    source: str,
    entity: Entity,
    extract: Extract,
    now: dt.datetime,
    guard: Guard,
    lost: Path,
) -> None:
    """Reads a file again into the place of its damaged batch, which the gate had passed.

    The same place, because of two files with the same key the later one counts.
    """
    batch = _write(
        home,
        source,
        entity,
        extract,
        now,
        extract.content,
        None,
        guard,
        _sequence(lost.name),
        "accepted",
    )
    lost.unlink()
    log.warning("%s.%s: %s is mended", source, entity.name, batch.batch_id)


def _since(
    entity: Entity, before: Sequence[Batch], *, now: dt.datetime, full: bool
) -> Since:
    begins = [batch.sequence for batch in _stories(entity, before)]
    cursors = [
        increments.read(batch.cursor)
        for batch in before
        if batch.sequence >= begins[-1]
    ]
    reached = [cursor for cursor in cursors if cursor is not None]
    swept = [batch.loaded_at for batch in before if batch.content == "sweep"]
    if entity.sweep_days is None or not before:
        sweep_due = False
    else:
        last = max(swept) if swept else before[0].loaded_at
        age = now - dt.datetime.fromisoformat(last)
        sweep_due = full or age >= dt.timedelta(days=entity.sweep_days)
    return Since(
        cursor=max(reached) if reached and not full else None, sweep_due=sweep_due
    )


def _markers(
    home: Home,
    entity: Entity,
    extract: Extract,
    batches_in_force: Sequence[Batch],
) -> Extract:
    landed = relation(home, entity, batches_in_force)
    if landed is None:  # nothing is there that could be deleted
        return replace(extract, batches=lambda: iter(()))
    begins = _stories(entity, batches_in_force)[-1]
    return increments.markers(extract, entity, landed, begins.batch_id)


def _is_known(
    home: Home,
    entity: Entity,
    extract: Extract,
    batch: Batch,
    before: Sequence[Batch],
) -> bool:
    """Whether a batch of a query changes nothing, so that it need not be kept.

    Content that was there before may be news: a value that changed and changed back.

    Args:
        before: The entity's batches in force, and those that landed just now.
    """
    if extract.fingerprint is not None:  # a file, which was asked about unread
        return False
    if entity.load == "snapshot":
        return batch.fingerprint in {item.fingerprint for item in before}
    if batch.content == "sweep":  # its moment is remembered by it
        return False
    same = [item for item in before if item.content == batch.content]
    is_repeated = bool(same) and same[-1].fingerprint == batch.fingerprint
    if batch.content == "deletes":
        # Markers are made for keys that are there, so each is news.
        return batch.rows_landed == 0 and (is_repeated or not batch.rows_quarantined)
    columns = [*batch.columns, "_deleted"]
    if is_repeated:
        later = [item for item in before if item.sequence > same[-1].sequence]
        if not any(item.rows_landed for item in later):
            return True
        # Only a key that was deleted since, and is back, would be news.
        cursor = [entity.cursor.column] if entity.cursor else []
        columns = [*dict.fromkeys([*entity.key, *cursor]), "_deleted"]
    elif not same or batch.is_whole or batch.rows_quarantined:
        return False
    elif batch.rows_read == 0:
        return True
    elif not _has_the_columns_of(schema_in_force(home, batch.source, entity), batch):
        return False
    landed = relation(home, entity, before)
    return landed is not None and increments.says_nothing_new(
        data_file(home, batch), landed, entity, columns
    )


def _has_the_columns_of(schema: Mapping[str, str], batch: Batch) -> bool:
    """Whether no column came, went or changed its type; one without values has none."""
    return set(schema) == set(batch.schema) and all(
        "null" in (kind, schema[name]) or kind == schema[name]
        for name, kind in batch.schema.items()
    )


def _rows(home: Home, some: Sequence[Batch]) -> str | None:
    """SQL of the rows of these batches, whatever else is in the files that hold them."""
    files = [path for batch in some if (path := data_file(home, batch)).exists()]
    if not files:
        return None
    rows = sql.parquet(dict.fromkeys(files))
    packed = {batch.pack for batch in some if batch.pack is not None}
    if not packed:
        return rows
    wanted = {batch.batch_id for batch in some}
    others = [
        batch.batch_id
        for pack in packs(home, some[0].source, some[0].entity)
        if pack.name in packed
        for batch, _ in pack.told
        if batch.batch_id not in wanted
    ]
    if not others:
        return rows
    listed = ", ".join(map(sql.literal, others))
    return f"(select * from {rows} where _batch_id not in ({listed}))"


def _retry_mark(home: Home, batch: Batch) -> Path:
    folder = entity_folder(home, batch.source, batch.entity)
    return folder / f"{batch.batch_id}.retry"


def is_asked_again(home: Home, batch: Batch) -> bool:
    """Whether the next load reads the batch's file again."""
    return _retry_mark(home, batch).exists()


def ask_again(home: Home, batch: Batch) -> None:
    """Has the next load read the batch's file again, for the rows in its quarantine.

    A table is read again as a whole. The batch stays in force until the new one is
    accepted, that of a table for ever, so nothing can be lost.
    """
    write_text(_retry_mark(home, batch), "")


def _answer(home: Home, asked: Sequence[Batch]) -> None:
    """Takes away the marks of `ask_again`."""
    for batch in asked:
        _retry_mark(home, batch).unlink(missing_ok=True)


def sweep(home: Home, source: str, entity: str) -> None:
    """Removes what a killed run left: pending batches, and files that nobody counts.

    Those are files without a manifest, and files of batches that a pack tells.
    """
    for batch in batches(home, source, entity, "pending"):
        _discard(home, batch, "pending")
    known = batches(home, source, entity, *STATES)
    folder = entity_folder(home, source, entity)
    own = {batch.batch_id for batch in known if batch.pack is None}
    own |= {path.name.split(".")[0] for path in folder.glob("b*.damaged.json")}
    in_packs = {batch.batch_id: batch.pack for batch in known if batch.pack}
    of_packs = set(in_packs.values())
    for path in sorted(folder.glob("*")):
        name = path.name.split(".")[0]
        if name in in_packs and path.suffix == ".retry":
            continue
        if name not in own | of_packs or path.name.endswith(".partial"):
            path.unlink(missing_ok=True)
    for path in (home.quarantine / source / entity).glob("*"):
        if path.name.split(".")[0] not in {*own, *in_packs}:
            path.unlink(missing_ok=True)


def accept(home: Home, batch: Batch) -> None:
    """Lets a pending batch feed the warehouse, in place of the one that it replaces."""
    _move(home, batch, "pending", "accepted")
    if batch.replaces is None and not batch.is_whole:
        return
    earlier = batches(home, batch.source, batch.entity, "accepted")
    if batch.is_whole:
        _answer(home, earlier)
    for replaced in earlier:
        if replaced.batch_id == batch.replaces:
            _move(home, replaced, "accepted", "replaced")
            _answer(home, [replaced])


def refuse(home: Home, batch: Batch) -> None:
    """Keeps a pending batch out of the warehouse, for somebody to look at.

    An earlier refusal of the same content is dropped: its source is read again at every
    refresh until it is mended, and one copy tells enough.
    """
    for earlier in batches(home, batch.source, batch.entity, "refused"):
        if earlier.fingerprint == batch.fingerprint:
            _discard(home, earlier, "refused")
    _move(home, batch, "pending", "refused")


def _write(
    home: Home,
    source: str,
    entity: Entity,
    extract: Extract,
    now: dt.datetime,
    content: Literal["rows", "deletes", "keys"],
    replaced: Batch | None,
    guard: Guard,
    number: int,
    state: State = "pending",
) -> Batch:
    folder = entity_folder(home, source, entity.name)
    provisional = folder / f"b{number:06d}.parquet.partial"
    batch_id = f"b{number:06d}"
    if extract.fingerprint:
        batch_id = f"{batch_id}-{extract.fingerprint[:12]}"
    where = f"{source}.{entity.name}: {extract.origin}"
    while True:
        try:
            written = _write_rows(
                entity, extract, provisional, batch_id, now, where, content, guard
            )
            break
        except StartOver:
            provisional.unlink(missing_ok=True)
        except BaseException:
            # On a disk that is full, the next to write will need the room.
            provisional.unlink(missing_ok=True)
            raise
    fingerprint = extract.fingerprint or _with_rejected(written.digest, extract)
    rejected = guard.rejected(extract.rejected)
    batch = Batch(
        batch_id=batch_id,
        source=source,
        entity=entity.name,
        load=entity.load,
        origin=extract.origin,
        fingerprint=fingerprint,
        loaded_at=now.isoformat(),
        rows_read=written.rows_read + len(extract.rejected),
        rows_landed=written.rows,
        rows_quarantined=len(rejected),
        schema=written.schema,
        content="sweep" if content == "keys" else content,
        cursor=increments.written(written.cursor),
        replaces=replaced.batch_id if replaced else None,
        is_whole=extract.is_whole,
        rows_forgotten=written.rows_read
        - written.rows
        + len(extract.rejected)
        - len(rejected),
        data_sha256=sha256(provisional) if provisional.exists() else None,
    )
    if rejected:
        _write_quarantine(home, batch, rejected, now)
    if provisional.exists():
        sync_file(provisional)
        provisional.replace(data_file(home, batch))
        sync_folder(folder)
    write_json(manifest(home, batch, state), _told(batch), hashed=True)
    return batch


def _last(folder: Path) -> int:
    """The highest number that a batch of the entity ever had.

    From the names alone: with every manifest read for every file, a thousand files that
    come at once would take a minute longer.
    """
    taken = [_sequence(path.name) for path in folder.glob("b*.json")]
    taken += [_sequence(path.stem.split("-")[1]) for path in folder.glob("p*-b*.json")]
    return max(taken, default=0)


def _with_rejected(digest: str, extract: Extract) -> str:
    """The content hash of a query: rows that could not be read are content too."""
    if not extract.rejected:
        return digest
    told = json.dumps([digest, *(asdict(row) for row in extract.rejected)])
    return hashlib.sha256(told.encode()).hexdigest()


@dataclass
class _Written:
    """What `_write_rows` wrote: how much, of which columns, up to which cursor."""

    rows_read: int = 0
    rows: int = 0
    schema: dict[str, str] = field(default_factory=dict)
    cursor: pa.Scalar | None = None
    digest: str = ""


def _write_rows(
    entity: Entity,
    extract: Extract,
    path: Path,
    batch_id: str,
    now: dt.datetime,
    where: str,
    content: Literal["rows", "deletes", "keys"],
    guard: Guard,
) -> _Written:
    """Writes the extract's stream to the path; no file without a record batch."""
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
                record_batch, batch_id, now, extract.origin, done.rows_read, deleted
            )
            # After the digest: the source that is unchanged must look unchanged.
            if content == "rows":
                stamped = guard.rows(stamped)
            if entity.cursor is not None:
                done.cursor = increments.highest(
                    done.cursor, record_batch, entity.cursor.column
                )
            _note_types(done.schema, record_batch)
            if writer is None:
                _check_names(record_batch.schema.names, where)
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
        done.digest += f"-{now.isoformat()}"
    return done


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


def _note_types(schema: dict[str, str], record_batch: pa.RecordBatch) -> None:
    """Notes the type of each column that has a value; a column without any is `null`."""
    for told, column in zip(record_batch.schema, record_batch.columns, strict=True):
        if column.null_count < len(column):
            schema[told.name] = str(told.type)
        else:
            schema.setdefault(told.name, "null")


def _stamp(
    record_batch: pa.RecordBatch,
    batch_id: str,
    now: dt.datetime,
    origin: str,
    rows_before: int,
    deleted: pa.Array,
) -> pa.RecordBatch:
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
    home: Home, batch: Batch, rejected: Sequence[Rejected], now: dt.datetime
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
            for row in rejected
        ],
        schema=QUARANTINE_SCHEMA,
    )
    provisional = path.with_suffix(".parquet.partial")
    pq.write_table(table, provisional, compression="zstd")
    sync_file(provisional)
    provisional.replace(path)
    sync_folder(path.parent)


def state_of(home: Home, batch: Batch) -> State:
    """The state of a batch that is in no pack, from its manifest's name."""
    return next(state for state in STATES if manifest(home, batch, state).exists())


def _move(home: Home, batch: Batch, before: State, after: State) -> None:
    if batch.pack is not None:
        for pack in packs(home, batch.source, batch.entity):
            if pack.name == batch.pack:
                told = [
                    (item, after if item.batch_id == batch.batch_id else state)
                    for item, state in pack.told
                ]
                write_pack(home, replace(pack, told=told))
        return
    manifest(home, batch, before).rename(manifest(home, batch, after))
    sync_folder(entity_folder(home, batch.source, batch.entity))


def _discard(home: Home, batch: Batch, state: State) -> None:
    # The manifest first: without it the other files are leftovers that nobody counts.
    for path in (
        manifest(home, batch, state),
        data_file(home, batch),
        quarantine_file(home, batch),
    ):
        path.unlink(missing_ok=True)


def record_batches(home: Home, batch: Batch) -> Iterator[pa.RecordBatch]:
    """The batch's rows, whoever else's are in the file that holds them."""
    path = data_file(home, batch)
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
            told = column.statistics
            return not told.has_min_max or bool(told.min <= batch_id <= told.max)
    return True


def counted_rows(home: Home, batch: Batch) -> tuple[int, int]:
    """Rows in the batch's two files, from the files themselves, not from the manifest."""

    def rows(path: Path) -> int:
        return pq.read_metadata(path).num_rows if path.exists() else 0

    unread = rows(quarantine_file(home, batch))
    if batch.pack is None:
        return rows(data_file(home, batch)), unread
    path = data_file(home, batch)
    found = path.stat() if path.exists() else None
    if found is None:
        return 0, unread
    counts = _rows_of_pack(path, (found.st_ino, found.st_size, found.st_mtime_ns))
    return counts.get(batch.batch_id, 0), unread


@functools.lru_cache(maxsize=16)
def _rows_of_pack(path: Path, _version: tuple[int, int, int]) -> dict[str, int]:
    """Rows of each batch in a pack's file; asked for every batch, counted once."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select _batch_id, count(*) from {sql.parquet([path])} group by _batch_id"
        ).fetchall()
    return dict(rows)


def written_since(home: Home, moment: str) -> int:
    """The bytes that landing and quarantine grew by since a moment, in ISO format."""
    since = dt.datetime.fromisoformat(moment).timestamp()
    sizes = [
        found.st_size
        for room in (home.landing, home.quarantine)
        for path in room.glob("*/*/*")
        if (found := path.stat()).st_mtime >= since
    ]
    return sum(sizes)


def iter_quarantine_files(home: Home) -> Iterator[Path]:
    """Every quarantine file of the home."""
    return home.quarantine.glob("*/*/b*.parquet")
