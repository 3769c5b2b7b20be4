"""What the gates found, kept on disk beside the candidate until `publish` reads it.

A blocking check holds for one run of Dagster only: materializing `publish` alone in a
later run would succeed after a failed check. So the evidence is a file, and `publish`
believes the file. Judging is the gates' work; here is only the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline.home import read_json, write_json

Severity = Literal["critical", "warning"]
Outcome = Literal["passed", "failed", "crashed"]

EXAMPLES_KEPT = 5


@dataclass(frozen=True)
class Check:
    """One check of one gate and what became of it.

    Attributes:
        gate: `in.<source>`, `transform` or `out`.
        subject: The table that was looked at.
        name: The expectation or test, with its columns.
        severity: `critical` stops the release, `warning` is read by a person.
        outcome: A check that could not be evaluated is `crashed`, never failed or passed.
        expected: What must hold, and why.
        observed: What was found instead, or the value that was measured.
        failing_rows: How many rows break it, where that can be counted.
        examples: A few of them, by their keys.
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

    @property
    def blocks(self) -> bool:
        """Whether this check keeps a release from being published."""
        return self.severity == "critical" and self.outcome != "passed"

    def sentence(self) -> str:
        """One line for a person: what, where, how many, an example."""
        parts = [f"{self.subject}: {self.name} {self.outcome}"]
        if self.failing_rows:
            parts.append(f"{self.failing_rows:,} rows")
        if self.observed:
            parts.append(self.observed)
        if self.examples:
            shown = ", ".join(
                " ".join(f"{key}={value}" for key, value in example.items())
                for example in self.examples[:2]
            )
            parts.append(f"such as {shown}")
        return "; ".join(parts)

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
    """All that one gate found in one look at one candidate.

    `planned` is how many checks the gate set out to make. `warehouse_sha256` binds the
    evidence to the very file that was looked at, where the gate looks at it.
    """

    gate: str
    refresh_id: str
    planned: int
    checks: Sequence[Check]
    warehouse_sha256: str | None = None

    def problems(self) -> list[str]:
        """Why this evidence does not allow a release; empty when it does."""
        found = [check.sentence() for check in self.checks if check.blocks]
        if len(self.checks) != self.planned:
            found.append(
                f"gate {self.gate}: {self.planned} checks were planned and "
                f"{len(self.checks)} were made"
            )
        return found


def save(folder: Path, evidence: Evidence) -> None:
    """Writes the evidence of one gate, in place of an earlier look at the candidate."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(folder / f"{evidence.gate}.json", asdict(evidence))


def load_all(folder: Path) -> dict[str, Evidence]:
    """The evidence of every gate that has looked, by gate."""
    return {
        path.stem: from_json(read_json(path)) for path in sorted(folder.glob("*.json"))
    }


def from_json(value: Mapping[str, Any]) -> Evidence:
    """The evidence that `asdict` turned into plain values."""
    checks = [Check(**check) for check in value["checks"]]
    return Evidence(**{**value, "checks": checks})


def required_gates(sources: Iterable[str]) -> list[str]:
    """The gates without whose evidence nothing is published."""
    return [*(f"in.{source}" for source in sources), "transform", "out"]
