"""What a module is made of, and the columns that its records land with.

Types come from the module's own metadata, so that custom fields are read like others and
money stays decimal. A lookup lands as the bare id of the record that it names, whichever
way it was read; names stand with those records. Not here: asking (`crm`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from pipeline.sources.columns import column_type
from pipeline.sources.entity import Entity
from pipeline.sources.http.columns import Kind, RecordColumn

# What `reads: metadata` gives, all of it text; one row a field, and one an option.
METADATA_COLUMNS: Final = (
    "object",
    "field",
    "api_name",
    "label",
    "type",
    "option_value",
    "option_label",
)

# Zoho's type of a field → what its values are; of other types nothing is read.
_KINDS: Final[dict[str, Kind]] = {
    "text": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "website": "text",
    "picklist": "text",
    "autonumber": "text",
    "bigint": "text",
    "multiselectpicklist": "json",
    "integer": "integer",
    "double": "decimal",
    "decimal": "decimal",
    "currency": "decimal",
    "percent": "decimal",
    "boolean": "boolean",
    "date": "date",
    "datetime": "instant",
    "lookup": "text",
    "ownerlookup": "text",
    "userlookup": "text",
    "bigintlookup": "text",
}
LOOKUPS: Final = frozenset({"lookup", "ownerlookup", "userlookup", "bigintlookup"})
_DECLARED: Final[dict[str, Kind]] = {
    "text": "text",
    "integer": "integer",
    "decimal": "decimal",
    "number": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "instant",
}
# Every record has them, whether the metadata lists them or not.
ID: Final = "id"
MODIFIED: Final = "Modified_Time"


@dataclass(frozen=True)
class ModuleField:
    """A field of a module, as its metadata describes it.

    Attributes:
        name: What the API calls it.
        label: What people see.
        type: Zoho's word, such as `currency`.
        options: Value → label of a picklist.
    """

    name: str
    label: str
    type: str
    options: Mapping[str, str]

    @property
    def kind(self) -> Kind | None:
        """What its values land as; None for what is not read."""
        return _KINDS.get(self.type)


@dataclass(frozen=True)
class FieldColumn:
    """A column of an entity, and the field of which it comes; None where there is none."""

    name: str
    field: ModuleField | None
    kind: Kind

    @property
    def column(self) -> RecordColumn:
        """How it is taken out of a record whose lookups are bare ids."""
        api_name = self.field.name if self.field else self.name
        return RecordColumn(self.name, self.kind, (api_name,))


def module_fields(answer: Mapping[str, Any]) -> dict[str, ModuleField]:
    """The fields of a module by their API names, from `settings/fields`."""
    found = {}
    for raw in answer.get("fields") or ():
        name = str(raw.get("api_name") or "")
        # Some custom modules describe a field without json_type; nothing needs it.
        if not name or raw.get("visible") is False or _is_list(raw):
            continue
        found[name] = ModuleField(
            name,
            str(raw.get("field_label") or name),
            str(raw.get("data_type") or "text"),
            {
                str(option.get("actual_value") or option.get("display_value")): str(
                    option.get("display_value") or option.get("actual_value")
                )
                for option in raw.get("pick_list_values") or ()
                if isinstance(option, Mapping)
            },
        )
    return found


def _is_list(raw: Mapping[str, Any]) -> bool:
    """Lists such as tags and taxes, whose elements are no values of the record."""
    is_values = raw.get("data_type") in {"multiselectpicklist", "subform"}
    return raw.get("json_type") == "jsonarray" and not is_values


def columns_of(
    entity: Entity, fields: Mapping[str, ModuleField], own: Sequence[str] = ()
) -> list[FieldColumn]:
    """The columns of an entity: those it asks for, or all that can be read.

    Args:
        entity: The entity; `fields`, `aliases`, `leave_out` and `columns` say what is read.
        fields: The module's.
        own: Columns that the reader fills itself.
    """
    wanted = dict.fromkeys(entity.key)
    wanted |= dict.fromkeys([entity.cursor.column] if entity.cursor else ())
    wanted |= dict.fromkeys(entity.replace)
    wanted |= dict.fromkeys(mark.column for mark in entity.deleted_when)
    aliased = {field for alias, field in entity.aliases.items() if alias != field}
    readable = (
        name for name, field in fields.items() if field.kind and name not in aliased
    )
    wanted |= dict.fromkeys(entity.fields or readable)
    wanted |= dict.fromkeys(entity.aliases)
    found = []
    for name in wanted:
        if name in entity.leave_out or name in own:
            continue
        field = fields.get(entity.aliases.get(name, name))
        if field is not None and field.kind is None:
            field = None
        found.append(FieldColumn(name, field, _kind(name, field, entity)))
    return found


def _kind(name: str, field: ModuleField | None, entity: Entity) -> Kind:
    if spelling := entity.columns.get(name):
        return _DECLARED[column_type(spelling).kind]
    if field is not None and field.kind is not None:
        return field.kind
    return "instant" if name == MODIFIED else "text"


def asked_for(columns: Sequence[FieldColumn]) -> list[str]:
    """The API names of fields to ask for, without the id, which always comes."""
    names = (column.field.name for column in columns if column.field is not None)
    return [name for name in dict.fromkeys(names) if name != ID]


def plain(value: Any) -> Any:
    """What a value means: a lookup is a bare id, and what is empty is nothing."""
    if isinstance(value, dict):
        return value.get("id")
    # Nothing that is no text or list is made null, a zero least of all.
    return value if value or not isinstance(value, str | list) else None


def metadata_rows(
    module: str, columns: Sequence[FieldColumn]
) -> Iterator[dict[str, str]]:
    """The rows of the metadata: one for each field that is read, one for each option."""
    for column in columns:
        if (field := column.field) is None:
            continue
        row = {
            "object": module,
            "field": column.name,
            "api_name": field.name,
            "label": field.label,
            "type": field.type,
            "option_value": "",
            "option_label": "",
        }
        yield row
        for value, label in field.options.items():
            yield {**row, "option_value": value, "option_label": label}


def metadata_batch(rows: Sequence[Mapping[str, str]]) -> pa.RecordBatch:
    """The rows of the metadata as Arrow has them."""
    schema = pa.schema([(name, pa.string()) for name in METADATA_COLUMNS])
    return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)
