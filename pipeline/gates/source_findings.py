"""What is said of a sample that was read: rows that cannot be read, columns that lack.

Not here: how it is read (`source_trial`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.common.errors import (
    ConfigurationError,
    GateRefused,
    SourceUnavailable,
)
from pipeline.common.language import joined, said
from pipeline.gates.trial_findings import Declaration, Finding, listed
from pipeline.landing.batches import Batch
from pipeline.landing.write import BatchWriter
from pipeline.sources import Entity, Extract, Personal, Reader, Source


@dataclass(frozen=True)
class Reading:
    """What it takes to read an entity of a source."""

    source: Source
    entity: Entity
    reader: Reader
    writer: BatchWriter
    declaration: Declaration

    @property
    def name(self) -> str:
        """As a person names it."""
        return f"{self.source.name}.{self.entity.name}"

    def finding(self, message: str, exit_code: int, *keys: str) -> Finding:
        """A finding whose place is an option of the entity."""
        return self.declaration.finding(
            message, exit_code, self.source.name, "entities", self.entity.name, *keys
        )


def too_many_rejected(
    reading: Reading, batch: Batch, extract: Extract
) -> Finding | None:
    """What the gate would say of a file with too many rows that cannot be read."""
    share = reading.entity.max_quarantined
    if batch.rows_quarantined <= share * batch.rows_read:
        return None
    first = extract.rejected[0]
    return reading.finding(
        said(
            "{name}: {failed:,} of {rows:,} rows of {file} cannot be read, and at most "
            "{share:.1%} may (max_quarantined). The first{line}: {reason}. Mend the file, "
            "or how it is read in sources.yaml.",
            name=reading.name,
            failed=batch.rows_quarantined,
            rows=batch.rows_read,
            file=batch.origin,
            share=share,
            line=said(", line {line}", line=first.line) if first.line else "",
            reason=first.reason.rstrip("."),
        ),
        GateRefused.exit_code,
        "columns" if reading.entity.columns else "files",
    )


def nothing(
    reading: Reading, unsettled: Sequence[str], rows: Sequence[Batch]
) -> Finding:
    """Nothing has been read, and nothing is broken."""
    if unsettled:
        return reading.finding(
            said(
                "{name}: its files are still being written: {files}. Ask again once they "
                "are whole; how long a file must be unchanged is `settle_seconds` in "
                "sources.yaml.",
                name=reading.name,
                files=joined(unsettled, "; "),
            ),
            SourceUnavailable.exit_code,
            "files",
        )
    return reading.finding(
        said(
            "{name}: {files} hold no row and no column. Bring a file with a header at "
            "least, or take the entity out of sources.yaml.",
            name=reading.name,
            files=listed([batch.origin for batch in rows]) or said("its files"),
        ),
        SourceUnavailable.exit_code,
        "files",
    )


def needed(entity: Entity) -> dict[str, Sequence[str]]:
    """The columns that sources.yaml names, by the option that names them."""
    personal = entity.personal if isinstance(entity.personal, Personal) else None
    return {
        "key": () if entity.is_by_position else entity.key,
        "replace": entity.replace,
        "cursor": [entity.cursor.column] if entity.cursor else (),
        "deleted_when": [mark.column for mark in entity.deleted_when],
        "personal": [personal.customer, *personal.references] if personal else (),
    }


def missing(
    reading: Reading, option: str, name: str, batches: Sequence[Batch]
) -> Iterator[Finding]:
    """A column that sources.yaml names and that some files, or all, do not have."""
    lacking = [
        batch
        for batch in batches
        if name.lower() not in {column.lower() for column in batch.columns}
    ]
    if not lacking:
        return
    files = listed([batch.origin for batch in lacking])
    columns = ", ".join(lacking[0].columns)
    yield reading.finding(
        said(
            "{name}: there is no column {column} in {files}, which sources.yaml names in "
            "`{option}`; {has}.",
            name=reading.name,
            column=name,
            files=files,
            option=option,
            has=said("there are {columns}", columns=columns)
            if len(lacking) == 1
            else said("{file} has {columns}", file=lacking[0].origin, columns=columns),
        ),
        ConfigurationError.exit_code,
        option,
    )


def differing(reading: Reading, batches: Sequence[Batch]) -> Iterator[Finding]:
    """Columns that only some files have: they are null in the others."""
    every = dict.fromkeys(name for batch in batches for name in batch.columns)
    wanted = {name for names in needed(reading.entity).values() for name in names}
    for name in every:
        lacking = [batch.origin for batch in batches if name not in batch.columns]
        if lacking and name not in wanted:
            yield reading.finding(
                said(
                    "{name}: {files} have no column {column}, which other files have; it "
                    "is null there."
                    if len(lacking) > 1
                    else "{name}: {files} has no column {column}, which other files have; "
                    "it is null there.",
                    name=reading.name,
                    files=listed(lacking),
                    column=name,
                ),
                0,
                "files",
            )
