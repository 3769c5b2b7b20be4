"""Reads tables of any database that SQLAlchemy reaches.

All tables of one source are read over one connection and in one transaction. Types
come from the database's own catalogue, so that money stays decimal and days stay days.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa

from pipeline.errors import SourceUnavailable
from pipeline.sources.base import Extract, Since
from pipeline.sources.config import Entity, Source

ROWS_PER_BATCH = 65_536


class DatabaseReader:
    """Reads the entities of a source of kind `database`, each a table or a view."""

    def __init__(self, source: Source) -> None:
        assert source.url is not None  # the configuration demands it
        self._name = source.name
        try:
            self._url = sa.make_url(source.url)
        except (sa.exc.ArgumentError, ValueError):
            # The error may repeat a part of the URL, a password with a slash among it.
            raise SourceUnavailable(
                f"{self._name}: the url in sources.yaml is not one SQLAlchemy "
                "understands; a character such as @ or / in a password is written %40, "
                "%2F."
            ) from None
        self._connection: sa.Connection | None = None

    def __enter__(self) -> DatabaseReader:
        try:
            self._engine = _read_only_engine(self._url)
            self._connection = self._engine.connect()
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            # A password may stand in the query of a URL as well as in its place, and a
            # driver may repeat it; the chain of errors ends up in Dagster's log.
            shown = self._url.set(query={}).render_as_string(hide_password=True)
            raise SourceUnavailable(
                f"{self._name}: {shown} cannot be reached: "
                f"{_without_secrets(_cause(error), self._url)}"
            ) from None
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._engine.dispose()
            self._connection = None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """One extract: the whole table, in the order of its key.

        Raises:
            SourceUnavailable: There is no such table, or it cannot be read.
        """
        assert self._connection is not None
        connection = self._connection
        schema, _, name = (entity.table or entity.name).rpartition(".")
        where = f"{self._name}.{entity.name}"
        try:
            table = sa.Table(
                name, sa.MetaData(), schema=schema or None, autoload_with=connection
            )
        except sa.exc.NoSuchTableError as error:
            raise SourceUnavailable(
                f"{where}: the database has no table {entity.table or entity.name}."
            ) from error
        except sa.exc.SQLAlchemyError as error:
            raise SourceUnavailable(f"{where}: {_cause(error)}") from error
        missing = [column for column in entity.key if column not in table.columns]
        if missing:
            raise SourceUnavailable(
                f"{where}: the table has no column {missing[0]}, which sources.yaml "
                "names as its key."
            )
        columns = [_arrow_column(column) for column in table.columns]
        arrow_schema = pa.schema([field for field, _ in columns])
        query = (
            sa.select(table)
            .order_by(*(table.columns[column] for column in entity.key))
            .limit(limit)
        )

        def batches() -> Iterator[pa.RecordBatch]:
            # An empty table has columns too.
            yield pa.RecordBatch.from_pylist([], schema=arrow_schema)
            try:
                result = connection.execution_options(
                    yield_per=ROWS_PER_BATCH, stream_results=True
                ).execute(query)
                for rows in result.partitions():
                    arrays = [
                        pa.array(
                            values if convert is None else map(convert, values),
                            field.type,
                        )
                        for values, (field, convert) in zip(
                            zip(*rows, strict=True), columns, strict=True
                        )
                    ]
                    yield pa.record_batch(arrays, schema=arrow_schema)
            except (
                sa.exc.SQLAlchemyError,
                pa.ArrowException,
                # A value that is not of its column's type; SQLite allows any.
                ValueError,
                TypeError,
                ArithmeticError,
            ) as error:
                raise SourceUnavailable(
                    f"{where} cannot be read: {_cause(error)}"
                ) from error

        yield Extract(origin=str(table), fingerprint=None, batches=batches)


def _read_only_engine(url: sa.URL) -> sa.Engine:
    """An engine that creates no empty database where one is missing."""
    backend = url.get_backend_name()
    arguments = {"read_only": True} if backend == "duckdb" else {}
    is_file = backend == "sqlite" and url.database
    if is_file and not str(url.database).startswith("file:"):
        url = url.set(
            database=f"file:{quote(str(url.database))}",
            query={"mode": "ro", "uri": "true"},
        )
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments)
    if backend == "sqlite":
        # Python's driver begins no transaction for a query by itself.
        sa.event.listen(engine, "connect", _leave_transactions_to_us)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _without_secrets(text: str, url: sa.URL) -> str:
    for value in (url.password, *url.query.values()):
        for secret in (value,) if isinstance(value, str) else value or ():
            text = text.replace(secret, "***") if secret else text
    return text


def _arrow_column(
    column: sa.Column[Any],
) -> tuple[pa.Field, Callable[[Any], Any] | None]:
    """The Arrow field of a column, and how a value becomes one of it if not as it is."""
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return pa.field(column.name, pa.bool_()), None
    if isinstance(kind, sa.Integer):
        return pa.field(column.name, pa.int64()), None
    if isinstance(kind, sa.Float):
        return pa.field(column.name, pa.float64()), None
    if isinstance(kind, sa.Numeric) and kind.precision:
        decimal = pa.decimal128(min(kind.precision, 38), kind.scale or 0)
        return pa.field(column.name, decimal), None
    if isinstance(kind, sa.DateTime):
        zone = "UTC" if getattr(kind, "timezone", False) else None
        return pa.field(column.name, pa.timestamp("us", tz=zone)), None
    if isinstance(kind, sa.Date):
        return pa.field(column.name, pa.date32()), None
    if isinstance(kind, sa.LargeBinary):
        return pa.field(column.name, pa.binary()), None
    return pa.field(column.name, pa.string()), _text


def _text(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return None if value is None else str(value)


def _cause(error: BaseException) -> str:
    """The driver's own words, without SQLAlchemy's statement and parameters."""
    return str(getattr(error, "orig", None) or error).split("\n")[0]
