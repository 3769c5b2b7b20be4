"""Who may read a release: nobody may write to it, and what is private is its owner's.

                        its owner   a group that the folder `releases` lets in
    private.duckdb      0400        no
    warehouse.duckdb    0400        0440
    release.json        0400        0440
    reports/            0600        0640   made again from the release
    folders             0700        0750

A group is let in once, by opening the folder `releases` to it (docs/operations.md), and
gets every release from then on. A release of before there was a private file holds
personal data in its warehouse, and stays closed.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.common.files import read_json
from pipeline.release.layout import PRIVATE, WAREHOUSE, stated

log = logging.getLogger("customer_tiers.release")

_GROUP_MAY_ENTER = stat.S_IRGRP | stat.S_IXGRP
_SEALED = {WAREHOUSE: 0o440, "release.json": 0o440, PRIVATE: 0o400}


def protect(folder: Path) -> None:
    """Takes the right to write from a release's files, and opens it to its readers.

    The release is whole either way: what the file system does not allow is logged.

    Args:
        folder: The release, or what is about to be renamed to it, with its
            `release.json`.
    """
    try:
        _protect(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the rights on %s could not be set: %s", folder, error)


def _protect(folder: Path) -> None:
    room = _room(folder).stat()
    is_apart = PRIVATE in stated(read_json(folder / "release.json"))
    is_open = (
        is_apart
        and room.st_mode & _GROUP_MAY_ENTER == _GROUP_MAY_ENTER
        and _given_to(folder, room.st_gid)
    )
    for path in (folder, *_below(folder)):
        if path.is_symlink():
            continue
        found = path.stat()
        if path.is_dir():
            mode = 0o750
        elif path.parent == folder:
            mode = _SEALED.get(path.name, 0o600)
        else:
            mode = 0o640
        if not is_open:
            mode &= 0o700
        # The group first: until it has changed, nothing is open to the former one.
        if is_open and found.st_gid != room.st_gid:
            os.chown(path, -1, room.st_gid)
        if stat.S_IMODE(found.st_mode) != mode:
            path.chmod(mode)


def _given_to(folder: Path, group: int) -> bool:
    """Whether a release could be given to a group; its owner may not be a member."""
    try:
        os.chown(folder, -1, group)
    except PermissionError as error:
        log.warning("%s stays closed to the group of its readers: %s", folder, error)
        return False
    return True


def _room(folder: Path) -> Path:
    """The folder `releases` of the home in which a release lies, or is made."""
    if folder.parent.name == "releases":
        return folder.parent
    return folder.parents[2] / "releases"  # of candidates/<id>/release


def _below(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        yield from (Path(at) / name for name in (*folders, *names))
