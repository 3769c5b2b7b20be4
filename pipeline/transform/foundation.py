"""What dbt builds on: the candidate's two files, with views over the landed batches.

The work file gets the schema `landing`, one view a landed entity over the batches in
force. Everything above it is SQL of the dbt project.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from pipeline.common import sql
from pipeline.common.calendar import known_until
from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.common.home import Home
from pipeline.identity import memory
from pipeline.landing import accounting
from pipeline.landing import batches as landing
from pipeline.release.duckdb_files import connect
from pipeline.release.layout import Candidate
from pipeline.sources import Source


def prepare(home: Home, candidate: Candidate, sources: Sequence[Source]) -> None:
    """Makes the candidate's two files as dbt expects them, afresh.

    `landing.<source>__<entity>` are views over exactly the batches in force now, so
    that a batch that lands later cannot slip into this candidate.

    Raises:
        SourceUnavailable: Nothing of an entity has been landed yet.
        ConfigurationError: The key of an entity is none of its columns.
    """
    for path in (candidate.work_file, candidate.warehouse_file):
        for leftover in path.parent.glob(path.name + "*"):
            if leftover.is_dir():  # what a killed DuckDB had spilled
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
    with connect(candidate.work_file) as connection:
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
        memory.recall(connection, home)
        for source in sources:
            for entity in source.entities.values():
                in_force = landing.in_force(home, source.name, entity)
                relation = landing.relation(home, entity, in_force)
                if relation is None:
                    raise SourceUnavailable(
                        f"{source.name}.{entity.name} has not been landed: there is no "
                        "accepted batch of it. If its files are still being written, "
                        "try again once they are whole."
                    )
                view = f"landing.{sql.quoted(f'{source.name}__{entity.name}')}"
                connection.execute(f"create view {view} as select * from {relation}")
                described = connection.execute(f"describe {view}").fetchall()
                there = {column.lower() for column, *_ in described}
                if lacking := [
                    name for name in entity.key if name.lower() not in there
                ]:
                    raise ConfigurationError(
                        f"{source.name}.{entity.name}: sources.yaml names "
                        f"{', '.join(lacking)} as its key, and no landed row has such "
                        "a column; mend `key`."
                    )
        accounting.count(connection, home, sources, candidate.time_zone)
    with connect(candidate.warehouse_file) as connection:
        connection.execute("create schema marts; create schema meta")
