"""Who is to be forgotten: his records and ids, and the values to search for.

The data alone, as the journal of a forgetting holds it. How it is found is `search`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pipeline.sources import Personal
from pipeline.suppression.suppression_list import Lookup, key_text

GONE: Final = "[forgotten]"

NAME: Final = "forgotten"

# Tables whose text is about anybody, or about what went wrong.
DIAGNOSTIC: Final = (
    "check_results",
    "check_history",
    "acceptances",
    "refreshes",
    "quarantine",
    "quarantined_lines",
)


@dataclass(frozen=True)
class Record:
    """One record of the customer in one source.

    Attributes:
        key: The source's key, as staging gives it.
        pseudonym: The random key in its place.
    """

    source: str
    key: str
    pseudonym: str
    customer_type: str


@dataclass(frozen=True)
class Value:
    """A value that is searched for, and what stands in its place where a text stays.

    Attributes:
        label: What it is, such as `erp.customers.email`; no personal data.
        text: The value.
        replacement: What is written in its place.
        is_number: It has the shape of an address or a number of somebody, so that it is
            taken out of any text; a word is taken out of his own rows only.
    """

    label: str
    text: str
    replacement: str
    is_number: bool

    def is_in(self, text: str) -> bool:
        """Whether a text holds the value, in whatever case."""
        return self.text.casefold() in text.casefold()


@dataclass(frozen=True)
class Unsought:
    """A value that would prove nothing, and why; without the value itself."""

    label: str
    why: str


@dataclass(frozen=True)
class Place:
    """What becomes of an entity's rows; `rows` are his, `texts` others that name him."""

    source: str
    entity: str
    action: str
    rows: int
    texts: int


@dataclass(frozen=True)
class Subject:
    """Everything that a forgetting needs, so that it can go on after a kill.

    Attributes:
        receipt: Its id, such as `f000001`.
        asked_at: When, ISO.
        reason: Why, without personal data.
        records: His records.
        ids: customer_id → the random one in its place.
        values: What is searched for and taken out, longest first.
        unsought: What is not searched for.
        personal: Source → entity → where it holds data of customers, or `none`.
        keys: Source → entity → the columns of its key.
        batches: Batch, as `source/entity/batch_id` → counts that its manifest gets.
        places: What becomes of the landed rows.
        sources_in_home: Files of sources that lie in the home; not ours to change.
    """

    receipt: str
    asked_at: str
    reason: str
    records: Sequence[Record]
    ids: Mapping[str, str]
    values: Sequence[Value]
    unsought: Sequence[Unsought]
    personal: Mapping[str, Mapping[str, Personal | None]]
    keys: Mapping[str, Mapping[str, Sequence[str]]]
    batches: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    places: Sequence[Place] = ()
    sources_in_home: Sequence[str] = ()

    @property
    def lookup(self) -> Lookup:
        """(source, key) → the key in its place, or None."""
        known = {
            (item.source, key_text(item.key)): item.pseudonym for item in self.records
        }
        return lambda source, key: known.get((source, key))

    @property
    def pattern(self) -> str | None:
        """A regular expression for RE2 that finds the values; None without any."""
        return "|".join(re.escape(value.text) for value in self.values) or None

    def as_json(self) -> dict[str, Any]:
        """As plain values, for the journal; holds personal data."""
        return {
            **asdict(self),
            "personal": {
                source: {
                    name: item.model_dump() if item else None
                    for name, item in entities.items()
                }
                for source, entities in self.personal.items()
            },
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Subject:
        """What `as_json` gave."""
        return cls(
            **{
                **record,
                "records": [Record(**item) for item in record["records"]],
                "values": [Value(**item) for item in record["values"]],
                "unsought": [Unsought(**item) for item in record["unsought"]],
                "places": [Place(**item) for item in record["places"]],
                "personal": {
                    source: {
                        name: Personal(**item) if item else None
                        for name, item in entities.items()
                    }
                    for source, entities in record["personal"].items()
                },
            }
        )
