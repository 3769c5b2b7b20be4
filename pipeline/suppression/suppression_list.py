"""Who must not come back: the list of forgotten keys, and what landing does by it.

The list holds no key. It holds a keyed hash of source and key, so that a key which comes
along again is recognised, and the random key that stands in its place. Whoever has the
home can test whether a key that he knows already is on the list; nothing else comes out
of it. Not here: taking out what was landed before (`landed`).
"""

from __future__ import annotations

import hmac
import math
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.sources import Entity, Extract, Personal, Rejected

# (source, key) → the key in its place, or None for a key that is nobody's forgotten.
Lookup = Callable[[str, str], str | None]

_BETWEEN_CELLS: Final = re.compile(r"""[,;|\t"'\s{}\[\]:=]+""")


@dataclass(frozen=True)
class Entry:
    """One forgotten record of a customer.

    Attributes:
        print: Keyed hash of source and key, hexadecimal.
        source: The source whose key it was.
        pseudonym: The random key in its place, the same in all entities of the source.
        customer_type: company or person; what the rules of the tiers need.
        receipt: The forgetting; records with the same one were one customer.
        forgotten_on: The day, ISO.
        reason: Why, without personal data.
    """

    print: str
    source: str
    pseudonym: str
    customer_type: str
    receipt: str
    forgotten_on: str
    reason: str


class Suppression:
    """The list of a home."""

    def __init__(self, secret: str, entries: Sequence[Entry]) -> None:
        self._secret = bytes.fromhex(secret)
        self.entries = list(entries)
        self._by_print = {entry.print: entry for entry in entries}
        self._sources = {entry.source for entry in entries}

    @staticmethod
    def path(home: Home) -> Path:
        """The file of the list."""
        return home.forgotten / "list.json"

    @classmethod
    def load(cls, home: Home) -> Suppression:
        """The list; empty, with a new secret, where nobody was forgotten yet."""
        path = cls.path(home)
        if not path.exists():
            return cls(secrets.token_hex(32), [])
        record = read_json(path)
        return cls(record["secret"], [Entry(**entry) for entry in record["entries"]])

    def save(self, home: Home) -> None:
        """Writes the list in place of the one before, whole or not at all."""
        home.forgotten.mkdir(mode=0o700, exist_ok=True)
        write_json(
            self.path(home),
            {
                "secret": self._secret.hex(),
                "entries": [asdict(entry) for entry in self.entries],
            },
        )

    def has_the_secret_of(self, other: Suppression) -> bool:
        """Whether both lists are of one home, so that their entries can be compared."""
        return hmac.compare_digest(self._secret, other._secret)

    def with_entries(self, entries: Sequence[Entry]) -> Suppression:
        """A list with the same secret and other entries."""
        return Suppression(self._secret.hex(), entries)

    def print_of(self, source: str, key: str) -> str:
        """The keyed hash under which a key is found again."""
        text = f"{source}\x1f{key}".encode()
        return hmac.digest(self._secret, text, "sha256").hex()

    def find(self, source: str, key: str) -> Entry | None:
        """The entry of a forgotten key, if it is one."""
        if source not in self._sources:
            return None
        return self._by_print.get(self.print_of(source, key))

    def pseudonym(self, source: str, key: str) -> str | None:
        """The key in place of a forgotten one."""
        entry = self.find(source, key)
        return entry.pseudonym if entry else None

    def pseudonyms(self, source: str) -> list[str]:
        """All keys that stand in place of forgotten keys of the source."""
        return [entry.pseudonym for entry in self.entries if entry.source == source]

    def guard(self, source: str, entity: Entity) -> Guard:
        """What keeps the forgotten out of new batches of the entity.

        Raises:
            ConfigurationError: Somebody was forgotten, and sources.yaml does not say
                where the entity holds data of customers.
        """
        if not self.entries or entity.personal == "none":
            return Guard(source, entity.name, None, self)
        if not isinstance(entity.personal, Personal):
            raise ConfigurationError(
                f"Customers of this home were forgotten, and sources.yaml does not say "
                f"where {source}.{entity.name} holds their data. Give it `personal: "
                "{customer: <column>, ...}` or `personal: none`, so that nobody comes "
                "back by it."
            )
        return Guard(source, entity.name, entity.personal, self)


class Guard:
    """Keeps the forgotten out of what an entity gives; does nothing for most."""

    def __init__(
        self,
        source: str,
        entity: str,
        personal: Personal | None,
        suppression: Suppression,
    ) -> None:
        self._source = source
        self._entity = entity
        self._personal = personal
        self._suppression = suppression

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch without them: rows dropped, or under another key and emptied.

        Raises:
            SourceUnavailable: The column of the customer's key is not there, so that a
                forgotten one could not be recognised.
        """
        if self._personal is None:
            return batch
        if self._personal.customer not in batch.schema.names:
            if not batch.num_rows:
                return batch
            raise SourceUnavailable(
                f"{self._source}.{self._entity} has no column "
                f"{self._personal.customer}, by which sources.yaml knows forgotten "
                "customers; nothing is landed without it."
            )
        return anonymised(
            batch, self._personal, self._source, self._suppression.pseudonym
        )

    def keys(self, extract: Extract) -> Extract:
        """The extract of keys with forgotten ones replaced as in the landed rows."""
        if self._personal is None:
            return extract
        # Rows that are kept have no key in these columns; of the others only keys count.
        columns = self._personal.columns if self._personal.rows == "keep" else []
        kept = self._personal.model_copy(update={"rows": "keep", "columns": columns})

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in extract.batches():
                yield anonymised(batch, kept, self._source, self._suppression.pseudonym)

        return replace(extract, batches=batches)

    def rejected(self, rows: Sequence[Rejected]) -> list[Rejected]:
        """The unreadable rows without those that hold a forgotten key as a cell."""
        if self._personal is None:
            return list(rows)
        sources = {self._personal.source or self._source}
        sources |= set(self._personal.references.values())
        return [
            row
            for row in rows
            if not any(
                self._suppression.find(source, cell)
                for cell in cells(row.text)
                for source in sources
            )
        ]


def cells(text: str) -> set[str]:
    """What may be a cell of a row that could not be read."""
    return {key_text(part) or "" for part in _BETWEEN_CELLS.split(text)} - {""}


def key_text(value: Any) -> str | None:
    """A key as text, so that 17850, 17850.0 and ' 17850' are the same one."""
    if value is None:
        return None
    if isinstance(value, float | Decimal) and math.isfinite(value):
        value = int(value) if value == int(value) else value
    text = str(value).strip()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text) or None


def new_pseudonym(key: str, *, unsigned: bool = False) -> str:
    """A random key that fits wherever the key did, and that no source gives.

    A whole number becomes a negative one that 32 bits hold, so that columns and casts to
    whole numbers go on working; in a column without a sign, one of its upper end, which
    keys that count up do not reach.
    """
    if re.fullmatch(r"-?\d+", key):
        number = 10**8 + secrets.randbelow(2**31 - 10**8)
        return str(2**32 - number if unsigned else -number)
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", key):
        return str(uuid.uuid4())
    return f"forgotten-{secrets.token_hex(8)}"


def anonymised(
    batch: pa.RecordBatch, personal: Personal, source: str, lookup: Lookup
) -> pa.RecordBatch:
    """A batch without the customers whom `lookup` knows.

    Args:
        batch: Rows of an entity; columns that it does not have are passed over.
        personal: Where the entity holds data of customers.
        source: The source of the entity.
        lookup: Gives the key in place of a forgotten one.
    """
    batch = _relaxed(batch, personal)
    theirs = pa.repeat(pa.scalar(False), batch.num_rows)
    keys = {personal.customer: personal.source or source, **personal.references}
    for name, whose in keys.items():
        if name not in batch.schema.names:
            continue
        at = batch.schema.get_field_index(name)
        found = _replaced(batch.column(at), whose, lookup)
        if found is None:
            continue
        column, mask = found
        batch = batch.set_column(at, batch.schema.field(at), column)
        if name == personal.customer:
            theirs = mask
    if not theirs.true_count:
        return batch
    if personal.rows == "drop":
        return batch.filter(pc.invert(theirs))
    for name in personal.columns:
        if name in batch.schema.names:
            at = batch.schema.get_field_index(name)
            field = batch.schema.field(at)
            empty = pa.nulls(batch.num_rows, field.type)
            column = pc.if_else(theirs, empty, batch.column(at))
            batch = batch.set_column(at, field, column)
    return batch


def rows_of(
    batch: pa.RecordBatch, personal: Personal, source: str, lookup: Lookup
) -> pa.Array:
    """For each row, whether it is about a customer whom `lookup` knows."""
    if personal.customer in batch.schema.names:
        column = _plain(batch.column(personal.customer))
        found = _replaced(column, personal.source or source, lookup)
        if found is not None:
            return found[1]
    return pa.repeat(pa.scalar(False), batch.num_rows)


def _replaced(
    column: pa.Array, source: str, lookup: Lookup
) -> tuple[pa.Array, pa.Array] | None:
    """The column with other keys, and where they are; None when there are none."""
    old, new = [], []
    for value in column.unique().to_pylist():
        text = key_text(value)
        pseudonym = None if text is None else lookup(source, text)
        if pseudonym is not None:
            old.append(value)
            new.append(_as(pseudonym, column.type))
    if not old:
        return None
    at = pc.index_in(column, value_set=pa.array(old, column.type))
    mask = at.is_valid()
    taken = pa.array(new, column.type).take(at)
    return pc.if_else(mask, taken, column), mask


def _as(text: str, kind: pa.DataType) -> Any:
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    return Decimal(text) if pa.types.is_decimal(kind) else text


def _plain(column: pa.Array) -> pa.Array:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def _relaxed(batch: pa.RecordBatch, personal: Personal) -> pa.RecordBatch:
    """The batch with columns that can hold other keys and nulls, in every batch alike."""
    ours = {personal.customer, *personal.references, *personal.columns}
    columns, fields = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        mine = field.name in ours
        plain = _plain(column) if mine else column
        columns.append(plain)
        fields.append(
            field.with_type(plain.type).with_nullable(True) if mine else field
        )
    return pa.RecordBatch.from_arrays(
        columns, schema=pa.schema(fields, metadata=batch.schema.metadata)
    )
