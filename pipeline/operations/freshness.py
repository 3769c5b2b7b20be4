"""Whether readers have a release that is young enough, for whoever watches from outside.

The answer is one sentence and an exit code:

    0  the current release is young enough, whatever became of the newest attempt
    1  it is too old, or there is no whole one, or the clock cannot be believed
    3  it is too old, and the newest attempt was refused by a gate
    4  it is too old, and a refresh is running that may mend it
    5  it is too old, and the newest attempt could not reach a source

2 stays what it is everywhere: the question itself was wrong.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from pipeline.common import yaml_file
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.language import Sentence, joined, said
from pipeline.common.settings import Settings
from pipeline.journal import attempts
from pipeline.journal.attempts import Attempt
from pipeline.release import catalogue, layout

# So far may two clocks, or the clock before and after it was set, be apart unnoticed.
CLOCK_TOLERANCE = dt.timedelta(minutes=2)

Trouble = Literal["none", "no release", "damaged", "old", "behind", "clock"]


@dataclass(frozen=True)
class Freshness:
    """What was found at one moment.

    Attributes:
        exit_code: See the module.
        trouble: `old`: sealed too long ago. `behind`: sealed lately, but it knows only of
            days long past. `clock`: the clock shows a time that the home has left behind.
            `damaged`: readers find no whole release; `problem` says why.
        sentence: The whole answer in one line.
        age_seconds: Since the release was sealed; with a clock that was set back, the
            least that it can be.
        lag_days: Days that have ended since the last one that the release knows of.
        clock_behind_seconds: How far the clock is behind what the home has recorded.
    """

    exit_code: int
    trouble: Trouble
    sentence: str
    looked_at: str
    max_age_seconds: float
    release_id: str | None = None
    as_of_date: str | None = None
    sealed_at: str | None = None
    age_seconds: float | None = None
    lag_days: int | None = None
    clock_behind_seconds: float = 0
    problem: str = ""
    attempt_id: str | None = None
    attempt_state: str | None = None
    attempt_exit_code: int | None = None


_SAYINGS: dict[Trouble, str] = {
    "none": "Fine: {named}; {allowed} are allowed.",
    "old": "Too old: {named}; {allowed} are allowed.",
    "behind": (
        "Behind: {named}, but {lag} days have ended since its as-of date{unread}."
    ),
    "clock": (
        "The clock of this machine is at least {behind} behind what the home has "
        "recorded; set it right. At the least, {named}."
    ),
}


def assess(
    settings: Settings,
    home: Home,
    *,
    max_age: dt.timedelta | None = None,
    now: dt.datetime | None = None,
) -> Freshness:
    """Judges the current release by its age, its as-of date and the newest attempt."""
    limit = max_age or settings.max_age
    moment = now or dt.datetime.now(dt.UTC)
    current = catalogue.current(home)
    tried = numbered(attempts.history(home))
    newest = tried[0] if tried else None
    problem = current.damage if current else catalogue.pointer_problem(home)
    known = _latest_known(home, current, tried)
    latest = max(moment, known) if known else moment
    _remember(home, current, latest)
    behind = latest - moment if latest - moment > CLOCK_TOLERANCE else dt.timedelta(0)
    if current is None or problem:
        return Freshness(
            exit_code=1 if problem else _code(newest),
            trouble="damaged" if problem else "no release",
            sentence=joined(
                [
                    said("Readers find no whole release: {problem}.", problem=problem)
                    if problem
                    else said("There is no release yet."),
                    _of(newest),
                ]
            ),
            problem=problem,
            looked_at=moment.isoformat(),
            max_age_seconds=limit.total_seconds(),
            clock_behind_seconds=behind.total_seconds(),
            attempt_id=newest.refresh_id if newest else None,
            attempt_state=newest.state if newest else None,
            attempt_exit_code=newest.exit_code if newest else None,
        )
    age = latest - current.sealed_at
    lag, unread = _lag(settings, current, latest)
    trouble: Trouble = "none"
    code = 0
    if behind:
        trouble, code = "clock", 1
    elif age > limit:
        trouble, code = "old", _code(newest)
    elif lag > math.ceil(limit / dt.timedelta(days=1)):
        trouble, code = "behind", 1
    named = said(
        "release {release} (as of {day}) was sealed {age} ago",
        release=current.refresh_id,
        day=current.as_of_date,
        age=format_duration(age),
    )
    sentence = said(
        _SAYINGS[trouble],
        named=named,
        allowed=format_duration(limit),
        behind=format_duration(behind),
        lag=lag,
        unread=unread,
    )
    if trouble != "clock":
        sentence = joined([sentence, _of(newest)])
    return Freshness(
        exit_code=code,
        trouble=trouble,
        sentence=sentence,
        looked_at=moment.isoformat(),
        max_age_seconds=limit.total_seconds(),
        release_id=current.refresh_id,
        as_of_date=current.as_of_date.isoformat(),
        sealed_at=current.sealed_at.isoformat(),
        age_seconds=age.total_seconds(),
        lag_days=lag,
        clock_behind_seconds=behind.total_seconds(),
        attempt_id=newest.refresh_id if newest else None,
        attempt_state=newest.state if newest else None,
        attempt_exit_code=newest.exit_code if newest else None,
    )


def numbered(tried: Iterable[Attempt]) -> list[Attempt]:
    """Those whose name is that of an attempt; a stray file in the journal is none."""
    return [item for item in tried if re.fullmatch(r"r\d{6,}-\d{8}", item.refresh_id)]


def format_duration(length: dt.timedelta) -> Sentence:
    """A length of time for a person, in the largest unit of which there are two."""
    seconds = max(length.total_seconds(), 0)
    for size, pattern in (
        (86_400, "{number} days"),
        (3_600, "{number} hours"),
        (60, "{number} minutes"),
    ):
        if seconds >= 2 * size:
            return said(pattern, number=math.floor(seconds / size))
    return said("{number} seconds", number=math.floor(seconds))


def _code(newest: Attempt | None) -> int:
    if newest is None:
        return 1
    if newest.state == "running":
        return 4
    if newest.state == "refused":
        return 3
    return 5 if newest.state == "failed" and newest.exit_code == 5 else 1


_NEWEST = {
    "running": "The newest attempt {refresh} is running ({stage}).",
    "refused": "The newest attempt {refresh} was refused ({stage}).",
    "failed": "The newest attempt {refresh} failed ({stage}).",
    "died": "The newest attempt {refresh} died ({stage}).",
}


def _of(newest: Attempt | None) -> Sentence | str:
    if newest is None:
        return said("No refresh was ever tried.")
    pattern = _NEWEST.get(newest.state)
    if pattern is None:
        return ""
    return said(pattern, refresh=newest.refresh_id, stage=newest.stage)


def _latest_known(
    home: Home, current: catalogue.Release | None, tried: list[Attempt]
) -> dt.datetime | None:
    """The latest moment that the home knows to have been, since the current release.

    What came before does not count: a clock that was once too far ahead would otherwise
    be held against the right time for ever.
    """
    moments = [current.sealed_at] if current else []
    since = layout.sequence(current.refresh_id) if current else 0
    for attempt in tried:
        if layout.sequence(attempt.refresh_id) >= since:
            moments_of = (attempt.started_at, attempt.ended_at)
            moments += [dt.datetime.fromisoformat(item) for item in moments_of if item]
    try:
        mark = read_json(_mark(home))
        if mark["release"] == (current.refresh_id if current else None):
            moments.append(dt.datetime.fromisoformat(mark["latest"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never assessed before, or torn: it only helps
    return max(moments, default=None)


def _remember(
    home: Home, current: catalogue.Release | None, latest: dt.datetime
) -> None:
    """Keeps how late it was now, so that a clock set back later is noticed."""
    mark = {
        "release": current.refresh_id if current else None,
        "latest": latest.isoformat(),
    }
    # A full disk, or another process, must not keep anybody from assessing it.
    with suppress(OSError):
        write_json(_mark(home), mark)


def _mark(home: Home) -> Path:
    return home.logs / "clock.json"


def _lag(
    settings: Settings, current: catalogue.Release, now: dt.datetime
) -> tuple[int, str]:
    """Days that have ended in the business's time zone and are not in the release.

    Where it cannot be read which day a refresh would know of, yesterday is assumed, which
    rather alarms than not; the second value says so then.
    """
    record = read_json(current.path / "release.json")
    today = now.astimezone(ZoneInfo(record["time_zone"])).date()
    declared, unread = None, ""
    try:
        declared = _declared_as_of(settings)
    except ConfigurationError as error:
        why = " ".join(str(error).split()).rstrip(".")
        unread = said(" (yesterday is expected, because {why})", why=why)
    last_ended = declared or today - dt.timedelta(days=1)
    return max((last_ended - current.as_of_date).days, 0), unread


def _declared_as_of(settings: Settings) -> dt.date | None:
    """The as-of date of a company whose data ends in the past.

    Read by itself: whoever monitors need not have the secrets that sources.yaml asks for.

    Raises:
        ConfigurationError: It is no day, or refers to what is not set.
    """
    path = settings.sources_file
    if not path.exists():
        return None  # a home is watched from where its sources are not described
    found = yaml_file.read_value(
        path, settings.environment, ("business", "as_of"), otherwise="name another"
    )
    try:
        day: dt.date | None = TypeAdapter(dt.date | None).validate_python(found)
    except ValidationError as error:
        raise ConfigurationError(
            f"business.as_of of {path} is {found!r}; give a day such as 2014-01-31, or "
            "leave it out for yesterday"
        ) from error
    return day
