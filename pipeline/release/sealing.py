"""Closes a candidate's files and writes its `release.json`; replaces sealed files.

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
from pipeline.release import duckdb_files, permissions
from pipeline.release.layout import FORMAT, Candidate, stated
from pipeline.release.verification import _assert_closed


def seal(
    candidate: Candidate,
    gates: Sequence[str],
    acceptances: Sequence[Use] = (),
    *,
    sealed_at: str = "",
    relations: Mapping[str, Any] | None = None,
) -> Path:
    """Closes the candidate's files and writes `release.json` beside them.

    The evidence goes in as it is, refusals too: whether it suffices is for `verify`.
    Call it after the last write to the files.

    Args:
        gates: The gates whose evidence must be there; recorded, and asked for again by
            `promote` from its own knowledge.
        acceptances: Those that hold, and what each did.
        sealed_at: When, ISO, as it stands in the files too; now without it.
        relations: The keys of its tables and what their columns refer to, for copies.

    Returns:
        The path of `release.json`.
    """
    files = duckdb_files.databases(candidate.release_folder).values()
    for file in files:
        _assert_closed(file)
        sync_file(file)
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
            "sealed_at": sealed_at or attempts.now().isoformat(),
            "files": [_entry(file) for file in files],
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


def replace_files(
    folder: Path,
    new: Mapping[str, Path],
    change: Callable[[Any], Any],
    why: Mapping[str, Any],
) -> None:
    """Puts new files in the place of a release's own, and says so in its record.

    Readers see the old file or the new one: each is one rename. A reader that has an old
    one open keeps it. For the moments around the renames the record states the hashes of
    old and new, so that the release can be verified whenever the process dies.

    Args:
        folder: The release.
        new: File of the release → a closed DuckDB file in the same folder.
        change: Applied to the record, for what stands in it as it does in the files.
        why: The entry for the record's `rewritten`; made once for each `receipt`.
    """
    for file in new.values():
        _assert_closed(file)
        sync_file(file)
    record = read_json(folder / "release.json")
    before = {
        entry["name"]: entry for entries in stated(record).values() for entry in entries
    }
    incoming = [{**_entry(file), "name": name} for name, file in new.items()]
    write_json(folder / "release.json", {**record, "incoming": incoming}, hashed=True)
    for name, file in new.items():
        file.replace(folder / name)
    sync_folder(folder)
    entries = [
        item
        for item in record.get("rewritten", [])
        if item.get("receipt") != why.get("receipt")
    ]
    left = {
        key: value
        for key, value in record.items()
        if key not in {"file", "files", "incoming", "rewritten"}
    }
    write_json(
        folder / "release.json",
        {
            **change(left),
            "files": [
                *(before | {entry["name"]: entry for entry in incoming}).values()
            ],
            "rewritten": [*entries, dict(why)],
        },
        hashed=True,
    )
    permissions.protect(folder)


def _entry(file: Path) -> dict[str, Any]:
    return {
        "name": file.name,
        "bytes": file.stat().st_size,
        "sha256": sha256(file),
    }
