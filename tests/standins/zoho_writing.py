"""How Zoho CRM changes records: up to a hundred a call, each judged for itself.

What is not marked is the vendor's documentation; [M] from memory, [A] assumed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.standins.base import Asked, Reply, json_reply

if TYPE_CHECKING:
    from tests.standins.zoho_crm import ZohoCrm

MOST_RECORDS = 100
_NUMBERS = {"integer", "double", "currency", "percent", "bigint"}


def update(crm: ZohoCrm, asked: Asked, name: str) -> Reply:
    """`PUT /crm/v8/<module>`: an element of the answer a record, in their order."""
    module = crm.module(name)
    records = asked.json().get("data")
    if not isinstance(records, list) or not 1 <= len(records) <= MOST_RECORDS:
        body = {
            "code": "INVALID_DATA",
            "details": {},
            "message": "body",
            "status": "error",
        }
        return json_reply(body, 400)  # [A]
    fields = {one["api_name"]: one for one in module.fields}
    results = [_updated(crm, name, record, fields) for record in records]
    good = sum(result["status"] == "success" for result in results)
    # [M] 207 where some are good; 202 where none is.
    status = 200 if good == len(results) else 207 if good else 202
    return json_reply({"data": results}, status)


def _updated(
    crm: ZohoCrm, name: str, record: dict[str, Any], fields: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    key = str(record.get("id"))
    there = crm.module(name).records
    if key not in there:
        return _refused("INVALID_DATA", "the id given seems to be invalid", "id")
    if key in crm.locked:
        return _refused("RECORD_LOCKED", "record is locked", "id")  # [M]
    taken = {}
    for field, value in record.items():
        if field == "id" or field not in fields:
            continue  # an unknown name is dropped without a word
        if not _fits(fields[field], value):
            return _refused("INVALID_DATA", "invalid data", field)
        taken[field] = value
    crm.put(name, key, **taken)
    return {
        "code": "SUCCESS",
        "details": {"id": key, "Modified_Time": there[key]["Modified_Time"]},
        "message": "record updated",
        "status": "success",
    }


def _fits(field: dict[str, Any], value: Any) -> bool:
    """Null empties any field."""
    kind = field["data_type"]
    if value is None:
        return True
    if kind in _NUMBERS:
        return not isinstance(value, str | bool)
    if kind == "date":
        return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))
    return isinstance(value, str) and len(value) <= field.get("length", 255)


def _refused(code: str, message: str, field: str) -> dict[str, Any]:
    return {
        "code": code,
        "details": {"api_name": field},
        "message": message,
        "status": "error",
    }
