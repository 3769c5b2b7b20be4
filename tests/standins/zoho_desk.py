"""Zoho Desk on loopback: tickets by when they were modified, and lists.

Tokens are those of the account server, which the stand-in of Zoho CRM is. Marks: [D] the
vendor's documentation, [R] recorded, [M] from memory, [A] assumed.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from tests.standins.base import Asked, Reply, Standin, json_reply
from tests.standins.zoho_crm import ZohoCrm

ORG_ID = "927523540"
SCOPES = frozenset(
    {
        "Desk.tickets.READ",
        "Desk.search.READ",
        "Desk.contacts.READ",
        "Desk.basic.READ",
    }
)
# [M] Which scopes a list needs.
_NEEDED = {
    "tickets": {"Desk.tickets.READ"},
    "search": {"Desk.tickets.READ", "Desk.search.READ"},
    "accounts": {"Desk.contacts.READ"},
    "contacts": {"Desk.contacts.READ"},
    "departments": {"Desk.basic.READ"},
    "agents": {"Desk.basic.READ"},
}


class ZohoDesk(Standin):
    """The desk of one organisation.

    Attributes:
        accounts_server: Gives the tokens that are taken here.
        records: List → its records, in the order in which they were created.
        page_rows: The most of a page.
        empty_is_204: Whether a page without records is 204 or an empty list; not known,
            so that tests try both [M].
    """

    def __init__(self, accounts_server: ZohoCrm) -> None:
        super().__init__(accounts_server.clock)
        self.accounts_server = accounts_server
        accounts_server.scopes |= SCOPES
        self.records: dict[str, list[dict[str, Any]]] = {
            name: [] for name in ("tickets", "accounts", "contacts", "agents")
        }
        self.page_rows = 100
        self.empty_is_204 = True
        self._numbers = itertools.count(1)

    def put(self, name: str, key: str | None = None, /, **values: Any) -> str:
        """Creates or changes a record now."""
        now = written(self.clock.now())
        record = next((one for one in self.records[name] if one["id"] == key), None)
        if record is None:
            key = key or str(1_329_983_000_000_000_000 + next(self._numbers))
            record = {"id": key, "createdTime": now}
            self.records[name].append(record)
        record |= {"modifiedTime": now, **values}
        return str(record["id"])

    def delete(self, name: str, key: str) -> None:
        """Deletes a record; the lists do not say so."""
        self.records[name] = [one for one in self.records[name] if one["id"] != key]

    def answer(self, asked: Asked) -> Reply:
        parts = asked.path.removeprefix("/api/v1/").split("/")
        server = self.accounts_server
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        ends = server.tokens.get(token, 0.0)
        if scheme != "Zoho-oauthtoken" or ends <= self.clock.seconds:
            return _refused(401, "INVALID_OAUTH")  # [M] the code
        if asked.headers.get("orgid") != ORG_ID:
            return _refused(422, "UNPROCESSABLE_ENTITY")  # [A]
        if not _NEEDED.get(parts[-1], set()) <= server.scopes:
            return _refused(403, "SCOPE_MISMATCH")  # [M]
        if parts[0] not in self.records:
            return _refused(404, "URL_NOT_FOUND")
        rows = int(asked.params.get("limit", 10))
        if rows > self.page_rows:
            return _refused(422, "UNPROCESSABLE_ENTITY")
        first = int(asked.params.get("from", 0))
        if parts[1:] == ["search"]:
            begin, _, end = asked.params["modifiedTimeRange"].partition(",")
            # [A] Both ends are in the range.
            found = [
                one
                for one in self.records[parts[0]]
                if begin <= one["modifiedTime"] <= end
            ]
            found.sort(key=lambda one: one["modifiedTime"])
            # [T] A search counts from 1, a list from 0.
            first = max(first, 1) - 1
        else:
            found = self.records[parts[0]]
        page = found[first : first + rows]
        headers = {
            "x-rate-limit-remaining-v3": "4499",
            "x-rate-limit-request-weight-v3": "3",
        }
        if not page and self.empty_is_204:
            return Reply(204, headers=headers)
        return json_reply({"data": page, "count": len(found)}, 200, **headers)


def written(moment: dt.datetime) -> str:
    """A time as the desk writes it: UTC, to the millisecond."""
    utc = moment.astimezone(dt.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _refused(status: int, code: str) -> Reply:
    return json_reply({"errorCode": code, "message": code}, status)
