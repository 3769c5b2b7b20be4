"""Records as the API writes them, as Arrow columns: numbers from strings, times from epochs.

A value that is not what its field says rejects its row, with the field and the reason.
A key that a record does not have is a value that it does not have. Not here: which columns
there are (`metadata`).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any, Final

import pyarrow as pa

from pipeline.sources.base import Rejected
from pipeline.sources.columns import ColumnType, column_type
from pipeline.sources.entity import Entity
from pipeline.sources.fxiaoke.metadata import Column

# Numbers are strings of any length; 28 digits before the mark and ten behind it hold all
# that is money or a quantity. What a formula computes beyond that is rounded half to even.
NUMBER: Final = ColumnType("decimal", "decimal(38,10)", 38, 10)

_KINDS: Final[dict[str, ColumnType]] = {
    "number": NUMBER,
    "currency": NUMBER,
    "percentile": NUMBER,
    "percent": NUMBER,
    "true_or_false": column_type("boolean"),
    "date": column_type("date"),
    "date_time": column_type("timestamp"),
}
_TEXT: Final = column_type("text")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Plan:
    """A column with how it is read.

    Attributes:
        api_name: The key in a record; None for a field that the tenant does not have.
    """

    name: str
    api_name: str | None
    type: pa.DataType
    read: Callable[[Any], Any]


def plan(columns: Sequence[Column], entity: Entity) -> list[Plan]:
    """How each column is read: as sources.yaml declares it, else as the field's type is."""
    return [_plan(column, entity) for column in columns]


def batch(
    records: Sequence[Mapping[str, Any]],
    plans: Sequence[Plan],
    rejected: list[Rejected],
) -> pa.RecordBatch:
    """The records as one batch; what cannot be read goes to `rejected`."""
    rows: list[list[Any]] = []
    for record in records:
        row = []
        for item in plans:
            raw = None if item.api_name is None else record.get(item.api_name)
            try:
                row.append(None if raw is None or raw == "" else item.read(raw))
            except (ValueError, ArithmeticError) as error:
                text = json.dumps(record, ensure_ascii=True, default=str)
                rejected.append(Rejected(None, text, f"{item.name}: {error}"))
                break
        else:
            rows.append(row)
    columns = zip(*rows, strict=True) if rows else ([] for _ in plans)
    arrays = [
        pa.array(list(column), type=item.type)
        for column, item in zip(columns, plans, strict=True)
    ]
    schema = pa.schema([(item.name, item.type) for item in plans])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plan(column: Column, entity: Entity) -> Plan:
    there = column.field
    declared = entity.columns.get(column.name)
    kind = _TEXT
    if declared is not None:
        kind = column_type(declared)
    elif there is not None:
        kind = _KINDS.get(there.kind, _TEXT)
    zone = _zone(there.time_zone) if there else dt.UTC
    arrow, read = _reading(kind, zone, is_declared=declared is not None)
    return Plan(column.name, there.api_name if there else None, arrow, read)


def _reading(
    kind: ColumnType, zone: dt.tzinfo, *, is_declared: bool
) -> tuple[pa.DataType, Callable[[Any], Any]]:
    """The Arrow type of a kind, and what makes such a value of a JSON value."""
    if kind.kind == "decimal":
        return pa.decimal128(kind.precision, kind.scale), lambda raw: _decimal(
            raw, kind, is_exact=is_declared
        )
    if kind.kind == "timestamp":
        return pa.timestamp("us", "UTC"), _moment
    if kind.kind == "date":
        return pa.date32(), lambda raw: _moment(raw).astimezone(zone).date()
    simple: dict[str, tuple[pa.DataType, Callable[[Any], Any]]] = {
        "boolean": (pa.bool_(), _boolean),
        "integer": (pa.int64(), _integer),
        "number": (pa.float64(), lambda raw: float(_number(raw))),
        "text": (pa.string(), _text),
    }
    return simple[kind.kind]


def _text(raw: Any) -> str | None:
    """Text as it is; of a list of texts, such as the owner's, its members with commas."""
    if isinstance(raw, str):
        text = raw
    elif isinstance(raw, bool):
        text = str(raw).lower()
    elif isinstance(raw, list) and all(isinstance(item, str | int) for item in raw):
        text = ",".join(map(str, raw))
    elif isinstance(raw, list | dict):
        text = json.dumps(raw, ensure_ascii=False, default=str)
    else:
        text = str(raw)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("half of a character (a lone surrogate)") from None
    return text or None


def _number(raw: Any) -> Decimal:
    try:
        if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
            raise InvalidOperation
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        raise ValueError(f"{_quoted(raw)} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{_quoted(raw)} is no number")
    return number


def _decimal(raw: Any, kind: ColumnType, *, is_exact: bool) -> Decimal:
    number = _number(raw)
    with localcontext() as context:
        context.prec = 76
        rounded = number.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_EVEN)
    if is_exact and rounded != number:
        raise ValueError(f"{_quoted(raw)} has more than {kind.scale} decimals")
    if rounded.adjusted() >= kind.precision - kind.scale:
        raise ValueError(f"{_quoted(raw)} does not fit into {kind.spelling}")
    return rounded


def _integer(raw: Any) -> int:
    number = _number(raw)
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise ValueError(f"{_quoted(raw)} is no whole number of 64 bits")
    return int(number)


def _boolean(raw: Any) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    try:
        return words[str(raw).lower()]
    except KeyError:
        raise ValueError(f"{_quoted(raw)} is neither true nor false") from None


def _moment(raw: Any) -> dt.datetime:
    """Milliseconds since 1970 as a moment in UTC."""
    milliseconds = _integer(raw)
    try:
        return _EPOCH + dt.timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise ValueError(
            f"{milliseconds} is no moment in milliseconds since 1970"
        ) from None


def _zone(name: str) -> dt.tzinfo:
    """`GMT+8` as a zone; UTC where it says nothing of the kind."""
    found = re.fullmatch(r"(?:GMT|UTC)([+-]\d{1,2})(?::?(\d{2}))?", name)
    if found is None:
        return dt.UTC
    hours = int(found[1])
    minutes = int(found[2] or 0) * (-1 if found[1].startswith("-") else 1)
    return dt.timezone(dt.timedelta(hours=hours, minutes=minutes))


def _quoted(raw: Any) -> str:
    text = str(raw)
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
