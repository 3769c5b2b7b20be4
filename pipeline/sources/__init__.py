"""One reader per kind of source; nothing here knows Dagster, landing or the warehouse.

A reader reads, it never maps: the source's own column names go through unchanged.
"""

from pipeline.common.home import Home
from pipeline.sources.access import Retry
from pipeline.sources.base import Extract, Reader, Rejected, Since, StartOver
from pipeline.sources.config import (
    Business,
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


def open_reader(source: Source, home: Home | None = None) -> Reader:
    """The reader for the source's kind; imported when needed, for the start-up time.

    Args:
        source: What is to be read.
        home: Where the calls of a web service are counted; without one they are counted
            for this reader alone.
    """
    if source.kind == "database":
        from pipeline.sources.database import DatabaseReader

        return DatabaseReader(source)
    if source.kind == "fxiaoke":
        from pipeline.sources.fxiaoke.reader import FxiaokeReader

        return FxiaokeReader(source, home)
    if source.kind == "zoho_crm":
        from pipeline.sources.zoho.crm import ZohoCrmReader

        return ZohoCrmReader(source, home)
    if source.kind == "zoho_desk":
        from pipeline.sources.zoho.desk import ZohoDeskReader

        return ZohoDeskReader(source, home)
    from pipeline.sources.files import FilesReader

    return FilesReader(source)
