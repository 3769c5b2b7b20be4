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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.common.discretion import discreet
from pipeline.common.home import Home

# The rooms' own loggers; what libraries say may hold anything.
LOGGERS = ("customer_tiers", "pipeline")
# So many lines wait for the id of a refresh; a run that never gets one says little.
WAITING = 1_000


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
            given.setdefault("exception", summarise_error(record.exc_info[1]))
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
            pass  # a full disk is reported by what needs the disk

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


def summarise_error(error: BaseException) -> str:
    """The kind of an error and its first line; engines show rows in the lines below."""
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first}"
