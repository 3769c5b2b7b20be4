"""What the lists of Zoho Desk are made of: its fields and the options of its picklists.

Rows in the form in which the metadata of Zoho CRM lands too (`fields`), so that one gate
compares both. Zoho Desk has no list of statuses: they are the options of a ticket's status,
each with the type that it stands for. Not here: asking (`desk`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline.sources.http import RecordColumn

# Lists whose fields Zoho Desk gives; of others it gives records only.
MODULES: Final = frozenset(
    {
        *("tickets", "accounts", "contacts", "tasks", "calls", "events"),
        *("contracts", "products"),
    }
)
# Columns that no field is called like → the field whose options say what they mean, and
# where in an option.
_BY_OPTION: Final = {"statusType": ("status", "statusType")}


def metadata_rows(
    module: str, columns: Sequence[RecordColumn], answer: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    """The rows of the metadata: one for each field that is read, one for each option.

    Args:
        module: The list.
        columns: What is read of it. Those that are no field, such as the times that the
            desk itself stamps, have no row.
        answer: What `organizationFields` says of the list.
    """
    fields = {
        str(field.get("apiName")): field
        for field in answer.get("data") or ()
        if isinstance(field, Mapping) and field.get("apiName")
    }
    for column in columns:
        # A custom field stands under `cf`; what lies deeper elsewhere is no field.
        own = column.path[-1] if column.path[:-1] in {(), ("cf",)} else ""
        api_name, meaning = _BY_OPTION.get(column.name, (own, None))
        if (field := fields.get(api_name)) is None:
            continue
        row = {
            "object": module,
            "field": column.name,
            "api_name": api_name,
            "label": str(
                field.get("displayLabel") or field.get("i18NLabel") or api_name
            ),
            "type": str(field.get("type") or "Text"),
            "option_value": "",
            "option_label": "",
        }
        yield row
        for value, label in _options(field, meaning):
            yield {**row, "option_value": value, "option_label": label}


def _options(
    field: Mapping[str, Any], meaning: str | None
) -> Iterator[tuple[str, str]]:
    """Value and label of each option, which is a text or an object with its value."""
    for option in field.get("allowedValues") or ():
        if not isinstance(option, Mapping):
            yield str(option), str(option)
        elif option.get("value") not in (None, ""):
            value = str(option["value"])
            label = option.get(meaning) if meaning else option.get("displayValue")
            yield value, str(label or ("" if meaning else value))
