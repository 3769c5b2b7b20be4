"""A command as the operating system accounts for it, and a refresh stage by stage.

The log of a refresh says when each stage began and ended; what the processors did
meanwhile is sampled beside it, where there is a /proc. Not here: what is measured
(`bench`) and how it is drawn (`bench_page`).
"""

from __future__ import annotations

import bisect
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.transform.package import PACKAGE

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
SAMPLE_SECONDS = 0.1
# The models that make one customer of several records, and those that fit and forecast.
IDENTITY = frozenset(
    f"core_customer_{name}"
    for name in ("blocks", "forms", "keys", "links", "prints", "records", "references")
)
FORECASTS = frozenset(
    [
        "core_customer_forecasts",
        "core_forecast_history",
        "core_forecast_scores",
        "core_value_backtest",
    ]
)


@dataclass(frozen=True)
class Usage:
    """What a process used: itself and those that it waited for.

    Attributes:
        wall_seconds: From its start to its end.
        processor_seconds: Of all processors, of the user and of the system.
        peak_megabytes: Of its largest process.
        samples: Moments, as seconds since 1970, and the processor seconds until then.
        output: What it wrote on both of its outputs.
    """

    wall_seconds: float
    processor_seconds: float
    peak_megabytes: float
    samples: Sequence[tuple[float, float]] = field(default=(), repr=False)
    output: str = field(default="", repr=False)

    def figures(self) -> dict[str, float]:
        """The three figures, for a file."""
        return {
            "wall_seconds": round(self.wall_seconds, 2),
            "processor_seconds": round(self.processor_seconds, 2),
            "peak_megabytes": round(self.peak_megabytes, 1),
        }

    def processor_until(self, moment: float) -> float | None:
        """Processor seconds used until a moment; None where nobody could see."""
        if not self.samples:
            return None
        moments = [at for at, _ in self.samples]
        place = bisect.bisect_left(moments, moment)
        if place == 0:
            return 0.0
        if place == len(moments):
            return self.processor_seconds
        (before, low), (after, high) = self.samples[place - 1 : place + 1]
        return low + (high - low) * (moment - before) / (after - before)


def _processor_seconds(process: int) -> float | None:
    """What a process and its ended children used; None when it is gone or no Linux."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return None
    # The name of the program stands in parentheses and may hold anything.
    ticks = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _peak_bytes(process: int) -> int:
    """The most memory that a process has held so far; 0 where nobody can see."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def run(command: Sequence[str | Path], **variables: str) -> Usage:
    """Runs a command to its end.

    Linux begins a process's account of memory with what its parent held when it was
    started. So the account counts only where it is above that, and what is sampled
    always.

    Raises:
        SystemExit: It ended with another exit code than 0; with what it wrote.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, at = time.perf_counter(), time.time()
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables},
    )
    samples: list[tuple[float, float]] = [(at, 0.0)]
    peaks = [0]
    has_ended = threading.Event()

    def sample() -> None:
        while not has_ended.wait(SAMPLE_SECONDS):
            used = _processor_seconds(process.pid)
            if used is not None:
                samples.append((time.time(), used))
                peaks.append(_peak_bytes(process.pid))

    watcher = threading.Thread(target=sample, daemon=True)
    watcher.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    has_ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(
            f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output}"
        )
    processor = used.ru_utime + used.ru_stime
    is_sampled = len(samples) > 1
    if is_sampled:
        samples.append((time.time(), processor))
    if used.ru_maxrss > own or not max(peaks):
        peaks.append(used.ru_maxrss * PEAK_UNIT)
    return Usage(
        wall_seconds=wall,
        processor_seconds=processor,
        peak_megabytes=max(peaks) / 1e6,
        samples=samples if is_sampled else (),
        output=output,
    )


@dataclass(frozen=True)
class Stage:
    """A part of a refresh.

    Attributes:
        processor_seconds: None where they were not sampled.
    """

    name: str
    wall_seconds: float
    processor_seconds: float | None = None


def stage_name(logged: str) -> str:
    """The name under which stages of one kind are added up: `read erp` is landing."""
    if logged.startswith("read "):
        return "landing"
    if logged.startswith("gate in"):
        return "gate in"
    return logged


def layer(model: str, folders: Mapping[str, str]) -> str:
    """The part of the dbt graph to which a node belongs.

    Args:
        folders: Model of the package → the folder below `models/` in which it lies.
    """
    if model in IDENTITY:
        return "identity"
    if model in FORECASTS:
        return "forecasts"
    if model.startswith(("stg_", "base_")):
        return "staging"
    return folders.get(model, "seeds")


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    with log.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _moment(line: Mapping[str, Any]) -> float:
    return dt.datetime.fromisoformat(line["ts"]).timestamp()


def node_seconds(log: Path) -> dict[str, float]:
    """Layer → seconds of its dbt nodes, of which two may be at work at once."""
    models = PACKAGE / "models"
    folders = {
        path.stem: path.relative_to(models).parts[0]
        for path in models.rglob("*")
        if path.suffix in {".sql", ".py"}
    }
    layers: dict[str, float] = {}
    for line in _lines(log):
        if line["event"] == "model":
            name = layer(line["model"], folders)
            layers[name] = layers.get(name, 0.0) + line["seconds"]
    return {name: round(layers[name], 2) for name in sorted(layers)}


def stages(log: Path, usage: Usage) -> list[Stage]:
    """The stages of a refresh from its log, in their order.

    What lies before the first and between them is `start and between`, so that the stages
    sum to the whole.
    """
    walls: dict[str, float] = {}
    processors: dict[str, float | None] = {}
    for line in _lines(log):
        if line["event"] == "stage_end":
            name, end = stage_name(line["stage"]), _moment(line)
            walls[name] = walls.get(name, 0.0) + line["seconds"]
            until = usage.processor_until(end)
            since = usage.processor_until(end - line["seconds"])
            if until is None or since is None:
                processors[name] = None
            else:
                processors[name] = (processors.get(name) or 0.0) + until - since
    known = [value for value in processors.values() if value is not None]
    return [
        Stage(
            "start and between",
            usage.wall_seconds - sum(walls.values()),
            usage.processor_seconds - sum(known) if known else None,
        ),
        *(Stage(name, wall, processors[name]) for name, wall in walls.items()),
    ]
