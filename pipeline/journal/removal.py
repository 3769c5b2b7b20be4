"""Removes what need not be kept, and remembers what could not be removed.

A release whose file is busy or belongs to somebody else is no reason to stop a refresh:
it is said in the log and by `status`, and tried again the next time. Which things go is
decided elsewhere (`release.pruning`, `operations.retention`).
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home

log = logging.getLogger("customer_tiers.retention")


@dataclass(frozen=True)
class NotRemoved:
    """Something that should be gone and is not.

    Attributes:
        path: Below the home.
        problem: What the operating system said.
        since: When it was first tried, an ISO moment in UTC.
    """

    path: str
    problem: str
    since: str


def remove(home: Home, paths: Iterable[Path]) -> list[Path]:
    """Removes files, folders and links; what cannot be removed is noted and stays.

    Returns:
        Those that are gone.
    """
    gone = []
    problems: dict[str, str] = {}
    for path in paths:
        try:
            _remove(path)
            gone.append(path)
        except OSError as error:
            name = str(path.relative_to(home.root))
            problems[name] = f"{error.strerror or error} ({error.filename or path})"
            log.warning(
                "%s could not be removed and is tried again the next time: %s",
                name,
                problems[name],
            )
    _note(home, problems)
    return gone


def not_removed(home: Home) -> list[NotRemoved]:
    """What could not be removed and is still there."""
    try:
        found = [NotRemoved(**item) for item in read_json(_file(home))]
    except (OSError, ValueError, TypeError):
        return []
    return [item for item in found if os.path.lexists(home.root / item.path)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _note(home: Home, problems: dict[str, str]) -> None:
    before = {item.path: item for item in not_removed(home)}
    present = dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat()
    now = before | {
        path: NotRemoved(
            path, problem, before[path].since if path in before else present
        )
        for path, problem in problems.items()
    }
    if now or _file(home).exists():
        # The log has said it; a full disk must not stop whoever makes room.
        with suppress(OSError):
            write_json(_file(home), [asdict(now[path]) for path in sorted(now)])


def _file(home: Home) -> Path:
    return home.logs / "not_removed.json"
