"""The layout of a home on disk, its lock, and how files are made durable.

Everything that knows a folder's name below `CUSTOMER_TIERS_HOME` asks this module. What
is in the folders is the business of `landing`, `attempts` and `release`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RefreshRunning

DAGSTER_YAML = """\
# Written by customer-tiers when it is not there; yours to change afterwards.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  # One run at a time; a second one waits in the queue. The lock in the home is what
  # protects against runs that do not go through Dagster's queue.
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: run
    default_limit: 1
run_retries:
  enabled: false
python_logs:
  managed_python_loggers: [customer_tiers]
  python_log_level: DEBUG
"""

# The key by which a record tells its own hash.
OWN_HASH = "record_sha256"


@dataclass(frozen=True)
class Home:
    """The folders below `root`; `open` makes them."""

    root: Path

    @property
    def landing(self) -> Path:
        """Batches as they came, one folder a source and entity."""
        return self.root / "landing"

    @property
    def quarantine(self) -> Path:
        """Rows that could not be read, in the same folders."""
        return self.root / "quarantine"

    @property
    def candidates(self) -> Path:
        """Releases in the making; nobody reads them."""
        return self.root / "candidates"

    @property
    def releases(self) -> Path:
        """The published releases, one folder each."""
        return self.root / "releases"

    @property
    def current(self) -> Path:
        """The symlink to the release that readers see."""
        return self.root / "current"

    @property
    def dagster(self) -> Path:
        """The Dagster instance: runs, events, schedules."""
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        """What happened."""
        return self.root / "logs"

    @property
    def attempts(self) -> Path:
        """The journal, one file an attempt at a refresh."""
        return self.logs / "attempts"

    @property
    def evidence(self) -> Path:
        """What gates found in refused candidates that are gone, one file a refresh."""
        return self.logs / "evidence"

    @property
    def data_docs(self) -> Path:
        """A link a refresh to the pages of what its gates found."""
        return self.root / "data_docs"

    @property
    def refresh_logs(self) -> Path:
        """What each refresh did, one file of JSON lines each."""
        return self.logs / "refreshes"

    @property
    def alerts(self) -> Path:
        """What was told to whom, and what is still to be told."""
        return self.root / "alerts"

    @property
    def metrics(self) -> Path:
        """The figures for a monitoring system."""
        return self.root / "metrics"

    @property
    def forgotten(self) -> Path:
        """Who must not come back, and forgettings that are not finished."""
        return self.root / "forgotten"

    @property
    def receipts(self) -> Path:
        """What was done for each customer that was forgotten; without personal data."""
        return self.logs / "forgotten"

    @property
    def exports(self) -> Path:
        """Files made from a release, to be made again at any time."""
        return self.root / "exports"

    @classmethod
    def open(cls, root: Path) -> Home:
        """Makes what is missing of the home, readable by its owner only.

        Sets the umask of this process: whatever is written from here on is private.

        Raises:
            ConfigurationError: The folder cannot be made or written to.
        """
        os.umask(0o077)
        home = cls(root)
        try:
            for folder in (
                home.landing,
                home.quarantine,
                home.candidates,
                home.releases,
                home.dagster,
                home.attempts,
            ):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (config := home.dagster / "dagster.yaml").exists():
                # Under a name of this process's own: another may open the home now.
                own = config.with_name(f"dagster.{os.getpid()}.yaml")
                write_text(own, DAGSTER_YAML)
                own.replace(config)
        except OSError as error:
            raise ConfigurationError(
                f"The home {root} cannot be used: {error.strerror} "
                f"({error.filename}). Choose another with --home."
            ) from error
        return home


# Locks that this process holds, by home, with how often they were taken: the command
# line takes the lock before Dagster starts, and the run takes it again inside.
_HELD: dict[Path, tuple[int, int]] = {}


@contextmanager
def refresh_lock(home: Home, *, wait_seconds: float = 0) -> Iterator[None]:
    """Holds the home's refresh lock; the kernel frees it however the process ends.

    Re-entrant within a process. Dagster's pool does not hold for in-process runs, and
    knows nothing of a second machine's or shell's command, so the lock is ours.

    Args:
        wait_seconds: How long to wait for another process to let it go.

    Raises:
        RefreshRunning: Another process holds it.
    """
    path = _lock_file(home)
    deadline = time.monotonic() + wait_seconds
    if path in _HELD:
        descriptor, count = _HELD[path]
        _HELD[path] = (descriptor, count + 1)
    else:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        # Whoever asks `is_locked` shares the lock for a moment, which is no refresh.
        while not _take(descriptor, fcntl.LOCK_EX):
            if not _take(descriptor, fcntl.LOCK_SH):
                if time.monotonic() < deadline:
                    time.sleep(0.2)
                    continue
                holder = os.read(descriptor, 200).decode(errors="replace").strip()
                os.close(descriptor)
                raise RefreshRunning(
                    f"Another refresh of {home.root} is running "
                    f"({holder or 'unknown'}). Wait for it, or look at "
                    "`customer-tiers status`."
                )
        os.truncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()}\n".encode())
        _HELD[path] = (descriptor, 1)
    try:
        yield
    finally:
        descriptor, count = _HELD[path]
        if count > 1:
            _HELD[path] = (descriptor, count - 1)
        else:
            del _HELD[path]
            os.close(descriptor)


def is_locked(home: Home) -> bool:
    """Whether a refresh holds the lock now, in this process or another."""
    path = _lock_file(home)
    if path in _HELD:
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared: two that ask at once do not take each other for a refresh.
        return not _take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock_file(home: Home) -> Path:
    return home.root.resolve() / "refresh.lock"


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_text(path: Path, text: str) -> None:
    """Writes a file so that it is there whole or not at all, also after a power cut."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def write_json(path: Path, value: Any, *, hashed: bool = False) -> None:
    """`write_text` of readable JSON; dates and paths as text.

    Args:
        path: The file.
        value: An object, if it is to be hashed.
        hashed: Whether the record holds its own hash, by which `read_json` knows damage.
    """
    if hashed:
        value = {**value, OWN_HASH: _hash(value)}
    write_text(path, _json(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The value that `write_json` wrote; its own hash is not part of it.

    Raises:
        ValueError: It is no JSON, or not what its own hash says: one bit that is turned
            in a number leaves good JSON. Records of before there were any have none.
    """
    value = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(value, dict) and OWN_HASH in value:
        told = value.pop(OWN_HASH)
        if told != _hash(value):
            raise ValueError("it is not what was written (hash)")
    return value


def _hash(value: Any) -> str:
    plain = json.loads(_json(value))  # dates as the text that is read again
    return hashlib.sha256(_json(plain, sort_keys=True).encode()).hexdigest()


def _json(value: Any, **style: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, **style)


def sha256(path: Path) -> str:
    """The file's SHA-256 as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Forces a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Forces a folder's entries to the disk, so that a rename in it survives."""
    sync_file(path)
