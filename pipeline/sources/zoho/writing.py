"""Changes records of a module of Zoho CRM, a hundred a call, each judged for itself.

`PUT /crm/v8/<module>` with the record's `id`. The answer has an element a record, in
their order; its status says little. Workflows of the organisation are not triggered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Self

from pipeline.common.home import Home
from pipeline.sources.config import Source
from pipeline.sources.http import SYSTEM_CLOCK, Answer, Clock, ServiceError
from pipeline.sources.writing import Kind, Refusal, Scalar, WritableField, fitted
from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.errors import judge
from pipeline.sources.zoho.paging import API

_KINDS: Final[Mapping[str, Kind]] = {
    "text": "text",
    "textarea": "text",
    "picklist": "option",
    "integer": "number",
    "bigint": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "date",
}


class ZohoCrmWriter:
    """Writes into one organisation."""

    batch = 100

    def __init__(
        self, source: Source, home: Home | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Makes no call yet."""
        self._client = ZohoClient(source, home, clock)

    def __enter__(self) -> Self:
        """Fetches a token.

        Raises:
            SourceUnavailable: There is none; says which of the credentials is wrong.
        """
        self._client.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.__exit__(*exc_info)

    def fields(self, object_name: str) -> Mapping[str, WritableField]:
        """The fields of a module, by their API names."""
        answer = self._client.get(f"{API}/settings/fields", {"module": object_name})
        found = {}
        for raw in answer.get("fields") or ():
            name = str(raw.get("api_name") or "")
            kind = _KINDS.get(str(raw.get("data_type")), "other")
            if raw.get("read_only") is True or raw.get("field_read_only") is True:
                kind = "other"
            length = raw.get("length")
            found[name] = WritableField(
                name, kind, int(length) if isinstance(length, int | Decimal) else None
            )
        return found

    def value(self, field: WritableField, value: Scalar) -> Any:
        """A value as JSON has it; a number goes into a text as it is written."""
        found = fitted(field, value)
        if isinstance(found, dt.date):
            return found.isoformat()
        if isinstance(found, Decimal):
            return str(found) if field.kind == "text" else float(found)
        return found

    def update(
        self, object_name: str, records: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Sequence[Refusal | None]:
        """Changes up to a hundred records; what became of each."""

        def judge_records(answer: Answer) -> None:
            if _results(answer, len(records)) is None:
                judge(answer)  # an error of the whole call
                raise ServiceError(
                    f"{answer.where} answered {answer.status} without saying what became "
                    f"of each of the {len(records)} records",
                    may_pass=True,
                    status=answer.status,
                )

        answer = self._client.put(
            f"{API}/{object_name}",
            {
                "data": [{"id": key, **values} for key, values in records],
                "trigger": [],
            },
            judge_records,
        )
        results = _results(answer, len(records)) or []
        return [_refusal(result) for result in results]


def _results(answer: Answer, count: int) -> list[Mapping[str, Any]] | None:
    """An element a record; None where the answer has none."""
    try:
        data = answer.object().get("data")
    except ServiceError:
        return None
    if (
        not isinstance(data, list)
        or len(data) != count
        or not all(isinstance(item, Mapping) and "status" in item for item in data)
    ):
        return None
    return data


def _refusal(result: Mapping[str, Any]) -> Refusal | None:
    if result.get("status") == "success":
        return None
    details = result.get("details")
    about = details.get("api_name") if isinstance(details, Mapping) else None
    message = str(result.get("message") or "no reason given")
    return Refusal(
        str(result.get("code") or ""), f"{about}: {message}" if about else message
    )
