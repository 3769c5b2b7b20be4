"""Records of a module in an order that misses none, whatever changes meanwhile.

Numbered pages shift when a record before them changes or goes, and the one on the edge is
never seen. So each question begins where the last record of the one before stood: by COQL
exactly, page by page to the second, because those calls cannot ask for more. Where more
records than a page share a second, as after an import, the pages of that second are read
again until they bring nothing new.

A call gives at most 50 fields. A wider module is asked for in parts, and a record whose
parts are of two versions is read once more by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from pipeline.sources.http import ServiceError
from pipeline.sources.zoho.client import ZohoClient, spelt
from pipeline.sources.zoho.fields import ID, MODIFIED

Record = dict[str, Any]
Order = Literal["id", "time"]

API: Final = "/crm/v8"

# COQL: most rows and columns of a call; the first call is small, most increments are.
COQL_ROWS: Final = 2_000
COQL_FIRST_ROWS: Final = 200
COQL_FIELDS: Final = 48
# Keys that a condition may list.
COQL_KEYS: Final = 50

# Pages of records: most rows of one, most that page numbers reach, most fields.
PAGE_ROWS: Final = 200
NUMBERED_ROWS: Final = 2_000
PAGE_FIELDS: Final = 48
PAGE_KEYS: Final = 100

_SECOND: Final = dt.timedelta(seconds=1)


class Paging(Protocol):
    """A way to read the records of a module."""

    def pages(
        self,
        module: str,
        names: Sequence[str],
        *,
        since: dt.datetime | None = None,
        order: Order = "time",
    ) -> Iterator[list[Record]]:
        """Records with these fields and their id; by time, also when they were modified.

        A record that changes meanwhile may come twice, the newer version later.

        Args:
            module: The API name.
            names: Fields; none for the keys alone.
            since: Only what was modified then or later.
            order: `id` for all records once each, `time` for what changed.
        """
        ...

    def of_ids(
        self, module: str, names: Sequence[str], keys: Sequence[str]
    ) -> Iterator[list[Record]]:
        """Records by their ids, as far as they are there, with when they were modified."""
        ...


def instant(record: Mapping[str, Any]) -> dt.datetime:
    """When a record was modified; Zoho writes it with the offset of the user."""
    try:
        moment = dt.datetime.fromisoformat(str(record[MODIFIED]))
    except (KeyError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ServiceError(
            f"record {record.get(ID)} has no {MODIFIED} with an offset, but "
            f"{record.get(MODIFIED)!r}, and cannot be followed; load the entity as a "
            "snapshot (`load: snapshot`)."
        )
    return moment.astimezone(dt.UTC)


class CoqlPaging:
    """Records by COQL, each call beginning behind the last record of the one before."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client

    def pages(
        self,
        module: str,
        names: Sequence[str],
        *,
        since: dt.datetime | None = None,
        order: Order = "time",
    ) -> Iterator[list[Record]]:
        """As `Paging.pages`."""
        begin = [f"{MODIFIED} >= '{spelt(since)}'"] if since is not None else []
        after = "" if begin else "id > 0"
        rows = COQL_FIRST_ROWS
        place: Record = {}
        while True:
            where = " and ".join(part for part in [*begin, after] if part)
            asked = [MODIFIED, *names] if order == "time" else names
            page, last, more = self._page(module, asked, where, order, rows)
            if page:
                yield page
            if not more or not last:
                return
            if last == place:
                raise _stands_still(module, place)
            place = last
            if order == "time":
                moment = f"'{spelt(instant(place))}'"
                begin = []
                after = (
                    f"({MODIFIED} > {moment} or "
                    f"({MODIFIED} = {moment} and id > {_key(place)}))"
                )
            else:
                after = f"id > {_key(place)}"
            rows = COQL_ROWS

    def of_ids(
        self, module: str, names: Sequence[str], keys: Sequence[str]
    ) -> Iterator[list[Record]]:
        """As `Paging.of_ids`."""
        yield from self.of_keys(module, [MODIFIED, *names], ID, keys)

    def of_keys(
        self, module: str, names: Sequence[str], field: str, keys: Sequence[str]
    ) -> Iterator[list[Record]]:
        """Records whose field holds one of the keys, however many keys there are."""
        for at in range(0, len(keys), COQL_KEYS):
            listed = ", ".join(_digits(key) for key in keys[at : at + COQL_KEYS])
            after = "0"
            while True:
                where = f"{field} in ({listed}) and id > {after}"
                page, last, more = self._page(module, names, where, "id", COQL_ROWS)
                if page:
                    yield page
                if not more or not last:
                    break
                after = _key(last)

    def _page(
        self, module: str, names: Sequence[str], where: str, order: Order, rows: int
    ) -> tuple[list[Record], Record, bool]:
        """One page of whole records, where it ended, and whether there are more."""
        always = [MODIFIED] if MODIFIED in names else []
        first, *others = _parts(names, COQL_FIELDS)
        page, more = self._asked(module, [*always, *first], where, order, rows)
        last = place_of(page)
        for part in others if page else ():
            found, _ = self._asked(module, [*always, *part], where, order, rows)
            joined(self._client, module, page, {row[ID]: row for row in found})
        return [row for row in page if row], last, more

    def _asked(
        self, module: str, names: Sequence[str], where: str, order: Order, rows: int
    ) -> tuple[list[Record], bool]:
        selected = ", ".join(dict.fromkeys([ID, *names]))
        by = f"{MODIFIED} asc, id asc" if order == "time" else "id asc"
        query = (
            f"select {selected} from {module} where {where} order by {by} "
            f"limit {rows} offset 0"
        )
        weight = 1 if rows <= 200 else 2 if rows <= 1_000 else 3
        answer = self._client.post(
            f"{API}/coql", {"select_query": query}, credits=weight
        )
        info = answer.get("info") or {}
        return list(answer.get("data") or ()), bool(info.get("more_records"))


class PagePaging:
    """Records page by page, without COQL."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client

    def pages(
        self,
        module: str,
        names: Sequence[str],
        *,
        since: dt.datetime | None = None,
        order: Order = "time",
    ) -> Iterator[list[Record]]:
        """As `Paging.pages`; of both orders it is that of time, which can be gone on in."""
        reached = since - _SECOND if since is not None else None
        seen: dict[tuple[str, dt.datetime], None] = {}
        while True:
            number, token, fresh, is_further = 1, None, 0, False
            more, last = True, None
            while more and not is_further:
                page, end, info = self._page(module, names, reached, number, token)
                new = [row for row in page if (row[ID], instant(row)) not in seen]
                seen |= dict.fromkeys((row[ID], instant(row)) for row in new)
                fresh += len(new)
                if new:
                    yield new
                more = bool(info.get("more_records")) and bool(end)
                last = instant(end) if end else last
                is_further = last is not None and (
                    reached is None or last - _SECOND > reached
                )
                number += 1
                if number * PAGE_ROWS > NUMBERED_ROWS:
                    token = info.get("next_page_token")
            if number > 2 and fresh:
                continue  # several pages from one second on may have shifted meanwhile
            if not more or last is None:
                return
            reached = last - _SECOND
            seen = {key: None for key in seen if key[1] >= reached}

    def of_ids(
        self, module: str, names: Sequence[str], keys: Sequence[str]
    ) -> Iterator[list[Record]]:
        """As `Paging.of_ids`."""
        first, *others = _parts(names, PAGE_FIELDS)
        for at in range(0, len(keys), PAGE_KEYS):
            asked: list[Record] = [{ID: key} for key in keys[at : at + PAGE_KEYS]]
            page = list(self._of_keys(module, first, asked).values())
            for part in others if page else ():
                joined(self._client, module, page, self._of_keys(module, part, page))
            yield [row for row in page if row]

    def _page(
        self,
        module: str,
        names: Sequence[str],
        since: dt.datetime | None,
        number: int,
        token: str | None,
    ) -> tuple[list[Record], Record, Mapping[str, Any]]:
        """One page of whole records, where it ended, and what Zoho says of it."""
        first, *others = _parts(names, PAGE_FIELDS)
        params = {
            "fields": ",".join(dict.fromkeys([MODIFIED, *first])),
            "per_page": str(PAGE_ROWS),
            "sort_by": MODIFIED,
            "sort_order": "asc",
        }
        # A token holds for the same parameters only, and never beside a page number.
        params |= {"page_token": token} if token else {"page": str(number)}
        answer = self._client.get(f"{API}/{module}", params, modified_since=since)
        page = list(answer.get("data") or ())
        last = place_of(page)
        for part in others if page else ():
            joined(self._client, module, page, self._of_keys(module, part, page))
        return [row for row in page if row], last, answer.get("info") or {}

    def _of_keys(
        self, module: str, names: Sequence[str], page: Sequence[Record]
    ) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for at in range(0, len(page), PAGE_KEYS):
            params = {
                "ids": ",".join(row[ID] for row in page[at : at + PAGE_KEYS]),
                "fields": ",".join([MODIFIED, *names]),
                "per_page": str(PAGE_ROWS),
            }
            answer = self._client.get(f"{API}/{module}", params)
            found |= {row[ID]: row for row in answer.get("data") or ()}
        return found


def one(client: ZohoClient, module: str, key: str) -> Record | None:
    """A record as it is now, with its subforms; None once it is gone."""
    try:
        answer = client.get(f"{API}/{module}/{_digits(key)}")
    except ServiceError as error:
        if error.status in {400, 404} and error.code in {
            "INVALID_DATA",
            "RESOURCE_NOT_FOUND",
        }:
            return None
        raise
    data = answer.get("data") or ()
    return dict(data[0]) if data else None


def place_of(page: Sequence[Record]) -> Record:
    """Where a page ends: taken before a record of it is read anew, and has another."""
    return {name: page[-1].get(name) for name in (ID, MODIFIED)} if page else {}


def _stands_still(module: str, place: Record) -> ServiceError:
    return ServiceError(
        f"COQL answers again what comes before {module} {place[ID]} of "
        f"{place[MODIFIED]}; set `coql: false` under zoho in sources.yaml to read page "
        "by page."
    )


def joined(
    client: ZohoClient,
    module: str,
    page: list[Record],
    further: Mapping[str, Record],
) -> None:
    """Puts further fields into the records of a page; one that is gone becomes empty."""
    for row in page:
        if not row:
            continue
        other = further.get(row[ID])
        if other is not None and other.get(MODIFIED) == row.get(MODIFIED):
            row.update(other)
        else:
            whole = one(client, module, row[ID])
            row.clear()
            row.update(whole or {})


def _parts(names: Sequence[str], most: int) -> list[list[str]]:
    names = [name for name in names if name not in {ID, MODIFIED}]
    parts = [list(names[at : at + most]) for at in range(0, len(names), most)]
    return parts or [[]]


def _key(record: Mapping[str, Any]) -> str:
    return _digits(record[ID])


def _digits(key: object) -> str:
    """A key as it stands in a question; anything but digits could be a question itself."""
    text = str(key)
    if not text.isascii() or not text.isdigit():
        raise ServiceError(f"{text!r} is no id of Zoho; ids are digits.")
    return text
