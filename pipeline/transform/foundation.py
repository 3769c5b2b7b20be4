"""What dbt builds on: the candidate's files, with views over the landed batches.

The work file gets the schema `landing`, one view a landed entity over the batches in
force. Everything above it is SQL of the dbt project.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.common.calendar import known_until
from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.home import Home
from pipeline.identity import memory
from pipeline.landing import accounting
from pipeline.landing.entity import LandedEntity, landed_entities
from pipeline.release import catalogue, kept
from pipeline.release.catalogue import Release
from pipeline.release.duckdb_files import connect
from pipeline.release.kept import Kept
from pipeline.release.layout import Candidate
from pipeline.sources import Source


def prepare(home: Home, candidate: Candidate, sources: Sequence[Source]) -> Kept | None:
    """Makes the candidate's files as dbt expects them.

    `landing.<source>__<entity>` are views over exactly the batches in force now, so
    that a batch that lands later cannot slip into this candidate. All of it is made
    afresh; the other schemas of the work file hold what the release before was made of.

    Returns:
        What was noted of these former tables; None where there are none, and where all
        is to be built again.

    Raises:
        SourceUnavailable: Nothing of an entity has been landed yet.
        ConfigurationError: The key of an entity is none of its columns.
    """
    for path in (candidate.work_file, *candidate.databases.values()):
        for leftover in path.parent.glob(path.name + "*"):
            if leftover.is_dir():  # what a killed DuckDB had spilled
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
    release = catalogue.newest_whole(home)
    former = None if candidate.full else kept.take(home, candidate, release)
    with connect(candidate.work_file) as connection:
        connection.execute("drop schema if exists landing cascade")
        write_landing(connection, home, candidate, sources, release)
    for path in candidate.databases.values():
        with connect(path) as connection:
            connection.execute("create schema marts; create schema meta")
    return former


def write_landing(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    candidate: Candidate,
    sources: Sequence[Source],
    release: Release | None,
) -> None:
    """Makes the schema `landing`: what the pipeline knows, and a view a landed entity.

    Args:
        connection: Where; there is no such schema yet.
        home: Whose.
        candidate: What is being made.
        sources: Those of `sources.yaml`.
        release: The one to go on from; None where there is none.

    Raises:
        SourceUnavailable: Nothing of an entity has been landed yet.
        ConfigurationError: The key of an entity is none of its columns.
    """
    connection.execute("create schema landing")
    connection.execute(
        """
        create table landing.refresh__context as
        select
            ?::varchar as refresh_id, ?::date as as_of_date,
            ?::timestamp as known_until
        """,
        [
            candidate.refresh_id,
            candidate.as_of_date,
            known_until(candidate.as_of_date, candidate.time_zone),
        ],
    )
    memory.recall(connection, home, release)
    entities = list(landed_entities(home, sources))
    for landed in entities:
        create_view(connection, landed)
    accounting.count(connection, entities, candidate.time_zone)


def create_view(connection: duckdb.DuckDBPyConnection, landed: LandedEntity) -> None:
    """Creates the view of an entity over its batches in force.

    Raises:
        SourceUnavailable: Nothing of it has been landed yet.
        ConfigurationError: Its key is none of its columns.
    """
    name = f"{landed.source}.{landed.name}"
    relation = landed.relation(landed.in_force())
    if relation is None:
        raise SourceUnavailable(
            f"{name} has not been landed: there is no accepted batch of it. If its files "
            "are still being written, try again once they are whole."
        )
    view = f"landing.{sql.quoted(f'{landed.source}__{landed.name}')}"
    connection.execute(f"create view {view} as select * from {relation}")
    described = connection.execute(f"describe {view}").fetchall()
    there = {column.lower() for column, *_ in described}
    if lacking := [key for key in landed.entity.key if key.lower() not in there]:
        raise ConfigurationError(
            f"{name}: sources.yaml names {', '.join(lacking)} as its key, and no landed "
            "row has such a column; mend `key`."
        )
