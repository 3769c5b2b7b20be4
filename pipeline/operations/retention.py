"""What is kept of a home, and what goes: releases, candidates, journal, logs, leftovers.

Plain functions on paths; the caller holds the refresh lock. `plan` says what would go and
why, `prune` does it. Nothing that a reader reads, that counts as landed, or that is left
of a forgetting goes by age: the current release, accepted batches, receipts and the list
of forgotten keys stay for ever. Runs in Dagster are `pipeline.orchestration.runs`.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.files import read_json
from pipeline.common.home import Home
from pipeline.common.settings import Keeping, Settings
from pipeline.journal import attempts, removal
from pipeline.journal.disk import size_of
from pipeline.landing import compaction
from pipeline.landing.compaction import Packing
from pipeline.landing.store import stores
from pipeline.release import pruning

log = logging.getLogger("customer_tiers.retention")

# What a process that holds no lock may be writing at this moment is younger.
_SURELY_LEFT = dt.timedelta(hours=1)
_BY_PRUNING = ("releases", "candidates")
_LOGS = ("*.log", "*.jsonl", "*.log.gz", "*.jsonl.gz", "*.txt")


@dataclass(frozen=True)
class Gone:
    """Something that goes: what it is, where, how large, and why."""

    what: str
    path: Path
    bytes: int
    why: str


@dataclass(frozen=True)
class Pruned:
    """What went, and what was put together.

    Attributes:
        not_removed: What should have gone and could not be removed.
    """

    gone: Sequence[Gone]
    packed: Sequence[Packing]
    not_removed: Sequence[Gone] = ()

    @property
    def bytes(self) -> int:
        """The room that what went had taken."""
        return sum(item.bytes for item in self.gone)


def plan(home: Home, settings: Settings, *, now: dt.datetime) -> Pruned:
    """What would go, and what would be put together; changes nothing."""
    keep = settings.keeping
    return Pruned(
        gone=[
            *leftovers(home, now=now),
            *_releases(home, settings),
            *_attempts(home, keep),
            *_by_age(home, keep, now),
            *_refused_batches(home, keep, now),
        ],
        packed=compaction.plan(
            home,
            least_files=keep.compact_files,
            small_bytes=keep.compact_megabytes * 2**20,
        ),
    )


def prune(home: Home, settings: Settings, *, now: dt.datetime) -> Pruned:
    """Removes what need not be kept, and puts small batches together.

    What cannot be removed or put together stays for the next time, and is no error.
    """
    try:
        sweep_landing(home)
    except OSError as error:
        log.warning("not every leftover of landing could be removed: %s", error)
    found = plan(home, settings, now=now)
    pruning.prune(
        home,
        keep_releases=settings.keep_releases,
        keep_candidates=settings.keep_candidates,
        keep_months=settings.keeping.monthly_releases,
    )
    removal.remove(
        home, [item.path for item in found.gone if item.what not in _BY_PRUNING]
    )
    packed = []
    for packing in found.packed:
        try:
            compaction.pack(home, packing)
            packed.append(packing)
        except OSError as error:
            log.warning(
                "files of %s.%s could not be put together: %s",
                packing.source,
                packing.entity,
                error,
            )
    left = [item for item in found.gone if os.path.lexists(item.path)]
    done = Pruned(
        gone=[item for item in found.gone if item not in left],
        packed=packed,
        not_removed=left,
    )
    if done.gone or done.packed:
        log.info("%s", summarise(done))
    return done


def summarise(found: Pruned) -> str:
    """In one line what was done."""
    kinds = sorted({item.what for item in found.gone})
    parts = [
        f"{sum(item.what == kind for item in found.gone):,} {kind}" for kind in kinds
    ]
    text = ", ".join(parts)
    if parts:
        text = f"removed {text} ({found.bytes / 1e6:,.1f} MB)"
    if found.packed:
        files = sum(len(packing.files) for packing in found.packed)
        packed = f"put {files:,} small files of landing into {len(found.packed)}"
        text = f"{text}; {packed}" if text else packed
    return text or "nothing to remove"


def sweep(home: Home, *, now: dt.datetime) -> list[Gone]:
    """Removes what killed processes left; what a refresh does first."""
    found = list(leftovers(home, now=now))
    gone = {*removal.remove(home, [item.path for item in found])}
    swept = [item for item in found if item.path in gone]
    if swept:
        size = sum(item.bytes for item in swept) / 1e6
        log.info("removed %d leftovers of a killed run (%.1f MB)", len(swept), size)
    return swept


def leftovers(home: Home, *, now: dt.datetime) -> Iterator[Gone]:
    """Files that a killed process was writing, and what its engine had spilled.

    The folders that only the holder of the lock writes are swept whole; elsewhere a
    command may be writing now, so only what is old goes.
    """
    ours = (
        home.landing,
        home.quarantine,
        home.candidates,
        home.attempts,
        home.root / "identity",
    )
    for room in ours:
        for path in sorted(room.rglob("*.partial")) if room.exists() else []:
            yield _gone("leftovers", path, "a process was writing it when it ended")
    for path in sorted(home.candidates.rglob("*.duckdb.tmp")):
        yield _gone("leftovers", path, "an engine had spilled it when it ended")
    for path in sorted(home.candidates.rglob("*.duckdb.wal")):
        yield _gone("leftovers", path, "its candidate was never closed")
    old = (now - _SURELY_LEFT).timestamp()
    others = (home.releases, home.forgotten, home.exports, home.logs)
    pointer = home.root / ".current.partial"
    if pointer.is_symlink() and pointer.lstat().st_mtime < old:
        yield _gone("leftovers", pointer, "a process was writing it when it ended")
    for room in others:
        for path in sorted(room.rglob("*")) if room.exists() else []:
            is_left = path.name.endswith((".partial", ".duckdb.tmp")) or (
                path.name.endswith(".duckdb.wal")
                and not path.with_name(path.name.removesuffix(".wal")).exists()
            )
            if room == home.logs and home.attempts in path.parents:
                continue
            if is_left and path.lstat().st_mtime < old:
                yield _gone("leftovers", path, "nobody has written to it for an hour")


def sweep_landing(home: Home) -> None:
    """Removes what a killed run left among the batches, of every entity there is."""
    for store in stores(home):
        store.sweep()


def _releases(home: Home, settings: Settings) -> Iterator[Gone]:
    for path in pruning.doomed_by(
        home,
        keep_releases=settings.keep_releases,
        keep_candidates=settings.keep_candidates,
        keep_months=settings.keeping.monthly_releases,
    ):
        what = "releases" if path.parent == home.releases else "candidates"
        kept = (
            settings.keep_releases if what == "releases" else settings.keep_candidates
        )
        yield _gone(what, path, f"the newest {kept} are kept")


def _attempts(home: Home, keep: Keeping) -> Iterator[Gone]:
    """Old records of the journal; those of what is still there stay, and the newest."""
    there = {
        path.name
        for room in (home.releases, home.candidates)
        for path in room.glob("r*-*")
    }
    # Asked for the newest at least: its number is where the next attempt goes on.
    for attempt in attempts.history(home)[max(keep.attempts, 1) :]:
        if attempt.refresh_id not in there:
            path = home.attempts / f"{attempt.refresh_id}.json"
            yield _gone("attempts", path, f"the newest {keep.attempts} are kept")


def _by_age(home: Home, keep: Keeping, now: dt.datetime) -> Iterator[Gone]:
    if keep.logs_days:
        why = f"older than {keep.logs_days} days"
        kept = (home.attempts, home.receipts, home.evidence)
        for pattern in _LOGS:
            for path in sorted(home.logs.rglob(pattern)):
                stays = any(room in path.parents for room in kept)
                if not stays and _is_older(path, keep.logs_days, now):
                    yield _gone("logs", path, why)
    if keep.exports_days and home.exports.exists():
        for path in sorted(home.exports.rglob("*")):
            if path.is_file() and _is_older(path, keep.exports_days, now):
                yield _gone("exports", path, f"older than {keep.exports_days} days")


def _refused_batches(home: Home, keep: Keeping, now: dt.datetime) -> Iterator[Gone]:
    """Manifest first: without it the other files are leftovers that nobody counts."""
    if not keep.refused_days:
        return
    for path in sorted(home.landing.glob("*/*/b*.refused.json")):
        manifest = read_json(path)
        age = now - dt.datetime.fromisoformat(manifest["loaded_at"])
        if age < dt.timedelta(days=keep.refused_days):
            continue
        why = f"refused more than {keep.refused_days} days ago"
        source, entity = path.parent.parent.name, path.parent.name
        name = f"{manifest['batch_id']}.parquet"
        for file in (
            path,
            path.with_name(name),
            home.quarantine / source / entity / name,
        ):
            if file.exists():
                yield _gone("files of refused batches", file, why)


def _is_older(path: Path, days: int, now: dt.datetime) -> bool:
    changed = dt.datetime.fromtimestamp(path.lstat().st_mtime, dt.UTC)
    return now - changed >= dt.timedelta(days=days)


def _gone(what: str, path: Path, why: str) -> Gone:
    return Gone(what, path, size_of(path), why)
