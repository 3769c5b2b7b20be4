"""The reader of sources of kind `fxiaoke`: first loads, increments, sweeps and metadata.

Pages by key: each begins after the last `_id` of the one before, so that a record that
changes meanwhile is neither left out nor read twice, and no offset comes to its end. Not
here: a single call (`client`), and what fields mean (`metadata`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.sources.base import Extract, Rejected, Since
from pipeline.sources.config import Source
from pipeline.sources.entity import Entity
from pipeline.sources.fxiaoke import metadata
from pipeline.sources.fxiaoke.client import (
    PAGE_ROWS,
    FxiaokeClient,
    among,
    condition,
)
from pipeline.sources.http import (
    SYSTEM_CLOCK,
    CallBudget,
    Clock,
    RecordColumn,
    batches_of,
    to_batch,
)
from pipeline.sources.http.budget import calendar_day
from pipeline.sources.increments import lower_bound, overlap_of

# A reading that takes longer than the overlap is followed by one of what changed
# meanwhile. So many of them, each as long, mean that it does not come to an end.
MOST_PASSES = 6

_CURSOR_TYPE = pa.timestamp("us", tz="UTC")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass
class _Pass:
    """What one reading found: how long it took, and the newest change in it."""

    seconds: float = 0.0
    newest: dt.datetime | None = None


class FxiaokeReader:
    """Reads the entities of a source of kind `fxiaoke`, each an object of the tenant."""

    def __init__(
        self, source: Source, home: Home | None = None, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Opens no connection yet.

        Args:
            source: What is read.
            home: Where the calls of a day are counted.
            clock: Where the time comes from.
        """
        self._source = source
        self._clock = clock
        self._budget = CallBudget(
            source.name,
            home.calls / source.name if home is not None else None,
            most=source.connection.calls_per_day,
            # Packs of calls begin anew at 0:00 there.
            window=calendar_day("Asia/Shanghai"),
            clock=clock,
        )
        self._client: FxiaokeClient | None = None
        self._described: dict[str, dict[str, metadata.Field]] = {}

    def __enter__(self) -> FxiaokeReader:
        self._client = FxiaokeClient(self._source, self._budget, self._clock)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._client is not None:
            self._client.__exit__(*exc_info)
            self._client = None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """The records, what changed while they were read, then the keys when they are due.

        The landed cursor is the newest change that was seen. A record may have changed
        after its place was passed and before that newest change; the next increment finds
        it as long as the reading took no longer than the overlap. Where it took longer,
        what changed since it began is read again at once.

        Raises:
            SourceUnavailable: There is no such object, or it may not or cannot be read.
        """
        since = since or Since()
        if entity.reads == "metadata":
            yield self._metadata(entity)
            return
        columns = metadata.columns_of(entity, self._fields(_object(entity)))
        readings = metadata.readings(columns, entity)
        overlap = self._overlap(entity)
        lower = None
        if overlap is not None and since.cursor is not None and entity.load == "append":
            where = f"{self._source.name}.{entity.name}: the cursor {_cursor(entity)}"
            lower = lower_bound(since.cursor, overlap, where)
        first = lower
        for number in range(MOST_PASSES):
            done = _Pass()
            yield self._extract(
                entity,
                readings,
                done,
                lower=lower,
                limit=limit,
                is_whole=number == 0 and lower is None and limit is None,
            )
            took = dt.timedelta(seconds=done.seconds)
            if overlap is None or entity.load == "snapshot" or limit is not None:
                break
            if took <= overlap or done.newest is None:
                break
            # By the service's clock alone: it began no earlier than this.
            lower = done.newest - took - overlap
        else:
            raise SourceUnavailable(
                f"{self._source.name}.{entity.name}: while it is read, more changes than "
                f"can be read in the overlap, {entity.cursor and entity.cursor.overlap}; "
                "give the cursor a longer overlap in sources.yaml."
            )
        changed = lower if first is None else first
        if changed is not None and limit is None and entity.parent_key:
            yield self._details(entity, readings, changed)
        if since.sweep_due:
            yield self._keys(entity, columns, readings, limit)

    def _details(
        self, entity: Entity, readings: Sequence[RecordColumn], lower: dt.datetime
    ) -> Extract:
        """The details of the records that changed; one that is gone leaves no trace.

        [A] Whoever takes a line out of an order changes the order, whose amount is
        another then.
        """
        parent, link = str(entity.parent), str(entity.parent_key)
        field = entity.aliases.get(link, link)
        wanted = {*entity.key, link}
        columns = [column for column in readings if column.name in wanted]
        changed = [condition("last_modified_time", "GTE", _milliseconds(lower))]

        def batches() -> Iterator[pa.RecordBatch]:
            yield to_batch([], columns, [])
            for records in self._pages(parent, ["_id"], changed, None):
                keys = [str(record["_id"]) for record in records]
                found: list[Mapping[str, Any]] = []
                filters = [among(field, keys)]
                for page in self._pages(_object(entity), ["_id", field], filters, None):
                    found += page
                have = {metadata.plain(record.get(field)) for record in found}
                # What has no detail is listed without one.
                found += [{field: key} for key in keys if key not in have]
                yield to_batch(found, columns, [], metadata.plain)

        return Extract(
            origin=_object(entity),
            fingerprint=None,
            batches=batches,
            content="keys",
            within=[link],
        )

    def _keys(
        self,
        entity: Entity,
        columns: Sequence[metadata.Column],
        readings: Sequence[RecordColumn],
        limit: int | None,
    ) -> Extract:
        """All keys and references; what these name changes where two are merged."""
        links = {
            column.name
            for column in columns
            if column.field is not None and column.field.kind in metadata.REFERENCES
        }
        listed = [column for column in readings if column.name in {*entity.key, *links}]
        found = self._extract(
            entity, listed, _Pass(), lower=None, limit=limit, content="keys"
        )

        def read_again(rows: Sequence[Mapping[str, Any]]) -> Extract:
            (key,) = entity.key
            ids = [str(row[key]) for row in rows]
            again = self._extract(
                entity, readings, _Pass(), lower=None, limit=None, ids=ids
            )
            return replace(again, moves_cursor=False)

        return replace(found, read_again=read_again if limit is None else None)

    def _extract(
        self,
        entity: Entity,
        columns: Sequence[RecordColumn],
        done: _Pass,
        *,
        lower: dt.datetime | None,
        limit: int | None,
        content: Literal["rows", "keys"] = "rows",
        is_whole: bool = False,
        ids: Sequence[str] | None = None,
    ) -> Extract:
        rejected: list[Rejected] = []
        fields = list(dict.fromkeys(["_id", *(column.path[0] for column in columns)]))
        known = self._fields(_object(entity))
        fields = [name for name in fields if name in known]
        questions: list[list[Mapping[str, Any]]] = [[]]
        if lower is not None:
            questions = [[condition(_cursor(entity), "GTE", _milliseconds(lower))]]
        if ids is not None:
            questions = [
                [among("_id", ids[at : at + PAGE_ROWS])]
                for at in range(0, len(ids), PAGE_ROWS)
            ]

        def batches() -> Iterator[pa.RecordBatch]:
            began = self._clock.monotonic()
            done.newest = None
            pages = (
                page
                for filters in questions
                for page in self._pages(_object(entity), fields, filters, limit)
            )
            for batch in batches_of(pages, columns, rejected, metadata.plain):
                if entity.cursor and content == "rows":
                    done.newest = _newest(done.newest, batch, entity.cursor.column)
                yield batch
            done.seconds = self._clock.monotonic() - began

        return Extract(
            origin=_object(entity),
            fingerprint=None,
            batches=batches,
            rejected=rejected,
            content=content,
            is_whole=is_whole,
        )

    def _pages(
        self,
        object_name: str,
        fields: Sequence[str],
        filters: Sequence[Mapping[str, Any]],
        limit: int | None,
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        """All records that fit the filters, page by page; then their count is compared."""
        assert self._client is not None
        count, last = 0, None
        before: int | None = None
        while limit is None or count < limit:
            rows = PAGE_ROWS if limit is None else min(PAGE_ROWS, limit - count)
            after: Sequence[Mapping[str, Any]]
            after = [condition("_id", "GT", last)] if last is not None else []
            page = self._client.query(
                object_name,
                fields,
                [*filters, *after],
                rows=rows,
                with_total=last is None and limit is None,
            )
            if last is None:
                before = page.total
            count += len(page.records)
            if page.records:
                yield page.records
            # A page may be short in the middle, of what the employee may not see; the
            # count says that there is more.
            is_short = len(page.records) < rows
            if not page.records or (is_short and count >= (before or 0)):
                break
            found = page.records[-1].get("_id")
            if found is None or found == last:
                raise SourceUnavailable(
                    f"{self._source.name}: pages of {object_name} do not go on by _id; "
                    "nothing of it counts."
                )
            last = found
        if limit is None and before is not None and count < before:
            self._compare(object_name, filters, count, before)

    def _compare(
        self,
        object_name: str,
        filters: Sequence[Mapping[str, Any]],
        count: int,
        before: int,
    ) -> None:
        """Fewer records than there were at first: have they gone, or were they not given?

        Raises:
            SourceUnavailable: They are still there.
        """
        assert self._client is not None
        now = self._client.query(
            object_name, ["_id"], filters, rows=1, with_total=True
        ).total
        if now is not None and count < now:
            raise SourceUnavailable(
                f"{self._source.name}: {count:,} records of {object_name} were given, "
                f"and the service counts {now:,} ({before:,} at first); what was given "
                "does not count.",
                may_pass=True,
            )

    def _metadata(self, entity: Entity) -> Extract:
        """The fields and options of all objects that the source's entities read."""
        rows = [
            row
            for other in self._source.entities.values()
            if other.reads == "records"
            for row in metadata.rows_of(
                _object(other),
                metadata.columns_of(other, self._fields(_object(other))),
            )
        ]
        rejected: list[Rejected] = []
        columns = [
            RecordColumn(name, "text", (name,)) for name in metadata.METADATA_COLUMNS
        ]
        return Extract(
            origin="metadata",
            fingerprint=None,
            batches=lambda: iter([to_batch(rows, columns, rejected)]),
            rejected=rejected,
            is_whole=True,
        )

    def _fields(self, object_name: str) -> dict[str, metadata.Field]:
        """The fields of an object, asked for once."""
        assert self._client is not None
        if object_name not in self._described:
            described = self._client.describe(object_name)
            self._described[object_name] = metadata.fields_of(described)
        return self._described[object_name]

    def _overlap(self, entity: Entity) -> dt.timedelta | None:
        """How much is read again each time; none without a cursor."""
        if entity.cursor is None:
            return None
        where = f"{self._source.name}.{entity.name}: the cursor {entity.cursor.column}"
        overlap = overlap_of(entity.cursor.overlap, _CURSOR_TYPE, where)
        assert not isinstance(overlap, Decimal)  # the type is one of times
        return overlap


def _object(entity: Entity) -> str:
    return entity.object or entity.name


def _cursor(entity: Entity) -> str:
    """The field by which changes are read."""
    assert entity.cursor is not None
    return entity.aliases.get(entity.cursor.column, entity.cursor.column)


def _milliseconds(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)


def _newest(
    before: dt.datetime | None, batch: pa.RecordBatch, column: str
) -> dt.datetime | None:
    """The newest change that is landed."""
    newest = pc.max(batch.column(column)).as_py()
    return before if newest is None or (before and before > newest) else newest
