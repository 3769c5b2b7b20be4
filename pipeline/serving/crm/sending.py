"""Writes what changed into the CRM through its API, and remembers what was accepted.

Batch by batch: what the CRM accepted is noted before the next one goes out. A sending
that fails or is killed loses at most the note of one batch, whose accounts go out again
with the same values. What was refused goes out again the next time, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.home import Home
from pipeline.release import catalogue
from pipeline.serving.crm import state
from pipeline.serving.crm.accounts import Account, Target, plain, target_of
from pipeline.serving.crm.export import Changes, changes
from pipeline.sources import Source, open_writer
from pipeline.sources.http import SYSTEM_CLOCK, Clock
from pipeline.sources.writing import Refusal, WritableField, Writer

# So many refused one after the other, and none accepted: it is not the accounts.
HOPELESS: Final = 20
# As many refusals are told, the rest are counted.
MOST_REFUSALS: Final = 20
SAMPLE: Final = 10


@dataclass
class Sent:
    """What a sending did, or what it would do.

    Attributes:
        accepted: Accounts that the CRM took.
        refused: How many it did not take.
        refusals: Some of them, each with why.
        unchanged: Accounts that have what they should.
        unusable: Keys of the source that are no ids of its accounts.
        left_out: Values that this release does not have, such as verdicts.
        is_dry: Nothing was sent, and nobody was asked.
        would: Accounts that would be sent.
        sample: Some of them, as fields and values.
    """

    source: str
    accepted: int = 0
    refused: int = 0
    refusals: list[dict[str, str]] = field(default_factory=list)
    unchanged: int = 0
    unusable: int = 0
    left_out: list[str] = field(default_factory=list)
    is_dry: bool = False
    would: int = 0
    sample: list[dict[str, Any]] = field(default_factory=list)


def dry(home: Home, release: catalogue.Release, target: Target, *, whole: bool) -> Sent:
    """What would be sent; asks nobody and changes nothing."""
    with state.opened(home, target.source) as held:
        found = changes(held, release, target, whole=whole)
        accounts = iter(found)
        done = Sent(target.source, is_dry=True)
        for account in islice(accounts, SAMPLE):
            done.sample.append({"id": account.id, **_texts(target, account)})
        done.would = len(done.sample) + sum(1 for _ in accounts)
        _count(done, found)
    return done


def send(
    home: Home,
    release: catalogue.Release,
    source: Source,
    *,
    whole: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> Sent:
    """Writes what changed into the CRM of a source.

    Args:
        whole: All accounts, whatever was confirmed.

    Raises:
        ConfigurationError: sources.yaml does not allow it, or the CRM has no such field.
        SourceUnavailable: The CRM cannot be reached; what it accepted is remembered.
        ExportRunning: Another export to this CRM is running.
    """
    target = target_of(source)
    if target is None:
        raise ConfigurationError(f"{source.name} is no CRM that takes tiers back.")
    writer = open_writer(source, home, clock)
    with state.opened(home, source.name) as held:
        found = changes(held, release, target, whole=whole)
        accounts = iter(found)
        done = Sent(source.name)
        first = next(accounts, None)
        if first is None:
            _count(done, found)
            return done
        with writer:
            fields = _fields(writer, target, found)
            held.begin()
            try:
                for batch in _batches(first, accounts, writer.batch):
                    _send(writer, target, fields, batch, found, done)
                held.keep(found.all)
            finally:
                held.save()
        _count(done, found)
    return done


def _batches(
    first: Account, others: Iterator[Account], rows: int
) -> Iterator[list[Account]]:
    batch = [first, *islice(others, rows - 1)]
    while batch:
        yield batch
        batch = list(islice(others, rows))


def _fields(
    writer: Writer, target: Target, found: Changes
) -> Mapping[str, WritableField]:
    """The fields that are written to.

    Raises:
        ConfigurationError: The CRM does not have one of them. It would take the value and
            lose it without a word.
    """
    there = writer.fields(target.object)
    wanted = [target.fields[value] for value in found.release.values]
    if missing := [
        name for name in wanted if name not in there or there[name].kind == "other"
    ]:
        raise ConfigurationError(
            f"{target.object} of {target.source} has no field of text, number or day "
            f"called {', '.join(missing)}. Have an administrator make it, or name one of "
            "yours under writeback.fields in sources.yaml (docs/write-back.md)."
        )
    return there


def _send(
    writer: Writer,
    target: Target,
    fields: Mapping[str, WritableField],
    accounts: Sequence[Account],
    found: Changes,
    done: Sent,
) -> None:
    """Sends a batch and notes what became of it."""
    records, sent = [], []
    for account in accounts:
        try:
            values = {
                target.fields[value]: writer.value(fields[target.fields[value]], given)
                for value, given in account.values.items()
            }
        except ValueError as error:
            _refuse(done, account, Refusal("", str(error)))
            continue
        records.append((account.id, values))
        sent.append(account)
    outcomes = writer.update(target.object, records) if records else []
    taken = {}
    for account, refusal in zip(sent, outcomes, strict=True):
        if refusal is None:
            key = found.state.account(account.id)
            taken[key] = found.prints[key]
        else:
            _refuse(done, account, refusal)
    if taken:
        found.held.accepted(taken)
        done.accepted += len(taken)
    elif not done.accepted and done.refused >= HOPELESS:
        raise CustomerTiersError(
            f"{target.source} refused the first {done.refused} accounts, each of them; "
            f"nothing was changed. Of the last it says: {done.refusals[-1]['why']}"
        )


def _refuse(done: Sent, account: Account, refusal: Refusal) -> None:
    done.refused += 1
    if len(done.refusals) < MOST_REFUSALS:
        why = " ".join(filter(None, (refusal.code, refusal.message)))
        done.refusals.append({"id": account.id, "why": why})


def _count(done: Sent, found: Changes) -> None:
    done.unchanged = found.unchanged
    done.unusable = found.release.unusable
    done.left_out = [
        value
        for value in found.release.target.fields
        if value not in found.release.values
    ]


def _texts(target: Target, account: Account) -> dict[str, str]:
    return {
        target.fields[value]: plain(given) for value, given in account.values.items()
    }
