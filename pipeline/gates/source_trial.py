"""Tries the sources out: connects, reads a sample of every entity, checks the sample.

Nothing in the home changes, and nothing is landed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from pipeline.common import sql
from pipeline.common.errors import CustomerTiersError, SourceUnavailable
from pipeline.gates.run import run_suites
from pipeline.gates.suite import entity_suite, subject_of
from pipeline.journal.evidence import Check
from pipeline.release import duckdb_files
from pipeline.sources import Entity, Reader, Source, open_reader

SAMPLE_ROWS = 1_000


@dataclass
class Tried:
    """What came of one entity.

    Attributes:
        problem: Why it could not be read, or nothing.
        unsettled: Files that are still being written and are not in the sample, each
            with why that seems so.
        checks: What the sample's suite found.
    """

    source: str
    entity: str
    rows: int = 0
    rejected: int = 0
    columns: Sequence[str] = ()
    problem: str = ""
    unsettled: Sequence[str] = ()
    checks: list[Check] = field(default_factory=list)

    @property
    def failed(self) -> list[Check]:
        """The checks that would stop a refresh."""
        return [check for check in self.checks if check.blocks]


def try_source(source: Source, expectations: Path) -> list[Tried]:
    """Reads a sample of each entity of the source and runs its suite on the sample."""
    tried = []
    with tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder:
        database = Path(folder) / "sample.duckdb"
        suites = []
        try:
            with (
                open_reader(source) as reader,
                duckdb_files.connect(database) as connection,
            ):
                connection.execute("create schema landing")
                for name, entity in source.entities.items():
                    result = Tried(source.name, name)
                    tried.append(result)
                    try:
                        # Asked first: a file that settles meanwhile is in the sample.
                        result.unsettled = _unsettled(source, entity)
                        sample = _sample(reader, entity, result)
                    except SourceUnavailable as error:
                        result.problem = str(error)
                        continue
                    if sample is None:
                        continue
                    connection.register("_sample", sample)
                    connection.execute(
                        f"create table landing.{sql.quoted(name)} as "
                        "select *, row_number() over () as _row_number, '' as _batch_id, "
                        "'sample' as _source_file from _sample"
                    )
                    connection.unregister("_sample")
                    suites.append(
                        entity_suite(source.name, entity, expectations, sample=True)
                    )
        except SourceUnavailable as error:
            return [
                Tried(source.name, name, problem=str(error)) for name in source.entities
            ]
        checks = run_suites(f"in.{source.name}", database, suites)
    for result in tried:
        subject = subject_of(result.source, result.entity)
        result.checks = [check for check in checks if check.subject == subject]
    return tried


def worst(tried: Sequence[Tried]) -> CustomerTiersError | None:
    """The error that the outcome amounts to, for the exit code; None when all is well."""
    from pipeline.common.errors import GateRefused

    if unread := [item for item in tried if item.problem]:
        return SourceUnavailable(f"{len(unread)} entities could not be read.")
    if failed := [item for item in tried if item.failed]:
        return GateRefused(f"{len(failed)} entities would not pass the gate.")
    return None


def _unsettled(source: Source, entity: Entity) -> Sequence[str]:
    """The entity's files that are still being written, each with why that seems so."""
    if source.kind != "files":
        return ()
    from pipeline.sources.files import arrivals

    alone = source.model_copy(update={"entities": {entity.name: entity}})
    return arrivals.scan(alone).unsettled


def _sample(reader: Reader, entity: Entity, result: Tried) -> pa.Table | None:
    """The first rows of the entity; None where what it gives has no columns.

    Raises:
        SourceUnavailable: There is nothing that is whole, or the key is no column.
    """
    extract = next(reader.extracts(entity, limit=SAMPLE_ROWS), None)
    if extract is None:
        named = f": {'; '.join(result.unsettled)}" if result.unsettled else ""
        raise SourceUnavailable(
            f"{result.source}.{result.entity}: its files are still being written"
            f"{named}. Ask again once they are whole; how long a file must be unchanged "
            "is `settle_seconds` in sources.yaml."
        )
    batches = list(extract.batches())
    result.rejected = len(extract.rejected)
    if not batches:  # a document without a record
        return None
    table = pa.Table.from_batches(batches)
    result.rows = table.num_rows
    result.columns = table.schema.names
    asked = (
        [*entity.replace] if entity.is_by_position else [*entity.key, *entity.replace]
    )
    if missing := [column for column in asked if column not in result.columns]:
        raise SourceUnavailable(
            f"{result.source}.{result.entity}: there is no column {missing[0]}, which "
            "sources.yaml names as the key or in `replace`; there are "
            f"{', '.join(result.columns)}."
        )
    return table
