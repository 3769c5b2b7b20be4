"""Zoho Desk on loopback: tickets by when they were modified, and lists.

Tokens are those of the account server, which the stand-in of Zoho CRM is. Marks: [D] the
vendor's documentation, [R] recorded, [M] from memory, [A] assumed.
"""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import zlib
from collections.abc import Sequence
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
        "Desk.settings.READ",
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
    # [T] Clients name one of the two or both; whether one alone would do is not known.
    "organizationFields": {"Desk.basic.READ", "Desk.settings.READ"},
}


def field_of(
    api_name: str, kind: str = "Text", options: Sequence[Any] = ()
) -> dict[str, Any]:
    """A field as `organizationFields` describes it [T].

    Args:
        api_name: As records call it; of a custom field with `cf_`.
        kind: Text, Picklist, DateTime, LookUp and others.
        options: Of a picklist: texts, or of a ticket's status pairs of a value and what
            it stands for.
    """
    return {
        "id": str(1_329_983_000_000_900_000 + zlib.crc32(api_name.encode()) % 100_000),
        "apiName": api_name,
        "displayLabel": api_name.removeprefix("cf_").replace("_", " ").capitalize(),
        "type": kind,
        "isCustomField": api_name.startswith("cf_"),
        "isMandatory": False,
        # [T] Options of most fields are texts; those of the status objects.
        "allowedValues": [
            option
            if isinstance(option, str)
            else {"value": option[0], "statusType": option[1]}
            for option in options
        ],
    }


# What a desk has before anybody adds a field of their own: [T] no times that the desk
# stamps itself, and no type of a status, are among them.
_FIELDS = {
    "tickets": [
        field_of("subject"),
        field_of(
            "status",
            "Picklist",
            [("Open", "Open"), ("On Hold", "On Hold"), ("Closed", "Closed")],
        ),
        field_of("priority", "Picklist", ["High", "Medium", "Low"]),
        field_of("channel", "Picklist", ["Phone", "Email", "Web"]),
        field_of("classification", "Picklist", ["Question", "Complaint"]),
        field_of("category", "Picklist"),
        field_of("contactId", "LookUp"),
        field_of("accountId", "LookUp"),
        field_of("dueDate", "DateTime"),
    ],
    "accounts": [
        *(field_of(name) for name in ("accountName", "website", "industry", "country")),
        field_of("email", "Email"),
        field_of("phone", "Phone"),
    ],
    "contacts": [
        *(field_of(name) for name in ("firstName", "lastName")),
        field_of("email", "Email"),
        *(field_of(name, "Phone") for name in ("phone", "mobile")),
        field_of("accountId", "LookUp"),
    ],
}


class ZohoDesk(Standin):
    """The desk of one organisation.

    Attributes:
        accounts_server: Gives the tokens that are taken here.
        records: List → its records, in the order in which they were created.
        fields: List → its fields, as `organizationFields` describes them.
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
        self.fields: dict[str, list[dict[str, Any]]] = copy.deepcopy(_FIELDS)
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
        if parts == ["organizationFields"]:
            module = asked.params.get("module")
            if module not in self.fields:
                return _refused(422, "UNPROCESSABLE_ENTITY")  # [A]
            return json_reply({"data": self.fields[module]}, 200)
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
