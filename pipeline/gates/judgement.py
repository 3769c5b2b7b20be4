"""The two gates: what landed is accepted or refused, and the marts are judged.

What a person accepted is said in `acceptances`; here the checks only get to know it. Not
here: what must hold (`expectations/`) and how it is asked (`run`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.common.home import Home
from pipeline.gates import incoming, metadata_drift
from pipeline.gates.run import run_suites
from pipeline.gates.suite import (
    Suite,
    entity_suite,
    is_acceptable,
    named,
    severity_of,
    subject_of,
    suites_of_marts,
)
from pipeline.journal import acceptances
from pipeline.journal.evidence import (
    Accepted,
    Declared,
    Evidence,
    with_acceptances,
)
from pipeline.landing.entity import landed_entities
from pipeline.release import duckdb_files, verification
from pipeline.release.layout import Candidate
from pipeline.sources import Source


def gate_in(
    home: Home,
    candidate: Candidate,
    source: Source,
    expectations: Path,
    *,
    full: bool = False,
) -> Evidence:
    """Judges the source's pending batches and accepts or refuses each entity's.

    An entity with a failing critical check has its pending batches refused; the others
    are accepted. Of a source whose metadata is refused all are: a record that was read
    without a field would lack it for good. The accounting of rows covers every batch in
    force, new or not.

    Args:
        full: Everything was read again on request: the columns are what they are now,
            and those that are gone or of another type are reported only.
    """
    entities = list(landed_entities(home, [source]))
    database = candidate.path / f"gate.in.{source.name}.duckdb"
    database.unlink(missing_ok=True)
    suites = [*incoming.accounting(database, entities)]
    suites += incoming.columns(database, entities, full=full)
    suites += metadata_drift.suites(database, entities, full=full)
    suites += incoming.landed(database, entities, expectations)
    gate = f"in.{source.name}"
    checks = with_acceptances(
        run_suites(gate, database, suites), acceptances.held(home)
    )
    evidence = Evidence(
        gate=gate,
        refresh_id=candidate.refresh_id,
        planned=sum(len(suite.expectations) for suite in suites),
        checks=checks,
    )
    refused = {check.subject for check in checks if check.blocks}
    has_changed = any(
        landed.entity.reads == "metadata"
        and subject_of(landed.source, landed.name) in refused
        for landed in entities
    )
    for landed in entities:
        pending = landed.batches("pending")
        if has_changed or subject_of(landed.source, landed.name) in refused:
            for batch in pending:
                landed.refuse(batch)
        else:
            landed.accept_all(pending)
    database.unlink(missing_ok=True)
    return evidence


def gate_out(
    candidate: Candidate,
    sources: Sequence[Source],
    expectations: Path,
    held: Mapping[str, Accepted] | None = None,
) -> Evidence:
    """Judges the marts of the candidate, and binds what it found to the files' hashes.

    A suite is asked of the file in which its table stands.

    Args:
        candidate: What is judged.
        sources: The sources in force; nothing is asked of what none of them provides.
        expectations: The folder of the suites.
        held: The acceptances that hold.
    """
    suites = suites_of_marts(expectations, provided(sources))
    checks = [
        check
        for file, of_file in _by_file(candidate, suites).items()
        for check in run_suites("out", file, of_file)
    ]
    return Evidence(
        gate="out",
        refresh_id=candidate.refresh_id,
        planned=sum(len(suite.expectations) for suite in suites),
        checks=with_acceptances(checks, held or {}),
        files=verification.hashes(candidate),
    )


def _by_file(
    candidate: Candidate, suites: Sequence[Suite]
) -> Mapping[Path, Sequence[Suite]]:
    """File → the suites of its tables; what is nowhere is missed in the warehouse."""
    found: dict[Path, list[Suite]] = {candidate.warehouse_file: [*suites]}
    if candidate.private_file.exists():
        with duckdb_files.connect(candidate.private_file, read_only=True) as connection:
            private = {
                *connection.execute(
                    "select table_schema, table_name from information_schema.tables"
                ).fetchall()
            }
        of_private = [item for item in suites if (item.schema, item.table) in private]
        found = {
            candidate.warehouse_file: [s for s in suites if s not in of_private],
            candidate.private_file: of_private,
        }
    return found


def declared(
    sources: Sequence[Source], expectations: Path, *, full: bool = False
) -> dict[str, Declared]:
    """What the suites say of every check that the gates in and out may make, by its id.

    Args:
        sources: The sources in force.
        expectations: The folder of the suites.
        full: As in `gate_in`.
    """
    suites = suites_of_marts(expectations, provided(sources))
    for source in sources:
        for entity in source.entities.values():
            subject = subject_of(source.name, entity.name)
            suites += [
                Suite(
                    subject, "landing", entity.name, incoming.accounting_demands(entity)
                ),
                Suite(
                    subject, "landing", entity.name, incoming.column_demands(full=full)
                ),
                Suite(
                    subject,
                    "landing",
                    entity.name,
                    metadata_drift.demands(entity, full=full),
                ),
                entity_suite(source.name, entity, expectations, sample=False),
            ]
    return {
        f"{suite.subject}:{name}": Declared(severity_of(item), is_acceptable(item))
        for suite, name, item in named(suites)
    }


def always_made(sources: Sequence[Source], expectations: Path) -> dict[str, set[str]]:
    """Gate → the checks that it makes in every refresh, by id; of the gate out, all."""
    return {
        "out": {
            f"{suite.subject}:{name}"
            for suite, name, _ in named(
                suites_of_marts(expectations, provided(sources))
            )
        }
    }


def provided(sources: Sequence[Source]) -> set[str]:
    """The entities that a source provides."""
    return {entity for source in sources for entity in source.provides}
