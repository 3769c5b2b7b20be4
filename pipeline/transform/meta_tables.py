"""The tables of the schema `meta` that Python writes: names, columns, descriptions.

Not here: what is written into them (`meta`), and the tables of `meta` that are SQL of the
dbt project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MetaTable:
    """A table of the schema `meta` that Python writes, not dbt.

    Attributes:
        columns: Name → type and description.
        key: The columns that no two rows share.
    """

    name: str
    description: str
    columns: Mapping[str, tuple[str, str]]
    key: tuple[str, ...] = ()


CURRENT_RELEASE = MetaTable(
    "current_release",
    "The release that this connection reads, in each of its files. One row per release, "
    "that is one.",
    {
        "refresh_id": ("varchar", "The release; the folder in which it lies."),
        "as_of_date": ("date", "The last business day that it knows of."),
        "sealed_at": (
            "timestamp",
            "When it was complete, UTC; readers see it from a moment later.",
        ),
        "rewritten_at": (
            "timestamp",
            "When a customer was last taken out of it (`forget`), UTC; null before.",
        ),
        "started_at": ("timestamp", "When its refresh began, UTC."),
        "run_id": ("varchar", "The run in Dagster."),
        "time_zone": ("varchar", "The business time zone: in it a day ends."),
        "reporting_currency": ("varchar", "The currency of its money."),
        "schema_version": (
            "integer",
            "How a release is laid out; raised when a reader has to know "
            "(docs/upgrading.md).",
        ),
        "product_version": ("varchar", "The customer-tiers that made it."),
    },
    key=("refresh_id",),
)

REFRESHES = MetaTable(
    "refreshes",
    "Every attempt at a refresh known when this release was sealed. "
    "One row per attempt.",
    {
        "refresh_id": ("varchar", "The attempt, and the release where it became one."),
        "as_of_date": ("date", "The last business day that the attempt knew of."),
        "state": (
            "varchar",
            "published, built, refused, failed or died; `sealed` is this very release.",
        ),
        "stage": ("varchar", "How far it came."),
        "reason": ("varchar", "Why it ended there, if it did not publish."),
        "run_id": ("varchar", "The run in Dagster."),
        "started_at": ("timestamp", "Start, UTC."),
        "ended_at": ("timestamp", "End, UTC."),
    },
    key=("refresh_id",),
)
_CHECK: dict[str, tuple[str, str]] = {
    "gate": ("varchar", "in.<source>, transform or out."),
    "subject": ("varchar", "The table that was checked."),
    "check_name": ("varchar", "The expectation or test, with its columns."),
    "check_id": (
        "varchar",
        "Its public id, subject:name, as `refresh --accept` takes it.",
    ),
    "severity": ("varchar", "critical stops the release, warning is read."),
    "acceptable": (
        "boolean",
        "Whether a person may accept that it failed: a warning, or declared so.",
    ),
    "outcome": ("varchar", "passed, failed or crashed; an accepted one stays failed."),
}
_FOUND: dict[str, tuple[str, str]] = {
    "observed": ("varchar", "What was found."),
    "failing_rows": ("bigint", "Rows that break it, where they can be counted."),
    "checked_rows": ("bigint", "Rows that were checked, where that is known."),
    "examples": ("varchar", "A few of those that break it by their keys, as JSON."),
    "accepted_by": ("varchar", "Who accepted the failure, if somebody did."),
    "accepted_reason": ("varchar", "Why, in that person's words."),
    "accepted_until": ("date", "The last day on which the acceptance holds."),
    "seconds": ("double", "How long it took, where that is measured: dbt's tests."),
}
CHECK_RESULTS = MetaTable(
    "check_results",
    "What the gates found in this refresh. One row per check.",
    {
        "refresh_id": ("varchar", "The refresh."),
        **_CHECK,
        "demand": ("varchar", "What must hold, as Great Expectations or dbt words it."),
        "expected": ("varchar", "Why it must hold."),
        **_FOUND,
        "carried": (
            "boolean",
            "Whether it was found by an earlier refresh, and not asked again because the "
            "test and all that it reads are as they were.",
        ),
    },
    key=("check_id",),
)
CHECK_HISTORY = MetaTable(
    "check_history",
    "What the gates found in this refresh and in those of the 400 days before it, "
    "refused ones too, as far as they left evidence; meta.refreshes says how each ended. "
    "One row per refresh and check.",
    {
        "refresh_id": ("varchar", "The refresh."),
        "refreshed_at": ("timestamp", "When it began, UTC."),
        **_CHECK,
        **_FOUND,
    },
    key=("refresh_id", "check_id"),
)
ACCEPTANCES = MetaTable(
    "acceptances",
    "What people had accepted when this release was sealed, and what it did. "
    "One row per check.",
    {
        "refresh_id": ("varchar", "The refresh."),
        "check_id": ("varchar", "The check, subject:name."),
        "state": (
            "varchar",
            "used: it failed and was let pass; unused: it passed; void: it crashed, or is "
            "not acceptable any more; not made: nothing of the kind was checked.",
        ),
        "accepted_by": ("varchar", "The user of the operating system."),
        "accepted_at": ("timestamp", "When, UTC."),
        "reason": ("varchar", "Why, in that person's words."),
        "until": ("date", "The last day on which it holds, by the clock, UTC."),
    },
    key=("check_id",),
)
QUARANTINE = MetaTable(
    "quarantine",
    "Rows of the batches in force that could not be read; those of a table are given by "
    "the last batch that held the whole of it, and later ones. What stood there may be "
    "personal: quarantined_lines of the private file has it. One row per line of a "
    "source.",
    {
        "source": ("varchar", "The source."),
        "entity": ("varchar", "Its entity."),
        "batch_id": ("varchar", "The batch in which it would have landed."),
        "source_file": ("varchar", "The file or table."),
        "line": ("bigint", "The line in the file, from 1, header included."),
        "reason": ("varchar", "Why it could not be read."),
        "quarantined_at": ("timestamp", "When, UTC."),
    },
)
QUARANTINED_LINES = MetaTable(
    "quarantined_lines",
    "What stood in the rows of meta.quarantine. One row per line of a source.",
    {
        **{
            name: QUARANTINE.columns[name]
            for name in ("source", "entity", "batch_id", "source_file", "line")
        },
        "text": ("varchar", "The line as it stands in the source."),
    },
)
SOURCE_FRESHNESS = MetaTable(
    "source_freshness",
    "What each source gave, and when. One row per source and entity.",
    {
        "source": ("varchar", "The source."),
        "entity": ("varchar", "Its entity."),
        "batches": ("integer", "Batches in force."),
        "rows_read": (
            "bigint",
            "Rows read in them: landed, quarantined and forgotten together.",
        ),
        "rows_landed": ("bigint", "Rows that landed."),
        "rows_quarantined": ("bigint", "Rows that could not be read."),
        "different_keys": ("bigint", "Keys of the landed rows, deleted ones too."),
        "repeated_keys": (
            "bigint",
            "Of these, keys that one batch held more than once; the last row counts.",
        ),
        "deleted_keys": ("bigint", "Of these, keys that the source deleted."),
        "superseded_rows": (
            "bigint",
            "Landed rows that are not the newest of their key: what was corrected, "
            "repeated or read twice.",
        ),
        "rows_forgotten": ("bigint", "Rows left out: of a customer who was forgotten."),
        "rows_refused": (
            "bigint",
            "Rows of batches that a gate refused; they are in none of the others.",
        ),
        "last_loaded_at": ("timestamp", "When the newest batch was read, UTC."),
    },
    key=("source", "entity"),
)
