"""What the gates found, kept on disk beside the candidate until `publish` reads it.

A blocking check holds for one run of Dagster only: materializing `publish` alone in a
later run would succeed after a failed check. So the evidence is a file, and `publish`
believes the file. What it does not believe is how bad a failure would be and who accepted
it: that is declared by the suites and kept in the journal of acceptances, and `judged`
puts it beside what the file says. Judging is the gates' work; here is only the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pipeline.common.files import read_json, write_json
from pipeline.common.language import Sentence, joined, said

Severity = Literal["critical", "warning"]
Outcome = Literal["passed", "failed", "crashed"]

EXAMPLES_KEPT = 5
# What bound evidence to the one file that a release had before; nobody asks for it.
_FORMER_HASH = "warehouse_sha256"
# What a check says that was left out: it crashed, and is no cause.
NOT_MADE = "not made, because something before it failed"


@dataclass(frozen=True)
class Accepted:
    """That a person lets a failed check pass, on the record.

    Attributes:
        by: The user of the operating system.
        at: When, ISO, UTC.
        reason: In that person's words.
        until: The last day on which it holds, ISO.
    """

    by: str
    at: str
    reason: str
    until: str


@dataclass(frozen=True)
class Declared:
    """How bad a failure of a check is, as its suite says."""

    severity: Severity
    acceptable: bool = False

    @property
    def may_be_accepted(self) -> bool:
        """Whether a person may accept that it failed; an integrity check never."""
        return self.severity == "warning" or self.acceptable


@dataclass(frozen=True)
class Check:
    """One check of one gate and what became of it.

    Attributes:
        gate: `in.<source>`, `transform` or `out`.
        subject: The table that was checked.
        name: The expectation or test, with its columns; once in a subject.
        severity: `critical` stops the release, `warning` is read by a person.
        outcome: A check that could not be evaluated is `crashed`, never failed or passed.
        expected: Why it must hold.
        observed: What was found instead, or the value that was measured.
        failing_rows: How many rows break it, where that can be counted.
        examples: A few of them, by their keys.
        demand: What must hold, as Great Expectations or dbt words it.
        rows: How many rows were checked, where that is known.
        acceptable: A person may accept that it failed, although it is critical.
        accepted: Who did. The outcome stays what it is.
        seconds: How long it took, where that is measured.
        carried: An earlier refresh found it, of the same rows.
        expected_zh: The reason in Chinese, where whoever wrote the check says it; of the
            product's own all do.
        demand_zh: What must hold, in Chinese.
    """

    gate: str
    subject: str
    name: str
    severity: Severity
    outcome: Outcome
    expected: str = ""
    observed: str = ""
    failing_rows: int | None = None
    examples: Sequence[Mapping[str, Any]] = field(default_factory=list)
    demand: str = ""
    rows: int | None = None
    acceptable: bool = False
    accepted: Accepted | None = None
    seconds: float | None = None
    carried: bool = False
    expected_zh: str = ""
    demand_zh: str = ""

    @property
    def id(self) -> str:
        """What a person calls it, such as `marts.customers:nobody_owns_itself`."""
        return f"{self.subject}:{self.name}"

    @property
    def was_left_out(self) -> bool:
        """Whether it was not even tried, because something before it failed."""
        return self.outcome == "crashed" and self.observed == NOT_MADE

    @property
    def may_be_accepted(self) -> bool:
        """Whether a person may accept it: it failed, and is no integrity check."""
        declared = Declared(self.severity, self.acceptable)
        return self.outcome == "failed" and declared.may_be_accepted

    @property
    def is_accepted(self) -> bool:
        """Whether a person did; what names an integrity check or a crash is void."""
        return self.accepted is not None and self.may_be_accepted

    @property
    def blocks(self) -> bool:
        """Whether this check keeps a release from being published.

        Whatever is not said to be a warning stops, whatever did not pass has not passed.
        """
        stops = self.severity != "warning" and self.outcome != "passed"
        return stops and not self.is_accepted

    def sentence(self) -> Sentence:
        """One line for a person: what, where, how many, an example."""
        parts: list[str] = [
            said(
                "{subject}: {name} {outcome}",
                subject=self.subject,
                name=self.name,
                outcome=said(self.outcome),
            )
        ]
        if self.failing_rows:
            parts.append(said("{rows:,} rows", rows=self.failing_rows))
        if self.observed:
            parts.append(self.observed)
        if self.examples:
            examples = ", ".join(
                " ".join(f"{key}={value}" for key, value in example.items())
                for example in self.examples[:2]
            )
            parts.append(said("such as {examples}", examples=examples))
        if self.is_accepted and self.accepted is not None:
            parts.append(
                said(
                    "accepted by {by} until {until}",
                    by=self.accepted.by,
                    until=self.accepted.until,
                )
            )
        return joined(parts, "; ")

    def facts(self) -> dict[str, Any]:
        """What a log may have of it: no values of rows."""
        return {
            "event": "check",
            "message": f"{self.severity} {self.subject}: {self.name} {self.outcome}",
            "gate": self.gate,
            "subject": self.subject,
            "check": self.name,
            "severity": self.severity,
            "outcome": self.outcome,
            "failing_rows": self.failing_rows,
        }


@dataclass(frozen=True)
class Evidence:
    """All that one gate found when it judged one candidate.

    `planned` is how many checks the gate set out to make. `files` binds the evidence to
    the very files that were judged, each name with its SHA-256, where the gate judges
    files.
    """

    gate: str
    refresh_id: str
    planned: int
    checks: Sequence[Check]
    files: Mapping[str, str] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Why this evidence does not allow a release; empty when it does."""
        found: list[str] = [check.sentence() for check in self.checks if check.blocks]
        if len(self.checks) != self.planned:
            found.append(
                said(
                    "gate {gate}: {planned} checks were planned and {made} were made",
                    gate=self.gate,
                    planned=self.planned,
                    made=len(self.checks),
                )
            )
        return found

    def crashes(self) -> list[str]:
        """What was said of each blocking check that could not be made."""
        return [
            check.observed
            for check in self.checks
            if check.outcome == "crashed" and check.blocks
        ]


@dataclass(frozen=True)
class Terms:
    """What `publish` knows itself, whatever the evidence on disk says.

    Attributes:
        declared: Check → what its suite declares, for every check that may be made.
        held: Check → the acceptance that holds today, from the journal.
        always: Gate → the checks that it must have made.
    """

    declared: Mapping[str, Declared]
    held: Mapping[str, Accepted] = field(default_factory=dict)
    always: Mapping[str, Iterable[str]] = field(default_factory=dict)


def judged(evidence: Evidence, terms: Terms) -> Evidence:
    """The evidence as it counts under these terms.

    Severity and acceptability come from the suites, so that an edited file does not make
    a warning of an integrity check; one that no suite knows is critical. An acceptance
    counts if the journal holds it today: it may have been withdrawn since the gate judged,
    or have been written into the file by hand.
    """
    checks = []
    for check in evidence.checks:
        declared = terms.declared.get(check.id, Declared("critical"))
        held = terms.held.get(check.id)
        checks.append(
            replace(
                check,
                severity=declared.severity,
                acceptable=declared.acceptable,
                accepted=held if held == check.accepted else None,
            )
        )
    return replace(evidence, checks=checks)


def not_made(evidence: Evidence, terms: Terms) -> list[str]:
    """The checks that this gate always makes and did not make."""
    made = {check.id for check in evidence.checks}
    return sorted(set(terms.always.get(evidence.gate, ())) - made)


def with_acceptances(
    checks: Iterable[Check], held: Mapping[str, Accepted]
) -> list[Check]:
    """The checks, the accepted ones saying so; what may not be accepted stays as it is."""
    return [
        replace(check, accepted=held[check.id])
        if check.id in held and check.may_be_accepted
        else check
        for check in checks
    ]


def save(folder: Path, evidence: Evidence) -> None:
    """Writes the evidence of one gate, in place of what it found in the candidate before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(folder / f"{evidence.gate}.json", asdict(evidence))


def load_all(folder: Path) -> dict[str, Evidence]:
    """The evidence of every gate that has judged, by gate."""
    return {
        path.stem: from_json(read_json(path)) for path in sorted(folder.glob("*.json"))
    }


def from_json(value: Mapping[str, Any]) -> Evidence:
    """The evidence that `asdict` turned into plain values."""
    checks = [
        Check(
            **{
                **check,
                "accepted": Accepted(**check["accepted"])
                if check.get("accepted")
                else None,
            }
        )
        for check in value["checks"]
    ]
    others = {key: value[key] for key in value if key not in {"checks", _FORMER_HASH}}
    return Evidence(**others, checks=checks)


def required_gates(sources: Iterable[str]) -> list[str]:
    """The gates without whose evidence nothing is published."""
    return [*(f"in.{source}" for source in sources), "transform", "out"]
