"""Removes releases and candidates beyond what is to be kept, and keeps what gates found."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.journal import evidence, removal
from pipeline.release.catalogue import current_id
from pipeline.release.layout import DATA_DOCS

log = logging.getLogger("customer_tiers.release")


def prune(
    home: Home, *, keep_releases: int, keep_candidates: int, keep_months: int = 0
) -> list[Path]:
    """Removes the oldest releases and candidates beyond what is to be kept.

    The current release always stays. A reader that has an old file open keeps it. What
    the gates found in a candidate outlives it until a later release records it. What
    cannot be removed stays, and `journal.removal` notes it.

    Returns:
        The folders that are gone.
    """
    ids = sorted((path.name for path in home.releases.glob("r*-*")), reverse=True)
    doomed = doomed_by(
        home,
        keep_releases=keep_releases,
        keep_candidates=keep_candidates,
        keep_months=keep_months,
    )
    for path in doomed:
        if path.parent == home.candidates:
            keep_evidence(home, path)
    gone = removal.remove(home, doomed)
    if ids:
        superseded = [p for p in home.evidence.glob("r*-*.json") if p.stem < ids[0]]
        removal.remove(home, superseded)
    link_data_docs(home)
    return gone


def doomed_by(
    home: Home, *, keep_releases: int, keep_candidates: int, keep_months: int = 0
) -> list[Path]:
    """The folders that `prune` would remove."""
    # By their names alone, so that a damaged release stands in nobody's way.
    ids = sorted((path.name for path in home.releases.glob("r*-*")), reverse=True)
    stays = {*ids[:keep_releases], current_id(home)}
    months: dict[str, str] = {}
    for refresh_id in ids:
        months.setdefault(refresh_id.split("-")[1][:6], refresh_id)
    stays |= {months[month] for month in sorted(months, reverse=True)[:keep_months]}
    doomed = [home.releases / item for item in ids if item not in stays]
    candidates = sorted(home.candidates.glob("r*-*"), reverse=True)
    return doomed + candidates[keep_candidates:]


def keep_evidence(home: Home, candidate: Path) -> None:
    """Keeps what the gates found in a candidate that is about to go."""
    target = home.evidence / f"{candidate.name}.json"
    try:
        found = evidence.load_all(candidate / "evidence")
        opened_at = read_json(candidate / "candidate.json")["opened_at"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # killed while it was opened, or damaged: there is nothing to keep
    if not found or target.exists():
        return
    records = [asdict(item) for item in found.values()]
    try:
        home.evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(target, {"opened_at": opened_at, "evidence": records})
    except OSError as error:
        # A full disk is no reason to keep the candidate, which is much larger.
        log.warning("what was found in %s is not kept: %s", candidate.name, error)


def link_data_docs(home: Home) -> None:
    """Gives the pages of every refresh that is kept one address for good.

    They lie in the candidate or in the release, so `data_docs/<id>` is a link that is
    turned when the one becomes the other, and goes when both have gone.
    """
    try:
        _link_data_docs(home)
    except OSError as error:
        log.warning("the links to the Data Docs could not be set: %s", error)


def _link_data_docs(home: Home) -> None:
    folders = {
        path.name: path / "release" / DATA_DOCS for path in home.candidates.glob("r*-*")
    } | {path.name: path / DATA_DOCS for path in home.releases.glob("r*-*")}
    home.data_docs.mkdir(mode=0o700, exist_ok=True)
    for link in home.data_docs.glob("r*-*"):
        if link.name not in folders or not folders[link.name].exists():
            link.unlink()
    for refresh_id, folder in folders.items():
        target = Path("..") / folder.relative_to(home.root)
        link = home.data_docs / refresh_id
        if folder.exists() and not (link.is_symlink() and link.readlink() == target):
            provisional = home.data_docs / f".{refresh_id}.partial"
            provisional.unlink(missing_ok=True)
            provisional.symlink_to(target, target_is_directory=True)
            provisional.replace(link)
