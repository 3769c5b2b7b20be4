"""What the fields of an export are called elsewhere: metadata that lies beside its files.

A CRM writes the labels of its fields into an export's header, in the user's language; its
metadata says of each label which field it is. The answer of Zoho CRM to `settings/fields`
is read as it was saved, a file a module. Not here: which table is of which module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The metadata of a module has hundreds of fields with their options, and no more.
MOST_BYTES = 32 << 20


@dataclass(frozen=True)
class FieldLabel:
    """A field: what the system calls it, what people see, and the same of its options.

    Attributes:
        options: What people see of a selection → what the system calls it.
    """

    api_name: str
    label: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Labels:
    """The fields of a module.

    Attributes:
        module: What the system calls it; empty where nothing says it.
        origin: Where that was read.
    """

    module: str
    origin: str
    fields: Sequence[FieldLabel]


def is_metadata(path: Path) -> bool:
    """Whether a file holds the fields of a module, and is no table."""
    return read(path) is not None


def read(path: Path) -> Labels | None:
    """The fields that a file describes; None for a file that does not."""
    if path.suffix.lower() != ".json" or path.stat().st_size > MOST_BYTES:
        return None
    text = path.read_bytes()
    if b'"field_label"' not in text or b'"api_name"' not in text:
        return None
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    listed = answer.get("fields") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return None
    fields = [_field(one) for one in listed if isinstance(one, dict)]
    found = [one for one in fields if one.api_name and one.label]
    if not found:
        return None
    named = answer.get("module")
    if isinstance(named, dict):
        named = named.get("api_name")
    return Labels(str(named or _module(path.stem)), path.name, found)


def _field(described: Mapping[str, Any]) -> FieldLabel:
    return FieldLabel(
        str(described.get("api_name") or ""),
        str(described.get("field_label") or ""),
        {
            str(option["display_value"]): str(option.get("actual_value") or "")
            for option in described.get("pick_list_values") or ()
            if isinstance(option, dict) and option.get("display_value")
        },
    )


def _module(stem: str) -> str:
    """`fields_Sales_Orders`, `Sales_Orders.fields` and `Sales_Orders` are one module."""
    words = [
        word for word in stem.replace(".", "_").replace("-", "_").split("_") if word
    ]
    apart = {"fields", "metadata", "settings", "zoho"}
    return "_".join(word for word in words if word.lower() not in apart)
