"""The reader of sources of kind `database`: what is asked of a table, and in which way.

One connection, one transaction and so one moment for all entities of a source. Types
come from the database's own catalogue, so that money stays decimal and days stay days.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import re
import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Literal

import pyarrow as pa
import sqlalchemy as sa

from pipeline.common.errors import SourceUnavailable
from pipeline.sources import increments
from pipeline.sources.base import Extract, Rejected, Since
from pipeline.sources.columns import refuse_names_that_are_one
from pipeline.sources.config import Source
from pipeline.sources.database.columns import (
    Backend,
    Column,
    from_arrow,
    from_values,
    plan,
)
from pipeline.sources.database.connection import (
    backend_of,
    cause,
    connect,
    disconnect,
    parse_url,
    without_secrets,
)
from pipeline.sources.database.postgres import CannotOpen, FastPath
from pipeline.sources.database.unknown import known_columns
from pipeline.sources.entity import Entity
from pipeline.sources.passing import may_pass

logger = logging.getLogger(__name__)

# A batch is what fits into so much Arrow memory (Python's objects for it take some five
# times as much), but never more rows than one row group of DuckDB holds.
BYTES_PER_BATCH = 16 * 2**20
FIRST_ROWS_PER_BATCH = 4_096
ROWS_PER_BATCH = 65_536


class DatabaseReader:
    """Reads the entities of a source of kind `database`, each a table or a view.

    Attributes:
        fast: Whether the fast path for PostgreSQL may be taken.
    """

    def __init__(self, source: Source, *, fast: bool = True) -> None:
        assert source.url is not None  # the configuration demands it
        self._name = source.name
        self._url = parse_url(source.url, source.name)
        self._backend = backend_of(self._url)
        self._connection: sa.Connection | None = None
        self._fast_path: FastPath | None = None
        self.fast = fast

    def __enter__(self) -> DatabaseReader:
        self._connection = connect(self._url, self._name)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._fast_path is not None:
            self._fast_path.close()
            self._fast_path = None
        if self._connection is not None:
            disconnect(self._connection)
            self._connection = None

    def extracts(
        self, entity: Entity, since: Since | None = None, limit: int | None = None
    ) -> Iterator[Extract]:
        """The rows, then what was deleted, then the keys when they are due.

        Without a cursor's value the rows are the whole table in the order of its key;
        with one they are those from that value less the overlap on, in the order of the
        cursor, and those whose cursor is null, which no increment would ever bring.

        The deletes are those whose key is not in the table at this moment: a row that
        was deleted and entered again is there, however often its delete is read.

        Raises:
            SourceUnavailable: There is no such table or column, or it cannot be read.
        """
        since = since or Since()
        where = f"{self._name}.{entity.name}"
        table = self._table(entity.table or entity.name, where, entity.leave_out)
        refuse_names_that_are_one(list(table.columns.keys()), where)
        names = [] if entity.is_by_position else entity.key
        key = _named(table, names, where, "its key")
        for name in entity.columns:
            _named(table, [name], where, "one of its columns")
        for mark in entity.deleted_when:
            _named(table, [mark.column], where, "its deleted flag")
        columns = [
            self._plan(column.name, column, column.type, entity, where)
            for column in table.columns
        ]
        bound = self._bound(table, entity, since, where)

        query = sa.select(*_expressions(columns))
        if entity.cursor and bound is not None:
            cursor = table.columns[entity.cursor.column]
            query = query.where(_from(cursor, bound)).order_by(cursor)
        query = query.order_by(*key).limit(limit)
        # The fast path takes no parameters, and increments and samples are small.
        fast = is_whole = bound is None and limit is None
        yield self._extract(
            str(table), where, columns, query, fast=fast, is_whole=is_whole
        )

        own = [
            column for name in entity.key for column in columns if column.name == name
        ]
        if entity.deletes:
            yield self._deletes(entity, table, own, bound, where, limit)
        if since.sweep_due:
            query = sa.select(*_expressions(own)).order_by(*key).limit(limit)
            yield self._extract(
                str(table), where, own, query, content="keys", fast=limit is None
            )

    def _deletes(
        self,
        entity: Entity,
        table: sa.Table,
        own: Sequence[Column],
        bound: Any,
        where: str,
        limit: int | None,
    ) -> Extract:
        """The keys that the source noted as deleted, named and typed as the entity's."""
        assert entity.deletes is not None
        place = f"{where}, deletes"
        noted_in = self._table(entity.deletes.table, place)
        # An alias: the two may be one table.
        notes = noted_in.alias("deleted")
        if len(entity.deletes.key) != len(entity.key):
            raise SourceUnavailable(
                f"{place}: the key has {len(entity.deletes.key)} columns, that of "
                f"{entity.name} has {len(entity.key)}; they belong together in order."
            )
        keys = _named(notes, entity.deletes.key, place, "its key")
        typed = [
            noted
            if _comparable(noted, table.columns[column.name])
            else sa.cast(noted, column.kind)
            for noted, column in zip(keys, own, strict=True)
        ]
        columns = [
            self._plan(column.name, key, column.kind, entity, place)
            for column, key in zip(own, typed, strict=True)
        ]
        matches = [
            table.columns[column.name] == key
            for column, key in zip(own, typed, strict=True)
        ]
        query = (
            sa.select(*_expressions(columns))
            .where(*(noted.is_not(None) for noted in keys))
            .where(~sa.exists().where(*matches).correlate(notes))
            .order_by(*typed)
            .limit(limit)
        )
        if entity.deletes.cursor:
            (cursor,) = _named(notes, [entity.deletes.cursor], place, "its cursor")
            # Both cursors are read from the same clock or counter, or not compared.
            if (
                bound is not None
                and entity.cursor
                and _comparable(cursor, table.columns[entity.cursor.column])
            ):
                query = query.where(_from(cursor, bound))
        return self._extract(
            str(noted_in),
            place,
            columns,
            query,
            content="deletes",
            fast=bound is None and limit is None,
        )

    def _bound(
        self, table: sa.Table, entity: Entity, since: Since, where: str
    ) -> Any | None:
        """From which value of the cursor on; None for the whole table."""
        if entity.cursor is None:
            return None
        (column,) = _named(table, [entity.cursor.column], where, "its cursor")
        place = f"{where}: the cursor column {column.name}"
        natural = plan(column.name, column, column.type, self._backend)
        # Checked at the first load too, when it is not needed yet.
        overlap = increments.overlap_of(entity.cursor.overlap, natural.type, place)
        if since.cursor is None or entity.load == "snapshot":
            return None
        lowest = increments.lower_bound(since.cursor, overlap, place)
        return _written(lowest, natural, self._backend)

    def _table(self, name: str, where: str, left_out: Sequence[str] = ()) -> sa.Table:
        assert self._connection is not None
        *schema, plain = _parts(name)
        try:
            with warnings.catch_warnings():
                # What it does not know is asked afterwards.
                warnings.simplefilter("ignore", sa.exc.SAWarning)
                columns = sa.inspect(self._connection).get_columns(
                    plain, schema=".".join(schema) or None
                )
        except sa.exc.NoSuchTableError:
            columns = []
        except sa.exc.SQLAlchemyError as error:
            error_text = without_secrets(cause(error), self._url)
            raise SourceUnavailable(
                f"{where}: {error_text}", may_pass=may_pass(error)
            ) from None
        if not columns:
            raise SourceUnavailable(f"{where}: the database has no table {name}.")
        table = sa.Table(
            plain,
            sa.MetaData(),
            *(sa.Column(column["name"], column["type"]) for column in columns),
            schema=".".join(schema) or None,
        )
        return known_columns(
            self._connection, self._backend, where, table, set(left_out)
        )

    def _plan(
        self,
        name: str,
        expression: sa.ColumnElement[Any],
        kind: sa.types.TypeEngine[Any],
        entity: Entity,
        where: str,
    ) -> Column:
        declared = entity.columns.get(name)
        try:
            return plan(name, expression, kind, self._backend, declared)
        except SourceUnavailable as error:
            raise SourceUnavailable(f"{where}: {error}") from None

    def _extract(
        self,
        origin: str,
        where: str,
        columns: Sequence[Column],
        query: sa.Select[Any],
        *,
        content: Literal["rows", "deletes", "keys"] = "rows",
        fast: bool,
        is_whole: bool = False,
    ) -> Extract:
        rejected: list[Rejected] = []
        schema = pa.schema([column.field for column in columns])

        def batches() -> Iterator[pa.RecordBatch]:
            # An empty table has columns too.
            yield pa.RecordBatch.from_pylist([], schema=schema)
            try:
                copied = self._copied(query) if fast else None
                if copied is None:
                    yield from self._fetched(query, columns, rejected)
                    return
                with contextlib.closing(copied):
                    for batch in copied:
                        yield from_arrow(batch.columns, columns, rejected)
            except (sa.exc.SQLAlchemyError, pa.ArrowException, OSError) as error:
                error_text = without_secrets(cause(error), self._url)
                passes = may_pass(error)
            except Exception as error:
                # Drivers have exceptions of their own; ours pass.
                if isinstance(error, SourceUnavailable) or not _is_of_a_driver(error):
                    raise
                error_text = without_secrets(cause(error), self._url)
                passes = may_pass(error)
            else:
                return
            raise SourceUnavailable(
                f"{where} cannot be read: {error_text}", may_pass=passes
            ) from None

        return Extract(
            origin=origin,
            fingerprint=None,
            batches=batches,
            rejected=rejected,
            content=content,
            is_whole=is_whole,
        )

    def _copied(self, query: sa.Select[Any]) -> Generator[pa.RecordBatch] | None:
        """The rows by the fast path; None where it cannot be taken."""
        assert self._connection is not None
        if self._backend != "postgresql" or not self.fast:
            return None
        try:
            if self._fast_path is None:
                self._fast_path = FastPath(self._connection)
            return self._fast_path.batches(query)
        except CannotOpen as error:
            logger.info("%s is read without ADBC: %s", self._name, error)
            self.fast = False
            return None

    def _fetched(
        self,
        query: sa.Select[Any],
        columns: Sequence[Column],
        rejected: list[Rejected],
    ) -> Iterator[pa.RecordBatch]:
        """The rows by a cursor that stays on the server."""
        assert self._connection is not None
        result = self._connection.execute(
            query,
            execution_options={
                "stream_results": True,
                "max_row_buffer": FIRST_ROWS_PER_BATCH,
            },
        )
        count = FIRST_ROWS_PER_BATCH
        with contextlib.closing(result):
            while rows := result.fetchmany(count):
                batch = from_values(rows, columns, rejected)
                bytes_per_row = max(1, batch.nbytes // max(1, batch.num_rows))
                count = min(4 * count, ROWS_PER_BATCH, BYTES_PER_BATCH // bytes_per_row)
                count = max(1, count)
                yield batch


def _is_of_a_driver(error: Exception) -> bool:
    module = type(error).__module__.partition(".")[0]
    return module in {"adbc_driver_manager", "psycopg", "pymysql", "sqlite3"}


def _parts(name: str) -> list[str]:
    """`schema.table` in its parts; a part with a dot stands in double quotes."""
    quoted = r'"(?:[^"]|"")+"'
    if not re.fullmatch(rf"(?:{quoted}|[^.]+)(?:\.(?:{quoted}|[^.]+))*", name):
        return [name]
    return [
        part[1:-1].replace('""', '"') if re.fullmatch(quoted, part) else part
        for part in re.findall(rf"{quoted}|[^.]+", name)
    ]


def _named(
    table: sa.FromClause, names: Sequence[str], where: str, role: str
) -> list[sa.ColumnElement[Any]]:
    for name in names:
        if name not in table.columns:
            raise SourceUnavailable(
                f"{where}: the table has no column {name}, which sources.yaml names as "
                f"{role}."
            )
    return [table.columns[name] for name in names]


def _expressions(columns: Sequence[Column]) -> list[sa.Label[Any]]:
    # Labels of our own: two names of a source may differ in nothing but their case, or
    # only after the length at which a server cuts names off.
    return [column.expression.label(f"c{at}") for at, column in enumerate(columns)]


def _from(cursor: sa.ColumnElement[Any], bound: Any) -> sa.ColumnElement[bool]:
    return sa.or_(cursor >= bound, cursor.is_(None))


def _comparable(left: sa.ColumnElement[Any], right: sa.ColumnElement[Any]) -> bool:
    return left.type._type_affinity is right.type._type_affinity and getattr(
        left.type, "timezone", None
    ) == getattr(right.type, "timezone", None)


def _written(value: Any, column: Column, backend: Backend) -> Any:
    """A bound as a parameter that the server compares with its column as it should."""
    if backend == "sqlite":
        # SQLite has no times but texts; a text with fewer digits sorts before one with
        # more, so the bound has the fewest that it can have.
        if isinstance(value, dt.datetime):
            text = value.replace(tzinfo=None).isoformat(sep=" ")
            value = text.rstrip("0") if "." in text else text
        return sa.literal(value if isinstance(value, int) else str(value), sa.String())
    if backend == "mysql" and isinstance(value, dt.datetime):
        # The session's zone is UTC.
        value = value.replace(tzinfo=None)
    return sa.literal(value, column.kind)
