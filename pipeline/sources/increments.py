"""Where an increment begins: the cursor's highest value less the overlap."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable

_UNITS = {
    "second": dt.timedelta(seconds=1),
    "minute": dt.timedelta(minutes=1),
    "hour": dt.timedelta(hours=1),
    "day": dt.timedelta(days=1),
    "week": dt.timedelta(weeks=1),
}


def overlap_of(text: str, kind: pa.DataType, where: str) -> dt.timedelta | Decimal:
    """The overlap as an amount that can be taken from a cursor of that type.

    Args:
        text: As in `sources.yaml`: `2 hours`, `3 days`, or a number for a counter.
        kind: The Arrow type of the cursor column.
        where: Which column of which entity, for the message.

    Raises:
        SourceUnavailable: The column is no time, day or number, or the overlap is none
            of its kind.
    """
    is_time = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if not is_time and not pa.types.is_integer(kind) and not pa.types.is_decimal(kind):
        raise SourceUnavailable(
            f"{where} is {kind}; a cursor is a column of times, days or whole or exact "
            "numbers, because the order of anything else is not the order of changes."
        )
    try:
        if is_time:
            return _duration(text)
        amount = Decimal(text.strip())
        if amount.is_finite() and amount >= 0:
            return amount
    except (ValueError, InvalidOperation):
        pass
    right = (
        "a duration such as 2 hours or 3 days" if is_time else "a number such as 1000"
    )
    raise SourceUnavailable(
        f"{where} is {kind}, so its overlap, {text!r}, should be {right}."
    )


def _duration(text: str) -> dt.timedelta:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", text)
    if found is None or found[2] not in _UNITS:
        raise ValueError(text)
    return float(found[1]) * _UNITS[found[2]]


def lower_bound(cursor: Any, overlap: dt.timedelta | Decimal, where: str) -> Any:
    """The value from which rows are read again.

    Raises:
        SourceUnavailable: The landed value is not of the column's present type.
    """
    try:
        if isinstance(overlap, Decimal):
            if isinstance(cursor, int) and not isinstance(cursor, bool):
                return cursor - math.ceil(overlap)
            return Decimal(cursor) - overlap
        if not isinstance(cursor, dt.datetime):
            # A day has no hours: two hours before today is yesterday.
            overlap = dt.timedelta(days=math.ceil(overlap / _UNITS["day"]))
        return cursor - overlap
    except OverflowError:
        zone = cursor.tzinfo if isinstance(cursor, dt.datetime) else None
        first = type(cursor).min
        return first.replace(tzinfo=zone) if zone else first
    except (TypeError, ArithmeticError, ValueError):
        raise SourceUnavailable(
            f"{where} is of another type than when it was landed; run a refresh with "
            "--full."
        ) from None
