"""The fast path for PostgreSQL: COPY in binary, straight into Arrow, over ADBC.

It needs a second connection, which takes on the snapshot of the first, so that both see
the same moment. Everything that it gives, the ordinary path gives too, only slower;
where it cannot be opened, nobody need know.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Generator
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pipeline.sources.ahead import fetched_ahead
from pipeline.sources.database.connection import POSTGRESQL_SETTINGS

logger = logging.getLogger(__name__)


class CannotOpen(Exception):
    """The fast path cannot be taken, or not for this query; the other one can."""


class FastPath:
    """A second connection that reads what the first one sees."""

    def __init__(self, connection: sa.Connection) -> None:
        """Opens it.

        Raises:
            CannotOpen: There is no driver, or the server lets us not.
        """
        try:
            import adbc_driver_postgresql.dbapi as adbc
            from psycopg.conninfo import make_conninfo

            url = connection.engine.url
            _, parameters = connection.dialect.create_connect_args(url)
            # psycopg's own argument, which libpq does not know.
            parameters.pop("context", None)
            _check(connection)
            snapshot = str(
                connection.exec_driver_sql("select pg_export_snapshot()").scalar_one()
            )
            if not re.fullmatch(r"[0-9A-Fa-f-]+", snapshot):
                raise CannotOpen("no snapshot to share")
            self._connection = adbc.connect(
                make_conninfo(**{"connect_timeout": 15, **parameters})
            )
            try:
                with self._connection.cursor() as cursor:
                    for statement in (
                        "set transaction isolation level repeatable read, read only",
                        f"set transaction snapshot '{snapshot}'",
                        *POSTGRESQL_SETTINGS,
                    ):
                        cursor.execute(statement)
            except BaseException:
                self._connection.close()
                raise
        except CannotOpen:
            raise
        except Exception as error:
            # Whatever it is, the other path reads the same; and the words of a driver
            # that was given a password are not for a log.
            raise CannotOpen(type(error).__name__) from None

    def close(self) -> None:
        """Ends the connection."""
        with contextlib.suppress(Exception):
            self._connection.close()

    def batches(self, query: sa.Select[Any]) -> Generator[pa.RecordBatch]:
        """The query's rows; the server has begun when this returns.

        Raises:
            CannotOpen: The server refuses the query, or a type has no Arrow type.
        """
        text = str(
            query.compile(
                # The dialect as it is, not psycopg's, which doubles each %.
                dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
                compile_kwargs={"literal_binds": True},
            )
        )
        cursor = self._connection.cursor()
        try:
            cursor.execute(text)
            reader = cursor.fetch_record_batch()
        except Exception as error:
            cursor.close()
            raise CannotOpen(type(error).__name__) from None
        return _closing(reader, cursor)


def _check(connection: sa.Connection) -> None:
    """Asks before it tries: a statement that fails would end the transaction."""
    version = str(connection.exec_driver_sql("select version()").scalar_one())
    number = re.match(r"PostgreSQL (\d+)", version)
    if number is None or int(number[1]) < 10:
        raise CannotOpen("a server that shares no snapshots")
    encoding = str(connection.exec_driver_sql("show server_encoding").scalar_one())
    if encoding == "SQL_ASCII":
        raise CannotOpen("texts of no known encoding")


def _closing(reader: pa.RecordBatchReader, cursor: Any) -> Generator[pa.RecordBatch]:
    """Reads ahead, so that server and landing work at the same time; then closes both."""
    try:
        yield from fetched_ahead(reader, cancel=cursor.adbc_cancel)
    finally:
        with contextlib.suppress(Exception):
            reader.close()
        cursor.close()
