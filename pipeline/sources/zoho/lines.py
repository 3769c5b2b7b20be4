"""Subforms, such as the lines of orders: which records' lines are read, and how.

A line has no time of its own that could be relied on. It is read when the record that
holds it changed, together with all lines of that record, and has that record's time as
`Parent_Modified_Time`; `replace: [Parent_Id]` lets the lines that are gone count no more,
and a record that has none any more is listed as such. A list of records never holds their
subforms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

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
        present: Of the records that the last reading of changes saw, the keys of the
            lines that each had when it was read last.
    """

    def __init__(
        self, client: ZohoClient, paging: Paging, subform: str, parent: str
    ) -> None:
        self._client = client
        self._paging = paging
        self.subform = subform
        self.parent = parent
        self.parents = 0
        self.present: dict[str, list[str]] = {}

    def changed(
        self, names: Sequence[str], since: dt.datetime | None
    ) -> Iterator[list[Record]]:
        """All lines of the records that changed since; of all records without it."""
        if since is None and isinstance(self._paging, CoqlPaging):
            yield from self._all(names)
            return
        seen: set[str] = set()
        self.present.clear()
        for page in self._paging.pages(self.parent, [], since=since):
            times = {row[ID]: row[MODIFIED] for row in page}
            seen |= times.keys()
            self.parents = len(seen)
            # One that comes again has the lines of the last time.
            present: dict[str, list[str]] = {key: [] for key in times}
            for found in self._of_records(names, times):
                for line in found:
                    present[line[PARENT]].append(line[ID])
                yield found
            if since is not None:
                self.present |= present

    def listed(self) -> Iterator[list[Record]]:
        """The lines of the records that changed, and a record of its own without any."""
        for parent, keys in self.present.items():
            if not keys:
                yield [{ID: None, PARENT: parent}]
            yield [{ID: key, PARENT: parent} for key in keys]

    def of_parents(
        self, names: Sequence[str], parents: Sequence[str]
    ) -> Iterator[list[Record]]:
        """All lines of these records."""
        times = dict.fromkeys(parents, "")
        if isinstance(self._paging, CoqlPaging):
            of_keys = self._paging.of_keys(self.parent, [MODIFIED], ID, parents)
            times = {row[ID]: row[MODIFIED] for page in of_keys for row in page}
        yield from self._of_records(names, times)

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
            yield [line for line in _timed(lines, times) if line[PARENT] in times]

    def _of_records(
        self, names: Sequence[str], times: Mapping[str, str]
    ) -> Iterator[list[Record]]:
        """The lines of records, of which it is known when each was modified."""
        if isinstance(self._paging, CoqlPaging):
            asked = [PARENT, *names]
            for lines in self._paging.of_keys(self.subform, asked, PARENT, list(times)):
                yield _timed(lines, times)
            return
        found: list[Record] = []
        for key in times:
            record = one(self._client, self.parent, key) or {}
            own = {PARENT: key, PARENT_MODIFIED: record.get(MODIFIED)}
            found += [{**line, **own} for line in record.get(self.subform) or ()]
        yield found


def _timed(lines: list[Record], times: Mapping[str, str]) -> list[Record]:
    """The lines with the bare ids of their records, and when those were modified."""
    for line in lines:
        parent = line.get(PARENT)
        if isinstance(parent, dict):
            parent = parent.get(ID)
        line[PARENT] = parent
        line[PARENT_MODIFIED] = times.get(parent or "")
    return lines


def paging_of(client: ZohoClient) -> Paging:
    """The way to read records that the options allow."""
    return CoqlPaging(client) if client.options.coql else PagePaging(client)
