"""The hash of a stream of Arrow batches: of its rows, not of how they are cut.

A database gives the same rows in batches of another size as soon as a driver, its
version or a bound of memory changes; the same content must be known again all the same.
So no byte of a batch is hashed that says where it begins or ends. Each column has three
streams: at which rows its nulls are, how long its values are, and the values one after
the other without the nulls, under which any bytes may lie. Together with the type and
the number of rows they say every value, so two tables can only have the same hash where
SHA-256 itself fails. What is nested in a column is a column in turn.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


class ContentHash:
    """Fed batch by batch; the columns are those of the first."""

    def __init__(self) -> None:
        self._columns: list[tuple[str, _Column]] | None = None

    def feed(self, batch: pa.RecordBatch) -> None:
        """Adds the rows of a batch.

        Raises:
            ValueError: Its columns are not those of the batch before.
            TypeError: A type, such as a union, whose values cannot be compared.
        """
        columns = [(field.name, str(field.type)) for field in batch.schema]
        if self._columns is None:
            self._columns = [(name, _Column(kind)) for name, kind in columns]
        first = [(name, column.type) for name, column in self._columns]
        if columns != first:
            raise ValueError(f"columns {columns} follow on {first}")
        for (_, column), values in zip(self._columns, batch.columns, strict=True):
            column.feed(values)

    def hexdigest(self) -> str:
        """The hash of all that was fed."""
        parts = [[name, column.digests()] for name, column in self._columns or []]
        # JSON, because a name may hold any character.
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class _Column:
    """The streams of one column; those of what is nested in it are its parts."""

    def __init__(self, kind: str) -> None:
        self.type = kind
        self._rows = 0
        self._nulls = hashlib.sha256()
        self._lengths = hashlib.sha256()
        self._values = hashlib.sha256()
        self._parts: list[tuple[str, _Column]] = []

    def digests(self) -> list[Any]:
        """All that there is to say of the column, for JSON."""
        digests = [self._nulls, self._lengths, self._values]
        return [
            self.type,
            self._rows,
            *(digest.hexdigest() for digest in digests),
            *([name, part.digests()] for name, part in self._parts),
        ]

    def feed(self, column: pa.Array) -> None:
        """Adds values; `TypeError` where they are of a type that cannot be compared."""
        column = _plain(column)
        rows, kind = self._rows, column.type
        self._rows += len(column)
        if pa.types.is_null(kind):
            return
        if column.null_count:
            places = pc.indices_nonzero(column.is_null()).cast(pa.int64())
            self._nulls.update(_bytes(pc.add(places, rows)))
            column = column.drop_null()
        if pa.types.is_boolean(kind):
            self._values.update(_bytes(column.cast(pa.uint8())))
        elif pa.types.is_large_binary(kind) or pa.types.is_large_string(kind):
            self._feed_texts(column, pa.int64())
        elif pa.types.is_binary(kind) or pa.types.is_string(kind):
            self._feed_texts(column, pa.int32())
        elif pa.types.is_struct(kind):
            self._feed_parts([field.name for field in kind], column.flatten())
        elif _is_list(kind):
            self._feed_lengths(pc.list_value_length(column))
            self._feed_parts(["item"], [column.flatten()])
        elif _is_of_fixed_width(kind):
            self._values.update(_bytes(column))
        else:
            raise TypeError(f"values of type {kind} cannot be told from each other")

    def _feed_texts(self, column: pa.Array, offset_type: pa.DataType) -> None:
        self._feed_lengths(pc.binary_length(column))
        _, offsets, content = column.buffers()
        if content is None or not len(column):
            return
        begin, end = (
            pa.Array.from_buffers(
                offset_type, 1, [None, offsets], offset=column.offset + at
            )[0].as_py()
            for at in (0, len(column))
        )
        self._values.update(content.slice(begin, end - begin))

    def _feed_lengths(self, lengths: pa.Array) -> None:
        self._lengths.update(_bytes(lengths.cast(pa.int64())))

    def _feed_parts(self, names: list[str], columns: list[pa.Array]) -> None:
        if not self._parts:
            self._parts = [
                (name, _Column(str(column.type)))
                for name, column in zip(names, columns, strict=True)
            ]
        for (_, part), column in zip(self._parts, columns, strict=True):
            part.feed(column)


def _plain(column: pa.Array) -> pa.Array:
    """The column without what is a way of storing values and no value."""
    while True:
        kind = column.type
        if isinstance(kind, pa.BaseExtensionType):
            column = column.storage
        elif pa.types.is_dictionary(kind):
            column = column.dictionary_decode()
        elif pa.types.is_run_end_encoded(kind):
            column = pc.run_end_decode(column)
        elif pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
            column = column.cast(pa.large_binary())
        elif pa.types.is_map(kind):
            entry = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
            column = column.cast(pa.list_(entry))
        else:
            return column


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _is_of_fixed_width(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_primitive(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _bytes(column: pa.Array) -> Any:
    """The bytes of a column of fixed width without nulls."""
    content = column.buffers()[1]
    if content is None or not len(column):
        return b""
    width = column.type.bit_width // 8
    return content.slice(column.offset * width, len(column) * width)
