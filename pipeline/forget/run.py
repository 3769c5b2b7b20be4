"""The order of a forgetting, and how it goes on after a kill.

    1  the journal forgotten/<receipt>.json: all that is needed to go on; holds his data
    2  the list, so that nothing that lands from now on brings him back
    3  candidates, landing, quarantine, identity/, releases, exports, logs, Dagster
    4  the proof
    5  the receipt logs/forgotten/<receipt>.json: without his data; the journal goes

Each step may be done again and then changes nothing. A run that was killed is finished by
the next `forget`, and up to step 3 by the next refresh, under the same lock. While
anything of him is left the journal stays, because without it nobody would know what to
search for.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.common.errors import CustomerTiersError
from pipeline.common.files import read_json, sync_folder, write_json
from pipeline.common.home import Home
from pipeline.common.lock import refresh_lock
from pipeline.forget import landed, proof, released, search, traces
from pipeline.forget.proof import Trace
from pipeline.forget.subject import Place, Subject, Unsought
from pipeline.release import catalogue
from pipeline.sources import SourcesFile
from pipeline.suppression.suppression_list import Entry, Suppression, key_text

log = logging.getLogger("customer_tiers.forget")

REASON = "asked to be forgotten"
NOT_OURS = (
    "the sources themselves: what they still hold of the customer is theirs to delete",
    "exports and copies outside the home, PostgreSQL among them",
    "backups and snapshots of the home",
    "readers who have a file of a rewritten release open, until they close it",
    "free blocks of the disk, temporary files, the history of your shell",
)


class NotForgotten(CustomerTiersError):
    """Something of the customer is left; the message says where."""


@dataclass(frozen=True)
class Plan:
    """What would be done, without personal data but what was asked for.

    Attributes:
        customer: What was asked for.
        records: Source → records there.
        releases: Kept releases that would be rewritten.
        unsought: What would not be searched for, and why.
    """

    customer: str
    customer_type: str
    records: dict[str, int]
    places: Sequence[Place]
    releases: Sequence[str]
    looked_for: dict[str, int]
    unsought: Sequence[Unsought]
    sources_in_home: Sequence[str]


@dataclass(frozen=True)
class Receipt:
    """What was done and proved; without personal data."""

    receipt: str
    reason: str
    asked_at: str
    finished_at: str
    customer_type: str
    customer_ids: Sequence[str]
    records: dict[str, int]
    places: Sequence[Place]
    releases: Sequence[str]
    exports_removed: Sequence[str]
    looked_for: dict[str, int]
    not_looked_for: Sequence[Unsought]
    files: int
    bytes: int
    found: int
    left: Sequence[Trace]
    sources_in_home: Sequence[str]
    not_in_our_hand: Sequence[str] = field(default=NOT_OURS)


def plan(
    home: Home,
    sources: SourcesFile,
    customer: str,
    reason: str = REASON,
    *,
    seeds: Path | None = None,
) -> Plan:
    """What forgetting a customer would do; changes nothing.

    Raises:
        ConfigurationError: As `forget`.
    """
    found = _unfinished_of(home, customer)
    found = found or _foreseen(home, sources, customer, reason, seeds)
    return Plan(
        customer=customer,
        customer_type=found.records[0].customer_type,
        records=_by_source(found),
        places=found.places,
        releases=[
            item.refresh_id
            for item in catalogue.releases(home)
            if released.holds(item.path, found)
        ],
        looked_for=_labels(found),
        unsought=found.unsought,
        sources_in_home=found.sources_in_home,
    )


def forget(
    home: Home,
    sources: SourcesFile,
    customer: str,
    reason: str = REASON,
    *,
    seeds: Path | None = None,
) -> Receipt:
    """Takes a customer out of the home, and proves it.

    Args:
        customer: A customer_id, or `source:key in that source`.
        reason: Published in `meta.identity_log`; must not name the customer.
        seeds: The project's seeds, which must not name him: every release holds them.

    Raises:
        ConfigurationError: There is no such customer, sources.yaml does not say enough
            about where customers' data stands, or he cannot be taken out of it. Nothing
            was changed.
        RefreshRunning: A refresh is running.

    Returns:
        The receipt. Where it says that something is left (`problem_of`), the journal
        stays, so that the next run can search for it again.
    """
    with refresh_lock(home):
        resumed = _unfinished_of(home, customer)
        for item in _unfinished(home):
            if resumed is None or item.receipt != resumed.receipt:
                _finish(home, item)
        wanted = resumed or _foreseen(home, sources, customer, reason, seeds)
        if resumed is None:
            home.forgotten.mkdir(mode=0o700, exist_ok=True)
            write_json(_journal(home, wanted), wanted.as_json())
        return _finish(home, wanted)


def go_on(home: Home) -> None:
    """Finishes what a killed run left half done; the caller holds the refresh lock.

    So a refresh never builds on a landing that knows a customer by half. It leaves
    Dagster's storage alone, which is in use then, and proves nothing: both are left to
    the next `forget`.
    """
    for item in _unfinished(home):
        log.warning(
            "a forgetting was interrupted (%s); it is finished now", item.receipt
        )
        _take_out(home, item, dagster=False)


def _foreseen(
    home: Home, sources: SourcesFile, customer: str, reason: str, seeds: Path | None
) -> Subject:
    taken = [
        int(path.stem[1:])
        for folder in (home.receipts, home.forgotten)
        for path in folder.glob("f*.json")
    ]
    taken += [int(item.receipt[1:]) for item in Suppression.load(home).entries]
    found = search.find(
        home,
        sources,
        customer,
        reason=reason,
        receipt=f"f{max(taken, default=0) + 1:06d}",
        seeds=seeds,
    )
    return landed.foresee(home, found)


def _finish(home: Home, wanted: Subject) -> Receipt:
    rewritten, exports = _take_out(home, wanted)
    scanned = proof.scan(home, wanted, leave_out=_not_ours(home, wanted))
    receipt = Receipt(
        receipt=wanted.receipt,
        reason=wanted.reason,
        asked_at=wanted.asked_at,
        finished_at=dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat(),
        customer_type=wanted.records[0].customer_type,
        customer_ids=sorted(wanted.ids.values()),
        records=_by_source(wanted),
        places=wanted.places,
        releases=rewritten,
        exports_removed=exports,
        looked_for=_labels(wanted),
        not_looked_for=wanted.unsought,
        files=scanned.files,
        bytes=scanned.bytes,
        found=len(scanned.traces),
        left=scanned.traces,
        sources_in_home=wanted.sources_in_home,
    )
    home.receipts.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(home.receipts / f"{wanted.receipt}.json", asdict(receipt))
    if not scanned.traces:
        _journal(home, wanted).unlink()
        sync_folder(home.forgotten)
    return receipt


def _take_out(
    home: Home, wanted: Subject, *, dagster: bool = True
) -> tuple[list[str], list[str]]:
    """Everything but the proof; the releases and exports that were changed."""
    traces.sweep(home)
    _suppress(home, wanted)
    traces.remove_candidates(home)
    landed.rewrite(home, wanted)
    landed.rewrite_identity(home, wanted)
    why = {
        "at": wanted.asked_at,
        "why": "a customer was forgotten",
        "receipt": wanted.receipt,
    }
    for item in catalogue.releases(home):
        released.rewrite(home, wanted, item.path, why)
    exports = traces.remove_exports(home, wanted)
    traces.rewrite_logs(home, wanted)
    if dagster:
        traces.rewrite_dagster(home, wanted)
    rewritten = [
        item.refresh_id
        for item in catalogue.releases(home)
        if any(
            entry["receipt"] == wanted.receipt
            for entry in read_json(item.path / "release.json").get("rewritten", [])
        )
    ]
    return rewritten, exports


def _suppress(home: Home, wanted: Subject) -> None:
    known = Suppression.load(home)
    new = [
        Entry(
            print=known.print_of(item.source, key_text(item.key) or ""),
            source=item.source,
            pseudonym=item.pseudonym,
            customer_type=item.customer_type,
            receipt=wanted.receipt,
            forgotten_on=wanted.asked_at[:10],
            reason=wanted.reason,
        )
        for item in wanted.records
        if known.find(item.source, key_text(item.key) or "") is None
    ]
    if new:
        known.entries.extend(new)
        known.save(home)


def problem_of(receipt: Receipt) -> NotForgotten | None:
    """What is left of the customer, as an error; None when nothing is."""
    if not receipt.left:
        return None
    places = "; ".join(
        f"{item.file} ({item.place}): {item.label}" for item in receipt.left[:20]
    )
    return NotForgotten(
        f"{receipt.receipt}: something of the customer is left in "
        f"{len(receipt.left)} places: {places}. Mend them and run the command again; "
        "until then what is looked for stays in the folder forgotten of the home."
    )


def _unfinished(home: Home) -> list[Subject]:
    paths = sorted(home.forgotten.glob("f*.json"))
    return [Subject.from_json(read_json(path)) for path in paths]


def _unfinished_of(home: Home, customer: str) -> Subject | None:
    """The forgetting of this customer that was interrupted, if there is one."""
    for item in _unfinished(home):
        names = {*item.ids, *item.ids.values()}
        for record in item.records:
            names |= {f"{record.source}:{record.key}"}
        if customer in names:
            return item
    return None


def _journal(home: Home, wanted: Subject) -> Path:
    return home.forgotten / f"{wanted.receipt}.json"


def _not_ours(home: Home, wanted: Subject) -> list[Path]:
    return [
        _journal(home, wanted),
        *(home.root / name for name in wanted.sources_in_home),
    ]


def _by_source(wanted: Subject) -> dict[str, int]:
    return dict(Counter(item.source for item in wanted.records))


def _labels(wanted: Subject) -> dict[str, int]:
    return dict(sorted(Counter(item.label for item in wanted.values).items()))


__all__: Sequence[str] = (
    "REASON",
    "NotForgotten",
    "Plan",
    "Receipt",
    "forget",
    "go_on",
    "plan",
    "problem_of",
)
