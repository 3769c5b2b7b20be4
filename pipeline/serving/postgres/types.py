"""The columns of a release as PostgreSQL has them.

decimal(p, s)            numeric(p, s)
timestamp                timestamp with time zone: every time of a release is UTC
JSON, lists, structs     jsonb
larger or unsigned ints  the smallest type that holds them all
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.common import sql
from pipeline.serving.contents import Column

_TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "UTINYINT": "smallint",
    "SMALLINT": "smallint",
    "USMALLINT": "integer",
    "INTEGER": "integer",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "numeric(20,0)",
    "HUGEINT": "numeric(39,0)",
    "UHUGEINT": "numeric(39,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIMESTAMP": "timestamp with time zone",
    "TIMESTAMP_S": "timestamp with time zone",
    "TIMESTAMP_MS": "timestamp with time zone",
    "TIMESTAMP_NS": "timestamp with time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "INTERVAL": "interval",
    "UUID": "uuid",
    "BLOB": "bytea",
    "JSON": "jsonb",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NESTED = re.compile(r"^(STRUCT|MAP|UNION)\(|\[\d*\]$")


@dataclass(frozen=True)
class Typed:
    """A column of a table in PostgreSQL.

    Attributes:
        type: As PostgreSQL itself writes it, with its collation if that is not the
            database's own.
        expression: DuckDB's SQL for its text, as COPY reads it.
    """

    name: str
    type: str
    is_nullable: bool
    description: str
    expression: str


def typed(columns: Sequence[Column]) -> list[Typed]:
    """The columns as PostgreSQL has them."""
    return [
        Typed(
            column.name,
            _named(column),
            column.is_nullable,
            column.description,
            _expression(sql.quoted(column.name), column.type),
        )
        for column in columns
    ]


def _named(column: Column) -> str:
    kind = type_of(column.type)
    is_id = kind == "text" and column.name.endswith("_id")
    return f'{kind} collate "C"' if is_id else kind


def type_of(duckdb_type: str) -> str:
    """PostgreSQL's type for one of DuckDB's; text for what it has none for."""
    if match := _DECIMAL.fullmatch(duckdb_type):
        return f"numeric({match[1]},{match[2]})"
    if _NESTED.search(duckdb_type):
        return "jsonb"
    return _TYPES.get(duckdb_type, "text")


def _expression(name: str, duckdb_type: str) -> str:
    kind = type_of(duckdb_type)
    if kind == "jsonb":
        whole = name if duckdb_type == "JSON" else f"to_json({name})"
        return f"cast({whole} as varchar)"
    if kind == "bytea":
        return f"'\\x' || hex({name})"
    if kind != "text":
        return name
    if duckdb_type != "VARCHAR":
        return f"cast({name} as varchar)"
    # The one character that a text of PostgreSQL cannot hold; looking for it costs
    # nothing, replacing what is not there a tenth of the whole export.
    return (
        f"case when contains({name}, chr(0)) then replace({name}, chr(0), '') "
        f"else {name} end"
    )
