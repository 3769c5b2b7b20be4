"""What the next refresh goes on from: the work file of the current release.

    candidates/kept/work.duckdb   landing views, staging, core, as they were built
    candidates/kept/nodes.json    what each table was made of (`transform.traces`), and
                                  whose release it is

Whatever is made of the same again need not be built again. It lies among the candidates
because it is one that nobody waits for: `forget` removes it with them, a backup leaves it
out, and it counts as theirs. A refresh takes it away before it writes to it, so that a
refresh that does not publish leaves none, and the next one builds everything. Not here:
what is the same (`transform.traces`).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.files import read_json, sync_folder, write_json
from pipeline.common.home import Home
from pipeline.release import duckdb_files
from pipeline.release.catalogue import Release
from pipeline.release.layout import Candidate, stated

log = logging.getLogger("customer_tiers.release")

NODES = "nodes.json"
WORK = "work.duckdb"


@dataclass(frozen=True)
class Kept:
    """What a candidate goes on from; its own work file holds the former tables.

    Attributes:
        nodes: What was noted of each table and test.
        release: The folder of the current release.
    """

    nodes: Mapping[str, Any]
    release: Path


def folder(home: Home) -> Path:
    """Where it lies."""
    return home.candidates / "kept"


def note(candidate: Candidate, nodes: Mapping[str, Any]) -> None:
    """Writes down what a candidate's tables were made of, once all are built."""
    write_json(candidate.path / NODES, dict(nodes))


def keep(home: Home, refresh_id: str) -> None:
    """Keeps the work file of a release that is current now.

    A candidate that noted nothing, because dbt built it or it is an old one, leaves none.
    The release is published: that it cannot be kept costs the next refresh its time.
    """
    discard(home)
    try:
        _keep(home, refresh_id)
    except (OSError, ValueError, KeyError) as error:
        log.warning("nothing is kept for the next refresh: %s", error)
        discard(home)


def _keep(home: Home, refresh_id: str) -> None:
    candidate = home.candidates / refresh_id
    noted = candidate / NODES
    work = candidate / WORK
    if not noted.exists() or not work.exists():
        return
    there = folder(home)
    there.mkdir(mode=0o700)
    kept = there / WORK
    work.replace(kept)
    write_json(
        there / NODES,
        {
            "release": refresh_id,
            "files": _hashes(home.releases / refresh_id),
            "work": _state(kept),
            "nodes": read_json(noted),
        },
        hashed=True,
    )
    sync_folder(there)


def take(home: Home, candidate: Candidate, release: Release | None) -> Kept | None:
    """Moves what is kept into a candidate, whose work file it becomes.

    Args:
        home: Where it is kept.
        candidate: Whose work file is not there yet.
        release: The newest whole release; tables of it are taken over.

    Returns:
        None where nothing is kept, where anything about it is not as it was noted, and
        where another release is current by now.
    """
    there = folder(home)
    found: Kept | None = None
    with suppress(OSError, ValueError, KeyError, TypeError, duckdb.Error):
        record = read_json(there / NODES)
        if (
            release is not None
            and release.is_current
            and record["release"] == release.refresh_id
            and record["files"] == _hashes(release.path)
            and record["work"] == _state(there / WORK)
            and _is_dense(there / WORK)
        ):
            # From here on it says nothing of the file.
            (there / NODES).unlink()
            (there / WORK).replace(candidate.work_file)
            found = Kept(record["nodes"], release.path)
    discard(home)
    return found


def discard(home: Home) -> None:
    """Removes what is kept, so that the next refresh builds everything."""
    there = folder(home)
    shutil.rmtree(there, ignore_errors=True)
    with suppress(OSError):
        there.unlink()  # where somebody put a file


def _is_dense(work: Path) -> bool:
    """Whether the file can be written to, and is not mostly room of dropped tables.

    Opened as it will be: somebody who reads it, after a refusal led there, holds a lock that
    nobody can write under.

    Raises:
        duckdb.Error: It cannot be opened, or another process has it open.
    """
    with duckdb_files.connect(work) as connection:
        found = connection.execute(
            "select 2 * free_blocks <= total_blocks from pragma_database_size()"
        ).fetchone()
    return found is not None and bool(found[0])


def _hashes(release: Path) -> dict[str, list[str]]:
    return {
        name: [entry["sha256"] for entry in entries]
        for name, entries in stated(read_json(release / "release.json")).items()
    }


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
