"""What a reader hands to landing: extracts of Arrow batches, and rows it could not read.

Not here: how a kind of source is read (its own module) and how an extract becomes a
batch on disk (`pipeline.landing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pyarrow as pa

from pipeline.sources.entity import Entity


@dataclass(frozen=True)
class Rejected:
    """One row that could not be read: its place, its text, and why."""

    line: int | None
    text: str
    reason: str


class StartOver(Exception):
    """A stream of batches that was open is void; open it again for all of it.

    A reader that is fast as long as its source is sound raises this once it finds that
    it is not: what it yielded may be wrong, and the next stream is read with care.
    """


@dataclass(frozen=True)
class Since:
    """Where the landed batches of an entity end; what a reader needs to go on from there.

    Attributes:
        cursor: The highest value of the entity's cursor column that was landed; None
            before the first load, for an entity without a cursor, and with `--full`.
        sweep_due: Whether all keys should be listed, to find rows that are gone.
    """

    cursor: Any | None = None
    sweep_due: bool = False


@dataclass
class Extract:
    """One would-be batch of an entity: one file, or one pass over a table.

    Attributes:
        content: `rows` are rows of the entity; `deletes` hold the key columns of rows
            that were deleted; `keys` the key columns of every row that there is, so that
            landing finds out which are gone, and further columns by whose values it finds
            out which changed in silence.
        within: Of `keys`, the columns of whose values alone every row is listed, such as
            the order of lines. A value that has no row is listed once, without a key.
        origin: Where the rows come from, as a person would name it (`_source_file`).
        fingerprint: Content hash when it is known before reading (a file's bytes);
            None when it can only be known after (a query's rows).
        batches: Opens the stream of Arrow record batches in source order. It may raise
            `StartOver` while it is consumed.
        rejected: Filled by the reader while the stream is consumed.
        is_whole: The rows are all that the source holds at this moment.
        read_again: Of `keys`, gives the present rows of listed ones that changed in
            silence: they are as they are listed, and not as they landed.
        moves_cursor: Whether the next load may go on from these rows. Rows that were read
            by their keys say nothing of what else changed until then.
    """

    origin: str
    fingerprint: str | None
    batches: Callable[[], Iterator[pa.RecordBatch]]
    rejected: list[Rejected] = field(default_factory=list)
    content: Literal["rows", "deletes", "keys"] = "rows"
    is_whole: bool = False
    within: Sequence[str] = ()
    read_again: Callable[[Sequence[Mapping[str, Any]]], Extract] | None = None
    moves_cursor: bool = True


class Reader(Protocol):
    """Reads one source. Use as a context manager: it may hold a connection."""

    def __enter__(self) -> Reader: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """Yields what the entity offers now, oldest first.

        Args:
            entity: What to read.
            since: Where to go on; everything is read without it.
            limit: Read so many rows of each extract only, for a sample.

        Raises:
            SourceUnavailable: The source or the entity cannot be reached or read.
        """
        ...
