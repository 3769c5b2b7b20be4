"""Where landing holds data of customers, as sources.yaml declares it, and the files.

Reads manifests and columns of keys; changes nothing. Not here: which values of somebody
are there (`values`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.forget.registry import KEY_TEXT, registered
from pipeline.forget.subject import Subject
from pipeline.landing.batches import STATES, Batch
from pipeline.landing.store import BatchStore
from pipeline.release import catalogue, duckdb_files
from pipeline.sources import Entity, Personal, SourcesFile


def declared(home: Home, sources: SourcesFile) -> dict[str, dict[str, Personal | None]]:
    """Where each entity holds data of customers; None where it holds none.

    Raises:
        ConfigurationError: sources.yaml does not say it of an entity, or names a column
            that no batch has.
    """
    result: dict[str, dict[str, Personal | None]] = {}
    for source in sources.sources:
        for name, entity in source.entities.items():
            if entity.personal is None:
                raise ConfigurationError(
                    f"sources.yaml does not say where {source.name}.{name} holds data "
                    "of customers, and nobody is forgotten by half. Give the entity "
                    "`personal: {customer: <column of the key>, columns: [...]}`, or "
                    "`personal: none`."
                )
            _has_columns(home, source.name, entity)
            place = result.setdefault(source.name, {})
            place[name] = entity.personal if entity.personal != "none" else None
    for room in (home.landing, home.quarantine):
        for folder in sorted(room.glob("*/*")):
            if folder.name not in result.get(folder.parent.name, {}):
                raise ConfigurationError(
                    f"{folder} holds batches of an entity that sources.yaml no longer "
                    "describes. Describe it again, or remove the folder, so that nobody "
                    "is forgotten by half."
                )
    return result


def _has_columns(home: Home, source: str, entity: Entity) -> None:
    personal = entity.personal
    schemas = [
        set(batch.schema)
        for batch in BatchStore(home, source, entity.name).batches(*STATES)
        if batch.content == "rows" and batch.schema
    ]
    if not isinstance(personal, Personal) or not schemas:
        return
    wanted = {personal.customer, *personal.columns, *personal.references}
    if unknown := sorted(wanted - {name for schema in schemas for name in schema}):
        raise ConfigurationError(
            f"{source}.{entity.name} has no column {unknown[0]}, which sources.yaml "
            "names under personal."
        )


def sources_in_home(home: Home, sources: SourcesFile) -> list[str]:
    """Files and folders of sources that lie in the home, relative to it."""
    root = home.root.resolve()
    paths = [source.path for source in sources.sources if source.path]
    paths += [
        Path(source.url.split("///", 1)[1].split("?")[0])
        for source in sources.sources
        if source.url and source.url.startswith("sqlite") and "///" in source.url
    ]
    if sources.demonstration is not None:
        paths.append(root / "demonstration")
    inside = {
        path.resolve().relative_to(root).as_posix()
        for path in paths
        if path.resolve().is_relative_to(root) and path.resolve() != root
    }
    return sorted(
        name
        for name in inside
        if not any(name.startswith(f"{other}/") for other in inside)
    )


def declared_stores(
    home: Home, personal: Mapping[str, Mapping[str, Personal | None]]
) -> Iterator[tuple[BatchStore, Personal | None]]:
    """The batches of every entity, with where it holds data of customers.

    Args:
        home: The home.
        personal: What `declared` gave.
    """
    for source, entities in personal.items():
        for name, item in entities.items():
            yield BatchStore(home, source, name), item


def landed_files(
    home: Home, subject: Subject
) -> Iterator[tuple[str, str, Personal | None, Batch, Path]]:
    """Every file of rows of every entity, with its batch; one of them, for a pack.

    The batches of a pack hold the same columns and the same kind of content.
    """
    for store, personal in declared_stores(home, subject.personal):
        seen = set()
        for batch in store.batches(*STATES):
            path = store.data_file(batch)
            if path not in seen and path.exists():
                seen.add(path)
                yield store.source, store.name, personal, batch, path


def is_unsigned(
    home: Home, personal: Mapping[str, Mapping[str, Personal | None]], whose: str
) -> bool:
    """Whether a column with keys of the source cannot hold a negative number."""
    return any(
        batch.schema.get(item.customer, "").startswith("uint")
        for store, item in declared_stores(home, personal)
        if item is not None and (item.source or store.source) == whose
        for batch in store.batches(*STATES)
    )


def check_key_columns(home: Home, subject: Subject) -> None:
    """Refuses a declaration by which no customer would ever be found.

    Raises:
        ConfigurationError: Of an entity's keys not one is known in the current release.
    """
    current = catalogue.current(home)
    if current is None:
        return
    files: dict[tuple[str, str], list[str]] = {}
    for source, name, personal, batch, path in landed_files(home, subject):
        if personal is not None and personal.customer in batch.schema:
            files.setdefault((source, name), []).append(str(path))
    with duckdb_files.open_release(current.path) as connection:
        query = registered(connection)
        for (source, name), paths in files.items() if query else ():
            personal = subject.personal[source][name]
            assert personal is not None
            whose = personal.source or source
            row = connection.execute(
                f"""
                with landed as (
                    select distinct {
                    KEY_TEXT.format(f"cast({sql.quoted(personal.customer)} as varchar)")
                } as key
                    from read_parquet($paths, union_by_name = true)
                ),
                known as (
                    select {KEY_TEXT.format("source_customer_id")} as key
                    from ({query}) where source = $source
                )
                select count(landed.key), count(known.key)
                from landed left join known using (key)
                """,
                {"paths": [_one_file(path) for path in paths], "source": whose},
            ).fetchone()
            if row and row[0] and not row[1]:
                raise ConfigurationError(
                    f"Of {source}.{name}.{personal.customer} no value is the key of a "
                    f"customer of {whose}: sources.yaml names the wrong column under "
                    "personal, or staging makes other keys of it. Nothing was changed."
                )


def _one_file(path: str) -> str:
    # DuckDB takes every name for a pattern, and a home may be called `data [old]`.
    return re.sub(r"([*?\[])", r"[\1]", path)
