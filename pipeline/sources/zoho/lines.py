"""Subforms, such as the lines of orders: which records' lines are read, and how.

A line has no time of its own that could be relied on. It is read when the record that
holds it changed, together with all lines of that record, and has that record's time as
`Parent_Modified_Time`; `replace: [Parent_Id]` lets the lines that are gone count no more.
A list of records never holds their subforms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.fields import ID, MODIFIED
from pipeline.sources.zoho.paging import CoqlPaging, PagePaging, Paging, Record, one

PARENT = "Parent_Id"
PARENT_MODIFIED = "Parent_Modified_Time"


class Lines:
    """Reads the lines of one subform.

    Attributes:
        subform: The API name of the subform, which is a module for COQL.
        parent: The module whose records hold it.
        parents: How many different records a reading of all lines has seen.
    """

    def __init__(
        self, client: ZohoClient, paging: Paging, subform: str, parent: str
    ) -> None:
        self._client = client
        self._paging = paging
        self.subform = subform
        self.parent = parent
        self.parents = 0

    def changed(
        self, names: Sequence[str], since: dt.datetime | None
    ) -> Iterator[list[Record]]:
        """All lines of the records that changed since; of all records without it."""
        if since is None and isinstance(self._paging, CoqlPaging):
            yield from self._all(names)
            return
        seen: set[str] = set()
        for page in self._paging.pages(self.parent, [], since=since):
            times = {row[ID]: row[MODIFIED] for row in page}
            seen |= times.keys()
            self.parents = len(seen)
            if isinstance(self._paging, CoqlPaging):
                lines = self._paging.of_keys(
                    self.subform, [PARENT, *names], PARENT, list(times)
                )
                for found in lines:
                    yield [self._timed(line, times) for line in found]
            else:
                yield self._of_records(list(times))

    def keys(self) -> Iterator[list[Record]]:
        """The keys of all lines there are, of records that are there."""
        for page in self.changed([], None):
            yield [line for line in page if line.get(PARENT_MODIFIED)]

    def sample(self, names: Sequence[str], rows: int) -> Iterator[list[Record]]:
        """So many lines, of whichever records come first."""
        for page in self.changed(names, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)):
            yield page[:rows]
            rows -= len(page)
            if rows <= 0:
                return

    def _all(self, names: Sequence[str]) -> Iterator[list[Record]]:
        times = {
            row[ID]: row[MODIFIED]
            for page in self._paging.pages(self.parent, [MODIFIED], order="id")
            for row in page
        }
        self.parents = len(times)
        for lines in self._paging.pages(self.subform, [PARENT, *names], order="id"):
            # Those of no record are left behind by records that are gone.
            known = (line for line in lines if _parent(line) in times)
            yield [self._timed(line, times) for line in known]

    def _of_records(self, keys: Sequence[str]) -> list[Record]:
        found: list[Record] = []
        for key in keys:
            record = one(self._client, self.parent, key)
            for line in (record or {}).get(self.subform) or ():
                modified = (record or {}).get(MODIFIED)
                found.append({**line, PARENT: key, PARENT_MODIFIED: modified})
        return found

    @staticmethod
    def _timed(line: Record, times: dict[str, str]) -> Record:
        return {**line, PARENT_MODIFIED: times.get(str(_parent(line)))}


def _parent(line: Record) -> str | None:
    value = line.get(PARENT)
    return value.get(ID) if isinstance(value, dict) else value


def paging_of(client: ZohoClient) -> Paging:
    """The way to read records that the options allow."""
    return CoqlPaging(client) if client.options.coql else PagePaging(client)
