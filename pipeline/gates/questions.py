"""What a gate asks of a table, a question each: what Dagster shows as one check.

A gate makes hundreds of checks, and each event of Dagster costs time; one for all of a
table would say nothing by its name. So those that answer one question of an operator are
shown as one. The evidence keeps each of them. Not here: how they are asked (`run`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.common.errors import ConfigurationError
from pipeline.gates import incoming, judgement, metadata_drift
from pipeline.gates.suite import (
    Suite,
    entity_suite,
    named,
    subject_of,
    suites_of_marts,
)
from pipeline.journal.evidence import Check
from pipeline.sources import Entity, Source

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

ACCOUNTED = "rows_are_accounted_for"
COLUMNS = "columns_are_as_before"
METADATA = "metadata_is_as_before"
TAKEN = "new_rows_are_fit_to_be_taken"
DRIFT = "drift_is_within_bounds"
PUBLISHED = "is_fit_to_be_published"

# What each asks, in a sentence.
ASKS = {
    ACCOUNTED: "Of every batch of {subject} in force, each row that was read is landed, "
    "in the quarantine or a forgotten customer's.",
    COLUMNS: "New batches of {subject} have the columns of those that landed before.",
    METADATA: "The objects of the source are what they were when {subject} was accepted "
    "last.",
    TAKEN: "New rows of {subject} meet the key of sources.yaml and the suite of their "
    "source in expectations/landing.",
    DRIFT: "The rows of {subject} are like those of the days and releases before, as far "
    "as meta.drift compares them.",
    PUBLISHED: "What readers rely on in {subject} holds: its suite in "
    "expectations/marts.",
}
_OF_DRIFT = re.compile(r"drift(_\w+)?")


@dataclass(frozen=True)
class Question:
    """One question about one table.

    Attributes:
        subject: The table, as evidence calls it.
        name: What the question is called on Dagster's page.
        reasons: The checks that answer it, each with why it must hold; none where the
            suites cannot be read, which the gate then says.
        is_rest: Whether it takes the checks that answer no other question.
    """

    subject: str
    name: str
    reasons: Mapping[str, str]
    is_rest: bool = False

    @property
    def description(self) -> str:
        """What is asked in a sentence, and each check with its reason as Markdown."""
        lines = [ASKS[self.name].format(subject=self.subject)]
        if self.reasons:
            lines.append("")
        for check, reason in self.reasons.items():
            lines.append(f"- `{check}`: {reason.strip().rstrip('.') or 'must hold'}.")
        return "\n".join(lines)


def of_source(source: Source, expectations: Path) -> list[Question]:
    """What the gate in asks of each entity of a source."""
    found: list[Question] = []
    for entity in source.entities.values():
        subject = subject_of(source.name, entity.name)
        asked = _of_entity(source.name, entity, expectations)
        # Together, so that a name that stands twice is numbered as in the evidence.
        suites = [Suite(subject, "landing", name, asked[name]) for name in asked]
        reasons = _reasons(suites)
        found += [
            Question(subject, name, reasons.get(name, {}), is_rest=name == TAKEN)
            for name in asked
        ]
    return found


def _of_entity(
    source: str, entity: Entity, expectations: Path
) -> dict[str, Sequence[Expectation]]:
    asked: dict[str, Sequence[Expectation]] = {
        ACCOUNTED: incoming.accounting_demands(entity),
        COLUMNS: incoming.column_demands(full=False),
    }
    if entity.reads == "metadata":
        asked[METADATA] = metadata_drift.demands(entity, full=False)
    try:
        suite = entity_suite(source, entity, expectations, sample=False)
        asked[TAKEN] = suite.expectations
    except ConfigurationError:
        asked[TAKEN] = ()  # the gate says it, with the line
    return asked


def of_marts(
    subjects: Collection[str], sources: Sequence[Source], expectations: Path
) -> list[Question]:
    """What the gate out asks of each table; nothing of one that has no suite.

    Args:
        subjects: The tables of the release.
        sources: The sources in force.
        expectations: The folder of the suites.
    """
    unread = [Question(each, PUBLISHED, {}, is_rest=True) for each in subjects]
    try:
        suites = suites_of_marts(expectations, judgement.provided(sources))
    except ConfigurationError:
        return unread  # the gate says it, with the line
    by_subject: dict[str, dict[str, str]] = {}
    for suite, name, item in named(suites):
        by_subject.setdefault(suite.subject, {})[name] = item.description or ""
    found = []
    for subject in subjects:
        reasons = by_subject.get(subject, {})
        drift = {name: reasons[name] for name in reasons if _OF_DRIFT.fullmatch(name)}
        rest = {name: reasons[name] for name in reasons if name not in drift}
        if drift:
            found.append(Question(subject, DRIFT, drift))
        if rest:
            found.append(Question(subject, PUBLISHED, rest, is_rest=True))
    return found or unread


def answered_by(
    questions: Sequence[Question], checks: Iterable[Check]
) -> list[tuple[Question, list[Check]]]:
    """Each question with the checks that answer it.

    A check that no question knows of, such as one of a suite that was added meanwhile,
    answers the one that takes the rest. Where there is none it stands in the evidence
    alone, which is what `publish` reads.
    """
    known = {
        (question.subject, check): question.name
        for question in questions
        for check in question.reasons
    }
    rest = {each.subject: each.name for each in questions if each.is_rest}
    found: dict[tuple[str, str | None], list[Check]] = {}
    for check in checks:
        name = known.get((check.subject, check.name), rest.get(check.subject))
        found.setdefault((check.subject, name), []).append(check)
    return [(each, found.get((each.subject, each.name), [])) for each in questions]


def _reasons(suites: Sequence[Suite]) -> dict[str, dict[str, str]]:
    """Table → its checks, each with its reason."""
    found: dict[str, dict[str, str]] = {}
    for suite, name, item in named(suites):
        found.setdefault(suite.table, {})[name] = item.description or ""
    return found
