"""Changes records of an object of 纷享销客, one a call, for the API has no batch of them.

`POST /cgi/crm/v2/data/update` with the record's `_id`. Workflows and approvals of the
tenant are not triggered. The limit of an interface, 100 calls in 20 seconds, is kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Self

from pipeline.common.home import Home
from pipeline.sources.config import Source
from pipeline.sources.fxiaoke import errors
from pipeline.sources.fxiaoke.client import FxiaokeClient
from pipeline.sources.http import SYSTEM_CLOCK, CallBudget, Clock, ServiceError
from pipeline.sources.writing import Kind, Refusal, Scalar, WritableField, fitted

_KINDS: Final[Mapping[str, Kind]] = {
    "text": "text",
    "long_text": "text",
    "select_one": "option",
    "number": "number",
    "currency": "number",
    "percentile": "number",
    "date": "date",
}
# Days of the service begin in China.
_CHINA: Final = dt.timezone(dt.timedelta(hours=8))
# What concerns the record or its values, and not the call: others may be taken.
_OF_A_RECORD: Final = {"parameter", "unknown"}


class FxiaokeWriter:
    """Writes into one tenant, in the name of one employee."""

    batch = 1

    def __init__(
        self, source: Source, home: Home | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Makes no call yet."""
        budget = CallBudget(
            source.name,
            home.calls / source.name if home else None,
            most=source.connection.calls_per_day,
            clock=clock,
        )
        self._client = FxiaokeClient(source, budget, clock)

    def __enter__(self) -> Self:
        self._client.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.__exit__(*exc_info)

    def fields(self, object_name: str) -> Mapping[str, WritableField]:
        """The fields of an object, by their API names."""
        found = {}
        for name, raw in self._client.describe(object_name).items():
            length = raw.get("max_length")
            found[str(name)] = WritableField(
                str(name),
                _KINDS.get(str(raw.get("type")), "other"),
                int(length) if str(length or "").isdigit() else None,
                {
                    str(option.get("label")): str(option.get("value"))
                    for option in raw.get("options") or ()
                },
            )
        return found

    def value(self, field: WritableField, value: Scalar) -> Any:
        """A value as the API has it: numbers as text, days as milliseconds."""
        found = fitted(field, value)
        if found is None:
            return None
        if field.kind == "option":
            if found not in field.options:
                raise ValueError(f"{field.name} has no option {found}")
            return field.options[str(found)]
        if isinstance(found, dt.date):
            if field.kind == "text":
                return found.isoformat()
            midnight = dt.datetime.combine(found, dt.time(), _CHINA)
            return round(midnight.timestamp() * 1000)
        return f"{found:f}" if isinstance(found, Decimal) else found

    def update(
        self, object_name: str, records: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Sequence[Refusal | None]:
        """Changes the records, one after the other; what became of each."""
        found: list[Refusal | None] = []
        for key, values in records:
            try:
                self._client.update(object_name, key, values)
            except ServiceError as error:
                # A code that is none, such as that of a page in place of an answer.
                code = error.code
                if (
                    not code.lstrip("-").isdigit()
                    or errors.meaning_of(int(code)) not in _OF_A_RECORD
                ):
                    raise
                found.append(Refusal(code, str(error)))
            else:
                found.append(None)
        return found
