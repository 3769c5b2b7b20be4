"""What the gate in asks of a source's metadata: are its objects still what they were.

A field that vanished would be a column without values, and an option that nobody knows
would be a status without a meaning: both in silence. Not here: the columns of what
landed (`incoming`), which an absent field of a web service does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.common import sql
from pipeline.gates.suite import Suite, subject_of
from pipeline.journal.evidence import Severity
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity
from pipeline.release import duckdb_files
from pipeline.sources import Entity

if TYPE_CHECKING:
    import duckdb
    from great_expectations.expectations.expectation import Expectation

_TABLE = "_metadata"


def suites(
    database: Path, entities: Sequence[LandedEntity], *, full: bool
) -> list[Suite]:
    """The suite of each new metadata against that which was accepted last."""
    with duckdb_files.connect(database) as connection:
        return [
            suite
            for item in entities
            for suite in against(
                connection, item, item, item.batches("pending"), full=full
            )
        ]


def against(
    connection: duckdb.DuckDBPyConnection,
    read: LandedEntity,
    before: LandedEntity,
    batches: Sequence[Batch],
    *,
    full: bool = False,
) -> list[Suite]:
    """The suite of metadata that was read; none of records, or before the first time.

    Args:
        connection: The file that the suite will be run on, with the schema landing.
        read: The entity in the home where it was read.
        before: The entity in the home where it was accepted before.
        batches: What was read.
        full: As in `demands`.
    """
    accepted = before.relation(before.in_force())
    new = read.relation(batches[-1:])
    if read.entity.reads != "metadata" or accepted is None or new is None:
        return []
    table = f"{_TABLE}_{read.name}"
    columns = "object, field, option_value, option_label, type, api_name"
    connection.execute(
        f"""
        create table landing.{sql.quoted(table)} as
        select
            object, field, option_value,
            was.type as type_before, is_now.type as type_now,
            was.api_name as api_name_before, is_now.api_name as api_name_now,
            was.option_label as label_before, is_now.option_label as label_now,
            was.type is not null as was_there, is_now.type is not null as is_there,
            -- An option of a field that is new or gone is no finding of its own.
            object || '.' || field in (select object || '.' || field from {accepted})
            and object || '.' || field in (select object || '.' || field from {new})
                as has_field
        from (select {columns} from {accepted} where not _deleted) as was
        full join (select {columns} from {new} where not _deleted) as is_now
        using (object, field, option_value)
        """
    )
    return [
        Suite(
            subject_of(read.source, read.name),
            "landing",
            table,
            demands(read.entity, full=full),
        )
    ]


def demands(entity: Entity, *, full: bool) -> list[Expectation]:
    """What is asked of new metadata; none of an entity that reads records.

    Args:
        entity: The entity.
        full: Everything was read again on request: what changed is reported only.
    """
    from expectations.vocabulary import no_rows

    if entity.reads != "metadata":
        return []
    severity: Severity = "warning" if full else "critical"
    return [
        no_rows(
            "no_field_vanished",
            "select object, field from {batch} "
            "where option_value = '' and was_there and not is_there",
            why="staging reads it, and would find no value; bring the field back, or the "
            "right to see it, or name another in `aliases` and ask for --full",
            severity=severity,
            acceptable=True,
        ),
        no_rows(
            "no_field_is_another",
            "select object, field, type_before, type_now, api_name_before, api_name_now "
            "from {batch} where option_value = '' and (type_before <> type_now "
            "or api_name_before <> api_name_now)",
            why="the same name means something else now, and what was read before does "
            "not; see what staging makes of it, then ask for --full",
            severity=severity,
            acceptable=True,
        ),
        no_rows(
            "no_field_is_new",
            "select object, field from {batch} "
            "where option_value = '' and is_there and not was_there",
            why="records that were read before do not have it until they change; ask "
            "for --full once, so that all have it",
            severity="warning",
        ),
        no_rows(
            "no_option_is_new",
            "select object, field, option_value, label_now from {batch} "
            "where option_value <> '' and has_field and not was_there",
            why="staging may not know what it means, and a status without a meaning "
            "counts as none; add it to staging where it matters, then accept it or ask "
            "for --full",
            severity=severity,
            acceptable=True,
        ),
        no_rows(
            "no_option_vanished_or_was_renamed",
            "select object, field, option_value, label_before, label_now from {batch} "
            "where option_value <> '' and has_field and was_there "
            "and coalesce(label_now, '') <> label_before",
            why="records have the new label from now on; a rule of yours that speaks of "
            "the old one does not hold any more",
            severity="warning",
        ),
    ]
