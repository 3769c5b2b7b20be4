"""The tables of a database, with the keys and references that it declares itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.secrets import REFERENCE
from pipeline.profiling import names
from pipeline.sources import Entity, Source
from pipeline.sources.database.connection import (
    cause,
    connect,
    disconnect,
    parse_url,
    without_secrets,
)
from pipeline.sources.entity import POSITION

# More than these are no database of one business system, or several in one.
MOST_TABLES = 400
# Parameters of a URL that hold what nobody may read.
_SECRET = re.compile("pass|pwd|token|secret|key", re.IGNORECASE)
_SYSTEM = {"information_schema", "pg_catalog", "mysql", "performance_schema", "sys"}


@dataclass(frozen=True)
class FoundTable:
    """A table or view: how it is read, its declared key and references.

    `references` are its columns with the table and column that they refer to.
    """

    title: str
    name: str
    entity: Entity
    key: tuple[str, ...]
    references: tuple[tuple[str, str, str], ...]


def source_of(url: str, entity: Entity, name: str = "new") -> Source:
    """A source of kind `database` with one entity."""
    return Source(
        name=name, kind="database", url=url, entities={"table": entity}, provides=[]
    )


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A read-only connection.

    Raises:
        SourceUnavailable: The database cannot be reached.
    """
    connection = connect(parse_url(url, "--from"), "--from")
    try:
        yield connection
    finally:
        disconnect(connection)


def without_password(url: str, variable: str) -> str:
    """The URL as sources.yaml may hold it: `${variable}` where a password stands.

    What is a reference to the environment already stays one.
    """
    if REFERENCE.fullmatch(url):
        return url
    scheme, _, rest = url.partition("://")
    # As SQLAlchemy reads it: a password ends at the first @, whatever else is in it.
    login, at, place = rest.partition("@")
    user, _, password = login.partition(":")
    if not at or "/" in user:
        login, at, place, password = "", "", rest, ""
    if password and not REFERENCE.fullmatch(password):
        login = f"{user}:${{{variable}}}"
    host, question, query = place.partition("?")
    parts = [
        f"{name}=${{{variable}}}"
        if _SECRET.search(name) and value and not REFERENCE.fullmatch(value)
        else f"{name}{equals}{value}"
        for name, equals, value in (part.partition("=") for part in query.split("&"))
    ]
    return f"{scheme}://{login}{at}{host}{question}{'&'.join(parts)}"


def find(url: str) -> list[FoundTable]:
    """The tables and views of the database.

    Raises:
        ConfigurationError: It has none, or too many.
        SourceUnavailable: It cannot be reached.
    """
    parsed = parse_url(url, "--from")
    with connected(url) as connection:
        try:
            return _tables(sa.inspect(connection))
        except sa.exc.SQLAlchemyError as error:
            stated = without_secrets(cause(error), parsed)
            raise SourceUnavailable(f"--from: {stated}") from None


def _tables(inspector: sa.Inspector) -> list[FoundTable]:
    default = inspector.default_schema_name
    schemas = [
        schema
        for schema in inspector.get_schema_names()
        if schema.lower() not in _SYSTEM and not schema.startswith("pg_")
    ]
    found: list[tuple[str, str]] = []
    for schema in sorted(schemas, key=lambda item: item != default):
        for table in inspector.get_table_names(schema):
            if not table.startswith(("_", "sqlite_")):
                found.append((schema, table))
    if not found:
        for table in inspector.get_view_names():
            found.append((default or "", table))
    if not found or len(found) > MOST_TABLES:
        raise ConfigurationError(
            f"The database of --from has {len(found):,} tables; give the URL of one with "
            f"1 to {MOST_TABLES} of them."
        )
    taken: set[str] = set()
    result = []
    for schema, table in found:
        path = table if schema in {default, "", "main"} else f"{schema}.{table}"
        name = names.identifier(table, taken)
        taken.add(name)
        key = (
            inspector.get_pk_constraint(table, schema).get("constrained_columns") or []
        )
        references = tuple(
            (item["constrained_columns"][0], item["referred_table"], column)
            for item in inspector.get_foreign_keys(table, schema)
            for column in item["referred_columns"]
            if len(item["constrained_columns"]) == 1
        )
        result.append(
            FoundTable(
                title=f"table {path}",
                name=name,
                entity=Entity(
                    key=list(key) or list(POSITION),
                    table=_written(path) if path != name else None,
                    load="snapshot",
                ),
                key=tuple(key),
                references=references,
            )
        )
    return result


def _written(path: str) -> str:
    """A table's name as sources.yaml takes it: quoted where a part has a point."""
    return path if re.fullmatch(r"[^.\"]+(\.[^.\"]+)?", path) else f'"{path}"'


def last_value(url: str, table: str, column: str) -> object:
    """The greatest value of a column in the whole table."""
    schema, _, plain = table.rpartition(".")
    with connected(url) as connection:
        target = sa.table(plain, sa.column(column), schema=schema or None)
        return connection.execute(sa.select(sa.func.max(target.c[column]))).scalar()
