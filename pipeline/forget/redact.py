"""Takes a customer out of what was written about checks and errors: text and JSON.

Here a word too many does no harm, so that short keys go as well, wherever they stand as a
value: `customer_number=17850`, or an example of a failed check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.forget.subject import GONE, Subject


class Redactor:
    """Takes one customer's values out of texts."""

    def __init__(self, subject: Subject) -> None:
        self._found = [
            (re.compile(re.escape(value.text), re.IGNORECASE), value.replacement)
            for value in subject.values
        ]
        keys = {item.key: item.pseudonym for item in subject.records}
        self._exact = {**keys, **subject.ids}
        self._found += [
            (re.compile(rf"(?<=[='\"]){re.escape(key)}(?![\w-]|\.\d)"), pseudonym)
            for key, pseudonym in keys.items()
        ]

    def text(self, text: str) -> str:
        """The text without him."""
        for pattern, replacement in self._found:
            text = pattern.sub(replacement.replace("\\", r"\\"), text)
        return text

    def value(self, value: Any) -> Any:
        """A value of JSON without him; what is not touched is the very same."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(name): self.examples(item)
                if name == "examples" and isinstance(item, list)
                else self.value(item)
                for name, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def examples(self, examples: list[Any]) -> list[Any]:
        """Examples of a check: those with one of his keys have another one there."""
        return [
            {
                name: self._exact.get(str(item), GONE)
                if str(item) in self._exact
                else self.value(item)
                for name, item in example.items()
            }
            if isinstance(example, Mapping)
            else self.value(example)
            for example in examples
        ]

    def json_text(self, text: str) -> str:
        """A text that is JSON, without him, and still JSON; another text as `text`."""
        try:
            value = json.loads(text)
        except ValueError:
            return self.text(text)
        if isinstance(value, list):
            changed: Any = self.examples(value)
        else:
            changed = self.value(value)
        return text if changed == value else json.dumps(changed)
