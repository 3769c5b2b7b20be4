"""One reader per kind of source; nothing here knows Dagster, landing or the warehouse.

A reader reads, it never maps: the source's own column names go through unchanged. A writer
puts values into records that are there, and only where sources.yaml allows it.
"""

from pipeline.common.errors import ConfigurationError
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
from pipeline.sources.http.clock import SYSTEM_CLOCK, Clock
from pipeline.sources.writing import Writer

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
    "open_writer",
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


def open_writer(
    source: Source, home: Home | None = None, clock: Clock = SYSTEM_CLOCK
) -> Writer:
    """The writer for the source's kind.

    Raises:
        ConfigurationError: sources.yaml does not allow it to be written to.
    """
    if source.writeback is None or not source.writeback.send:
        raise ConfigurationError(
            f"sources.yaml does not allow {source.name} to be written to. Have an "
            "administrator make the fields, then say `writeback: {send: true}` under the "
            "source (docs/write-back.md)."
        )
    if source.kind == "zoho_crm":
        from pipeline.sources.zoho.writing import ZohoCrmWriter

        return ZohoCrmWriter(source, home, clock)
    from pipeline.sources.fxiaoke.writing import FxiaokeWriter

    return FxiaokeWriter(source, home, clock)
