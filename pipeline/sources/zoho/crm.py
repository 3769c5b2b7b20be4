"""The reader of sources of kind `zoho_crm`: which calls make up the reading of an entity.

First everything, by bulk read where that is worth its credits, and then what changed while
it was read; later what changed since the last time, what was deleted, and now and then all
keys. Everything that is read whole is held against Zoho's own count.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.sources.base import Extract, Rejected, Since
from pipeline.sources.config import Source
from pipeline.sources.entity import Entity
from pipeline.sources.http import (
    SYSTEM_CLOCK,
    Clock,
    RecordColumn,
    ServiceError,
    to_batch,
)
from pipeline.sources.increments import lower_bound, overlap_of
from pipeline.sources.zoho.bulk import BulkReading
from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.fields import (
    ID,
    MODIFIED,
    FieldColumn,
    ModuleField,
    asked_for,
    columns_of,
    flat,
    metadata_batch,
    metadata_rows,
    module_fields,
)
from pipeline.sources.zoho.lines import PARENT, PARENT_MODIFIED, Lines, paging_of
from pipeline.sources.zoho.paging import API, PAGE_ROWS, Record
from pipeline.sources.zoho_settings import USERS

log = logging.getLogger("customer_tiers.zoho")

# Smaller modules cost less credits by COQL, and no waiting for a job.
BULK_FROM_RECORDS = 20_000
# Zoho lists what was deleted for 60 days, or 120; after fewer all keys are compared.
DELETES_DAYS = 55
# What changed while everything was read is read from so long before that began: the
# clock that says so may be another than the one that stamps the records.
BEFORE_START = dt.timedelta(minutes=10)

_USER_COLUMNS = [
    RecordColumn("id", "text", ("id",)),
    RecordColumn("full_name", "text", ("full_name",)),
    RecordColumn("email", "text", ("email",)),
    RecordColumn("status", "text", ("status",)),
]

Pages = Iterator[list[Record]]


class ZohoCrmReader:
    """Reads the entities of a source of kind `zoho_crm`, each a module or a subform."""

    def __init__(
        self,
        source: Source,
        home: Home | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        bulk_from: int = BULK_FROM_RECORDS,
    ) -> None:
        """Makes no call yet.

        Args:
            source: What is read.
            home: Where calls are counted.
            clock: Where the time comes from.
            bulk_from: Modules of at least so many records are read by bulk read.
        """
        self._name = source.name
        self._entities = source.entities
        self._bulk_from = bulk_from
        self._client = ZohoClient(source, home, clock)
        self._paging = paging_of(self._client)
        self._bulk = BulkReading(self._client)
        self._fields: dict[str, dict[str, ModuleField]] = {}

    def __enter__(self) -> ZohoCrmReader:
        self._client.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.__exit__(*exc_info)

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """The rows, then what was deleted, then the keys when they are due.

        Raises:
            SourceUnavailable: The module or one of its fields cannot be read, or less of
                it than Zoho counts; says which scope or permission is missing.
        """
        since = since or Since()
        if entity.reads == "metadata":
            yield self._extract("metadata", self._metadata, is_whole=True)
            return
        module = entity.object or entity.name
        if module == USERS:
            yield self._extract(USERS, self._users, is_whole=True)
            return
        reading = self._reading(entity, module)
        if limit is not None:
            yield reading.extract(lambda: reading.sample(limit))
            return
        bound = self._bound(entity, since)
        if bound is not None:
            yield reading.extract(lambda: reading.changed(bound))
            if not entity.parent:
                yield reading.extract(
                    lambda: self._deleted(module, bound), content="deletes"
                )
        else:
            began: list[dt.datetime] = []
            is_snapshot = entity.load == "snapshot" or not entity.cursor

            def whole() -> Pages:
                began.append(self._server_time() - BEFORE_START)
                yield from reading.whole()
                if is_snapshot and MODIFIED in reading.fields:
                    yield from reading.changed(began[-1])

            yield reading.extract(whole, is_whole=True)
            if not is_snapshot:
                # A batch of its own: of an order's lines those in the newer one count.
                yield reading.extract(lambda: reading.changed(began[-1]))
        if since.sweep_due or self._is_out_of_sight(bound):
            yield reading.extract(reading.keys, content="keys")

    # What is read of an entity

    def _reading(self, entity: Entity, module: str) -> _Reading:
        own = (PARENT, PARENT_MODIFIED) if entity.parent else ()
        fields = self._fields_of(module)
        columns = columns_of(entity, fields, own)
        follows = [MODIFIED] if entity.cursor and not entity.parent else []
        lacking = [name for name in follows if name not in fields]
        if lacking:
            raise SourceUnavailable(
                f"{self._name}.{entity.name}: {module} has no field {MODIFIED} that the "
                "user may see, and without it changes cannot be followed. Let the user "
                "see it, or load the entity as a snapshot (`load: snapshot`)."
            )
        return _Reading(self, entity, module, fields, columns)

    def _bound(self, entity: Entity, since: Since) -> dt.datetime | None:
        """From which moment on; None for everything."""
        if entity.cursor is None or entity.load == "snapshot":
            return None
        where = f"{self._name}.{entity.name}: the cursor {entity.cursor.column}"
        kind = pa.timestamp("us", tz="UTC")
        overlap = overlap_of(entity.cursor.overlap, kind, where)
        if since.cursor is None:
            return None
        bound = lower_bound(since.cursor, overlap, where)
        assert isinstance(bound, dt.datetime)
        return bound if bound.tzinfo else bound.replace(tzinfo=dt.UTC)

    def _is_out_of_sight(self, bound: dt.datetime | None) -> bool:
        """Whether something may have been deleted that Zoho no longer lists."""
        if bound is None:
            return False
        return self._server_time() - bound > dt.timedelta(days=DELETES_DAYS)

    def _server_time(self) -> dt.datetime:
        return self._client.server_time or self._client.clock.now()

    def _fields_of(self, module: str) -> dict[str, ModuleField]:
        if module not in self._fields:
            answer = self._client.get(f"{API}/settings/fields", {"module": module})
            self._fields[module] = module_fields(answer)
        return self._fields[module]

    def count(self, module: str) -> int:
        """How many records Zoho counts in a module."""
        return int(self._client.get(f"{API}/{module}/actions/count")["count"])

    # The streams

    def _metadata(self) -> Iterator[pa.RecordBatch]:
        rows: dict[tuple[str, str, str], dict[str, str]] = {}
        for entity in self._entities.values():
            module = entity.object or entity.name
            if entity.reads == "metadata" or module == USERS:
                continue
            fields = self._fields_of(module)
            own = (PARENT, PARENT_MODIFIED) if entity.parent else ()
            for row in metadata_rows(module, columns_of(entity, fields, own)):
                rows[row["object"], row["field"], row["option_value"]] = row
        yield metadata_batch(list(rows.values()))

    def _users(self) -> Iterator[pa.RecordBatch]:
        number, more = 1, True
        yield to_batch([], _USER_COLUMNS, [])
        while more:
            params = {"type": "AllUsers", "page": str(number), "per_page": "200"}
            answer = self._client.get(f"{API}/users", params)
            yield to_batch(answer.get("users") or (), _USER_COLUMNS, [])
            more = bool((answer.get("info") or {}).get("more_records"))
            number += 1

    def _deleted(self, module: str, since: dt.datetime) -> Pages:
        number, more = 1, True
        while more:
            params = {"type": "all", "page": str(number), "per_page": str(PAGE_ROWS)}
            path = f"{API}/{module}/deleted"
            answer = self._client.get(path, params, modified_since=since)
            yield [{ID: row[ID]} for row in answer.get("data") or ()]
            more = bool((answer.get("info") or {}).get("more_records"))
            number += 1

    def _extract(
        self,
        origin: str,
        batches: Callable[[], Iterator[pa.RecordBatch]],
        *,
        rejected: list[Rejected] | None = None,
        content: Literal["rows", "deletes", "keys"] = "rows",
        is_whole: bool = False,
    ) -> Extract:
        return Extract(
            origin=origin,
            fingerprint=None,
            batches=batches,
            rejected=[] if rejected is None else rejected,
            content=content,
            is_whole=is_whole,
        )


class _Reading:
    """How the records of one entity are read.

    Attributes:
        fields: The fields of its module.
    """

    def __init__(
        self,
        reader: ZohoCrmReader,
        entity: Entity,
        module: str,
        fields: dict[str, ModuleField],
        columns: Sequence[FieldColumn],
    ) -> None:
        self.fields = fields
        self._reader = reader
        self._entity = entity
        self._module = module
        self._names = asked_for(columns)
        self._columns = [column.column for column in columns]
        if entity.parent:
            self._columns += [
                RecordColumn(PARENT, "text", (PARENT,)),
                RecordColumn(PARENT_MODIFIED, "instant", (PARENT_MODIFIED,)),
            ]
            self._names = [name for name in self._names if name != PARENT]
            self._lines: Lines | None = Lines(
                reader._client, reader._paging, module, entity.parent
            )
        else:
            self._lines = None

    def extract(
        self,
        pages: Callable[[], Pages],
        *,
        content: Literal["rows", "deletes", "keys"] = "rows",
        is_whole: bool = False,
    ) -> Extract:
        """The pages as an extract; those of keys have the key's columns only."""
        rejected: list[Rejected] = []
        key = self._entity.key
        columns = self._columns
        if content != "rows":
            columns = [column for column in columns if column.name in key]

        def batches() -> Iterator[pa.RecordBatch]:
            # A module without records has columns too.
            yield to_batch([], columns, [])
            for page in pages():
                yield to_batch(map(flat, page), columns, rejected)

        return self._reader._extract(
            self._module, batches, rejected=rejected, content=content, is_whole=is_whole
        )

    def sample(self, rows: int) -> Pages:
        """So many rows, whichever come first."""
        if self._lines is not None:
            yield from self._lines.sample(self._names, rows)
            return
        order: Literal["id", "time"] = "time" if MODIFIED in self.fields else "id"
        for page in self._reader._paging.pages(self._module, self._names, order=order):
            yield page[:rows]
            rows -= len(page)
            if rows <= 0:
                return

    def changed(self, since: dt.datetime) -> Pages:
        """What changed at that moment or later."""
        if self._lines is not None:
            yield from self._lines.changed(self._names, since)
            return
        yield from self._reader._paging.pages(self._module, self._names, since=since)

    def whole(self) -> Pages:
        """Everything, held against Zoho's own count."""
        if self._lines is not None:
            yield from self._lines.changed(self._names, None)
            return
        before = self._reader.count(self._module)
        seen: set[int] = set()
        for page in self._everything(before):
            seen.update(int(row[ID]) for row in page)
            yield page
        if len(seen) < before and (missing := self._missing(seen)):
            yield from missing
            seen.update(int(row[ID]) for page in missing for row in page)
        self._compare(len(seen), before)

    def keys(self) -> Pages:
        """The keys of everything, held against Zoho's own count."""
        if self._lines is not None:
            yield from self._lines.keys()
            return
        before = self._reader.count(self._module)
        seen: set[int] = set()
        for page in self._reader._paging.pages(self._module, [], order="id"):
            seen.update(int(row[ID]) for row in page)
            yield [{ID: row[ID]} for row in page]
        self._compare(len(seen), before)

    def _everything(self, count: int) -> Pages:
        reader = self._reader
        if reader._client.options.bulk and count >= reader._bulk_from:
            kinds = {
                name: field.kind for name, field in self.fields.items() if field.kind
            }
            try:
                yield from reader._bulk.pages(self._module, self._names, kinds)
            except ServiceError as error:
                if error.code not in {"MODULE_NOT_SUPPORTED", "NOT_SUPPORTED"}:
                    raise
                log.info("%s: %s has no bulk read", reader._name, self._module)
            else:
                return
        yield from reader._paging.pages(self._module, self._names, order="id")

    def _missing(self, seen: set[int]) -> list[list[Record]]:
        """Records that a whole reading did not bring, read by themselves."""
        reader = self._reader
        names = self._names
        found = []
        for page in reader._paging.pages(self._module, names, order="id"):
            new = [row for row in page if int(row[ID]) not in seen]
            if new:
                found.append(new)
        return found

    def _compare(self, read: int, before: int) -> None:
        """Raises where less was read than there was before and is now."""
        if read >= before:
            return
        least = min(before, self._reader.count(self._module))
        allowed = self._reader._client.options.most_missing
        if read < least * (1 - allowed):
            raise SourceUnavailable(
                f"{self._reader._name}.{self._entity.name}: Zoho counts {least:,} records "
                f"in {self._module} and gives {read:,}. Records that are not read would "
                "count as gone. Let the user who made the refresh token see all records "
                "(role and sharing rules); where Zoho counts what nobody can read, say "
                "how much by zoho.most_missing in sources.yaml."
            )
