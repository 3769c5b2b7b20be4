"""What a column of a database becomes in Arrow, and which of its values cannot.

The rules, the same for every server and for both ways of reading PostgreSQL:

- Money is exact. A decimal of up to 38 digits stays one; a `numeric` without a
  precision, or with more digits, has no Arrow type that DuckDB reads, so it lands as the
  text that the server writes, exact as well. Declare `decimal(18,4)` to have it as one.
- A moment with a zone is UTC, one without stays without. Times of the day, intervals,
  UUIDs, enums, JSON and whatever else has no plain type are text; arrays are JSON text.
- A value that its column's type cannot hold (`0000-00-00`, `infinity`, `NaN` in money, 2
  in a boolean, a word where SQLite declares a number) puts its row into the quarantine,
  which shows it whole. Making it null instead would invent a row that the source does
  not have, and nobody would ever see it. Who wants such values declares the column as
  `text` in `sources.yaml` and gets them as they are written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from pipeline.sources.base import Rejected
from pipeline.sources.columns import column_type

# How the values of a driver arrive: as text or plain numbers because we asked the driver
# so (the first three), or as whatever SQLAlchemy makes of them.
Backend = Literal["postgresql", "mysql", "sqlite", "other"]

TEXT = pa.string()
NAIVE = pa.timestamp("us")
UTC_MOMENT = pa.timestamp("us", tz="UTC")
# DuckDB and Arrow's decimal128 hold so many digits.
MAX_DIGITS = 38
# What Python's datetime holds. Arrow holds more, but nothing that reads Parquet agrees.
_FIRST = pa.scalar(datetime(1, 1, 1), NAIVE)
_LAST = pa.scalar(datetime(9999, 12, 31, 23, 59, 59, 999999), NAIVE)

_NOT_A_VALUE = (pa.ArrowException, ValueError, TypeError, ArithmeticError, KeyError)
_BOOLEANS: dict[Any, bool | None] = {None: None, 0: False, 1: True} | {
    text: value
    for value, texts in {True: ("true", "t", "1"), False: ("false", "f", "0")}.items()
    for text in texts
}

Convert = Callable[[Any], Any]

# Whole numbers of the smallest coin, and no currency's is smaller than a ten-thousandth.
_MONEY = pa.decimal128(23, 4)


class Shape(sa.types.UserDefinedType[Any]):
    """A point, line or area of MySQL and MariaDB; it becomes WKT, such as POINT(1 2)."""

    cache_ok = True


@dataclass(frozen=True)
class Column:
    """One column to read.

    Attributes:
        name: The source's own name.
        type: The Arrow type that it lands with.
        expression: What to select.
        kind: The type that the database says; a cursor's bound is compared with it.
        convert: Turns one value of the driver into one that Arrow understands.
    """

    name: str
    type: pa.DataType
    expression: sa.ColumnElement[Any]
    kind: sa.types.TypeEngine[Any]
    convert: Convert | None = None

    @property
    def field(self) -> pa.Field:
        """The Arrow field."""
        return pa.field(self.name, self.type)


def plan(
    name: str,
    expression: sa.ColumnElement[Any],
    kind: sa.types.TypeEngine[Any],
    backend: Backend,
    declared: str | None = None,
) -> Column:
    """How a column is read.

    Args:
        name: What it is called.
        expression: Where its values come from.
        kind: Its type as SQLAlchemy reflects it.
        backend: Whose values they are.
        declared: Its type according to `sources.yaml`, if any.
    """
    if _is_money(kind) and (declared is None or column_type(declared).kind != "text"):
        # As text it has the server's currency and marks: $1,234.50.
        expression, kind = sa.cast(expression, sa.Numeric()), postgresql.MONEY()
    elif isinstance(kind, Shape):
        expression, kind = sa.func.st_astext(expression), sa.Text()
    select, arrow, convert = _NATURAL[backend](expression, kind)
    if declared is not None:
        target, parse = _declared(declared)
        if not _same(arrow, target):
            select, arrow, convert = _as_text(expression, backend), target, parse
    if backend != "other":
        # The driver's own values: SQLAlchemy would make Python objects of them, one by
        # one, and give up a whole batch for one that cannot be made.
        select = sa.type_coerce(select, sa.types.NullType())
    return Column(name, arrow, select, kind, convert)


def _is_money(kind: sa.types.TypeEngine[Any]) -> bool:
    if isinstance(kind, postgresql.DOMAIN):
        kind = sa.types.to_instance(kind.data_type)
    return isinstance(kind, postgresql.MONEY)


def _same(natural: pa.DataType, target: pa.DataType) -> bool:
    if pa.types.is_timestamp(target):
        return bool(pa.types.is_timestamp(natural))
    if pa.types.is_integer(target):
        return bool(pa.types.is_integer(natural))
    return bool(natural == target)


def _declared(spelling: str) -> tuple[pa.DataType, Convert | None]:
    declared = column_type(spelling)
    if declared.kind == "decimal":
        return pa.decimal128(declared.precision, declared.scale), _text
    if form := declared.format:

        def parsed(value: Any) -> Any:
            return None if value is None else datetime.strptime(_text(value), form)  # type: ignore[arg-type]

        return (pa.date32() if declared.kind == "date" else NAIVE), parsed
    simple: dict[str, tuple[pa.DataType, Convert | None]] = {
        "text": (TEXT, _text),
        "integer": (pa.int64(), _integer),
        "number": (pa.float64(), _number),
        "boolean": (pa.bool_(), _boolean),
        "date": (pa.date32(), _text),
        "timestamp": (NAIVE, _text),
    }
    return simple[declared.kind]


# What a column is, per server --------------------------------------------------------

_Plan = tuple[sa.ColumnElement[Any], pa.DataType, Convert | None]


def _as_text(
    expression: sa.ColumnElement[Any], backend: Backend
) -> sa.ColumnElement[Any]:
    if backend == "postgresql":
        return sa.cast(expression, sa.Text())
    if backend == "mysql":
        return sa.cast(expression, sa.CHAR())
    return expression


def _decimal(kind: sa.types.TypeEngine[Any]) -> pa.DataType | None:
    """The Arrow type of an exact decimal; None when there is none."""
    if not isinstance(kind, sa.Numeric) or isinstance(kind, sa.Float):
        return None
    precision, scale = kind.precision, kind.scale or 0
    if not precision or precision > MAX_DIGITS or not 0 <= scale <= precision:
        return None
    return pa.decimal128(precision, scale)


def _postgresql(
    expression: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]
) -> _Plan:
    if isinstance(kind, postgresql.DOMAIN):
        # ADBC knows a domain's base and not the domain. SQLAlchemy loses the base's
        # length and precision, so money becomes text, and a cast to char cuts nothing.
        base = sa.types.to_instance(kind.data_type)
        exact = (sa.Boolean, sa.Integer, sa.Float, sa.Date, sa.DateTime, sa.LargeBinary)
        kind = base if isinstance(base, exact) else sa.Text()
        expression = sa.cast(expression, kind)
    if isinstance(kind, postgresql.MONEY):
        return sa.cast(expression, sa.Text()), _MONEY, None
    if isinstance(kind, postgresql.ARRAY):
        if _is_money(kind.item_type):
            expression = sa.cast(expression, postgresql.ARRAY(sa.Numeric()))
        return sa.cast(sa.func.array_to_json(expression), sa.Text()), TEXT, None
    if (decimal := _decimal(kind)) is not None:
        # Text is exact, and twice as fast to send and parse as the binary numeric.
        return sa.cast(expression, sa.Text()), decimal, None
    plain: list[tuple[Any, pa.DataType]] = [
        (sa.Boolean, pa.bool_()),
        (sa.Integer, pa.int64()),
        (sa.REAL, pa.float32()),
        (sa.Float, pa.float64()),
        (sa.Date, pa.date32()),
        (sa.LargeBinary, pa.binary()),
        ((sa.VARCHAR, sa.CHAR, sa.TEXT), TEXT),
    ]
    for types, arrow in plain:
        if isinstance(kind, types) and not isinstance(kind, sa.Enum):
            return expression, arrow, None
    if isinstance(kind, sa.DateTime):
        return expression, UTC_MOMENT if kind.timezone else NAIVE, None
    return sa.cast(expression, sa.Text()), TEXT, None


def _mysql(expression: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> _Plan:
    unsigned = bool(getattr(kind, "unsigned", False))
    if isinstance(kind, mysql.BIT):
        number = sa.cast(expression, mysql.INTEGER(unsigned=True))
        if (kind.length or 1) == 1:
            return number, pa.bool_(), _boolean
        return number, pa.uint64(), None
    if isinstance(kind, sa.Boolean) or (
        isinstance(kind, mysql.TINYINT) and kind.display_width == 1
    ):
        return expression, pa.bool_(), _boolean
    if isinstance(kind, mysql.FLOAT):
        # The server shows six digits of a float, and all of a double.
        return expression.op("+")(sa.literal_column("0e0")), pa.float32(), None
    if (decimal := _decimal(kind)) is not None:
        return expression, decimal, None
    if isinstance(kind, sa.BIGINT) and unsigned:
        return expression, pa.uint64(), None
    if isinstance(kind, mysql.TIMESTAMP):
        return expression, UTC_MOMENT, _in_utc
    plain: list[tuple[Any, pa.DataType]] = [
        ((sa.Integer, mysql.YEAR), pa.int64()),
        (sa.Float, pa.float64()),
        (sa.DateTime, NAIVE),
        (sa.Date, pa.date32()),
        (sa.types._Binary, pa.binary()),
    ]
    for types, arrow in plain:
        if isinstance(kind, types):
            return expression, arrow, None
    if isinstance(kind, sa.String | sa.JSON | sa.Time | sa.Numeric):
        return expression, TEXT, _text
    return sa.cast(expression, sa.CHAR()), TEXT, _text


def _sqlite(expression: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> _Plan:
    select, arrow, convert = _other(expression, kind)
    if pa.types.is_boolean(arrow):
        return select, arrow, _boolean
    if pa.types.is_decimal(arrow):
        return select, arrow, _rounded_to(arrow.scale)
    return select, arrow, convert


def _other(expression: sa.ColumnElement[Any], kind: sa.types.TypeEngine[Any]) -> _Plan:
    if isinstance(kind, sa.Boolean):
        return expression, pa.bool_(), None
    if isinstance(kind, sa.Integer):
        return expression, pa.int64(), _integer
    if isinstance(kind, sa.Float):
        return expression, pa.float64(), None
    if (decimal := _decimal(kind)) is not None:
        return expression, decimal, None
    if isinstance(kind, sa.DateTime):
        return expression, UTC_MOMENT if kind.timezone else NAIVE, None
    if isinstance(kind, sa.Date):
        return expression, pa.date32(), None
    if isinstance(kind, sa.types._Binary):
        return expression, pa.binary(), None
    return expression, TEXT, _text


_NATURAL: dict[
    Backend, Callable[[sa.ColumnElement[Any], sa.types.TypeEngine[Any]], _Plan]
] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "sqlite": _sqlite,
    "other": _other,
}


# Values ------------------------------------------------------------------------------


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return value.decode()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _in_utc(value: str | None) -> str | None:
    # The session's zone is UTC, and the server does not write it.
    return None if value is None else f"{value}+00:00"


def _integer(value: Any) -> int | None:
    # Arrow would cut 1.5 to 1.
    if value is None or type(value) is int:
        return value
    number = int(value)
    if number != (Decimal(value) if isinstance(value, str) else value):
        raise ValueError("not a whole number")
    return number


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _boolean(value: Any) -> bool | None:
    return _BOOLEANS[value.lower() if isinstance(value, str) else value]


def _rounded_to(scale: int) -> Convert:
    """SQLite keeps decimals as floats: the noise is taken off, and nothing but noise."""

    def rounded(value: Any) -> Any:
        if not isinstance(value, float):
            return None if value is None else Decimal(value)
        decimal = Decimal(f"{value:.{scale}f}")
        if not math.isclose(value, decimal, rel_tol=1e-12, abs_tol=1e-9):
            raise ValueError("more decimals than declared")
        return decimal

    return rounded


def from_values(
    rows: Sequence[Sequence[Any]], columns: Sequence[Column], rejected: list[Rejected]
) -> pa.RecordBatch:
    """The rows that a cursor gave, as a record batch without those that cannot be.

    Args:
        rows: At least one.
        columns: What they should be.
        rejected: Gets the rows that cannot be.
    """
    wires = list(zip(*rows, strict=True))
    return _batch(wires, columns, rejected, _array_of_values)


def from_arrow(
    wires: Sequence[pa.Array], columns: Sequence[Column], rejected: list[Rejected]
) -> pa.RecordBatch:
    """The same for columns that come as Arrow arrays."""
    return _batch(wires, columns, rejected, _array_of_wire)


def _batch(
    wires: Sequence[Any],
    columns: Sequence[Column],
    rejected: list[Rejected],
    convert: Callable[[Any, Column], pa.Array],
) -> pa.RecordBatch:
    schema = pa.schema([column.field for column in columns])
    reasons: dict[int, list[str]] = {}
    arrays = []
    for wire, column in zip(wires, columns, strict=True):
        bad: list[int] = []
        pieces = _in_pieces(wire, column, convert, 0, bad)
        arrays.append(pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces))
        for at in bad:
            reasons.setdefault(at, []).append(
                f"{column.name} is {_format_value(wire[at])!r}, which is no {column.type}"
            )
    batch = pa.record_batch(arrays, schema=schema)
    if not reasons:
        return batch
    for at in sorted(reasons):
        row = {
            column.name: _format_value(wire[at])
            for column, wire in zip(columns, wires, strict=True)
        }
        rejected.append(
            Rejected(
                line=None,
                text=json.dumps(row, ensure_ascii=False),
                reason="; ".join(reasons[at])
                + "; mend it in the source, or declare the column as text",
            )
        )
    keep = [at not in reasons for at in range(batch.num_rows)]
    return batch.filter(pa.array(keep))


def _in_pieces(
    wire: Any,
    column: Column,
    convert: Callable[[Any, Column], pa.Array],
    begin: int,
    bad: list[int],
) -> list[pa.Array]:
    """Converts all at once, and by halves where a value resists, to find it."""
    try:
        return [convert(wire, column)]
    except _NOT_A_VALUE:
        count = len(wire)
        if count == 1:
            bad.append(begin)
            return [pa.nulls(1, column.type)]
        half = count // 2
        return [
            *_in_pieces(wire[:half], column, convert, begin, bad),
            *_in_pieces(wire[half:], column, convert, begin + half, bad),
        ]


def _array_of_values(values: Sequence[Any], column: Column) -> pa.Array:
    if column.convert is not None:
        values = list(map(column.convert, values))
    kind = column.type
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        present = next((value for value in values if value is not None), None)
        if isinstance(present, str):
            return pa.array(values, TEXT).cast(kind)
    return pa.array(values, kind)


def _array_of_wire(wire: pa.Array, column: Column) -> pa.Array:
    kind = column.type
    if column.convert is not None and kind != TEXT:
        return _array_of_values(wire.to_pylist(), column)
    if pa.types.is_temporal(kind) and not pa.types.is_string(wire.type):
        span = pc.min_max(
            wire.cast(pa.timestamp("us", tz=wire.type.tz)).cast(NAIVE)
            if pa.types.is_timestamp(wire.type)
            else wire
        )
        low, high = span["min"], span["max"]
        first, last = (bound.cast(low.type) for bound in (_FIRST, _LAST))
        if low.is_valid and (low.value < first.value or high.value > last.value):
            raise ValueError("a year that is not between 1 and 9999")
    return wire.cast(kind)


# Arrow's driver adds the days between 2000 and 1970 to PostgreSQL's numbers for the
# two infinities, which are the ends of the integers.
_EPOCH_DAYS = 10_957
_INFINITIES = {
    -(2**31) + _EPOCH_DAYS - 1: "infinity",
    -(2**31) + _EPOCH_DAYS: "-infinity",
    -(2**63) + _EPOCH_DAYS * 86_400_000_000 - 1: "infinity",
    -(2**63) + _EPOCH_DAYS * 86_400_000_000: "-infinity",
}


def _format_value(value: Any) -> str | None:
    """A value as the quarantine shows it."""
    if isinstance(value, pa.Scalar):
        if not value.is_valid:
            return None
        if pa.types.is_temporal(value.type):
            known = _INFINITIES.get(value.value)
            return known or str(value.cast(TEXT).as_py())
        value = value.as_py()
    if isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(UTC)
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return _text(value)
