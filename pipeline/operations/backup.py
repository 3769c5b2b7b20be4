"""A home in one file, and a home from one file.

The archive is a tar, packed with gzip where its name ends so. Its last member is a
manifest with the hash of every other, so that an archive that was cut off is known by
what it lacks. What is not in it can be made again: candidates, exports, Dagster's runs,
the demonstration's database. Restoring writes beside the new home, compares every hash,
and makes it visible by one rename.

A backup brings back who was forgotten after it was made. `restore` can take the list of
forgotten keys from the home that was left behind and forgets them before anything can be
seen (`docs/privacy.md`).
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.files import sync_file, sync_folder
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.forget import run as forgetting
from pipeline.forget.personal_data import declared, declared_stores
from pipeline.journal import attempts, disk
from pipeline.landing.batches import STATES
from pipeline.release import catalogue, permissions
from pipeline.sources import SourcesFile
from pipeline.suppression.suppression_list import Suppression, key_text

log = logging.getLogger("customer_tiers.backup")

FORMAT = 1
MANIFEST = "backup.json"
_PACKED = (".tar.gz", ".tgz")
_NAMES = (".tar", *_PACKED)

# Made again, or of no use elsewhere. Of Dagster's folder only its configuration is kept.
_LEFT_OUT = ("candidates", "exports", "demonstration", "refresh.lock")
_DAGSTER = "dagster/dagster.yaml"
_LEFTOVERS = (".partial", ".duckdb.tmp", ".duckdb.wal")


class BackupDamaged(CustomerTiersError):
    """The archive is not whole, or not what its manifest says."""


@dataclass(frozen=True)
class Backup:
    """What an archive holds.

    Attributes:
        made_at: When, ISO.
        current: The id of the release that readers saw.
        files: Files in it.
        bytes: What they take unpacked.
    """

    path: Path
    made_at: str
    current: str | None
    files: int
    bytes: int


@dataclass(frozen=True)
class Restored:
    """What was restored, and who was forgotten again."""

    backup: Backup
    home: Path
    forgotten_again: int


def backup(home: Home, path: Path, *, wait_seconds: float = 0) -> Backup:
    """Writes the home into one file, whole or not at all; readers go on reading.

    Args:
        path: The archive; `.tar`, or `.tar.gz` to have it packed.
        wait_seconds: How long to wait for a refresh that is running.

    Raises:
        ConfigurationError: The file is there, lies in the home, or is called otherwise.
        RefreshRunning: A refresh is still running.
        DiskFull: There is no room for it.
    """
    path = path.resolve()
    if not path.name.endswith(_NAMES):
        raise ConfigurationError(f"{path.name} should end in .tar or .tar.gz.")
    if path.exists():
        raise ConfigurationError(f"{path} is there already; give another name.")
    if path.is_relative_to(home.root.resolve()):
        raise ConfigurationError(f"{path} lies in the home that it would hold.")
    partial = path.with_name(f".{path.name}.partial")
    with refresh_lock(home, wait_seconds=wait_seconds):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made = _write(home, partial)
            sync_file(partial)
            partial.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if disk.is_full(error):
                size = sum(item.stat().st_size for item in _files(home))
                raise disk.DiskFull(
                    f"{path.parent} has no room for the backup: unpacked it takes "
                    f"{size / 1e6:,.0f} MB. Give another place; nothing was left there."
                ) from error
            raise ConfigurationError(
                f"{path} cannot be written: {error.strerror or error}"
            ) from error
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return Backup(
        path, made["made_at"], made["current"], len(made["files"]), _bytes(made)
    )


def _bytes(manifest: dict[str, Any]) -> int:
    return sum(item["bytes"] for item in manifest["files"])


def _files(home: Home) -> Iterator[Path]:
    """What goes into an archive, in an order that is always the same."""
    for folder, folders, names in os.walk(home.root):
        at = Path(folder)
        folders.sort()
        if at == home.root:
            folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in sorted(names):
            path = at / name
            place = path.relative_to(home.root).as_posix()
            if place in _LEFT_OUT or name.endswith(_LEFTOVERS) or path.is_symlink():
                continue
            if place.startswith("dagster/") and place != _DAGSTER:
                continue
            yield path


def _write(home: Home, partial: Path) -> dict[str, Any]:
    files: list[dict[str, Any]] = []
    packed = partial.name.removesuffix(".partial").endswith(_PACKED)
    # Most of it is packed already: speed counts here, not the last per cent.
    options: dict[str, Any] = {"compresslevel": 1} if packed else {}
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        tarfile.open(
            fileobj=file, mode="w:gz" if packed else "w", **options
        ) as archive,
    ):
        for path in _files(home):
            place = path.relative_to(home.root).as_posix()
            with path.open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                reading = _Hashed(source, size)
                _add(archive, place, size, reading)
            files.append(
                {"path": place, "bytes": size, "sha256": reading.hash.hexdigest()}
            )
        manifest = {
            "format": FORMAT,
            "made_at": attempts.now().isoformat(),
            "current": catalogue.current_id(home),
            "files": files,
        }
        # The name `told` is part of the format.
        content = {"sha256": _hash_of(manifest), "told": manifest}
        text = json.dumps(content, indent=1).encode()
        _add(archive, MANIFEST, len(text), io.BytesIO(text))
    return manifest


def _add(archive: tarfile.TarFile, place: str, size: int, stream: Any) -> None:
    member = tarfile.TarInfo(place)
    member.size = size
    member.mode = 0o600
    archive.addfile(member, stream)


class _Hashed:
    """The first bytes of a stream, hashed on the way.

    A log that grows meanwhile is taken as it was when it was opened.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size
        self.hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        found = self._stream.read(wanted)
        self._left -= len(found)
        self.hash.update(found)
        return found


def restore(
    path: Path,
    root: Path,
    *,
    forgotten_from: Path | None = None,
    sources: SourcesFile | None = None,
    seeds: Path | None = None,
) -> Restored:
    """Makes a home of an archive; it is there whole, or not at all.

    Args:
        path: The archive.
        root: The new home: a folder that is empty or not there.
        forgotten_from: A home whose forgotten customers are forgotten here as well.
        sources: What says where data of customers lies; with `forgotten_from`.
        seeds: The folder of the policy; with `forgotten_from`.

    Raises:
        ConfigurationError: The folder holds something, or there is no such archive.
        BackupDamaged: The archive is not whole; nothing is left of it.
    """
    root = root.resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ConfigurationError(
            f"{root} is not empty; a backup is restored into a new home only."
        )
    if not path.is_file():
        raise ConfigurationError(f"There is no backup {path}.")
    partial = root.with_name(f".{root.name}.restoring")
    shutil.rmtree(partial, ignore_errors=True)  # of a restore that was killed
    os.umask(0o077)
    try:
        partial.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise ConfigurationError(f"{root} cannot be made: {error}") from error
    try:
        manifest = _unpack(path, partial)
        home = Home.open(partial)
        if manifest["current"] is not None:
            home.current.symlink_to(Path("releases") / manifest["current"])
            if catalogue.current_id(home) is None:
                _damaged(path, "the current release is missing")
        for folder in home.releases.glob("r*-*"):
            permissions.protect(folder)
        again = 0
        if forgotten_from is not None and sources is not None:
            again = _forget_again(home, Home(forgotten_from), sources, seeds)
        (partial / "refresh.lock").unlink(missing_ok=True)
        for at, _, _ in os.walk(partial):
            sync_folder(Path(at))
        partial.replace(root)
        sync_folder(root.parent)
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupDamaged(
            f"{path} is damaged ({error}); nothing was restored. Take an older backup."
        ) from error
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if disk.is_full(error):
            raise disk.DiskFull(
                f"There is no room for {root}; nothing was left there."
            ) from error
        raise BackupDamaged(f"{path} cannot be restored: {error}") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    made = Backup(
        path,
        manifest["made_at"],
        manifest["current"],
        len(manifest["files"]),
        _bytes(manifest),
    )
    return Restored(made, root, again)


def _damaged(path: Path, why: str) -> NoReturn:
    raise BackupDamaged(
        f"{path} is damaged ({why}); nothing was restored. Take an older backup."
    )


def _unpack(path: Path, folder: Path) -> dict[str, Any]:
    """Unpacks into the folder and compares with the manifest at the end."""
    found: dict[str, tuple[int, str]] = {}
    manifest: dict[str, Any] | None = None
    with tarfile.open(path, mode="r:*") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None or not _is_below(member.name):
                _damaged(path, f"{member.name!r} does not belong into a backup")
            if member.name == MANIFEST:
                manifest = _manifest(path, stream.read())
                continue
            target = folder / member.name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = hashlib.sha256()
            with target.open("xb") as file:
                while chunk := stream.read(2**20):
                    content.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            found[member.name] = (member.size, content.hexdigest())
    if manifest is None:
        _damaged(path, "its end is missing")
    stated = {
        item["path"]: (item["bytes"], item["sha256"]) for item in manifest["files"]
    }
    if wrong := sorted(
        place for place in {*stated, *found} if stated.get(place) != found.get(place)
    ):
        _damaged(path, f"{wrong[0]} is not what the manifest says")
    return manifest


def _manifest(path: Path, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
        manifest: dict[str, Any] = found["told"]
        if found["sha256"] == _hash_of(manifest) and manifest["format"] == FORMAT:
            return manifest
    except (ValueError, KeyError, TypeError):
        pass
    _damaged(path, "its manifest is not whole, or of another version")


def _hash_of(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest).encode()).hexdigest()


def _is_below(name: str) -> bool:
    place = PurePosixPath(name)
    return not place.is_absolute() and ".." not in place.parts and bool(place.parts)


def _forget_again(
    home: Home, left: Home, sources: SourcesFile, seeds: Path | None
) -> int:
    """Forgets in the restored home who was forgotten in the one that was left behind.

    Returns:
        How many customers.

    Raises:
        ConfigurationError: The list is that of another home.
    """
    theirs = Suppression.load(left)
    ours = Suppression.load(home)
    if not Suppression.path(left).exists():
        return 0
    if ours.entries and not ours.has_the_secret_of(theirs):
        raise ConfigurationError(
            f"{Suppression.path(left)} is the list of another home than the one that was "
            "backed up; nobody can be looked for by it. Nothing was restored."
        )
    theirs.with_entries(ours.entries).save(home)
    count = 0
    for source, key in sorted(_keys(home, sources)):
        entry = theirs.find(source, key)
        if entry is None or Suppression.load(home).find(source, key) is not None:
            continue
        receipt = forgetting.forget(
            home, sources, f"{source}:{key}", entry.reason, seeds=seeds
        )
        if problem := forgetting.problem_of(receipt):
            raise problem
        count += 1
    # Those whom this backup does not know yet must not come with the next refresh either.
    known = Suppression.load(home)
    prints = {entry.print for entry in known.entries}
    more = [entry for entry in theirs.entries if entry.print not in prints]
    if more:
        known.with_entries([*known.entries, *more]).save(home)
    return count


def _keys(home: Home, sources: SourcesFile) -> set[tuple[str, str]]:
    """All keys of customers that landing holds, with the source whose keys they are."""
    found = set()
    for store, personal in declared_stores(home, declared(home, sources)):
        if personal is None:
            continue
        whose = {personal.customer: personal.source or store.source}
        whose |= personal.references
        seen: set[Path] = set()
        for batch in store.batches(*STATES):
            path = store.data_file(batch)
            if path in seen or not path.exists():
                continue
            seen.add(path)
            columns = [item for item in whose if item in batch.schema]
            for rows in pq.ParquetFile(path).iter_batches(columns=columns):
                for column in columns:
                    found |= {
                        (whose[column], text) for text in _texts(rows.column(column))
                    }
    return found


def _texts(column: pa.Array) -> set[str]:
    return {text for value in column.unique().to_pylist() if (text := key_text(value))}
