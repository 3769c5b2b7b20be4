"""Whether evidence and files allow a release: re-read from disk each time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.common.errors import GateRefused
from pipeline.common.files import read_json, sha256
from pipeline.journal import evidence
from pipeline.release import duckdb_files
from pipeline.release.layout import DATABASES, Candidate, stated


def judge(
    candidate: Candidate, gates: Iterable[str], terms: evidence.Terms | None = None
) -> list[str]:
    """Why the evidence on disk does not allow this candidate; empty when it does.

    Reads the evidence and the files as the gate out left them, so it must be asked
    before anything else is written into them.

    Args:
        candidate: What is to be published.
        gates: The gates whose evidence must be there.
        terms: What the suites declare and which acceptances hold; without it the
            evidence is believed in that too.
    """
    try:
        found = evidence.load_all(candidate.evidence_folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"the evidence in {candidate.evidence_folder} is damaged ({error})"]
    problems = _evidence_problems(found, gates, candidate.refresh_id, terms)
    seen = found.get("out")
    if seen is not None:
        there = hashes(candidate)
        problems += [
            f"{candidate.release_folder / name} is not the file that the gate looked at"
            for name in DATABASES.values()
            if seen.files.get(name) != there.get(name)
        ]
    return problems


def hashes(candidate: Candidate) -> dict[str, str]:
    """File of the release in the making → its SHA-256, which binds evidence to it."""
    files = duckdb_files.databases(candidate.release_folder)
    return {path.name: sha256(path) for path in files.values()}


def verify(
    folder: Path, gates: Iterable[str], terms: evidence.Terms | None = None
) -> list[str]:
    """Re-reads `release.json` and the files: why they may not be published.

    Args:
        folder: The release, or the one in the making.
        gates: The gates whose evidence must be there.
        terms: As in `judge`. A release that was published under an acceptance stays
            good when its day is over: what is only read is read without terms.

    Returns:
        The reasons, empty when there is none.
    """
    try:
        record = read_json(folder / "release.json")
        files = {
            name: {entry["sha256"] for entry in entries}
            for name, entries in stated(record).items()
        }
        found = {item["gate"]: evidence.from_json(item) for item in record["evidence"]}
        refresh_id = record["refresh_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{folder / 'release.json'} is missing or damaged ({error})"]
    problems = _evidence_problems(found, gates, refresh_id, terms)
    problems += [
        f"{path} was not sealed"
        for path in duckdb_files.databases(folder).values()
        if path.name not in files
    ]
    for name, sealed in files.items():
        try:
            _assert_closed(folder / name)
            if sha256(folder / name) not in sealed:
                problems.append(
                    f"{folder / name} is not the file that was sealed (hash)"
                )
        except (OSError, GateRefused) as error:
            problems.append(str(error))
    return problems


def _evidence_problems(
    found: dict[str, evidence.Evidence],
    gates: Iterable[str],
    refresh_id: str,
    terms: evidence.Terms | None,
) -> list[str]:
    problems = []
    if terms is not None:
        for gate, item in found.items():
            found[gate] = evidence.judged(item, terms)
            problems += [
                f"gate {gate}: {check} was not checked"
                for check in evidence.not_made(item, terms)
            ]
    for gate in gates:
        if gate not in found:
            problems.append(f"gate {gate} left no evidence")
        elif found[gate].refresh_id != refresh_id:
            problems.append(
                f"the evidence of gate {gate} is of {found[gate].refresh_id}"
            )
    for item in found.values():
        problems.extend(item.problems())
    return problems


def _assert_closed(path: Path) -> None:
    # DuckDB silently replays a .wal into whatever file takes its name.
    leftover = path.with_name(path.name + ".wal")
    if leftover.exists():
        raise GateRefused(f"{leftover} is left over: the file beside it was not closed")
