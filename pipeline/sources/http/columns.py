"""Records of JSON become Arrow: which type a field lands with, and which rows cannot.

A value that its column's type cannot hold puts its record into the quarantine, as with
every other kind of source; it is never made null. A field that a record does not have is
null: services leave out what is empty.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, Literal

import pyarrow as pa

from pipeline.sources.base import Rejected

Kind = Literal[
    "text", "integer", "decimal", "boolean", "date", "instant", "epoch_ms", "json"
]

# Ten decimals hold a rate of exchange, and 28 digits before them any money. What a
# service computes in binary (0.30000000000000004) is rounded to what it means.
DECIMAL: Final = pa.decimal128(38, 10)
_QUANTUM: Final = Decimal(1).scaleb(-10)
_EXACT: Final = Context(prec=38, rounding=ROUND_HALF_EVEN)

_TYPES: Final[dict[Kind, pa.DataType]] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": DECIMAL,
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "epoch_ms": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
}

# So much of a record that is rejected is kept.
_TEXT_CHARACTERS = 10_000


@dataclass(frozen=True)
class RecordColumn:
    """A column, and where in a record its value stands.

    Attributes:
        name: What it is called when it lands.
        kind: What its values are; `epoch_ms` is an instant in milliseconds since 1970,
            `json` whatever it is, written as JSON.
        path: The keys on the way to the value, from the record inwards.
    """

    name: str
    kind: Kind
    path: tuple[str, ...]

    @property
    def field(self) -> pa.Field:
        """The Arrow field."""
        return pa.field(self.name, _TYPES[self.kind])


def to_batch(
    records: Iterable[Mapping[str, Any]],
    columns: Sequence[RecordColumn],
    rejected: list[Rejected],
) -> pa.RecordBatch:
    """The records as a batch of Arrow.

    Args:
        records: As JSON gives them; numbers may be text.
        columns: What is taken of each.
        rejected: Takes the records that cannot be taken, each with the reason.
    """
    kept: list[list[Any]] = [[] for _ in columns]
    for record in records:
        values = []
        try:
            for column in columns:
                at = column
                found = _found(record, column.path)
                values.append(None if found is None else _READ[column.kind](found))
        except (ValueError, TypeError, ArithmeticError) as error:
            text = json.dumps(record, ensure_ascii=False, default=str)
            reason = f"{at.name} is no {_WORDS[at.kind]}: {error}"
            rejected.append(Rejected(None, text[:_TEXT_CHARACTERS], reason))
            continue
        for value, taken in zip(values, kept, strict=True):
            taken.append(value)
    fields = [column.field for column in columns]
    arrays = [
        pa.array(values, field.type) for values, field in zip(kept, fields, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _found(record: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = record
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _number(value: Any) -> Decimal | None:
    """A number, or text that is one; empty text is none."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(repr(value))
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(repr(value))
    return number


def _decimal(value: Any) -> Decimal | None:
    number = _number(value)
    return None if number is None else number.quantize(_QUANTUM, context=_EXACT)


def _integer(value: Any) -> int | None:
    number = _number(value)
    if number is None:
        return None
    if number != int(number) or abs(number) >= 2**63:
        raise ValueError(repr(value))
    return int(number)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if not text:
        return None
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise ValueError(repr(value))


def _date(value: Any) -> dt.date | None:
    text = str(value).strip()
    return dt.date.fromisoformat(text) if text else None


def _instant(value: Any) -> dt.datetime | None:
    """ISO 8601 with an offset; without one nobody knows which instant it is."""
    text = str(value).strip()
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return moment.astimezone(dt.UTC)


def _epoch_ms(value: Any) -> dt.datetime | None:
    number = _integer(value)
    if number is None:
        return None
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=number)


_READ: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
    "epoch_ms": _epoch_ms,
    "json": _json,
}
_WORDS: Final[dict[Kind, str]] = {
    "text": "text",
    "integer": "whole number",
    "decimal": "number",
    "boolean": "yes or no",
    "date": "date",
    "instant": "instant",
    "epoch_ms": "instant",
    "json": "value",
}
