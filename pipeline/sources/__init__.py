"""One reader per kind of source; nothing here knows Dagster, landing or the warehouse.

A reader reads, it never maps: the source's own column names go through unchanged.
"""

from pipeline.sources.base import Extract, Reader, Rejected, Since, StartOver
from pipeline.sources.config import (
    Business,
    Retry,
    Source,
    SourcesFile,
    load_sources,
)
from pipeline.sources.entity import Becomes, Entity, Personal

__all__ = [
    "Becomes",
    "Business",
    "Entity",
    "Extract",
    "Personal",
    "Reader",
    "Rejected",
    "Retry",
    "Since",
    "Source",
    "SourcesFile",
    "StartOver",
    "load_sources",
    "open_reader",
]


def open_reader(source: Source) -> Reader:
    """The reader for the source's kind; imported when needed, for the start-up time."""
    if source.kind == "database":
        from pipeline.sources.database import DatabaseReader

        return DatabaseReader(source)
    if source.kind == "fxiaoke":
        from pipeline.sources.fxiaoke import FxiaokeReader

        return FxiaokeReader(source)
    from pipeline.sources.files import FilesReader

    return FilesReader(source)
