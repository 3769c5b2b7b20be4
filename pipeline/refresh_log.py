"""The log of one refresh: a file of JSON lines in which it can be followed.

    logs/refreshes/<refresh_id>.jsonl

What the rooms say to Python's `logging` goes there while `recording` lasts, from the
command line and from runs that Dagster launches alike; figures travel beside the
sentence as `facts`. Lines that come before the refresh has its id wait for it. No values
of rows and no secrets (`discretion`). A log that cannot be written never stops a refresh.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.discretion import discreet
from pipeline.errors import ConfigurationError
from pipeline.home import Home

# The rooms' own loggers; what libraries say may hold anything.
LOGGERS = ("customer_tiers", "pipeline")
# So many lines wait for the id of a refresh; a run that never gets one says little.
WAITING = 1_000
FOLLOW_SECONDS = 0.5

# What every line has.
_ALWAYS = (
    "ts", "level", "refresh_id", "run_id", "stage", "logger", "event", "message"
)  # fmt: skip


@dataclass(frozen=True)
class RefreshLog:
    """The log file of one refresh."""

    refresh_id: str
    path: Path
    bytes: int


class _Recorder(logging.Handler):
    """Writes the records of one run into the file of its refresh."""

    def __init__(self, home: Home, run_id: str, secrets: Iterable[str]) -> None:
        super().__init__(logging.DEBUG)
        self._home = home
        self._run_id = run_id
        self._secrets = frozenset(secrets)
        self._waiting: list[dict[str, Any]] = []
        self._path: Path | None = None
        self.refresh_id: str | None = None
        self.stage: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record; `facts` that it carries stand beside the sentence."""
        given = dict(getattr(record, "facts", {}))
        if record.exc_info and record.exc_info[1] is not None:
            given.setdefault("exception", told(record.exc_info[1]))
        self.write(
            moment=dt.datetime.fromtimestamp(record.created, dt.UTC),
            level=record.levelname,
            logger=record.name.removeprefix("customer_tiers."),
            event=str(given.pop("event", "log")),
            message=str(given.pop("message", None) or record.getMessage()),
            given=given,
        )

    def write(
        self,
        *,
        moment: dt.datetime,
        level: str,
        logger: str,
        event: str,
        message: str,
        given: dict[str, Any],
    ) -> None:
        """Writes one line, or keeps it until the refresh has its id."""
        line = {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "refresh_id": self.refresh_id,
            "run_id": self._run_id,
            "stage": self.stage,
            "logger": logger,
            "event": event,
            "message": discreet(message, self._secrets),
        }
        line |= {name: self._safe(value) for name, value in given.items()}
        self.acquire()
        try:
            if self._path is not None:
                self._append([line])
            elif len(self._waiting) < WAITING:
                self._waiting.append(line)
        finally:
            self.release()

    def bind(self, refresh_id: str) -> None:
        """From here on the lines belong to this refresh."""
        if self.refresh_id == refresh_id:
            return
        self.acquire()
        try:
            self.refresh_id = refresh_id
            self._path = log_file(self._home, refresh_id)
            waiting = [{**line, "refresh_id": refresh_id} for line in self._waiting]
            self._waiting = []
            self._append(waiting)
        finally:
            self.release()

    def _append(self, lines: list[dict[str, Any]]) -> None:
        assert self._path is not None
        text = "".join(
            json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines
        )
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Opened for each line: `forget` may replace the file, and a line that was
            # written is there whatever becomes of the process.
            with self._path.open("ab", buffering=0) as file:
                file.write(text.encode("utf-8", errors="backslashreplace"))
        except OSError:
            pass  # a full disk is told by what needs the disk

    def _safe(self, value: Any) -> Any:
        if isinstance(value, int | float | bool | None):
            return value
        return discreet(str(value), self._secrets)


# The run that this process is recording; a refresh never shares its process.
_ACTIVE: list[_Recorder] = []


def facts(**values: Any) -> dict[str, Any]:
    """The `extra` of a logging call that carries figures beside the sentence.

    `event` is the kind of the line; `message` takes the place of the sentence in the
    file, where the sentence itself may show values of rows.
    """
    return {"facts": values}


@contextmanager
def recording(home: Home, run_id: str, secrets: Iterable[str] = ()) -> Iterator[bool]:
    """Records what the rooms say while the block runs.

    Yields:
        Whether this is the outermost recording of the process; an inner one does nothing.
    """
    if _ACTIVE:
        yield False
        return
    recorder = _Recorder(home, run_id, secrets)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    _ACTIVE.append(recorder)
    for logger in loggers:
        logger.addHandler(recorder)
        logger.setLevel(logging.DEBUG)
    try:
        yield True
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(recorder)
            logger.setLevel(level)
        _ACTIVE.remove(recorder)


def enter(refresh_id: str, stage: str) -> None:
    """Says which refresh this process is at, and in which stage of it."""
    for recorder in _ACTIVE:
        recorder.bind(refresh_id)
        recorder.stage = stage


def note(level: str, event: str, message: str, **values: Any) -> None:
    """Writes a line that only the file is to have: no progress, no log of Dagster."""
    for recorder in _ACTIVE:
        recorder.write(
            moment=dt.datetime.now(dt.UTC),
            level=level,
            logger="attempts",
            event=event,
            message=message,
            given=values,
        )


def log_file(home: Home, refresh_id: str) -> Path:
    """Where the log of a refresh is."""
    return home.refresh_logs / f"{refresh_id}.jsonl"


def kept(home: Home) -> list[RefreshLog]:
    """The logs that there are, newest first."""
    return [
        RefreshLog(path.stem, path, path.stat().st_size)
        for path in sorted(home.refresh_logs.glob("r*-*.jsonl"), reverse=True)
    ]


def remove(home: Home, refresh_ids: Iterable[str]) -> list[RefreshLog]:
    """Deletes the logs of these refreshes.

    Returns:
        Those that were there.
    """
    unwanted = set(refresh_ids)
    gone = [log for log in kept(home) if log.refresh_id in unwanted]
    for log in gone:
        log.path.unlink(missing_ok=True)
    return gone


def read(home: Home, refresh_id: str) -> list[dict[str, Any]]:
    """The lines of a log; the torn last line of a killed process is left out."""
    path = log_file(home, refresh_id)
    return parsed(path.read_text(encoding="utf-8")) if path.exists() else []


def lines(
    home: Home, refresh_id: str | None = None, *, follow: bool = False
) -> Iterator[dict[str, Any]]:
    """The lines of a log; with `follow` also those that come until the refresh ends.

    Raises:
        ConfigurationError: There is no such log.
    """
    from pipeline import attempts

    found = kept(home)
    chosen = refresh_id or (found[0].refresh_id if found else None)
    path = log_file(home, chosen or "none")
    if chosen is None or not path.exists():
        listed = ", ".join(log.refresh_id for log in found[:5]) or "there is none yet"
        raise ConfigurationError(
            f"There is no log of {chosen or 'any refresh'} ({listed})."
        )
    read_to = 0
    while True:
        states = {item.refresh_id: item.state for item in attempts.history(home)}
        text = path.read_bytes()[read_to:]
        whole = text[: text.rfind(b"\n") + 1]
        read_to += len(whole)
        yield from parsed(whole.decode("utf-8", errors="replace"))
        if not follow or states.get(chosen) != "running":
            return
        time.sleep(FOLLOW_SECONDS)


def shown(line: Mapping[str, Any]) -> str:
    """A line for a person."""
    moment = str(line.get("ts", ""))[11:23]
    known = {*_ALWAYS, "subject", "check", "severity", "outcome", "gate"}
    beside = ", ".join(
        f"{name}={value}" for name, value in line.items() if name not in known
    )
    text = f"{moment}  {line.get('level', ''):<7}  {line.get('stage') or '':<18}  "
    return text + str(line.get("message", "")) + (f"  ({beside})" if beside else "")


def parsed(text: str) -> list[dict[str, Any]]:
    """The lines that are whole."""
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def rows_by_source(lines: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Rows of each source that the refresh landed and put into quarantine."""
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        if line.get("event") == "landed":
            of = found.setdefault(str(line["source"]), {"landed": 0, "quarantined": 0})
            of["landed"] += int(line["rows_landed"])
            of["quarantined"] += int(line["rows_quarantined"])
    return found


def stage_seconds(lines: Iterable[dict[str, Any]]) -> dict[str, float]:
    """How long each stage took that has ended."""
    return {
        str(line["stage"]): float(line["seconds"])
        for line in lines
        if line.get("event") == "stage_end"
    }


def told(error: BaseException) -> str:
    """The kind of an error and its first line; engines show rows in the lines below."""
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first}"
