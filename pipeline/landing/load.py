"""One pass over an entity: what a reader gives, and what of it is new.

Content that was landed before is not landed again: a file by its hash, a query by its
rows. Not here: reading (`pipeline.sources`), reading again after an error (`retrying`),
writing a batch (`write`), and judging it (`pipeline.gates`).
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.landing import damage, increments
from pipeline.landing.batches import Batch, sequence_of
from pipeline.landing.entity import LandedEntity
from pipeline.landing.write import BatchWriter
from pipeline.sources import Entity, Extract, Reader, Since
from pipeline.suppression.suppression_list import Suppression

log = logging.getLogger("customer_tiers.landing")


@dataclass(frozen=True)
class Landed:
    """What one pass over an entity did."""

    batches: list[Batch]
    already_landed: int
    seconds: float = field(default=0.0, compare=False)


def land(
    landed: LandedEntity, reader: Reader, *, now: dt.datetime, full: bool = False
) -> Landed:
    """Lands everything of the entity that is not in force yet, as pending batches.

    Args:
        landed: The entity, and what is there of it.
        reader: Reads its source.
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
    landed.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    damaged = damage.set_aside(landed)
    landed.sweep()
    before = landed.in_force()
    requested = {
        batch.origin: batch for batch in before if landed.is_requested_again(batch)
    }
    # Of a table, no part can be read again that a batch would be in place of: all of it.
    since = _since(landed, before, now=now, full=full or bool(requested or damaged))
    guard = Suppression.load(landed.home).guard(landed.source, landed.entity)
    load = _Load(
        landed,
        BatchWriter(landed, guard, now),
        before,
        requested,
        damaged,
        last=landed.last_sequence(),
        # A snapshot that returns to an earlier state must land again: only the newest
        # counts.
        known={batch.fingerprint for batch in before},
    )
    for extract in reader.extracts(landed.entity, since):
        load.take(extract)
    is_superseded = landed.entity.load == "snapshot" and load.new
    if not is_superseded and (error := damage.lost(landed, damaged)) is not None:
        raise error
    return Landed(load.new, load.already_landed, time.monotonic() - began)


@dataclass
class _Load:
    """A pass in progress.

    Attributes:
        before: The batches in force when it began, oldest first.
        requested: Name of a file → its batch, where it is to be read again.
        damaged: What `damage.set_aside` gave, without what was read again.
        last: The highest number of a batch.
        known: The content hashes of what is landed.
        new: The batches of this pass.
        already_landed: Extracts that held nothing new.
    """

    landed: LandedEntity
    writer: BatchWriter
    before: Sequence[Batch]
    requested: Mapping[str, Batch]
    damaged: dict[str, Path]
    last: int
    known: set[str]
    new: list[Batch] = field(default_factory=list)
    already_landed: int = 0

    def take(self, extract: Extract) -> None:
        """Lands the extract, and what its keys say has changed in silence."""
        listing = None
        if extract.read_again is not None:
            markers = [item for item in self._batches if item.content != "rows"]
            listing = increments.Listing([item.batch_id for item in markers])
        self._take(extract, listing)
        if listing is not None and listing.changed and extract.read_again is not None:
            log.info(
                "%s.%s: %d rows changed without a newer time, and are read again",
                self.landed.source,
                self.landed.name,
                len(listing.changed),
            )
            self._take(extract.read_again(listing.changed), None)

    @property
    def _batches(self) -> list[Batch]:
        """The batches in force with those of this pass, oldest first."""
        return [*self.before, *self.new]

    def _take(self, extract: Extract, listing: increments.Listing | None) -> None:
        """Lands the extract, unless it is known."""
        is_file = extract.fingerprint is not None
        replaced = self.requested.get(extract.origin) if is_file else None
        if extract.fingerprint in self.known and replaced is None:
            self.already_landed += 1
            return
        if is_file:
            content_hash = str(extract.fingerprint)
            # What stands of it in the id of its batch.
            if (lost := self.damaged.pop(content_hash[:12], None)) is not None:
                self._restore(extract, lost)
                self.known.add(content_hash)
                self.already_landed += 1
                return
        batches = self._batches
        batch = self.writer.write(
            extract
            if extract.content == "rows"
            else self._markers(extract, batches, listing),
            self.last + 1,
            # What is listed of some values only is no sweep.
            content="deletes" if extract.within else extract.content,
            replaced=replaced,
        )
        # Whether a file is known was asked before it was read.
        if not is_file and _is_known(self.landed, batch, batches):
            self.landed.discard(batch, "pending")
            self.already_landed += 1
            if batch.is_whole:
                self.landed.withdraw_requests(self.before)
                damage.drop([path for key, path in self.damaged.items() if not key])
            return
        self.last = batch.sequence
        self.known.add(batch.fingerprint)
        self.new.append(batch)

    def _restore(self, extract: Extract, lost: Path) -> None:
        """Reads a file again into the place of its damaged batch, which was accepted.

        The same place, because of two files with the same key the later one counts.
        """
        batch = self.writer.write(
            extract,
            sequence_of(lost.name),
            content=extract.content,
            state="accepted",
        )
        lost.unlink()
        log.warning(
            "%s.%s: %s is mended", self.landed.source, self.landed.name, batch.batch_id
        )

    def _markers(
        self,
        extract: Extract,
        batches: Sequence[Batch],
        listing: increments.Listing | None,
    ) -> Extract:
        """Markers of the landed keys that the extract says are deleted."""
        extract = self.writer.guard.keys(extract)
        relation = self.landed.relation(batches)
        if relation is None:  # nothing is there that could be deleted
            return replace(extract, batches=lambda: iter(()))
        begins = self.landed.generations(batches)[-1]
        return increments.markers(
            extract, self.landed.entity, relation, begins.batch_id, listing
        )


def _since(
    landed: LandedEntity, before: Sequence[Batch], *, now: dt.datetime, full: bool
) -> Since:
    """Where the reader goes on from, and whether all keys are to be listed."""
    begins = [batch.sequence for batch in landed.generations(before)]
    cursors = [
        increments.read(batch.cursor)
        for batch in before
        if batch.sequence >= begins[-1]
    ]
    reached = [cursor for cursor in cursors if cursor is not None]
    return Since(
        cursor=max(reached) if reached and not full else None,
        sweep_due=_is_sweep_due(landed.entity, before, now=now, full=full),
    )


def _is_sweep_due(
    entity: Entity, before: Sequence[Batch], *, now: dt.datetime, full: bool
) -> bool:
    if entity.sweep_days is None or not before:
        return False
    swept = [batch.loaded_at for batch in before if batch.content == "sweep"]
    last = max(swept) if swept else before[0].loaded_at
    age = now - dt.datetime.fromisoformat(last)
    return full or age >= dt.timedelta(days=entity.sweep_days)


def _is_known(landed: LandedEntity, batch: Batch, before: Sequence[Batch]) -> bool:
    """Whether a batch of a query changes nothing, so that it need not be kept.

    Content that was there before may be news: a value that changed and changed back.

    Args:
        landed: The entity.
        batch: The batch, written and pending.
        before: The batches in force, and those that landed just now.
    """
    entity = landed.entity
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
    elif not _has_the_columns_of(landed.schema_in_force(), batch):
        return False
    relation = landed.relation(before)
    return relation is not None and increments.says_nothing_new(
        landed.data_file(batch), relation, entity, columns
    )


def _has_the_columns_of(schema: Mapping[str, str], batch: Batch) -> bool:
    """Whether no column came, went or changed its type; one without values has none."""
    return set(schema) == set(batch.schema) and all(
        "null" in (kind, schema[name]) or kind == schema[name]
        for name, kind in batch.schema.items()
    )
