"""Whether evidence and file allow a release: re-read from disk each time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.common.errors import GateRefused
from pipeline.common.files import read_json, sha256
from pipeline.journal import evidence
from pipeline.release.layout import WAREHOUSE, Candidate


def judge(
    candidate: Candidate, gates: Iterable[str], terms: evidence.Terms | None = None
) -> list[str]:
    """Why the evidence on disk does not allow this candidate; empty when it does.

    Reads the evidence and the file as the gate out left it, so it must be asked
    before anything else is written into the file.

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
    if seen is not None and candidate.warehouse_file.exists():
        actual = sha256(candidate.warehouse_file)
        if seen.warehouse_sha256 != actual:
            problems.append(
                f"{candidate.warehouse_file} is not the file that the gate looked at"
            )
    return problems


def verify(
    folder: Path, gates: Iterable[str], terms: evidence.Terms | None = None
) -> list[str]:
    """Re-reads `release.json` and the file: why they may not be published.

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
        stated = {record["file"]["sha256"]}
        if "incoming" in record:  # see replace_warehouse
            stated.add(record["incoming"]["sha256"])
        found = {item["gate"]: evidence.from_json(item) for item in record["evidence"]}
        refresh_id = record["refresh_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{folder / 'release.json'} is missing or damaged ({error})"]
    problems = _evidence_problems(found, gates, refresh_id, terms)
    try:
        _assert_closed(folder / WAREHOUSE)
        if sha256(folder / WAREHOUSE) not in stated:
            problems.append(
                f"{folder / WAREHOUSE} is not the file that was sealed (hash)"
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
