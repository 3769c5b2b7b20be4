"""The reader of sources of kind `zoho_desk`: tickets by when they changed, the rest whole.

Lists say nothing of how many there are, and have no order of changes; a page that does not
join the one before is read again from further back. Times are UTC, to the millisecond.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.sources.base import Extract, Rejected, Since
from pipeline.sources.columns import column_type
from pipeline.sources.config import Source
from pipeline.sources.entity import Entity
from pipeline.sources.http import (
    SYSTEM_CLOCK,
    Clock,
    RecordColumn,
    ServiceError,
    batches_of,
)
from pipeline.sources.http.columns import Kind
from pipeline.sources.increments import lower_bound, overlap_of
from pipeline.sources.zoho import desk_fields
from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.fields import metadata_batch
from pipeline.sources.zoho_settings import SEARCHED

_API: Final = "/api/v1"
PAGE_ROWS: Final = 100
# Rows of a page that are asked for again with the next, to see that nothing shifted.
_JOINED_ROWS: Final = 5
_BEGINNING: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
# The end of what is asked for; later than any clock that is set wrongly.
_AHEAD: Final = dt.timedelta(days=2)
_MODIFIED: Final = "modifiedTime"

# What records of a list hold, as far as it is documented or was recorded; custom fields
# are named by `aliases`.
_FIELDS: Final[dict[str, dict[str, Kind]]] = {
    "tickets": {
        "ticketNumber": "text",
        "subject": "text",
        "status": "text",
        "statusType": "text",
        "priority": "text",
        "channel": "text",
        "classification": "text",
        "category": "text",
        "subCategory": "text",
        "contactId": "text",
        "accountId": "text",
        "departmentId": "text",
        "assigneeId": "text",
        "productId": "text",
        "slaId": "text",
        "createdTime": "instant",
        _MODIFIED: "instant",
        "dueDate": "instant",
        "responseDueDate": "instant",
        "customerResponseTime": "instant",
        "closedTime": "instant",
        "onholdTime": "instant",
        "isOverDue": "boolean",
        "isResponseOverdue": "boolean",
        "isEscalated": "boolean",
        "isTrashed": "boolean",
        "isDeleted": "boolean",
        "isSpam": "boolean",
        "threadCount": "integer",
        "commentCount": "integer",
    },
    "accounts": {
        "accountName": "text",
        "email": "text",
        "phone": "text",
        "website": "text",
        "industry": "text",
        "country": "text",
        "createdTime": "instant",
        "crmAccountId": "text",
        "badPercentage": "decimal",
        "okPercentage": "decimal",
        "goodPercentage": "decimal",
    },
    "contacts": {
        "firstName": "text",
        "lastName": "text",
        "email": "text",
        "phone": "text",
        "mobile": "text",
        "accountId": "text",
        "createdTime": "instant",
        "crmContactId": "text",
    },
    "departments": {"name": "text"},
    "agents": {"firstName": "text", "lastName": "text", "emailId": "text"},
}
# Columns of ours whose values lie deeper in a record.
_PATHS: Final = {
    "crmAccountId": ("zohoCRMAccount", "id"),
    "crmContactId": ("zohoCRMContact", "id"),
    "badPercentage": ("customerHappiness", "badPercentage"),
    "okPercentage": ("customerHappiness", "okPercentage"),
    "goodPercentage": ("customerHappiness", "goodPercentage"),
}
_DECLARED: Final[dict[str, Kind]] = {
    "text": "text",
    "integer": "integer",
    "decimal": "decimal",
    "number": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "instant",
}

Pages = Iterator[list[dict[str, Any]]]


class ZohoDeskReader:
    """Reads the entities of a source of kind `zoho_desk`, each a list of Zoho Desk."""

    def __init__(
        self, source: Source, home: Home | None = None, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Makes no call yet.

        Args:
            source: What is read.
            home: Where calls are counted.
            clock: Where the time comes from.
        """
        self._name = source.name
        self._entities = source.entities
        self._client = ZohoClient(source, home, clock)

    def __enter__(self) -> ZohoDeskReader:
        self._client.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.__exit__(*exc_info)

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """The rows, and the keys when they are due; Zoho Desk lists no deletes.

        Raises:
            SourceUnavailable: The list cannot be read; says which scope is missing.
        """
        since = since or Since()
        if entity.reads == "metadata":
            yield Extract(
                origin="metadata",
                fingerprint=None,
                batches=self._metadata,
                is_whole=True,
            )
            return
        name = entity.object or entity.name
        where = f"{self._name}.{entity.name}"
        if name not in _FIELDS and not entity.fields:
            raise SourceUnavailable(
                f"{where}: Zoho Desk does not say what {name} is made of; name its "
                "`fields` in sources.yaml, or take the entity out."
            )
        columns = _columns(entity, name)
        if limit is not None:
            yield _extract(name, columns, lambda: _first(self._rows(name, None), limit))
            return
        bound = self._bound(entity, since, where)
        yield _extract(
            name,
            columns,
            lambda: self._rows(name, bound),
            is_whole=bound is None,
        )
        if since.sweep_due:
            key = [column for column in columns if column.name in entity.key]
            yield _extract(name, key, lambda: self._list(name), content="keys")

    def _metadata(self) -> Iterator[pa.RecordBatch]:
        rows: dict[tuple[str, str, str], dict[str, str]] = {}
        for entity in self._entities.values():
            name = entity.object or entity.name
            if entity.reads == "metadata" or name not in desk_fields.MODULES:
                continue
            path = f"{_API}/organizationFields"
            answer = self._client.get(path, {"module": name})
            columns = _columns(entity, name)
            for row in desk_fields.metadata_rows(name, columns, answer):
                rows[row["object"], row["field"], row["option_value"]] = row
        yield metadata_batch(list(rows.values()))

    def _bound(self, entity: Entity, since: Since, where: str) -> dt.datetime | None:
        if entity.cursor is None or entity.load == "snapshot":
            return None
        place = f"{where}: the cursor {entity.cursor.column}"
        overlap = overlap_of(entity.cursor.overlap, pa.timestamp("us", tz="UTC"), place)
        if since.cursor is None:
            return None
        bound = lower_bound(since.cursor, overlap, place)
        assert isinstance(bound, dt.datetime)
        return bound if bound.tzinfo else bound.replace(tzinfo=dt.UTC)

    def _rows(self, name: str, since: dt.datetime | None) -> Pages:
        return self._searched(name, since) if name in SEARCHED else self._list(name)

    def _searched(self, name: str, since: dt.datetime | None) -> Pages:
        """Records by when they were modified, each call from where the last one ended."""
        reached = since or _BEGINNING
        end = self._client.clock.now() + _AHEAD
        seen: dict[tuple[str, dt.datetime], None] = {}
        while True:
            first, fresh, is_further, more = 1, 0, False, True
            last = reached
            while more and not is_further:
                params = {
                    "modifiedTimeRange": f"{_spelt(reached)},{_spelt(end)}",
                    "sortBy": _MODIFIED,
                    "from": str(first),
                    "limit": str(PAGE_ROWS),
                }
                page = self._page(f"{_API}/{name}/search", params)
                new = [row for row in page if (row["id"], _time(row)) not in seen]
                seen |= dict.fromkeys((row["id"], _time(row)) for row in new)
                fresh += len(new)
                if new:
                    yield new
                more = len(page) == PAGE_ROWS
                last = _time(page[-1]) if page else last
                is_further = last > reached
                first += PAGE_ROWS
            if first > 1 + PAGE_ROWS and fresh:
                continue  # the pages of one moment may have shifted meanwhile
            if not more:
                return
            reached = last
            seen = {key: None for key in seen if key[1] >= reached}

    def _list(self, name: str) -> Pages:
        """All records of a list; each page begins with the end of the one before."""
        first = 0
        before: set[str] = set()
        seen: set[str] = set()
        while True:
            params = {"from": str(first), "limit": str(PAGE_ROWS)}
            page = self._page(f"{_API}/{name}", params)
            keys = [str(row["id"]) for row in page]
            if before and not before & set(keys) and first > 0:
                # What was deleted meanwhile moved the rest forward.
                first = max(0, first - PAGE_ROWS)
                continue
            if new := [row for row in page if str(row["id"]) not in seen]:
                yield new
            seen |= set(keys)
            if len(page) < PAGE_ROWS:
                return
            before = seen
            first += PAGE_ROWS - _JOINED_ROWS

    def _page(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        data = self._client.get(path, params).get("data") or []
        if not isinstance(data, list):
            raise ServiceError(f"{self._name}: {path} gives no list of records.")
        return data


def _first(pages: Pages, rows: int) -> Pages:
    for page in pages:
        yield page[:rows]
        rows -= len(page)
        if rows <= 0:
            return


def _columns(entity: Entity, name: str) -> list[RecordColumn]:
    known = _FIELDS.get(name, {})
    wanted = dict.fromkeys(entity.key)
    wanted |= dict.fromkeys([entity.cursor.column] if entity.cursor else ())
    wanted |= dict.fromkeys(mark.column for mark in entity.deleted_when)
    wanted |= dict.fromkeys(entity.fields or known)
    wanted |= dict.fromkeys(entity.aliases)
    found = []
    for column in wanted:
        if column in entity.leave_out:
            continue
        kind: Kind = known.get(column, "text")
        if spelling := entity.columns.get(column):
            kind = _DECLARED[column_type(spelling).kind]
        api_name = entity.aliases.get(column, column)
        path = _PATHS.get(api_name, (api_name,))
        if api_name.startswith("cf_"):
            path = ("cf", api_name)
        found.append(RecordColumn(column, kind, path))
    return found


def _extract(
    name: str,
    columns: list[RecordColumn],
    pages: Callable[[], Pages],
    *,
    content: Literal["rows", "keys"] = "rows",
    is_whole: bool = False,
) -> Extract:
    rejected: list[Rejected] = []
    return Extract(
        origin=name,
        fingerprint=None,
        batches=lambda: batches_of(pages(), columns, rejected),
        rejected=rejected,
        content=content,
        is_whole=is_whole,
    )


def _time(row: Mapping[str, Any]) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(str(row[_MODIFIED]))
    except (KeyError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ServiceError(
            f"record {row.get('id')} has no {_MODIFIED} that is a moment, but "
            f"{row.get(_MODIFIED)!r}, and cannot be followed."
        )
    return moment.astimezone(dt.UTC)


def _spelt(moment: dt.datetime) -> str:
    """A moment as Zoho Desk writes it: UTC, to the millisecond."""
    utc = moment.astimezone(dt.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
