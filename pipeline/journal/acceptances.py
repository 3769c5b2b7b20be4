"""The journal of acceptances: which failed checks a person lets pass, why and until when.

An acceptance holds until its day is over by the clock, in UTC, and not by the as-of date:
it is somebody's word about the present, and the as-of date of a demonstration or of a
repeated refresh stands still, so that the word would never end.

One JSON file of the home, in the room of the logs; a withdrawn acceptance stays in it.
Which checks may be accepted is declared by the suites (`gates.declared`,
`transform.declared`), and what an acceptance does to a check is said in `evidence`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import fcntl
import logging
import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.journal.attempts import now
from pipeline.journal.evidence import Accepted, Declared, Evidence

log = logging.getLogger("customer_tiers.gates")

MOST_DAYS = 90
LONGEST_REASON = 500


@dataclass(frozen=True)
class Acceptance:
    """One entry of the journal.

    Attributes:
        check: The public id, such as `marts.order_lines:drift_rows_of_the_day`.
        withdrawn_by: Who took it back, if somebody did; `withdrawn_at` says when.
    """

    check: str
    by: str
    at: str
    reason: str
    until: str
    withdrawn_by: str | None = None
    withdrawn_at: str | None = None

    @property
    def accepted(self) -> Accepted:
        """What stands in the evidence."""
        return Accepted(by=self.by, at=self.at, reason=self.reason, until=self.until)

    def holds(self, day: dt.date) -> bool:
        """Whether it holds on the day, the last one included."""
        until = dt.date.fromisoformat(self.until)
        return self.withdrawn_at is None and day <= until


@dataclass(frozen=True)
class Wish:
    """What a person asked for, not yet checked."""

    checks: Sequence[str]
    reason: str
    until: str


@dataclass(frozen=True)
class Use:
    """An acceptance that holds, and what it did in a refresh.

    Attributes:
        state: `used`; `unused`, the check passed; `void`, it crashed or may not be
            accepted; `not made`, nothing of the kind was checked.
    """

    check: str
    accepted: Accepted
    state: str


def today() -> dt.date:
    """The day that decides, in UTC."""
    return now().date()


def wish(checks: Sequence[str], reason: str | None, until: str | None) -> Wish | None:
    """What the command line was given, if it can be meant.

    Raises:
        ConfigurationError: Something is missing, or the day is none that can be.
    """
    if not checks:
        if reason or until:
            raise ConfigurationError("--reason and --until belong to --accept CHECK.")
        return None
    if not (reason or "").strip():
        raise ConfigurationError(
            "--accept needs --reason TEXT: say why the failure is right this time."
        )
    if until is None:
        raise ConfigurationError(
            "--accept needs --until DATE: the last day on which it holds."
        )
    words = " ".join((reason or "").split())
    if len(words) > LONGEST_REASON:
        raise ConfigurationError(
            f"--reason has {len(words)} characters; say it in {LONGEST_REASON}."
        )
    try:
        day = dt.date.fromisoformat(until)
    except ValueError as error:
        raise ConfigurationError(
            f"--until is {until!r}; give a day such as 2014-02-28."
        ) from error
    if day < today():
        raise ConfigurationError(f"--until {day} is past; today is {today()} (UTC).")
    last = today() + dt.timedelta(days=MOST_DAYS)
    if day > last:
        raise ConfigurationError(
            f"--until {day} is more than {MOST_DAYS} days ahead; the last day possible "
            f"is {last}. What is right for longer belongs into the suite."
        )
    return Wish(checks=list(dict.fromkeys(checks)), reason=words, until=day.isoformat())


def accept(
    home: Home,
    wished: Wish,
    declared: Mapping[str, Declared],
    last_seen: Mapping[str, str],
) -> list[Acceptance]:
    """Writes what was wished into the journal; all of it or nothing.

    Args:
        home: Whose journal.
        wished: From `wish`.
        declared: Check → what its suite declares, for every check there is.
        last_seen: Check → its outcome in the last attempt that made it.

    Raises:
        ConfigurationError: A check is not there, is an integrity check, or crashed.
    """
    for check in wished.checks:
        if check not in declared:
            raise ConfigurationError(
                f"--accept {check!r}: there is no such check.{_near(check, declared)} "
                "`customer-tiers status` names the failed ones."
            )
        if not declared[check].may_be_accepted:
            raise ConfigurationError(
                f"--accept {check}: it keeps rows, keys or money whole and cannot be "
                "accepted; mend what it found. Only warnings and checks that are "
                "declared acceptable, such as drift, can be."
            )
        if last_seen.get(check) == "crashed":
            raise ConfigurationError(
                f"--accept {check}: it crashed when it was last made, so there is "
                "nothing known that could be accepted; mend the check."
            )
    made = [
        Acceptance(
            check=check,
            by=user(),
            at=now().isoformat(),
            reason=wished.reason,
            until=wished.until,
        )
        for check in wished.checks
    ]
    with _writing(home):
        # A new word replaces the old one about the same check.
        earlier = [
            _withdrawn(item)
            if item.check in wished.checks and item.holds(today())
            else item
            for item in journal(home)
        ]
        _save(home, [*earlier, *made])
    return made


def withdraw(home: Home, check: str) -> Acceptance:
    """Takes back the acceptance of a check.

    Raises:
        ConfigurationError: None holds.
    """
    with _writing(home):
        entries = journal(home)
        for place, item in enumerate(entries):
            if item.check == check and item.holds(today()):
                entries[place] = _withdrawn(item)
                _save(home, entries)
                return entries[place]
        held = [item.check for item in entries if item.holds(today())]
        raise ConfigurationError(
            f"--withdraw {check!r}: no acceptance of it holds."
            + (f" There are: {', '.join(held)}." if held else " There is none at all.")
        )


def journal(home: Home) -> list[Acceptance]:
    """Every acceptance there ever was, oldest first.

    Raises:
        ConfigurationError: The file is damaged.
    """
    path = file(home)
    if not path.exists():
        return []
    try:
        return [Acceptance(**item) for item in read_json(path)]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is damaged ({error}), so no acceptance holds; put it right, or "
            "move it away and accept anew."
        ) from error


def holding(home: Home) -> list[Acceptance]:
    """The acceptances that hold today; none where the journal is damaged."""
    try:
        entries = journal(home)
    except ConfigurationError as error:
        log.warning("%s", error)
        return []
    day = today()
    return [item for item in entries if item.holds(day)]


def held(home: Home) -> dict[str, Accepted]:
    """The same by check, as it stands in the evidence."""
    return {item.check: item.accepted for item in holding(home)}


def uses(
    holding: Mapping[str, Accepted], evidence: Mapping[str, Evidence]
) -> list[Use]:
    """What the acceptances did in the refresh of this evidence, by check."""
    checks = {check.id: check for item in evidence.values() for check in item.checks}
    found = []
    for check_id, accepted in sorted(holding.items()):
        check = checks.get(check_id)
        if check is None:
            state = "not made"
        elif check.outcome == "passed":
            state = "unused"
        else:
            state = "used" if check.is_accepted else "void"
        found.append(Use(check=check_id, accepted=accepted, state=state))
    return found


def file(home: Home) -> Path:
    """The journal."""
    return home.logs / "acceptances.json"


def user() -> str:
    """The user of the operating system who runs this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _withdrawn(item: Acceptance) -> Acceptance:
    return replace(item, withdrawn_by=user(), withdrawn_at=now().isoformat())


def _near(check: str, declared: Mapping[str, Declared]) -> str:
    found = difflib.get_close_matches(check, list(declared), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def _save(home: Home, entries: Sequence[Acceptance]) -> None:
    write_json(file(home), [asdict(item) for item in entries])


@contextmanager
def _writing(home: Home) -> Iterator[None]:
    """Two that write at once would lose one's entry; a refresh only reads."""
    descriptor = os.open(home.logs / "acceptances.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
