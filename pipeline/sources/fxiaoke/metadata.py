"""What an object of the tenant is made of: its fields, their types and their options.

Read from the answer of `object/describe`. Each tenant defines its own fields and options,
so that nothing is known of them beforehand but the fields that every record has. Not here:
asking for it (`client`) and the values (`values`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.columns import column_type
from pipeline.sources.entity import Entity
from pipeline.sources.http import RecordColumn
from pipeline.sources.http.columns import Kind

# What `reads: metadata` gives, all of it text.
METADATA_COLUMNS: Final = (
    "object",
    "field",
    "api_name",
    "label",
    "type",
    "option_value",
    "option_label",
)

# Fields that every record has, whether a describe lists them or not.
SYSTEM_FIELDS: Final = {
    "_id": "text",
    "name": "text",
    "life_status": "select_one",
    "is_deleted": "true_or_false",
    "create_time": "date_time",
    "last_modified_time": "date_time",
}


# Numbers are strings of any length; days and moments are milliseconds since 1970.
_KINDS: Final[dict[str, Kind]] = {
    "number": "decimal",
    "currency": "decimal",
    "percentile": "decimal",
    "percent": "decimal",
    "true_or_false": "boolean",
    "date": "date",
    "date_time": "epoch_ms",
}

# Types of fields that name another record, or an employee.
REFERENCES: Final = frozenset({"object_reference", "master_detail", "employee"})

# What `columns` of an entity may say, and what it means here.
_DECLARED: Final[dict[str, Kind]] = {
    "text": "text",
    "integer": "integer",
    "decimal(38,10)": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "epoch_ms",
}

# What a day begins by, unless the field says otherwise.
_CHINA: Final = "GMT+8"
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Field:
    """A field of an object.

    Attributes:
        api_name: What the API calls it.
        kind: The type, in the vendor's words, such as `currency`.
        time_zone: Where its days begin, such as `GMT+8`.
        options: Value → label of a selection.
    """

    api_name: str
    label: str
    kind: str
    time_zone: str = _CHINA
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of an entity: its name there, and the field that it comes from.

    `field` is None where the tenant has no such field; the column has no values then.
    """

    name: str
    field: Field | None


def fields_of(description: Mapping[str, Any]) -> dict[str, Field]:
    """The fields of an object by their API names, with those that every record has."""
    found = {
        name: Field(name, name, kind)
        for name, kind in SYSTEM_FIELDS.items()
        if name not in description
    }
    for name, raw in description.items():
        if not isinstance(raw, Mapping):
            continue
        found[name] = Field(
            api_name=name,
            label=str(raw.get("label") or name),
            kind=_kind(raw),
            time_zone=str(raw.get("time_zone") or _CHINA),
            options={
                str(option.get("value")): str(option.get("label"))
                for option in _list(raw.get("options"))
                if isinstance(option, Mapping)
            },
        )
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _kind(raw: Mapping[str, Any]) -> str:
    """The type of a field's values; what is computed names it beside its own type."""
    kind = str(raw.get("type") or "text")
    if kind in {"formula", "count", "quote"}:
        return str(raw.get("return_type") or raw.get("quote_field_type") or "text")
    return kind


def columns_of(entity: Entity, fields: Mapping[str, Field]) -> list[Column]:
    """The columns of an entity: those it asks for, or all; always what it goes on from."""
    wanted = dict.fromkeys(entity.key)
    wanted |= dict.fromkeys([entity.cursor.column] if entity.cursor else ())
    wanted |= dict.fromkeys(mark.column for mark in entity.deleted_when)
    wanted |= dict.fromkeys(entity.fields or sorted(fields))
    wanted |= dict.fromkeys(entity.aliases)
    aliased = {name for alias, name in entity.aliases.items() if alias != name}
    return [
        Column(name, fields.get(entity.aliases.get(name, name)))
        for name in wanted
        if name not in entity.leave_out and (entity.fields or name not in aliased)
    ]


def rows_of(object_name: str, columns: Sequence[Column]) -> Iterator[dict[str, str]]:
    """The rows of the metadata: one for each field that there is, one for each option."""
    for column in columns:
        if (there := column.field) is None:
            continue
        row = {
            "object": object_name,
            "field": column.name,
            "api_name": there.api_name,
            "label": there.label,
            "type": there.kind,
            "option_value": "",
            "option_label": "",
        }
        yield row
        for value, label in there.options.items():
            yield {**row, "option_value": value, "option_label": label}


def readings(columns: Sequence[Column], entity: Entity) -> list[RecordColumn]:
    """How each column is read: as sources.yaml declares it, else as the field's type is.

    Raises:
        SourceUnavailable: A declared type is none that a value of the API can have.
    """
    found = []
    for column in columns:
        kind: Kind = "text"
        if (spelling := entity.columns.get(column.name)) is not None:
            declared = _DECLARED.get(column_type(spelling).spelling)
            if declared is None:
                raise SourceUnavailable(
                    f"{entity.name}: columns says that {column.name} is {spelling}; what "
                    f"comes from Fxiaoke is one of {', '.join(_DECLARED)}."
                )
            kind = declared
        elif column.field is not None:
            kind = _KINDS.get(column.field.kind, "text")
        name = column.field.api_name if column.field else column.name
        zone = _CHINA
        if column.field is not None:
            zone = column.field.time_zone
        found.append(RecordColumn(column.name, kind, (name,), _zone(zone)))
    return found


def plain(value: Any) -> Any:
    """What a value means: a list of one, which is how an owner comes, what is in it.

    What is empty is nothing.
    """
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    return None if value in ("", []) else value


def _zone(name: str) -> dt.timezone:
    """`GMT+8` as a zone; China's where it says nothing of the kind."""
    found = re.fullmatch(r"(?:GMT|UTC)([+-])(\d{1,2})(?::?(\d{2}))?", name)
    if found is None:
        return _zone(_CHINA)
    offset = dt.timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return dt.timezone(-offset if found[1] == "-" else offset)
