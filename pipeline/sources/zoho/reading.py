"""How the records of one module or subform are read: whole, what changed, keys.

Everything that is read whole is held against Zoho's own count. Not here: which of it is
due (`crm`).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.base import Extract, Rejected
from pipeline.sources.entity import Entity
from pipeline.sources.http import RecordColumn, ServiceError, batches_of
from pipeline.sources.zoho.bulk import BulkReading
from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.fields import (
    ID,
    LOOKUPS,
    MODIFIED,
    FieldColumn,
    ModuleField,
    asked_for,
    plain,
)
from pipeline.sources.zoho.lines import PARENT, PARENT_MODIFIED, Lines
from pipeline.sources.zoho.paging import API, Paging, Record

log = logging.getLogger("customer_tiers.zoho")

Pages = Iterator[list[Record]]


@dataclass(frozen=True)
class Access:
    """The ways to an organisation's records.

    Attributes:
        source: The source's name, for messages.
        client: Makes the calls.
        paging: Reads records in an order.
        bulk: Reads whole modules.
        bulk_from: Modules of at least so many records are read by bulk read.
    """

    source: str
    client: ZohoClient
    paging: Paging
    bulk: BulkReading
    bulk_from: int

    def count(self, module: str) -> int:
        """How many records Zoho counts in a module."""
        answer = self.client.get(f"{API}/{module}/actions/count")
        return int(answer["count"])


class Reading:
    """How the records of one entity are read.

    Attributes:
        fields: The fields of its module.
    """

    def __init__(
        self,
        access: Access,
        entity: Entity,
        module: str,
        fields: Mapping[str, ModuleField],
        columns: Sequence[FieldColumn],
    ) -> None:
        self.fields = fields
        self._access = access
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
            self._links = [PARENT]
            self._lines: Lines | None = Lines(
                access.client, access.paging, module, entity.parent
            )
        else:
            # What they name changes where two records are merged into one.
            self._links = [
                column.name
                for column in columns
                if column.field and column.field.type in LOOKUPS
            ]
            self._lines = None

    def extract(
        self,
        pages: Callable[[], Pages],
        *,
        content: Literal["rows", "deletes", "keys"] = "rows",
        is_whole: bool = False,
        moves_cursor: bool = True,
    ) -> Extract:
        """The pages as an extract; those of keys have no other columns but lookups."""
        rejected: list[Rejected] = []
        columns = self._columns
        if content != "rows":
            wanted = {*self._entity.key, *(self._links if content == "keys" else ())}
            columns = [column for column in columns if column.name in wanted]

        return Extract(
            origin=self._module,
            fingerprint=None,
            batches=lambda: batches_of(pages(), columns, rejected, plain),
            rejected=rejected,
            content=content,
            is_whole=is_whole,
            read_again=self._read_again if content == "keys" else None,
            moves_cursor=moves_cursor,
        )

    def listed(self) -> Extract:
        """What the last reading of changes saw of lines: those of older ones are gone."""
        assert self._lines is not None  # only subforms are listed
        found = self.extract(self._lines.listed, content="keys")
        return replace(found, within=[PARENT], read_again=None)

    def _read_again(self, listed: Sequence[Mapping[str, Any]]) -> Extract:
        """The present rows of what changed without a newer time.

        What was restored from the recycle bin, and what came to another record because
        two were merged, keep the time at which they were modified.
        """
        lines = self._lines
        if lines is not None:
            parents = [str(row[PARENT]) for row in listed if row[PARENT]]
            parents = list(dict.fromkeys(parents))
            return self.extract(
                lambda: lines.of_parents(self._names, parents), moves_cursor=False
            )
        (key,) = self._entity.key
        # What stands in place of a forgotten key is none of Zoho's.
        keys = [str(row[key]) for row in listed if str(row[key]).isdigit()]
        of_ids = self._access.paging.of_ids
        return self.extract(
            lambda: of_ids(self._module, self._names, keys), moves_cursor=False
        )

    def sample(self, rows: int) -> Pages:
        """So many rows, whichever come first."""
        if self._lines is not None:
            yield from self._lines.sample(self._names, rows)
            return
        order: Literal["id", "time"] = "time" if MODIFIED in self.fields else "id"
        for page in self._access.paging.pages(self._module, self._names, order=order):
            yield page[:rows]
            rows -= len(page)
            if rows <= 0:
                return

    def changed(self, since: dt.datetime) -> Pages:
        """What changed at that moment or later."""
        if self._lines is not None:
            yield from self._lines.changed(self._names, since)
            return
        yield from self._access.paging.pages(self._module, self._names, since=since)

    def whole(self) -> Pages:
        """Everything, held against Zoho's own count."""
        if self._lines is not None:
            yield from self._counted(
                self._lines, self._lines.changed(self._names, None)
            )
            return
        before = self._access.count(self._module)
        seen: set[int] = set()
        for page in self._everything(before):
            seen.update(int(row[ID]) for row in page)
            yield page
        if len(seen) < before and (missing := self._missing(seen)):
            yield from missing
            seen.update(int(row[ID]) for page in missing for row in page)
        self._compare(self._module, len(seen), before)

    def keys(self) -> Pages:
        """The keys and lookups of everything, held against Zoho's own count."""
        if self._lines is not None:
            yield from self._counted(self._lines, self._lines.keys())
            return
        before = self._access.count(self._module)
        seen: set[int] = set()
        names = [
            column.path[0] for column in self._columns if column.name in self._links
        ]
        for page in self._access.paging.pages(self._module, names, order="id"):
            seen.update(int(row[ID]) for row in page)
            yield page
        self._compare(self._module, len(seen), before)

    def _everything(self, count: int) -> Pages:
        access = self._access
        if access.client.options.bulk and count >= access.bulk_from:
            kinds = {
                name: field.kind for name, field in self.fields.items() if field.kind
            }
            try:
                yield from access.bulk.pages(self._module, self._names, kinds)
            except ServiceError as error:
                if error.code not in {"MODULE_NOT_SUPPORTED", "NOT_SUPPORTED"}:
                    raise
                log.info("%s: %s has no bulk read", access.source, self._module)
            else:
                return
        yield from access.paging.pages(self._module, self._names, order="id")

    def _missing(self, seen: set[int]) -> list[list[Record]]:
        """Records that a whole reading did not bring, read by themselves."""
        access = self._access
        names = self._names
        found = []
        for page in access.paging.pages(self._module, names, order="id"):
            new = [row for row in page if int(row[ID]) not in seen]
            if new:
                found.append(new)
        return found

    def _counted(self, lines: Lines, pages: Pages) -> Pages:
        """All lines, where all the records that hold them were seen."""
        before = self._access.count(lines.parent)
        yield from pages
        self._compare(lines.parent, lines.parents, before)

    def _compare(self, module: str, read: int, before: int) -> None:
        """Raises where less was read than there was before and is now."""
        if read >= before:
            return
        least = min(before, self._access.count(module))
        allowed = self._access.client.options.most_missing
        if read < least * (1 - allowed):
            raise SourceUnavailable(
                f"{self._access.source}.{self._entity.name}: Zoho counts {least:,} records "
                f"in {module} and gives {read:,}. Records that are not read would "
                "count as gone. Let the user who made the refresh token see all records "
                "(role and sharing rules); where Zoho counts what nobody can read, say "
                "how much by zoho.most_missing in sources.yaml."
            )
