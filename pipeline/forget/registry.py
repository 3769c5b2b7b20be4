"""What the kept releases know of a customer: his keys, his ids, and his type.

Reads releases; changes nothing. Not here: what is landed of him (`personal_data`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.forget.subject import Subject
from pipeline.release import catalogue, duckdb_files
from pipeline.sources import SourcesFile
from pipeline.suppression.suppression_list import Suppression, key_text

# key_text in SQL.
KEY_TEXT: Final = "regexp_replace(trim({}), '^(-?[0-9]+)[.]0+$', '\\1')"


def resolve(
    home: Home, sources: SourcesFile, customer: str
) -> tuple[list[tuple[str, str]], list[str], str]:
    """His keys, the ids that are his in any kept release, and his type."""
    suppression = Suppression.load(home)
    prefix, _, rest = customer.partition(":")
    names = {source.name for source in sources.sources}
    given = (prefix, rest.strip()) if rest and prefix in names else None
    if given is not None:
        entry = suppression.find(prefix, key_text(given[1]) or "")
        if entry is not None:
            raise ConfigurationError(
                f"{customer} was forgotten on {entry.forgotten_on}; "
                f"logs/forgotten/{entry.receipt}.json says what was done."
            )
    # The current release first: it says who is one customer now.
    kept = sorted(catalogue.releases(home), key=lambda item: not item.is_current)
    for item in kept:
        if item.damage:
            raise ConfigurationError(
                f"{item.path} may hold the customer and cannot be read: {item.damage}. "
                "Take the release from a backup, or remove its folder, and ask again."
            )
    keys: set[tuple[str, str]] = set()
    for item in kept:
        with duckdb_files.open_release(item.path) as connection:
            keys = _keys_of(connection, customer, given)
        if keys:
            break
    if not keys and given is not None:
        keys = {given}  # landed, and in no release
    if not keys:
        raise ConfigurationError(
            f"There is no customer {customer}. Give a customer_id of the current release, "
            "or a source with its key, such as erp:AW00012345. Nothing leads from the "
            "former id of a forgotten customer to the present one."
        )
    if any(key in suppression.pseudonyms(source) for source, key in keys):
        raise ConfigurationError(f"{customer} is a customer who was forgotten already.")
    ids: dict[str, bool] = {}
    kind = None
    for item in catalogue.releases(home):
        with duckdb_files.open_release(item.path) as connection:
            for customer_id, all_keys in ids_of(connection, keys).items():
                # An id that belongs to somebody else by now stays his.
                ids.setdefault(customer_id, all_keys <= keys)
            if kind is None:
                kind = _type_of(connection, [name for name, his in ids.items() if his])
    return (
        sorted(keys),
        sorted(name for name, his in ids.items() if his),
        kind or "person",
    )


def tables(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """The tables of this name in marts and meta, with their catalog and schema."""
    rows = connection.execute(
        "select database_name || '.' || schema_name || '.' || table_name "
        "from duckdb_tables() "
        "where not internal and not temporary and table_name = ? order by all",
        [name],
    ).fetchall()
    return [str(row[0]) for row in rows]


def registered(connection: duckdb.DuckDBPyConnection) -> str | None:
    """SQL of every (source, source_customer_id, customer_id) that a release knows."""
    there = [
        table
        for name in ("customer_registry", "customer_source_keys")
        for table in tables(connection, name)
    ]
    parts = [f"select source, source_customer_id, customer_id from {t}" for t in there]
    return " union ".join(parts) or None


def _keys_of(
    connection: duckdb.DuckDBPyConnection,
    customer: str,
    given: tuple[str, str] | None,
) -> set[tuple[str, str]]:
    query = registered(connection)
    if query is None:
        return set()
    wanted = "select ?"
    values: list[str] = [customer]
    if given is not None:
        wanted = (
            f"select customer_id from ({query}) "
            f"where source = ? and {KEY_TEXT.format('source_customer_id')} = ?"
        )
        values = [given[0], key_text(given[1]) or ""]
    rows = connection.execute(
        f"select source, source_customer_id from ({query}) where customer_id in ({wanted})",
        values,
    ).fetchall()
    return {(str(source), str(key)) for source, key in rows}


def ids_of(
    connection: duckdb.DuckDBPyConnection, keys: Iterable[tuple[str, str]]
) -> dict[str, set[tuple[str, str]]]:
    """The ids that any of the keys has in a release, with all keys that they have there."""
    query = registered(connection)
    if query is None:
        return {}
    connection.execute(
        "create or replace temp table _keys (source varchar, key varchar)"
    )
    connection.executemany(
        "insert into _keys values (?, ?)", [list(key) for key in keys]
    )
    rows = connection.execute(
        f"""
        with registry as ({query}),
        his as (
            select customer_id from registry
            inner join _keys on registry.source = _keys.source
                and registry.source_customer_id = _keys.key
        )
        select distinct customer_id, source, source_customer_id
        from registry where customer_id in (select customer_id from his)
        """
    ).fetchall()
    found: dict[str, set[tuple[str, str]]] = {}
    for customer_id, source, key in rows:
        found.setdefault(str(customer_id), set()).add((str(source), str(key)))
    return found


def ids_in(folder: Path, subject: Subject) -> set[str]:
    """The ids of a release that any of his keys has there, old or new.

    An id and what takes its place are his together: a kill may have left some of the
    release's files with the one and some with the other.
    """
    keys = [(item.source, item.key) for item in subject.records]
    keys += [(item.source, item.pseudonym) for item in subject.records]
    with duckdb_files.open_release(folder) as connection:
        found = {*ids_of(connection, keys)}
    return found.union(
        *(pair for pair in subject.ids.items() if not found.isdisjoint(pair))
    )


def _type_of(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> str | None:
    for table in tables(connection, "customers"):
        row = connection.execute(
            f"select any_value(customer_type) from {table} "
            "where list_contains(?, customer_id)",
            [list(ids)],
        ).fetchone()
        if row and row[0]:
            return str(row[0])
    return None
