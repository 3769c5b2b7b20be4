"""A file of what changed in a CRM's accounts since the last that was confirmed.

An import is made by a person, who says afterwards that it was: until then the next export
holds the same accounts again. Not here: writing through the API (`sending`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.journal import attempts
from pipeline.release import catalogue
from pipeline.serving import contents
from pipeline.serving.crm import formats, state
from pipeline.serving.crm.accounts import Account, Release, Target
from pipeline.serving.crm.state import State


@dataclass(frozen=True)
class Exported:
    """What an export did.

    Attributes:
        id: By which it is confirmed; None where nothing had changed.
        file: Where the accounts are.
        accounts: How many.
        unchanged: Accounts that have what they should.
        unusable: Keys of the source that are no ids of its accounts.
        waiting: Accounts that the file has no room for; the next export has them.
        left_out: Values that this release does not have, such as verdicts.
    """

    source: str
    id: str | None
    file: Path | None
    accounts: int
    unchanged: int
    unusable: int
    waiting: int
    left_out: list[str]


@dataclass
class Changes:
    """The accounts of a release that a CRM is not known to have as they are.

    Attributes:
        held: What is known; `state` is that, or nothing where everything goes out.
        prints: Account → values, of those that were given.
        unchanged: How many have them.
        all: Prints of every account of the release.
    """

    held: State
    state: State
    release: Release
    prints: dict[str, str]
    all: set[str]
    unchanged: int = 0

    def __iter__(self) -> Iterator[Account]:
        for account in self.release.accounts():
            key = self.state.account(account.id)
            values = self.state.values(self.release.target, account)
            self.all.add(key)
            if self.state.confirmed.get(key) == values:
                self.unchanged += 1
            else:
                self.prints[key] = values
                yield account


def changes(
    state_: State, release: catalogue.Release, target: Target, *, whole: bool
) -> Changes:
    """What changed; everything if `whole`."""
    found = Release(contents.read(release), target)
    known = State(state_.folder, state_.salt) if whole else state_
    return Changes(state_, known, found, {}, set())


def export(
    home: Home,
    release: catalogue.Release,
    target: Target,
    folder: Path,
    *,
    whole: bool = False,
) -> Exported:
    """Writes what changed into a file of the folder.

    Args:
        whole: All accounts, whatever was confirmed.

    Raises:
        ConfigurationError: The folder cannot be written to, or the release is too old.
        ExportRunning: Another export to this CRM is running.
    """
    with state.opened(home, target.source) as held:
        found = changes(held, release, target, whole=whole)
        accounts = list(found)
        room = formats.room(target.system) or len(accounts)
        waiting = max(0, len(accounts) - room)
        written = list(islice(accounts, room))
        values = found.release.values
        identity, file = None, None
        if written:
            prints = dict(islice(found.prints.items(), room))
            held.keep(found.all)
            number = held.reserve(
                {
                    "release": release.refresh_id,
                    "as_of": release.as_of_date,
                    "made_at": attempts.now().isoformat(),
                },
                prints,
            )
            identity = f"{target.source}-{number}"
            file = folder / f"{identity}{formats.SUFFIXES[target.system]}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                formats.write(file, target, values, written)
            except OSError as error:
                raise ConfigurationError(
                    f"{file} cannot be written: {error.strerror}."
                ) from error
        return Exported(
            target.source,
            identity,
            file,
            len(written),
            found.unchanged,
            found.release.unusable,
            waiting,
            [value for value in target.fields if value not in values],
        )


def confirm(home: Home, identity: str) -> int:
    """Takes an export for imported: the next one leaves its accounts out.

    Returns:
        How many accounts it had.

    Raises:
        ConfigurationError: There is no such export, or a later one was confirmed.
    """
    source, _, number = identity.rpartition("-")
    folder = home.root / "serving" / "crm" / source
    if not source or not number.isdigit() or Path(source).name != source:
        raise ConfigurationError(
            f"{identity} is no export; they are called like zoho-3."
        )
    if not folder.is_dir():
        raise ConfigurationError(
            f"There is no export {identity}; `customer-tiers export crm` makes one."
        )
    with state.opened(home, source) as held:
        return held.confirm(int(number))
