"""A folder that holds a copy of releases: that it is one, and one export into it at a time.

Others read it, so it lies outside of the home, which is private, and its files are made
readable for everybody. Each release has a folder of its own in it, and a link is turned
when all of a release is there. Not here: what is written into it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.files import sync_file, sync_folder
from pipeline.common.home import Home
from pipeline.journal import disk

# The folder of a release, and of one that was exported again how often.
_RELEASE = re.compile(r"(r\d{6,}-\d{8})(?:\.(\d+))?")
# Says that a folder is ours to write into, and is locked while somebody does.
MARK = ".customer-tiers"
# What is not whole yet; a killed export leaves it, and the next one removes it.
PARTIAL = ".partial"

FILE_MODE = 0o444
FOLDER_MODE = 0o755


class ExportRunning(CustomerTiersError):
    """Another export writes to the same place."""

    exit_code = 4


@contextmanager
def exclusive(home: Home, folder: Path) -> Iterator[None]:
    """Makes the folder where it is missing, and keeps other exports out of it.

    Raises:
        ConfigurationError: It cannot be written to, lies in the home, or holds something
            that no export of ours has put there.
        ExportRunning: Another export writes into it.
    """
    place = folder.resolve()
    root = home.root.resolve()
    if place.is_relative_to(root):
        raise ConfigurationError(
            f"{folder} lies in the home {root}, which is readable by its owner alone; "
            "give a folder outside of it."
        )
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if is_new:
            folder.chmod(FOLDER_MODE)
        mark = folder / MARK
        if not mark.exists() and any(folder.iterdir()):
            raise ConfigurationError(
                f"{folder} holds files that no export has put there; give a folder that "
                "is empty or not there yet."
            )
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written to: {error.strerror}. Give another folder."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportRunning(
                f"Another export into {folder} is running; wait for it."
            ) from None
        yield
    except Exception as error:
        if disk.is_full(error):
            raise disk.DiskFull(
                f"{folder} has no room for the copy; what was there before is as it was. "
                "Make room or give another folder."
            ) from error
        raise
    finally:
        os.close(descriptor)


def seal_file(path: Path) -> None:
    """Makes a file durable, and readable for everybody and writable for nobody."""
    path.chmod(FILE_MODE)
    sync_file(path)


def release_of(name: str) -> str | None:
    """The release that a folder's name is of, if it is one of a release."""
    match = _RELEASE.fullmatch(name)
    return match[1] if match else None


def unused(folder: Path, release_id: str) -> str:
    """A name for the release: a folder that readers may be in is never written to."""
    # Above all that there were: an older name must not come to mean something newer.
    taken = [
        int(match[2] or 1)
        for path in folder.iterdir()
        if (match := _RELEASE.fullmatch(path.name)) and match[1] == release_id
    ]
    return f"{release_id}.{max(taken) + 1}" if taken else release_id


def turn(link: Path, target: str) -> None:
    """Has a link lead elsewhere, at one moment and for good.

    Args:
        link: The link, or what is to become one.
        target: Where it leads, as seen from its folder.
    """
    provisional = link.with_name(f"{PARTIAL}.{link.name}")
    provisional.unlink(missing_ok=True)
    provisional.symlink_to(target)
    provisional.replace(link)
    sync_folder(link.parent)


def older(folder: Path, current: str) -> list[Path]:
    """The other releases in the folder, newest first by when they were made."""
    others = [
        path
        for path in folder.iterdir()
        if path.name != current and path.is_dir() and release_of(path.name)
    ]
    return sorted(
        (path for path in others if not path.is_symlink()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )


def remove_partial(folder: Path) -> None:
    """Removes what a killed export left."""
    for left in folder.glob(f"{PARTIAL}.*"):
        remove(left)


def remove(path: Path) -> None:
    """Removes a file, a link or a folder, as far as it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
