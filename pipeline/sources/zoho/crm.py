"""The reader of sources of kind `zoho_crm`: which calls make up the reading of an entity.

First everything, by bulk read where that is worth its credits, and then what changed while
it was read; later what changed since the last time, what was deleted, and now and then all
keys. Everything that is read whole is held against Zoho's own count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.sources.base import Extract, Since
from pipeline.sources.config import Source
from pipeline.sources.entity import Entity
from pipeline.sources.http import SYSTEM_CLOCK, Clock, RecordColumn, to_batch
from pipeline.sources.increments import lower_bound, overlap_of
from pipeline.sources.zoho.bulk import BulkReading
from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.fields import (
    ID,
    MODIFIED,
    ModuleField,
    columns_of,
    metadata_batch,
    metadata_rows,
    module_fields,
)
from pipeline.sources.zoho.lines import PARENT, PARENT_MODIFIED, paging_of
from pipeline.sources.zoho.paging import API, PAGE_ROWS
from pipeline.sources.zoho.reading import Access, Pages, Reading
from pipeline.sources.zoho_settings import USERS

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
        self._client = ZohoClient(source, home, clock)
        self._access = Access(
            source.name,
            self._client,
            paging_of(self._client),
            BulkReading(self._client),
            bulk_from,
        )
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
            yield _extract("metadata", self._metadata)
            return
        module = entity.object or entity.name
        if module == USERS:
            yield _extract(USERS, self._users)
            return
        reading = self._reading(entity, module)
        if limit is not None:
            yield reading.extract(lambda: reading.sample(limit))
            return
        bound = self._bound(entity, since)
        if bound is not None:
            yield reading.extract(lambda: reading.changed(bound))
            if entity.parent:
                yield reading.listed()
            else:
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
                if entity.parent:
                    yield reading.listed()
                else:
                    yield reading.extract(
                        lambda: self._deleted(module, began[-1]), content="deletes"
                    )
        if since.sweep_due or self._is_out_of_sight(bound):
            yield reading.extract(reading.keys, content="keys")

    # What is read of an entity

    def _reading(self, entity: Entity, module: str) -> Reading:
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
        return Reading(self._access, entity, module, fields, columns)

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


def _extract(origin: str, batches: Callable[[], Iterator[pa.RecordBatch]]) -> Extract:
    """What is always read as a whole."""
    return Extract(origin=origin, fingerprint=None, batches=batches, is_whole=True)
