"""Is there room for a refresh, and what to do when the disk is full all the same.

What a refresh needs is estimated from what the last one took, which it notes when it
publishes; before the first one, from the sources' own files. A full disk in the middle
ends the refresh as any error does; then the candidate, which is of no use any more, gives
its room back, so that the journal and Dagster can still be written to.
"""

from __future__ import annotations

import errno
import logging
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.common.errors import CustomerTiersError, GateRefused
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home

log = logging.getLogger("customer_tiers.disk")

# Before the first refresh: how many times the bytes of the sources' files a candidate and
# its release take, and how many those in landing (Parquet is packed).
_OF_SOURCES = 4
_OF_LANDING = 10
# What an engine puts aside while it sorts and joins more than fits into memory, for each
# byte of the candidate.
_SPILL = 1.0
# Runs, events, logs and the journal of one refresh.
_LOGS = 20 * 2**20

# For the journal's last word and Dagster's last events.
_RESERVED = 2 * 2**20

_FULL = re.compile(
    r"no space left on device|disk is full|disk full|database or disk is full"
    r"|disk quota exceeded|file too large|could not write all bytes",
    re.IGNORECASE,
)


class DiskFull(CustomerTiersError):
    """There is no room to begin, or there was none in the middle."""


@dataclass(frozen=True)
class Took:
    """What a refresh took, in bytes.

    Attributes:
        work: The candidate's file of staging and core.
        release: The release: its warehouse and reports.
        landed: What landing grew by.
    """

    work: int
    release: int
    landed: int


@dataclass(frozen=True)
class Need:
    """What a refresh will need of the disk, and what there is.

    Attributes:
        parts: What for, in words, with the bytes.
        free: What the home's file system has left.
        least: What shall be left over.
    """

    parts: Sequence[tuple[str, int]]
    free: int
    least: int

    @property
    def bytes(self) -> int:
        """All parts together."""
        return sum(size for _, size in self.parts)

    @property
    def is_there(self) -> bool:
        """Whether there is room for a refresh."""
        return self.free >= self.bytes + self.least


def note(home: Home, took: Took) -> None:
    """Keeps what a refresh took, for the estimate of the next one."""
    write_json(_notes(home), asdict(took))


def _notes(home: Home) -> Path:
    return home.logs / "disk.json"


def need(home: Home, *, source_files: Sequence[Path], free_megabytes: int) -> Need:
    """What the next refresh will need.

    Args:
        source_files: Files that the sources are read from; only before the first refresh.
        free_megabytes: What shall be left over.
    """
    took = _last(home)
    if took is None:
        landed = size_of(home.landing)
        given = sum(path.stat().st_size for path in source_files if path.is_file())
        took = Took(
            work=max(_OF_SOURCES * given, _OF_LANDING * landed),
            release=max(_OF_SOURCES * given, _OF_LANDING * landed) // 2,
            landed=given,
        )
    parts = [
        ("new batches in landing", took.landed),
        ("the candidate", took.work),
        ("what the engine puts aside", int(_SPILL * took.work)),
        ("the release", took.release),
        ("logs and Dagster", _LOGS),
    ]
    free = shutil.disk_usage(home.root).free
    return Need(parts, free, free_megabytes * 2**20)


def _last(home: Home) -> Took | None:
    try:
        return Took(**read_json(_notes(home)))
    except (OSError, ValueError, TypeError):
        return None


def check(home: Home, wanted: Need) -> None:
    """Stops what will not fit.

    Raises:
        DiskFull: With what takes how much, and what to do.
    """
    if wanted.is_there:
        return
    parts = ", ".join(f"{name} {_mb(size)}" for name, size in wanted.parts)
    raise DiskFull(
        f"The disk of {home.root} has {_mb(wanted.free)} left; a refresh needs about "
        f"{_mb(wanted.bytes)} ({parts}), and {_mb(wanted.least)} are to be left over "
        f"(CUSTOMER_TIERS_FREE_MEGABYTES). The home takes {taken(home)}. Nothing was "
        "changed. Make room: `customer-tiers prune --dry-run` says what may go, and "
        "CUSTOMER_TIERS_KEEP_RELEASES=2 would keep fewer releases."
    )


def taken(home: Home) -> str:
    """What the home takes, by room, the largest first."""
    rooms = {
        "releases": home.releases,
        "landing": home.landing,
        "quarantine": home.quarantine,
        "candidates": home.candidates,
        "dagster": home.dagster,
        "logs": home.logs,
        "exports": home.exports,
    }
    sizes = sorted(
        ((size_of(path), name) for name, path in rooms.items()), reverse=True
    )
    return ", ".join(f"{name} {_mb(size)}" for size, name in sizes if size)


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def size_of(path: Path) -> int:
    """The bytes of a file or of everything in a folder; what vanishes meanwhile is 0."""
    paths = [path]
    if path.is_dir() and not path.is_symlink():
        paths = [item for item in path.rglob("*") if not item.is_dir()]
    size = 0
    for item in paths:
        try:
            size += item.lstat().st_size
        except FileNotFoundError:
            continue
    return size


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, is that the disk is full.

    Engines say it in words only, and Dagster and dbt pass the words on.
    """
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        if isinstance(at, GateRefused):
            return False  # its words may be those of the data
        if isinstance(at, DiskFull):
            return True
        if isinstance(at, OSError) and at.errno in {errno.ENOSPC, errno.EDQUOT}:
            return True
        if _FULL.search(str(at)):
            return True
        at = at.__cause__ or at.__context__
    return False


def raise_if_full(home: Home, crashes: Iterable[str]) -> None:
    """Reports checks that crashed for want of room as what they are.

    Args:
        home: Whose disk it is.
        crashes: What the engine said of each check that could not be made; never words
            of the data.

    Raises:
        DiskFull: One of them is for want of room.
    """
    for said in crashes:
        if _FULL.search(said):
            raise DiskFull(explain_full(home, OSError(said)))


def explain_full(home: Home, error: BaseException) -> str:
    """The sentence for a disk that is full in the middle of a refresh."""
    words = " ".join(str(error).split())[:300]
    return (
        f"the disk of {home.root} is full ({words}). Readers see what they saw before, "
        "and nothing was lost. Make room (`customer-tiers prune --dry-run` says what may "
        "go) and run the refresh again."
    )


def reserve(home: Home) -> None:
    """Puts a little room aside for what has to be written when there is none left."""
    path = _reserve(home)
    if not path.exists() or path.stat().st_size < _RESERVED:
        with path.open("wb") as file:
            file.write(b"\0" * _RESERVED)


def _reserve(home: Home) -> Path:
    return home.logs / ".reserve"


def make_room(home: Home, refresh_id: str) -> None:
    """Gives back what a refresh took that has run out of room; its evidence stays."""
    _reserve(home).unlink(missing_ok=True)
    candidate = home.candidates / refresh_id
    for path in (*candidate.glob("*.duckdb*"), *candidate.glob("release/*.duckdb*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for room in (home.landing, home.quarantine, home.root / "identity"):
        for path in room.glob("**/*.partial") if room.exists() else ():
            path.unlink(missing_ok=True)
