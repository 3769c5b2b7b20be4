"""The kept releases: which there are, which one is current, which are damaged.

Reads only. Not here: making a release current (`promotion`) or removing it (`pruning`).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, sha256
from pipeline.common.home import Home
from pipeline.common.language import said
from pipeline.journal import attempts, evidence
from pipeline.journal.acceptances import Use
from pipeline.release.layout import _ID, sequence, stated

log = logging.getLogger("customer_tiers.release")


@dataclass(frozen=True)
class Release:
    """A published release, from its own `release.json`.

    Attributes:
        warnings: Checks that did not pass, accepted ones left out.
        damage: Why it cannot be read any more, as far as can be seen without hashing its
            file; empty when nothing is wrong.
        accepted: Checks that failed and were accepted by a person.
        acceptances: What the acceptances did that held when it was sealed.
    """

    path: Path
    refresh_id: str
    as_of_date: dt.date
    sealed_at: dt.datetime
    is_current: bool
    checks: int
    warnings: int
    damage: str = ""
    accepted: int = 0
    acceptances: Sequence[Use] = ()


def releases(home: Home) -> list[Release]:
    """The kept releases, newest first; damaged ones too, which say so."""
    current = current_id(home)
    found = [
        _release(path, path.name == current)
        for path in home.releases.glob("r*-*")
        if _ID.fullmatch(path.name)
    ]
    return sorted(found, key=lambda item: sequence(item.refresh_id), reverse=True)


def _release(path: Path, is_current: bool) -> Release:
    try:
        record = read_json(path / "release.json")
        checks = [
            check
            for item in record["evidence"]
            for check in evidence.from_json(item).checks
        ]
        return Release(
            path=path,
            refresh_id=record["refresh_id"],
            as_of_date=dt.date.fromisoformat(record["as_of_date"]),
            sealed_at=dt.datetime.fromisoformat(record["sealed_at"]),
            is_current=is_current,
            checks=len(checks),
            warnings=sum(
                check.outcome != "passed" and not check.is_accepted for check in checks
            ),
            damage=_visible_damage(path, record),
            accepted=sum(check.is_accepted for check in checks),
            acceptances=[
                Use(**{**use, "accepted": evidence.Accepted(**use["accepted"])})
                for use in record.get("acceptances", ())
            ],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        modified = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        return Release(
            path=path,
            refresh_id=path.name,
            as_of_date=attempts.day_in(path.name),
            sealed_at=modified.replace(microsecond=0),
            is_current=is_current,
            checks=0,
            warnings=0,
            damage=said(
                "{file} is missing or damaged ({error})",
                file=path / "release.json",
                error=error,
            ),
        )


def _visible_damage(folder: Path, record: Mapping[str, Any]) -> str:
    for name, entries in stated(record).items():
        file = folder / name
        if not file.exists():
            return said("{file} is missing", file=file)
        size = file.stat().st_size
        if all(size != entry["bytes"] for entry in entries):
            return said(
                "{file} has {size:,} bytes and not those that were sealed",
                file=file,
                size=size,
            )
    return ""


def newest_whole(home: Home) -> Release | None:
    """The release to go on from: the current one, or the newest whose files are whole.

    Each is hashed until one is whole, so that damage is reported and goes no further.
    """
    kept = releases(home)
    for item in sorted(kept, key=lambda item: not item.is_current):
        if problem := item.damage or _hidden_damage(item.path):
            log.warning("release %s is damaged: %s", item.refresh_id, problem)
        else:
            return item
    return None


def _hidden_damage(folder: Path) -> str:
    for name, entries in stated(read_json(folder / "release.json")).items():
        file = folder / name
        if (folder / f"{name}.wal").exists():
            return f"{file}.wal is left over"
        found = sha256(file)
        if all(found != entry["sha256"] for entry in entries):
            return f"{file} is not the file that was sealed (hash)"
    return ""


def pointer_problem(home: Home) -> str:
    """Why readers find no release behind `current` though there are some; or nothing."""
    if current_id(home) is not None or not any(home.releases.glob("r*-*")):
        return ""
    if home.current.is_symlink():
        return said(
            "{file} points at {target}, which is not there",
            file=home.current,
            target=home.current.readlink(),
        )
    if home.current.exists():
        return said("{file} is not the link to a release", file=home.current)
    return said("{file} is missing", file=home.current)


def current(home: Home) -> Release | None:
    """The release that readers see, if there is one."""
    return next((item for item in releases(home) if item.is_current), None)


def chosen(home: Home, refresh_id: str | None = None) -> Release:
    """The kept release of that id; the current one if none is given.

    Raises:
        ConfigurationError: There is none.
    """
    wanted = refresh_id or current_id(home)
    if wanted is None:
        problem = pointer_problem(home)
        raise ConfigurationError(
            f"{problem}; `customer-tiers rollback` mends it."
            if problem
            else "There is no release yet; run `customer-tiers refresh`."
        )
    found = next((item for item in releases(home) if item.refresh_id == wanted), None)
    if found is None:
        raise ConfigurationError(
            f"There is no release {wanted}; `customer-tiers releases` lists them."
        )
    if found.damage:
        raise ConfigurationError(
            f"Release {wanted} is damaged: {found.damage}. `customer-tiers rollback` goes "
            "back to an older one; `customer-tiers refresh` makes a new one."
        )
    return found


def current_id(home: Home) -> str | None:
    """The id that `current` points at, if what it points at exists."""
    if not home.current.is_symlink() or not home.current.exists():
        return None
    return home.current.readlink().name


def checks_of(home: Home, refresh_id: str) -> list[dict[str, Any]]:
    """The checks of a refresh as its gates wrote them, published or not."""
    record = home.releases / refresh_id / "release.json"
    found = home.candidates / refresh_id / "evidence"
    try:
        if record.exists():
            gates = read_json(record)["evidence"]
        else:
            gates = [read_json(path) for path in sorted(found.glob("*.json"))]
        return [check for gate in gates for check in gate["checks"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
