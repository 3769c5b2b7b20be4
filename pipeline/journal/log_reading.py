"""Reads the logs of refreshes: as they are, as they grow, and as figures.

Not here: how they are written (`refresh_log`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.journal.refresh_log import log_file

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
    from pipeline.journal import attempts

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


def format_line(line: Mapping[str, Any]) -> str:
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
