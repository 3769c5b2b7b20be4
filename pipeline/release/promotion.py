"""Makes a sealed candidate the current release, or an older release current again.

One rename and one symlink; safe to call again after a kill at any point.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError, GateRefused
from pipeline.common.files import read_json, sync_folder
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.journal import evidence
from pipeline.release import kept, permissions
from pipeline.release.catalogue import Release, current, current_id, releases
from pipeline.release.layout import sequence
from pipeline.release.verification import verify

log = logging.getLogger("customer_tiers.release")


def promote(
    home: Home,
    refresh_id: str,
    gates: Iterable[str],
    terms: evidence.Terms | None = None,
) -> Path:
    """Makes a sealed candidate the current release: one rename, then one symlink.

    Safe to call again after a kill at any point.

    Raises:
        GateRefused: The evidence is missing, failed, older than the current release, or
            not about this file. Nothing has changed.
    """
    candidate = home.candidates / refresh_id / "release"
    target = home.releases / refresh_id
    folder = target if target.exists() else candidate
    problems = verify(folder, gates, terms)
    if not problems:
        problems = _staleness(home, folder)
    if problems:
        raise GateRefused(
            f"{refresh_id} is not published, and readers keep "
            f"{current_id(home) or 'what they had'}: " + "; ".join(problems)
        )
    if folder is candidate:
        permissions.protect(folder)
        sync_folder(folder)
        folder.rename(target)
        sync_folder(home.releases)
    _point_current_at(home, refresh_id)
    kept.keep(home, refresh_id)
    shutil.rmtree(home.candidates / refresh_id, ignore_errors=True)
    return target


def rollback(home: Home, refresh_id: str | None = None) -> Release:
    """Makes a kept release current again; the one before the current by default.

    Raises:
        ConfigurationError: There is no such release.
        RefreshRunning: A refresh is running; it would overtake the rollback.
    """
    with refresh_lock(home):
        found = releases(home)
        if refresh_id is None:
            current = next((i for i, item in enumerate(found) if item.is_current), -1)
            older = [item for item in found[current + 1 :] if not item.damage]
            if not older:
                raise ConfigurationError("There is no older release to go back to.")
            refresh_id = older[0].refresh_id
        wanted = next((item for item in found if item.refresh_id == refresh_id), None)
        if wanted is None:
            raise ConfigurationError(
                f"There is no release {refresh_id}; `customer-tiers releases` lists them."
            )
        if wanted.damage:
            raise ConfigurationError(
                f"{refresh_id} cannot be made current: {wanted.damage}."
            )
        permissions.protect(wanted.path)
        _point_current_at(home, refresh_id)
    return next(item for item in releases(home) if item.is_current)


def _staleness(home: Home, folder: Path) -> list[str]:
    present = current(home)
    if present is None:
        return []
    record: dict[str, Any] = read_json(folder / "release.json")
    as_of = dt.date.fromisoformat(record["as_of_date"])
    older = sequence(record["refresh_id"]) < sequence(present.refresh_id)
    if older or as_of < present.as_of_date:
        return [
            f"it is older (as of {as_of}) than the current release "
            f"{present.refresh_id} (as of {present.as_of_date}), and a release is never "
            "replaced by an older one. To look at an earlier day, ask for it with "
            "--no-publish; to go back for good, roll back first. If no day was asked "
            "for, the clock of this machine may have been set back"
        ]
    return []


def _point_current_at(home: Home, refresh_id: str) -> None:
    provisional = home.root / ".current.partial"
    provisional.unlink(missing_ok=True)
    provisional.symlink_to(Path("releases") / refresh_id, target_is_directory=True)
    if home.current.exists() and not home.current.is_symlink():
        # A copy that followed the link. What it is nobody knows, so it is kept.
        aside = home.current.with_name(f"current.not-a-link-{refresh_id}")
        log.warning("%s is not a link; it is now %s", home.current, aside)
        home.current.rename(aside)
    provisional.replace(home.current)
    sync_folder(home.root)
