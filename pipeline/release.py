"""Candidates and releases: open, seal, verify, promote, roll back, prune.

Plain functions on paths. A candidate is a folder that nobody reads:

    candidates/<id>/candidate.json        what it is: as-of date, run
    candidates/<id>/work.duckdb           landing views, staging, core
    candidates/<id>/evidence/<gate>.json  what the gates found
    candidates/<id>/release/              becomes releases/<id>/ by one rename
        warehouse.duckdb                  marts and meta
        release.json                      the evidence, and the hash of the file
        reports/data_docs/                pages of the evidence (`data_docs`)

The marts are built in a file of their own from the start, so that sealing copies
nothing. Not here: what stands in the file (`warehouse`) and how it was judged (gates).
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline import attempts, evidence
from pipeline.acceptances import Use
from pipeline.errors import ConfigurationError, GateRefused
from pipeline.home import (
    Home,
    read_json,
    refresh_lock,
    sha256,
    sync_file,
    sync_folder,
    write_json,
)

log = logging.getLogger("customer_tiers.release")

WAREHOUSE = "warehouse.duckdb"
DATA_DOCS = Path("reports") / "data_docs"
FORMAT = 1
_ID = re.compile(r"r(\d{6,})-\d{8}")


@dataclass(frozen=True)
class Candidate:
    """A release in the making; the facts under which all of it is built."""

    path: Path
    refresh_id: str
    run_id: str
    as_of_date: dt.date
    time_zone: str
    reporting_currency: str
    opened_at: str
    # Everything was read again on request; what the gate in demands depends on it.
    full: bool = False

    @property
    def work_file(self) -> Path:
        """Landing views, staging and core."""
        return self.path / "work.duckdb"

    @property
    def release_folder(self) -> Path:
        """What one rename makes a release."""
        return self.path / "release"

    @property
    def warehouse_file(self) -> Path:
        """Marts and meta, the file that readers will open."""
        return self.release_folder / WAREHOUSE

    @property
    def evidence_folder(self) -> Path:
        """What the gates found."""
        return self.path / "evidence"

    @property
    def data_docs(self) -> Path:
        """Pages of the evidence, which go where the release goes."""
        return self.release_folder / DATA_DOCS


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


def sequence(refresh_id: str) -> int:
    """The number in an id such as `r000012-20140131`; the clock is not trusted for order."""
    match = _ID.fullmatch(refresh_id)
    if match is None:
        raise ConfigurationError(
            f"{refresh_id} is no release id, such as r000012-20140131."
        )
    return int(match.group(1))


def open_candidate(
    home: Home,
    *,
    run_id: str,
    as_of_date: dt.date,
    time_zone: str,
    reporting_currency: str,
    full: bool = False,
) -> Candidate:
    """Makes the folder of a new candidate and opens its record in the journal."""
    taken = [
        sequence(path.name.removesuffix(".json"))
        for folder in (home.candidates, home.releases, home.attempts)
        for path in folder.glob("r*-*")
    ]
    refresh_id = f"r{max(taken, default=0) + 1:06d}-{as_of_date:%Y%m%d}"
    attempts.begin(home, refresh_id, run_id, as_of_date)
    candidate = Candidate(
        path=home.candidates / refresh_id,
        refresh_id=refresh_id,
        run_id=run_id,
        as_of_date=as_of_date,
        time_zone=time_zone,
        reporting_currency=reporting_currency,
        opened_at=attempts.now().isoformat(),
        full=full,
    )
    candidate.release_folder.mkdir(mode=0o700, parents=True)
    facts = asdict(candidate)
    del facts["path"]
    write_json(candidate.path / "candidate.json", facts)
    return candidate


def latest_candidate(home: Home) -> Candidate:
    """The newest candidate: the one that a run's assets work on.

    Raises:
        GateRefused: There is none; whatever asked has nothing to work on.
    """
    found = sorted(home.candidates.glob("r*-*/candidate.json"))
    if not found:
        raise GateRefused(
            f"There is no candidate in {home.candidates}; materialize the whole job, or "
            "run `customer-tiers refresh`."
        )
    path = found[-1].parent
    facts = read_json(found[-1])
    facts["as_of_date"] = dt.date.fromisoformat(facts["as_of_date"])
    return Candidate(path=path, **facts)


def seal(
    candidate: Candidate, gates: Sequence[str], acceptances: Sequence[Use] = ()
) -> Path:
    """Closes the candidate's file and writes `release.json` beside it.

    The evidence goes in as it is, refusals too: whether it suffices is for `verify`.
    Call it after the last write to the warehouse file.

    Args:
        gates: The gates whose evidence must be there; recorded, and asked for again by
            `promote` from its own knowledge.
        acceptances: Those that hold, and what each did.

    Returns:
        The path of `release.json`.
    """
    _assert_closed(candidate.warehouse_file)
    sync_file(candidate.warehouse_file)
    found = evidence.load_all(candidate.evidence_folder)
    path = candidate.release_folder / "release.json"
    write_json(
        path,
        {
            "format": FORMAT,
            "refresh_id": candidate.refresh_id,
            "run_id": candidate.run_id,
            "as_of_date": candidate.as_of_date,
            "time_zone": candidate.time_zone,
            "reporting_currency": candidate.reporting_currency,
            "opened_at": candidate.opened_at,
            "sealed_at": attempts.now().isoformat(),
            "file": {
                "name": WAREHOUSE,
                "bytes": candidate.warehouse_file.stat().st_size,
                "sha256": sha256(candidate.warehouse_file),
            },
            "gates": list(gates),
            "acceptances": [asdict(use) for use in acceptances],
            "evidence": [asdict(item) for item in found.values()],
        },
        hashed=True,
    )
    return path


def is_sealed(home: Home, candidate: Candidate) -> bool:
    """Whether the candidate has its `release.json`, be it already among the releases."""
    folders = (candidate.release_folder, home.releases / candidate.refresh_id)
    return any((folder / "release.json").exists() for folder in folders)


def judge(
    candidate: Candidate, gates: Iterable[str], terms: evidence.Terms | None = None
) -> list[str]:
    """Why the evidence on disk does not allow this candidate; empty when it does.

    Looks at the evidence and at the file as the gate out left it, so it must be asked
    before anything else is written into the file.

    Args:
        candidate: What is to be published.
        gates: The gates whose evidence must be there.
        terms: What the suites declare and which acceptances hold; without it the
            evidence is believed in that too.
    """
    try:
        found = evidence.load_all(candidate.evidence_folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"the evidence in {candidate.evidence_folder} is damaged ({error})"]
    problems = _evidence_problems(found, gates, candidate.refresh_id, terms)
    seen = found.get("out")
    if seen is not None and candidate.warehouse_file.exists():
        actual = sha256(candidate.warehouse_file)
        if seen.warehouse_sha256 != actual:
            problems.append(
                f"{candidate.warehouse_file} is not the file that the gate looked at"
            )
    return problems


def verify(
    folder: Path, gates: Iterable[str], terms: evidence.Terms | None = None
) -> list[str]:
    """Re-reads `release.json` and the file: why they may not be published.

    Args:
        folder: The release, or the one in the making.
        gates: The gates whose evidence must be there.
        terms: As in `judge`. A release that was published under an acceptance stays
            good when its day is over: what is only looked at is looked at without terms.

    Returns:
        The reasons, empty when there is none.
    """
    try:
        record = read_json(folder / "release.json")
        stated = {record["file"]["sha256"]}
        if "incoming" in record:  # see replace_warehouse
            stated.add(record["incoming"]["sha256"])
        found = {item["gate"]: evidence.from_json(item) for item in record["evidence"]}
        refresh_id = record["refresh_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{folder / 'release.json'} is missing or damaged ({error})"]
    problems = _evidence_problems(found, gates, refresh_id, terms)
    try:
        _assert_closed(folder / WAREHOUSE)
        if sha256(folder / WAREHOUSE) not in stated:
            problems.append(
                f"{folder / WAREHOUSE} is not the file that was sealed (hash)"
            )
    except (OSError, GateRefused) as error:
        problems.append(str(error))
    return problems


def replace_warehouse(
    folder: Path, new: Path, change: Callable[[Any], Any], why: Mapping[str, Any]
) -> None:
    """Puts a new file in the place of a release's own, and says so in its record.

    Readers see the old file or the new one: it is one rename. A reader that has the old
    one open keeps it. For the moments around the rename the record states the hashes of
    both, so that the release can be verified whenever the process dies.

    Args:
        folder: The release.
        new: A closed DuckDB file in the same folder.
        change: Applied to the record, for what stands in it as it does in the file.
        why: The entry for the record's `rewritten`; made once for each `receipt`.
    """
    _assert_closed(new)
    sync_file(new)
    record = read_json(folder / "release.json")
    incoming = {
        "name": WAREHOUSE,
        "bytes": new.stat().st_size,
        "sha256": sha256(new),
    }
    write_json(folder / "release.json", {**record, "incoming": incoming}, hashed=True)
    new.replace(folder / WAREHOUSE)
    sync_folder(folder)
    record.pop("incoming", None)
    entries = [
        item
        for item in record.pop("rewritten", [])
        if item.get("receipt") != why.get("receipt")
    ]
    write_json(
        folder / "release.json",
        {**change(record), "file": incoming, "rewritten": [*entries, dict(why)]},
        hashed=True,
    )


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
        sync_folder(folder)
        folder.rename(target)
        sync_folder(home.releases)
    _point_current_at(home, refresh_id)
    shutil.rmtree(home.candidates / refresh_id, ignore_errors=True)
    return target


def rollback(home: Home, refresh_id: str | None = None) -> Release:
    """Makes a kept release current again; the one before the current by default.

    Raises:
        ConfigurationError: There is no such release.
        RefreshRunning: A refresh is running; it would overtake the rollback.
    """
    with refresh_lock(home):
        kept = releases(home)
        if refresh_id is None:
            current = next((i for i, item in enumerate(kept) if item.is_current), -1)
            older = [item for item in kept[current + 1 :] if not item.damage]
            if not older:
                raise ConfigurationError("There is no older release to go back to.")
            refresh_id = older[0].refresh_id
        wanted = next((item for item in kept if item.refresh_id == refresh_id), None)
        if wanted is None:
            raise ConfigurationError(
                f"There is no release {refresh_id}; `customer-tiers releases` lists them."
            )
        if wanted.damage:
            raise ConfigurationError(
                f"{refresh_id} cannot be made current: {wanted.damage}."
            )
        _point_current_at(home, refresh_id)
    return next(item for item in releases(home) if item.is_current)


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
            damage=f"{path / 'release.json'} is missing or damaged ({error})",
        )


def _visible_damage(folder: Path, record: Mapping[str, Any]) -> str:
    file = folder / WAREHOUSE
    if not file.exists():
        return f"{file} is missing"
    sizes = {record[name]["bytes"] for name in ("file", "incoming") if name in record}
    if file.stat().st_size not in sizes:
        return (
            f"{file} has {file.stat().st_size:,} bytes and not those that were sealed"
        )
    return ""


def newest_whole(home: Home) -> Release | None:
    """The release to go on from: the current one, or the newest whose file is whole.

    Each file is hashed until one is whole, so that damage is told and goes no further.
    """
    kept = releases(home)
    for item in sorted(kept, key=lambda item: not item.is_current):
        if problem := item.damage or _hidden_damage(item.path):
            log.warning("release %s is damaged: %s", item.refresh_id, problem)
        else:
            return item
    return None


def _hidden_damage(folder: Path) -> str:
    record = read_json(folder / "release.json")
    stated = {record[name]["sha256"] for name in ("file", "incoming") if name in record}
    if (folder / f"{WAREHOUSE}.wal").exists():
        return f"{folder / WAREHOUSE}.wal is left over"
    if sha256(folder / WAREHOUSE) not in stated:
        return f"{folder / WAREHOUSE} is not the file that was sealed (hash)"
    return ""


def pointer_problem(home: Home) -> str:
    """Why readers find no release behind `current` though there are some; or nothing."""
    if current_id(home) is not None or not any(home.releases.glob("r*-*")):
        return ""
    if home.current.is_symlink():
        return f"{home.current} points at {home.current.readlink()}, which is not there"
    if home.current.exists():
        return f"{home.current} is not the link to a release"
    return f"{home.current} is missing"


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


def prune(
    home: Home, *, keep_releases: int, keep_candidates: int, keep_months: int = 0
) -> list[Path]:
    """Removes the oldest releases and candidates beyond what is to be kept.

    The current release always stays. A reader that has an old file open keeps it. What
    the gates found in a candidate outlives it until a later release tells of it.
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
        shutil.rmtree(path)
    if ids:
        for path in home.evidence.glob("r*-*.json"):
            if path.stem < ids[0]:
                path.unlink()
    link_data_docs(home)
    return doomed


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
    told = [asdict(item) for item in found.values()]
    try:
        home.evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(target, {"opened_at": opened_at, "evidence": told})
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


def _evidence_problems(
    found: dict[str, evidence.Evidence],
    gates: Iterable[str],
    refresh_id: str,
    terms: evidence.Terms | None,
) -> list[str]:
    problems = []
    if terms is not None:
        for gate, item in found.items():
            found[gate] = evidence.judged(item, terms)
            problems += [
                f"gate {gate}: {check} was not checked"
                for check in evidence.not_made(item, terms)
            ]
    for gate in gates:
        if gate not in found:
            problems.append(f"gate {gate} left no evidence")
        elif found[gate].refresh_id != refresh_id:
            problems.append(
                f"the evidence of gate {gate} is of {found[gate].refresh_id}"
            )
    for item in found.values():
        problems.extend(item.problems())
    return problems


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


def _assert_closed(path: Path) -> None:
    # DuckDB silently replays a .wal into whatever file takes its name.
    leftover = path.with_name(path.name + ".wal")
    if leftover.exists():
        raise GateRefused(f"{leftover} is left over: the file beside it was not closed")
