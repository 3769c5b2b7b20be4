"""What a reader hands to landing: extracts of Arrow batches, and rows it could not read.

Not here: how a kind of source is read (its own module) and how an extract becomes a
batch on disk (`pipeline.landing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from pipeline.sources.config import Entity


@dataclass(frozen=True)
class Rejected:
    """One row that could not be read: its place, its text, and why."""

    line: int | None
    text: str
    reason: str


@dataclass
class Extract:
    """One would-be batch of an entity: one file, or one pass over a table.

    Attributes:
        origin: Where the rows come from, as a person would name it (`_source_file`).
        fingerprint: Content hash when it is known before reading (a file's bytes);
            None when it can only be known after (a query's rows).
        batches: Opens the stream of Arrow record batches in source order.
        rejected: Filled by the reader while the stream is consumed.
    """

    origin: str
    fingerprint: str | None
    batches: Callable[[], Iterator[pa.RecordBatch]]
    rejected: list[Rejected] = field(default_factory=list)


class Reader(Protocol):
    """Reads one source. Use as a context manager: it may hold a connection."""

    def __enter__(self) -> Reader: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def extracts(self, entity: Entity, limit: int | None = None) -> Iterator[Extract]:
        """Yields what the entity offers now, oldest first; `limit` rows of each.

        Raises:
            SourceUnavailable: The source or the entity cannot be reached or read.
        """
        ...
