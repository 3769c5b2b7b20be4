"""Records of JSON become Arrow: which type a field lands with, and which rows cannot.

A value that its column's type cannot hold puts its record into the quarantine, as with
every other kind of source; it is never made null. A field that a record does not have is
null: services leave out what is empty.

A column is taken as a whole by Arrow's own parsers, which take a tenth of the time of an
object for each value. What they do not take is taken value by value, which alone says what
is good; the two give the same wherever both give anything.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

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

# Some megabytes as Python's objects, and enough for a row group that is worth its header.
ROWS_PER_BATCH: Final = 5_000

# What Python's moments reach, from the year 1 to 9999.
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999
_FIRST_DAY: Final = _FIRST_MS // 86_400_000
_LAST_DAY: Final = _LAST_MS // 86_400_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Plain = Callable[[Any], Any]


@dataclass(frozen=True)
class RecordColumn:
    """A column, and where in a record its value stands.

    Attributes:
        name: What it is called when it lands.
        kind: What its values are; `epoch_ms` is an instant in milliseconds since 1970,
            `json` whatever it is, written as JSON.
        path: The keys on the way to the value, from the record inwards.
        zone: Of dates that come as milliseconds since 1970: where their days begin.
    """

    name: str
    kind: Kind
    path: tuple[str, ...]
    zone: dt.timezone | None = None

    @property
    def field(self) -> pa.Field:
        """The Arrow field."""
        return pa.field(self.name, _TYPES[self.kind])


def batches_of(
    pages: Iterable[Sequence[Mapping[str, Any]]],
    columns: Sequence[RecordColumn],
    rejected: list[Rejected],
    plain: Plain | None = None,
) -> Iterator[pa.RecordBatch]:
    """The records of pages as batches of some thousand rows; the first one is empty.

    So what has no records has columns too. The arguments are those of `to_batch`.
    """
    yield to_batch([], columns, rejected)
    kept: list[Mapping[str, Any]] = []
    for page in pages:
        kept += page
        if len(kept) >= ROWS_PER_BATCH:
            yield to_batch(kept, columns, rejected, plain)
            kept = []
    if kept:
        yield to_batch(kept, columns, rejected, plain)


def to_batch(
    records: Sequence[Mapping[str, Any]],
    columns: Sequence[RecordColumn],
    rejected: list[Rejected],
    plain: Plain | None = None,
) -> pa.RecordBatch:
    """The records as a batch of Arrow.

    Args:
        records: As JSON gives them; numbers may be text.
        columns: What is taken of each.
        rejected: Takes the records that cannot be taken, each with the reason.
        plain: Makes a value of JSON what it means to the service, such as the id of a
            reference. Of text it may change the empty one alone, and no other scalar.
    """
    schema = pa.schema([column.field for column in columns])
    try:
        arrays = [_column(records, column, plain) for column in columns]
    except _NONE_OF_ITS_KIND:
        arrays = _row_by_row(records, columns, rejected, plain)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


# What a value raises that its kind does not have; that of Arrow is a ValueError.
_NONE_OF_ITS_KIND: Final = (ValueError, TypeError, ArithmeticError)


def _row_by_row(
    records: Iterable[Mapping[str, Any]],
    columns: Sequence[RecordColumn],
    rejected: list[Rejected],
    plain: Plain | None,
) -> list[pa.Array]:
    """The columns of the records that can be taken."""
    kept: list[list[Any]] = [[] for _ in columns]
    for record in records:
        values = []
        try:
            for column in columns:
                at = column
                found = _found(record, column.path)
                found = plain(found) if plain is not None else found
                values.append(None if found is None else _read(found, column))
        except _NONE_OF_ITS_KIND as error:
            text = json.dumps(record, ensure_ascii=False, default=str)
            text = text.encode(errors="replace").decode()
            reason = f"{at.name} is no {_WORDS[at.kind]}: {error}"
            rejected.append(Rejected(None, text[:_TEXT_CHARACTERS], reason))
            continue
        for value, taken in zip(values, kept, strict=True):
            taken.append(value)
    return [
        pa.array(values, column.field.type)
        for values, column in zip(kept, columns, strict=True)
    ]


def _column(
    records: Sequence[Mapping[str, Any]], column: RecordColumn, plain: Plain | None
) -> pa.Array:
    """The column of all records; raises where one of them cannot be taken."""
    if len(column.path) == 1:
        name = column.path[0]
        values = [record.get(name) for record in records]
    else:
        values = [_found(record, column.path) for record in records]
    types = set(map(type, values))
    if plain is not None and (not types <= _SCALARS or (str in types and "" in values)):
        values = list(map(plain, values))
        types = set(map(type, values))
    try:
        found = _parsed(values, types, column)
    except _NONE_OF_ITS_KIND:
        found = None
    if found is None:
        taken = [None if value is None else _read(value, column) for value in values]
        found = pa.array(taken, column.field.type)
    return found


_NONE: Final = type(None)
_SCALARS: Final = frozenset({str, int, bool, Decimal, _NONE})


def _parsed(
    values: list[Any], types: set[type], column: RecordColumn
) -> pa.Array | None:
    """The column by Arrow's parsers; None where they are not meant for such values.

    Raises:
        ValueError: They do not take one of the values, which may be good all the same.
    """
    arrow = column.field.type
    types = types - {_NONE}
    if not types:
        return pa.nulls(len(values), arrow)
    match column.kind:
        case "text" if types == {str}:
            return pa.array(values, arrow)
        case "boolean" if types == {bool}:
            return pa.array(values, arrow)
        case "decimal" if types <= {str, int, Decimal}:
            if types != {str}:
                values = [None if value is None else str(value) for value in values]
            return pa.array(values, pa.string()).cast(arrow)
        case "integer" if types == {int}:
            return pa.array(values, arrow)
        case "epoch_ms":
            return _within(_whole(values, types), _FIRST_MS, _LAST_MS, _MS).cast(arrow)
        case "date" if column.zone is not None:
            zone = column.zone.utcoffset(None) // dt.timedelta(milliseconds=1)
            moments = pc.add_checked(_whole(values, types), zone)
            return _within(moments, _FIRST_MS, _LAST_MS, pa.timestamp("ms")).cast(arrow)
        case "date" if types == {str}:
            days = pa.array(values, pa.string()).cast(arrow)
            return _within(days.cast(pa.int32()), _FIRST_DAY, _LAST_DAY, arrow)
        case "instant" if types == {str}:
            moments = pa.array(values, pa.string()).cast(arrow).cast(pa.int64())
            return _within(moments, 1000 * _FIRST_MS, 1000 * _LAST_MS, arrow)
    return None


_MS: Final = pa.timestamp("ms", tz="UTC")


def _whole(values: list[Any], types: set[type]) -> pa.Array:
    """Whole numbers, or text of nothing but digits."""
    if types == {int}:
        return pa.array(values, pa.int64())
    digits = "".join(value for value in values if value is not None)
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("no whole numbers")
    return pa.array(values, pa.string()).cast(pa.int64())


def _within(numbers: pa.Array, first: int, last: int, kind: pa.DataType) -> pa.Array:
    """The numbers as what they count, none of it out of what Python reaches."""
    reach = pc.min_max(numbers)
    least, most = reach["min"].as_py(), reach["max"].as_py()
    if least is not None and not (first <= least and most <= last):
        raise ValueError("out of range")
    return numbers.cast(kind)


def _found(record: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = record
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _read(value: Any, column: RecordColumn) -> Any:
    """A value as Python has it; raises where it is none of its kind."""
    if column.zone is not None and column.kind == "date":
        return _day(value, column.zone)
    return _READ[column.kind](value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _json(value)
    text = str(value)
    text.encode()  # half a character is none
    return text


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
    return _EPOCH + dt.timedelta(milliseconds=number)


def _day(value: Any, zone: dt.timezone) -> dt.date | None:
    """The day of a moment in milliseconds; what is none may be written as a day."""
    try:
        moment = _EPOCH + dt.timedelta(milliseconds=int(value))
    except (ValueError, TypeError):
        return _date(value)
    return moment.astimezone(zone).date()


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
