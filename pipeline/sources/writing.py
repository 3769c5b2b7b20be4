"""Writing values into records that a web service has already, whichever service it is.

Only where `writeback` of sources.yaml allows it. Every call may be made twice: a record
that has a value already has it still. Not here: what is written, and who remembers it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol, Self

Scalar = str | Decimal | dt.date | None
Kind = Literal["text", "number", "date", "option", "other"]


@dataclass(frozen=True)
class Refusal:
    """Why a record was not changed, as the service says it."""

    code: str
    message: str


@dataclass(frozen=True)
class WritableField:
    """A field of a record.

    Attributes:
        kind: What it holds.
        length: The most characters of a text; None where that is not known.
        options: Label → value of a field of options.
    """

    name: str
    kind: Kind
    length: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Writer(Protocol):
    """Changes records of one service. Use as a context manager.

    Attributes:
        batch: The most records of one call.
    """

    batch: int

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def fields(self, object_name: str) -> Mapping[str, WritableField]:
        """The fields of an object, by their API names."""

    def value(self, field: WritableField, value: Scalar) -> Any:
        """A value as the service takes it.

        Raises:
            ValueError: The field cannot hold it; says why.
        """

    def update(
        self, object_name: str, records: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Sequence[Refusal | None]:
        """Changes records by their ids; what became of each, in their order.

        Raises:
            SourceUnavailable: Nobody knows what became of them; sending again is right.
        """


def fitted(field: WritableField, value: Scalar) -> Scalar:
    """The value, where the field can hold it; a text is cut to its length.

    Raises:
        ValueError: It cannot; says why.
    """
    if isinstance(value, str):
        if field.kind not in ("text", "option"):
            raise ValueError(f"{field.name} is no field of text")
        if field.length and len(value) > field.length:
            return value[: field.length - 1] + "…"
    elif isinstance(value, Decimal) and field.kind not in ("number", "text"):
        raise ValueError(f"{field.name} is no field of numbers")
    elif isinstance(value, dt.date) and field.kind not in ("date", "text"):
        raise ValueError(f"{field.name} is no field of days")
    return value
