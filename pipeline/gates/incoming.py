"""What the gate in asks of new batches: the suites and the tables that they check.

Three questions an entity: is every row accounted for, are the columns those that came
before, and does what landed meet its suite. Not here: what follows (`judgement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.common import sql
from pipeline.gates.suite import Suite, entity_suite, subject_of
from pipeline.journal.evidence import (
    Severity,
)
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.release import duckdb_files
from pipeline.sources import Entity, Personal
from pipeline.suppression.suppression_list import Suppression

if TYPE_CHECKING:
    import duckdb
    from great_expectations.expectations.expectation import Expectation


def landed(
    database: Path, entities: Sequence[LandedEntity], expectations: Path
) -> list[Suite]:
    """The suite of each entity with new rows, on a view of those rows."""
    suites = []
    with duckdb_files.connect(database) as connection:
        for item in entities:
            relation = item.relation(_new_rows(item))
            if relation is None:
                continue
            # What is deleted or forgotten need not meet anything any more.
            connection.execute(
                f"create view landing.{sql.quoted(item.name)} as "
                f"select * from {relation} "
                f"where not _deleted{_nor_forgotten(item)}"
            )
            suites.append(
                entity_suite(item.source, item.entity, expectations, sample=False)
            )
    return suites


def _new_rows(item: LandedEntity) -> list[Batch]:
    """The pending batches that hold rows rather than markers of deleted ones."""
    return [batch for batch in item.batches("pending") if batch.content == "rows"]


def _nor_forgotten(item: LandedEntity) -> str:
    """SQL that leaves out rows whose personal columns were emptied."""
    personal = item.entity.personal
    if not isinstance(personal, Personal) or not personal.columns:
        return ""
    whose = personal.source or item.source
    pseudonyms = Suppression.load(item.home).pseudonyms(whose)
    if not pseudonyms:
        return ""
    column = sql.quoted(personal.customer)
    listed = ", ".join(sql.literal(item) for item in pseudonyms)
    return f" and coalesce(cast({column} as varchar) not in ({listed}), true)"


def columns(
    database: Path, entities: Sequence[LandedEntity], *, full: bool
) -> list[Suite]:
    """Columns of new batches against those landed last: missing and retyped ones stop."""
    with duckdb_files.connect(database) as connection:
        return [
            suite
            for item in entities
            for suite in _columns(
                connection, item, item.schema_in_force(), _new_rows(item), full=full
            )
        ]


def columns_against(
    connection: duckdb.DuckDBPyConnection, sampled: LandedEntity, before: LandedEntity
) -> list[Suite]:
    """Columns of what was read for a trial against those that landed in the home.

    Args:
        connection: The file that the suites will be run on.
        sampled: The entity with what was read just now.
        before: The entity with what landed in the project's home.
    """
    known = {batch.fingerprint for batch in before.batches("accepted")}
    new = [
        batch
        for batch in sampled.in_force()
        if batch.content == "rows" and batch.fingerprint not in known
    ]
    return _columns(connection, sampled, before.schema_in_force(), new, full=False)


def _columns(
    connection: duckdb.DuckDBPyConnection,
    item: LandedEntity,
    before: dict[str, str],
    rows: Sequence[Batch],
    *,
    full: bool,
) -> list[Suite]:
    """The suite of the columns of new rows; none without rows, or before the first."""
    if not before or not rows:
        return []
    facts = [
        (batch.origin, column, before.get(column), batch.schema.get(column))
        for batch in rows
        for column in {**before, **batch.schema}
    ]
    return [
        _suite_of_facts(
            connection,
            subject_of(item.source, item.name),
            f"_columns_{item.name}",
            "file varchar, column_name varchar, was varchar, is_now varchar",
            facts,
            column_demands(full=full),
        )
    ]


def column_demands(*, full: bool) -> list[Expectation]:
    """What is asked of the columns of new batches; with `full` changes are warnings."""
    from expectations.vocabulary import no_rows

    severity: Severity = "warning" if full else "critical"
    return [
        no_rows(
            "no_column_is_missing",
            "select file, column_name from {batch} where is_now is null",
            why="staging reads the columns that came before; bring the column back, or "
            "change staging and ask for --full",
            severity=severity,
        ),
        no_rows(
            "no_column_changed_its_type",
            "select file, column_name, was, is_now from {batch} "
            f"where was is not null and is_now is not null and {_RETYPED}",
            why="the same name means something else now; mend the source, or declare the "
            "column's type in sources.yaml; where the change is meant, ask for --full",
            severity=severity,
        ),
        no_rows(
            "no_column_is_new",
            "select file, column_name, is_now from {batch} where was is null",
            why="it is landed and kept; nothing reads it until staging does",
            severity="warning",
        ),
    ]


# Whole numbers may become fractions and decimals grow; a column that is empty in one file
# has no type there.
_NUMBER = "'^(u?int|float|double|decimal)'"
_RETYPED = (
    "was <> is_now and was <> 'null' and is_now <> 'null' and not "
    f"(regexp_matches(was, {_NUMBER}) and regexp_matches(is_now, {_NUMBER}))"
)


def accounting(database: Path, entities: Sequence[LandedEntity]) -> list[Suite]:
    """Rows read = landed + quarantined + forgotten, for every batch that counts."""
    suites = []
    with duckdb_files.connect(database) as connection:
        connection.execute("create schema landing")
        for item in entities:
            pending = item.batches("pending")
            facts = [
                (
                    batch.batch_id,
                    batch.rows_read,
                    batch.rows_landed,
                    batch.rows_quarantined,
                    batch.rows_forgotten,
                    *item.counted_rows(batch),
                    batch in pending,
                )
                for batch in [*item.in_force(), *pending]
            ]
            suites.append(
                _suite_of_facts(
                    connection,
                    subject_of(item.source, item.name),
                    f"_batches_{item.name}",
                    "batch_id varchar, rows_read bigint, rows_landed bigint, "
                    "rows_quarantined bigint, rows_forgotten bigint, rows_in_file bigint, "
                    "rows_in_quarantine bigint, is_new boolean",
                    facts,
                    accounting_demands(item.entity),
                )
            )
    return suites


def accounting_demands(entity: Entity) -> list[Expectation]:
    """What is asked of the row counts of every batch in force."""
    from expectations.vocabulary import no_rows

    return [
        no_rows(
            "rows_read_are_landed_or_quarantined",
            "select batch_id, rows_read, rows_landed, rows_quarantined, rows_forgotten "
            "from {batch} where rows_read != rows_landed + rows_quarantined "
            "+ rows_forgotten or rows_landed != rows_in_file "
            "or rows_quarantined != rows_in_quarantine",
            why="nothing is lost: every row read is in the batch's file or in the "
            "quarantine, or was a forgotten customer's",
        ),
        no_rows(
            "quarantine_within_limit",
            "select batch_id, rows_read, rows_quarantined from {batch} "
            f"where is_new and rows_quarantined > {entity.max_quarantined} * rows_read",
            why=f"more than {entity.max_quarantined:.1%} of unreadable rows is a broken "
            "file, not a broken row; mend the file, or raise max_quarantined in "
            "sources.yaml",
        ),
    ]


def _suite_of_facts(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    table: str,
    columns: str,
    facts: Sequence[Sequence[Any]],
    expectations: Sequence[Expectation],
) -> Suite:
    """A suite on facts about batches, written into a table of their own beside them."""
    name = f"landing.{sql.quoted(table)}"
    connection.execute(f"create table {name} ({columns})")
    if facts:
        places = ", ".join("?" for _ in facts[0])
        connection.executemany(f"insert into {name} values ({places})", facts)
    return Suite(subject, "landing", table, expectations)
