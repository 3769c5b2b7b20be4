"""The reader of a source of kind `files`: which files, in which order, as which extracts.

Not here: what the bytes of a file mean (a module a format) and how they are unpacked.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.common.language import said
from pipeline.sources.base import Extract, Rejected, Since
from pipeline.sources.config import Source
from pipeline.sources.entity import Entity
from pipeline.sources.files import columnar, delimited, detection, documents, sheets
from pipeline.sources.files.parts import (
    CHUNK,
    READ_ERRORS,
    Part,
    cause,
    parts_of,
    printable,
)

log = logging.getLogger("customer_tiers.files")

# How programs call a file that they are not done with.
TEMPORARY_SUFFIXES = {
    ".part",
    ".partial",
    ".filepart",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".swp",
}

# More than this is no file with mistakes but one that is read wrongly, and the list of
# them would fill the memory.
MOST_REJECTED = 1_000_000


class FilesReader:
    """Reads the entities of a source of kind `files`."""

    def __init__(self, source: Source) -> None:
        assert source.path is not None  # the configuration demands it
        self._name = source.name
        self._folder = source.path

    def __enter__(self) -> FilesReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """One extract a file, member of a zip or wanted sheet, in the order of the names.

        Of an entity that comes as snapshots only the last one counts. A file that is
        still being written is left for the next time.

        Raises:
            SourceUnavailable: No file matches, or one cannot be opened.
        """
        settled = []
        for path in self.files(entity):
            if why := being_written(path, entity):
                log.warning(
                    "%s.%s: %s is left for the next time: it %s",
                    self._name,
                    entity.name,
                    printable(path.name),
                    why,
                )
            else:
                settled.append(path)
        is_snapshot = entity.load == "snapshot"
        for path in settled[-1:] if is_snapshot else settled:
            where = f"{self._name}.{entity.name}: {printable(path.name)}"
            parts = parts_of(path, entity, where)
            for part in parts[-1:] if is_snapshot else parts:
                for single, read_as in sheets.each(part, entity):
                    yield _extract(single, read_as, limit)

    def files(self, entity: Entity) -> list[Path]:
        """The entity's files, those too that are still being written.

        Raises:
            SourceUnavailable: There is none, or one lies outside of the source's folder.
        """
        assert entity.files is not None
        where = f"{self._name}.{entity.name}"
        shows_hidden = Path(entity.files).name.startswith(".")
        found = sorted(
            path
            for path in self._folder.glob(entity.files)
            if path.is_file() and (shows_hidden or not path.name.startswith("."))
        )
        if not found:
            raise SourceUnavailable(
                f"{where}: no file matches {entity.files} in {self._folder}; bring the "
                "file back or mend `files` in sources.yaml."
            )
        folder = self._folder.resolve()
        for path in found:
            real = path.resolve()
            if not real.is_relative_to(folder):
                raise SourceUnavailable(
                    f"{where}: {printable(path.name)} cannot be read: it lies outside of "
                    f"{self._folder}, at {real}. Put the file itself into the folder, or "
                    "mend `path` in sources.yaml."
                )
        return found


def being_written(path: Path, entity: Entity) -> str | None:
    """Why a file must be left for the next time; None for one that is whole."""
    name = path.name.lower()
    if name.startswith("~$") or path.suffix.lower() in TEMPORARY_SUFFIXES:
        return said("has the name of a temporary file")
    # A clock that is ahead must not hold a file back for ever.
    age = time.time() - path.stat().st_mtime
    if abs(age) < entity.settle_seconds:
        return said(
            "changed less than {seconds:g} seconds ago", seconds=entity.settle_seconds
        )
    return None


@dataclass(frozen=True)
class _Scan:
    """What one pass over the bytes found out."""

    digest: str
    dialect: delimited.Dialect | None
    is_odd: bool = False


def _extract(part: Part, entity: Entity, limit: int | None) -> Extract:
    kind = part.format(entity)
    before = _version(part)
    try:
        scan = _scan(part, entity, kind)
    except READ_ERRORS as error:
        raise SourceUnavailable(
            f"{part.where} cannot be read: {cause(error)}"
        ) from error
    rejected: list[Rejected] = []
    effort = delimited.Effort(scan.is_odd)

    def batches() -> Iterator[pa.RecordBatch]:
        rejected.clear()
        if scan.dialect is not None:
            # What everybody has is not worth a line; a guess of anything else is.
            usual = (scan.dialect.encoding, scan.dialect.delimiter) == ("utf-8", ",")
            level = logging.DEBUG if usual else logging.INFO
            log.log(level, "%s: %s", part.where, scan.dialect)
            stream = delimited.read(part, entity, scan.dialect, limit, rejected, effort)
        elif kind in {"xlsx", "xls"}:
            stream = sheets.read(part, entity, limit, rejected)
        elif kind == "parquet":
            stream = columnar.read(part, entity, limit, rejected)
        else:
            stream = documents.read(part, entity, kind, limit, rejected)
        for batch in stream:
            _refuse_if_hopeless(part, rejected)
            yield batch
        _refuse_if_hopeless(part, rejected)
        if _version(part) != before:
            raise SourceUnavailable(
                f"{part.where} changed while it was read; refresh again when it is "
                "whole.",
                may_pass=True,
            )

    return Extract(
        origin=part.origin,
        fingerprint=scan.digest,
        batches=batches,
        rejected=rejected,
    )


def _version(part: Part) -> tuple[int, int, int]:
    try:
        found = part.path.stat()
    except OSError as error:
        raise SourceUnavailable(
            f"{part.where} cannot be read: {cause(error)}"
        ) from error
    return found.st_ino, found.st_size, found.st_mtime_ns


def _refuse_if_hopeless(part: Part, rejected: list[Rejected]) -> None:
    if len(rejected) > MOST_REJECTED:
        raise SourceUnavailable(
            f"{part.where}: more than {MOST_REJECTED:,} rows cannot be read, the first: "
            f"{rejected[0].reason}. Mend how it is read in sources.yaml."
        )


def _scan(part: Part, entity: Entity, kind: str) -> _Scan:
    """Hashes the unpacked bytes; of text, finds encoding and delimiter on the way.

    How it is read is part of the hash: two entities may live in one workbook, and a file
    must land again once a wrong encoding or delimiter was mended in sources.yaml. What
    was detected counts like what was declared.
    """
    is_delimited = kind in {"csv", "tsv"}
    check = detection.Utf8Check()
    oddities = detection.Oddities()
    digest = hashlib.sha256()
    with part.open() as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if is_delimited:
                oddities.feed(chunk)
            if is_delimited and entity.encoding is None:
                check.feed(chunk)
            elif not check.beginning:
                check.beginning = chunk[:4096]
    dialect = None
    read_as: list[object] = [
        sorted(entity.columns.items()),
        entity.decimal,
        entity.thousands,
        entity.header_row,
    ]
    if entity.leave_out:
        read_as.append(sorted(entity.leave_out))
    if entity.repeated_columns != "refuse":
        read_as.append(entity.repeated_columns)
    if is_delimited:
        if entity.encoding is None:
            check.feed(b"", final=True)
        dialect = delimited.dialect_of(part, entity, kind, check)
        read_as += ["csv", dialect.delimiter, dialect.quote, dialect.encoding]
    elif kind in {"xlsx", "xls"}:
        read_as += ["xlsx", entity.sheet or ""]
    else:
        read_as += [kind]
    digest.update(repr(read_as).encode())
    # Of texts whose ASCII is not one byte each, the bytes say nothing of oddities.
    is_wide = dialect is not None and dialect.encoding.startswith(("utf-16", "utf-32"))
    return _Scan(digest.hexdigest(), dialect, oddities.are_there or is_wide)
