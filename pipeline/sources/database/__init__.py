"""Reads tables of any database that SQLAlchemy reaches, all of them of one moment.

`connection` opens the source read-only and fixes the moment; `columns` says what a
column becomes in Arrow and which rows cannot; `increments` where to go on; `postgres` is
the fast path; `reader` puts them together. Not here: what landing makes of it.
"""

from pipeline.sources.database.reader import DatabaseReader

__all__ = ["DatabaseReader"]
