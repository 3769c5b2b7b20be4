"""What a CRM is known to have, and the exports that nobody has confirmed yet.

    serving/crm/<source>/state.json         what was confirmed, and the last number
    serving/crm/<source>/<n>.json           an export, until it or a later one is confirmed
    serving/crm/<source>/accepted.jsonl     what a sending was told, a line a batch
    serving/crm/<source>/lock               one at a time

A file is written whole or not at all; a line that a killed sending left half is not
counted, and its accounts go out again. Accounts and values stand there as keyed hashes
only. The next export drops an account that the release no longer has.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, sync_folder, write_json
from pipeline.common.home import Home
from pipeline.serving.crm.accounts import Account, Target, plain
from pipeline.serving.folder import ExportRunning

FORMAT = 1


@dataclass
class State:
    """The state of one CRM; `opened` gives it.

    Attributes:
        confirmed: Print of an account → print of the values that it has.
        last: The highest number of an export.
        through: The number up to which exports are confirmed, sent or overtaken.
    """

    folder: Path
    salt: str
    confirmed: dict[str, str] = field(default_factory=dict)
    last: int = 0
    through: int = 0

    def account(self, record_id: str) -> str:
        """The print of an account."""
        return self._print(record_id)

    def values(self, target: Target, account: Account) -> str:
        """The print of what is written to an account, fields included."""
        written = {
            target.fields[value]: plain(found)
            for value, found in account.values.items()
        }
        return self._print(
            json.dumps([target.object, written], sort_keys=True, ensure_ascii=False)
        )

    def _print(self, text: str) -> str:
        made = hmac.new(self.salt.encode(), text.encode(), hashlib.sha256)
        return made.hexdigest()[:20]

    # Exports as files

    def reserve(self, record: Mapping[str, Any], prints: Mapping[str, str]) -> int:
        """Notes a new export before its file is there; gives its number."""
        self.last += 1
        self.save()
        write_json(
            self.folder / f"{self.last}.json",
            {**record, "number": self.last, "accounts": dict(prints)},
            hashed=True,
        )
        return self.last

    def confirm(self, number: int) -> int:
        """Takes an export for done; gives how many accounts it had.

        Raises:
            ConfigurationError: There is no such export, or a later one was confirmed.
        """
        name = f"{self.folder.name}-{number}"
        path = self.folder / f"{number}.json"
        if not path.is_file():
            if 0 < number <= self.through:
                raise ConfigurationError(
                    f"{name} is confirmed already, or what came after it is."
                )
            raise ConfigurationError(
                f"There is no export {name}; `customer-tiers export crm` makes one."
            )
        try:
            accounts: dict[str, str] = read_json(path)["accounts"]
        except (OSError, ValueError, KeyError) as error:
            raise ConfigurationError(
                f"What {name} held cannot be read ({error}); export again."
            ) from error
        self.confirmed.update(accounts)
        self.overtake(number)
        return len(accounts)

    def overtake(self, number: int) -> None:
        """Saves, and drops exports up to the number: confirming them would turn back."""
        self.through = max(self.through, number)
        self.save()
        for path in self.folder.glob("*.json"):
            if path.stem.isdigit() and int(path.stem) <= self.through:
                path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def keep(self, accounts: set[str]) -> None:
        """Drops what is known of accounts that are not among these."""
        self.confirmed = {
            key: value for key, value in self.confirmed.items() if key in accounts
        }

    # Sendings

    def begin(self) -> int:
        """A sending begins: what it is told counts from the next line on."""
        self.last += 1
        self.overtake(self.last)
        return self.last

    def accepted(self, prints: Mapping[str, str]) -> None:
        """Notes what the CRM has accepted, before the next batch goes out."""
        self.confirmed.update(prints)
        with (self.folder / "accepted.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(prints)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def save(self) -> None:
        """Writes what is known; the lines of sendings are in it then."""
        write_json(
            self.folder / "state.json",
            {
                "format": FORMAT,
                "salt": self.salt,
                "last": self.last,
                "through": self.through,
                "confirmed": self.confirmed,
            },
            hashed=True,
        )
        (self.folder / "accepted.jsonl").unlink(missing_ok=True)


@contextmanager
def opened(home: Home, source: str) -> Iterator[State]:
    """The state of a source's CRM, for one process at a time.

    Raises:
        ExportRunning: Another export of it is running.
        ConfigurationError: What was kept cannot be read.
    """
    folder = home.root / "serving" / "crm" / source
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportRunning(
                f"Another export to {source} is running; wait for it."
            ) from None
        yield _load(folder)
    finally:
        os.close(descriptor)


def _load(folder: Path) -> State:
    path = folder / "state.json"
    if path.exists():
        try:
            held = read_json(path)
            state = State(
                folder, held["salt"], held["confirmed"], held["last"], held["through"]
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"What is known of {folder.name} cannot be read ({error}). Remove "
                f"{path}: then everything is exported once more, which changes nothing."
            ) from error
    else:
        state = State(folder, secrets.token_hex(16))
    log = folder / "accepted.jsonl"
    if log.exists():
        # A line that was cut is none: its accounts go out again.
        for line in log.read_text("utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                state.confirmed.update(json.loads(line))
    return state
