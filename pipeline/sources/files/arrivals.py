"""Which files of a source are there now: what a sensor asks; nothing is read.

Not here: what becomes of the files (landing), and when somebody asks (Dagster).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.common.errors import SourceUnavailable
from pipeline.common.language import said
from pipeline.sources.config import Source
from pipeline.sources.files.parts import printable
from pipeline.sources.files.reader import FilesReader, being_written


@dataclass(frozen=True)
class Arrivals:
    """What lies in a source's folder.

    Attributes:
        print: Of the names, sizes and times of all files: another one, another print.
        files: How many there are.
        unsettled: Files that are still being written, each with why that seems so.
    """

    print: str
    files: int
    unsettled: Sequence[str]


def scan(source: Source) -> Arrivals:
    """Scans the files of all entities of a source of kind `files`."""
    reader = FilesReader(source)
    found = []
    unsettled = []
    for entity in source.entities.values():
        try:
            paths = reader.files(entity)
        except SourceUnavailable:
            continue  # the next refresh reports it; here it is no file that arrived
        for path in paths:
            try:
                why = being_written(path, entity)
                status = path.stat()
            except FileNotFoundError:
                continue
            if why is not None:
                unsettled.append(
                    said("{file} {why}", file=printable(path.name), why=why)
                )
            found.append((entity.name, str(path), status.st_size, status.st_mtime_ns))
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    return Arrivals(digest, len({item[1] for item in found}), unsettled)
