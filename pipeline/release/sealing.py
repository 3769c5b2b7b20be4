"""Closes a candidate's file and writes its `release.json`; replaces a sealed file.

Not here: whether the evidence suffices (`verification`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.common.files import read_json, sha256, sync_file, sync_folder, write_json
from pipeline.common.home import Home
from pipeline.journal import attempts, evidence
from pipeline.journal.acceptances import Use
from pipeline.release.layout import FORMAT, WAREHOUSE, Candidate
from pipeline.release.verification import _assert_closed


def seal(
    candidate: Candidate,
    gates: Sequence[str],
    acceptances: Sequence[Use] = (),
    *,
    relations: Mapping[str, Any] | None = None,
) -> Path:
    """Closes the candidate's file and writes `release.json` beside it.

    The evidence goes in as it is, refusals too: whether it suffices is for `verify`.
    Call it after the last write to the warehouse file.

    Args:
        gates: The gates whose evidence must be there; recorded, and asked for again by
            `promote` from its own knowledge.
        acceptances: Those that hold, and what each did.
        relations: The keys of its tables and what their columns refer to, for copies.

    Returns:
        The path of `release.json`.
    """
    _assert_closed(candidate.warehouse_file)
    sync_file(candidate.warehouse_file)
    found = evidence.load_all(candidate.evidence_folder)
    path = candidate.release_folder / "release.json"
    write_json(
        path,
        {
            "format": FORMAT,
            "refresh_id": candidate.refresh_id,
            "run_id": candidate.run_id,
            "as_of_date": candidate.as_of_date,
            "time_zone": candidate.time_zone,
            "reporting_currency": candidate.reporting_currency,
            "opened_at": candidate.opened_at,
            "sealed_at": attempts.now().isoformat(),
            "file": {
                "name": WAREHOUSE,
                "bytes": candidate.warehouse_file.stat().st_size,
                "sha256": sha256(candidate.warehouse_file),
            },
            "gates": list(gates),
            "acceptances": [asdict(use) for use in acceptances],
            "relations": dict(relations or {}),
            "evidence": [asdict(item) for item in found.values()],
        },
        hashed=True,
    )
    return path


def is_sealed(home: Home, candidate: Candidate) -> bool:
    """Whether the candidate has its `release.json`, be it already among the releases."""
    folders = (candidate.release_folder, home.releases / candidate.refresh_id)
    return any((folder / "release.json").exists() for folder in folders)


def replace_warehouse(
    folder: Path, new: Path, change: Callable[[Any], Any], why: Mapping[str, Any]
) -> None:
    """Puts a new file in the place of a release's own, and says so in its record.

    Readers see the old file or the new one: it is one rename. A reader that has the old
    one open keeps it. For the moments around the rename the record states the hashes of
    both, so that the release can be verified whenever the process dies.

    Args:
        folder: The release.
        new: A closed DuckDB file in the same folder.
        change: Applied to the record, for what stands in it as it does in the file.
        why: The entry for the record's `rewritten`; made once for each `receipt`.
    """
    _assert_closed(new)
    sync_file(new)
    record = read_json(folder / "release.json")
    incoming = {
        "name": WAREHOUSE,
        "bytes": new.stat().st_size,
        "sha256": sha256(new),
    }
    write_json(folder / "release.json", {**record, "incoming": incoming}, hashed=True)
    new.replace(folder / WAREHOUSE)
    sync_folder(folder)
    record.pop("incoming", None)
    entries = [
        item
        for item in record.pop("rewritten", [])
        if item.get("receipt") != why.get("receipt")
    ]
    write_json(
        folder / "release.json",
        {**change(record), "file": incoming, "rewritten": [*entries, dict(why)]},
        hashed=True,
    )
