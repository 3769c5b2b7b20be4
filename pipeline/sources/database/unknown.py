"""Columns whose type SQLAlchemy does not know, and what can be read of them.

MySQL and MariaDB make text of most types by a cast; not of shapes, which have a function
of their own, nor of vectors, which are left out with a warning. PostgreSQL makes text of
everything.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import sqlalchemy as sa

from pipeline.sources.database.columns import Backend, Shape

logger = logging.getLogger("customer_tiers.database")

_SHAPES: Final = {
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
}


def known_columns(
    connection: sa.Connection,
    backend: Backend,
    where: str,
    table: sa.Table,
    left_out: set[str],
) -> sa.Table:
    """The table with the columns that can be read, of types that are known.

    Args:
        where: Source and entity, as the warning begins.
        table: What the database's catalogue says.
        left_out: Columns that nobody wants.
    """
    kinds: dict[str, Any] = {column.name: column.type for column in table.columns}
    if backend == "mysql" and any(_is_unknown(kind) for kind in kinds.values()):
        for name, spelling in _spellings(connection, table):
            if _is_unknown(kinds.get(name)) and spelling in _SHAPES:
                kinds[name] = Shape()
            elif _is_unknown(kinds.get(name)) and not _is_text(connection, table, name):
                left_out = {*left_out, name}
                logger.warning(
                    "%s: the column %s is left out: it is %s, of which the server makes "
                    "no text",
                    where,
                    name,
                    spelling,
                )
    return sa.Table(
        table.name,
        sa.MetaData(),
        *(
            sa.Column(name, kind)
            for name, kind in kinds.items()
            if name not in left_out
        ),
        schema=table.schema,
    )


def _is_unknown(kind: Any) -> bool:
    return isinstance(kind, sa.types.NullType)


def _spellings(connection: sa.Connection, table: sa.Table) -> list[tuple[str, str]]:
    found = connection.execute(
        sa.text(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = coalesce(:schema, database()) and table_name = :table"
        ),
        {"schema": table.schema, "table": table.name},
    )
    return [(str(name), str(kind).lower()) for name, kind in found]


def _is_text(connection: sa.Connection, table: sa.Table, name: str) -> bool:
    """Whether the server casts the column; asked without reading a row."""
    query = sa.select(sa.cast(table.columns[name], sa.CHAR())).limit(0)
    try:
        connection.execute(query).close()
    except sa.exc.DBAPIError:
        return False
    return True
