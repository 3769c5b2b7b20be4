"""The product beside the floor: a full refresh, an unchanged day, a day with 0.1 % more.

    python -m benchmarks.bench --lines 1000000 [--folder data/bench] [--repeat 3]

The company (`benchmarks.company`) is generated once for a size and kept. Floor and refresh
run in turn, each in a process of its own and into an empty home; the median of what they
used counts. Afterwards each table of the floor is compared with the release, row for row,
and again on the day after: figures of a script that makes other tables would say nothing.
The result goes into `benchmarks/results/`, and from all results there `bench_page` draws
the picture and the tables of `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import bench_page, floor
from benchmarks.company import generate
from benchmarks.measured import Stage, Usage, run, stages

RESULTS = Path(__file__).parent / "results"
# What the ratio leaves out of the refresh, as the floor has neither.
CHECKS = ("gate in", "gate out")
APART = (*CHECKS, "report")


def fingerprint(lines: int, seed: int) -> str:
    """What the generated files depend on: another one has them generated again."""
    digest = hashlib.sha256(f"{lines} {seed} {duckdb.__version__}".encode())
    sources = [generate.SQL, Path(generate.__file__), *generate.PROJECT.rglob("*")]
    for path in sorted(sources):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Ground:
    """Where the measurements of one size take place.

    `delivered` holds what was generated, the past and each day by itself; `company` is the
    project, with links to the files that have been delivered so far.
    """

    folder: Path
    lines: int
    seed: int

    @property
    def company(self) -> Path:
        return self.folder / "company"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def floor(self) -> Path:
        return self.folder / "floor.duckdb"

    @property
    def warehouse(self) -> Path:
        """The file of the current release."""
        return (self.home / "current" / "warehouse.duckdb").resolve()

    def _delivered(self, day: int) -> Path:
        return self.folder / "delivered" / f"day_{day}"

    def generate(self, days: Iterable[int]) -> None:
        """Generates what is not there already."""
        mark = self.folder / "delivered" / "fingerprint"
        wanted = fingerprint(self.lines, self.seed)
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(mark.parent, ignore_errors=True)
            mark.parent.mkdir(parents=True)
        for day in days:
            target = self._delivered(day)
            if not target.exists():
                unfinished = target.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                generate.write(unfinished, self.lines, day, self.seed)
                unfinished.rename(target)
        mark.write_text(wanted, encoding="utf-8")

    def begin(self) -> None:
        """Begins anew: the past is delivered, and nobody has read it."""
        for folder in (self.company, self.home):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._delivered(0), self.company, copy_function=os.link)

    def deliver(self, day: int) -> None:
        """Adds what came on a day."""
        shutil.copytree(
            self._delivered(day),
            self.company,
            copy_function=os.link,
            dirs_exist_ok=True,
        )

    def build_floor(self, as_of: dt.date) -> Usage:
        """Runs the floor over what has been delivered."""
        command = [sys.executable, "-m", "benchmarks.floor", "build"]
        return run([*command, self.company, self.floor, "--as-of", as_of.isoformat()])

    def refresh(self, as_of: dt.date) -> tuple[Usage, list[Stage]]:
        """Refreshes, and finds what each stage took."""
        before = set(self.logs())
        usage = run(
            [
                sys.executable,
                *("-m", "pipeline", "refresh"),
                *("--sources", self.company / "sources.yaml"),
                *("--home", self.home),
                *("--as-of", as_of.isoformat()),
            ]
        )
        (log,) = set(self.logs()) - before
        return usage, stages(log, usage)

    def logs(self) -> list[Path]:
        """The logs of the refreshes so far."""
        return sorted((self.home / "logs" / "refreshes").glob("*.jsonl"))

    def compare(self) -> list[floor.Compared]:
        """Compares the floor with the release.

        Raises:
            SystemExit: A table differs.
        """
        compared, not_made = floor.compare(self.floor, self.warehouse)
        floor.print_comparison(compared, not_made)
        if not all(item.is_same for item in compared):
            raise SystemExit("The floor makes other tables than the release has.")
        return compared


def size(folder: Path) -> int:
    """Bytes of the files below a folder, or of one file."""
    files = folder.rglob("*") if folder.is_dir() else [folder]
    return sum(
        path.stat().st_size
        for path in files
        if path.is_file() and not path.is_symlink()
    )


def middle(usages: Sequence[Usage]) -> Usage:
    """The run that used the median of the processor seconds."""
    wanted = statistics.median_low(usage.processor_seconds for usage in usages)
    return next(usage for usage in usages if usage.processor_seconds == wanted)


def without_apart(usage: Usage, found: Sequence[Stage]) -> float:
    """Processor seconds of a refresh without its gates and its report."""
    return usage.processor_seconds - sum(
        stage.processor_seconds or 0.0 for stage in found if stage.name in APART
    )


def print_stages(title: str, usage: Usage, found: Sequence[Stage]) -> None:
    """Prints a refresh stage by stage."""
    print(
        f"{title}: {usage.wall_seconds:.1f} s, {usage.processor_seconds:.1f} s of "
        f"processor, {usage.peak_megabytes:,.0f} MB at the peak"
    )
    for stage in found:
        used = stage.processor_seconds
        processor = "" if used is None else f"{used:8.1f} s of processor"
        print(f"  {stage.name:24} {stage.wall_seconds:8.1f} s {processor}")
    sys.stdout.flush()


def described(usage: Usage, found: Sequence[Stage] = ()) -> dict[str, Any]:
    """A run for the file of results."""
    return {
        **usage.figures(),
        "stages": [
            {
                name: round(value, 2) if isinstance(value, float) else value
                for name, value in asdict(stage).items()
            }
            for stage in found
        ],
    }


def measure(ground: Ground, repeat: int) -> dict[str, Any]:
    """Measures one size.

    Returns:
        What goes into the file of results; units stand in the names.
    """
    as_of, next_day = generate.AS_OF, generate.AS_OF + dt.timedelta(days=1)
    floors: list[Usage] = []
    refreshes: list[tuple[Usage, list[Stage]]] = []
    for _ in range(repeat):
        ground.begin()
        floors.append(ground.build_floor(as_of))
        print(
            f"floor: {floors[-1].wall_seconds:.1f} s, "
            f"{floors[-1].processor_seconds:.1f} s of processor, "
            f"{floors[-1].peak_megabytes:,.0f} MB at the peak"
        )
        refreshes.append(ground.refresh(as_of))
        print_stages("full refresh", *refreshes[-1])
    compared = ground.compare()
    written = {
        "sources": size(ground.company / "files"),
        "floor": size(ground.floor),
        "landing": size(ground.home / "landing"),
        "release": size(ground.warehouse),
        "home": size(ground.home),
    }

    same = ground.refresh(as_of)
    print_stages("unchanged day", *same)
    home = size(ground.home)

    ground.deliver(1)
    day_floor = ground.build_floor(next_day)
    day = ground.refresh(next_day)
    print_stages("day with 0.1 % more", *day)
    ground.compare()
    written["day"] = size(ground.home) - home

    floor_run = middle(floors)
    full = middle([usage for usage, _ in refreshes])
    full_stages = next(found for usage, found in refreshes if usage is full)
    of_floor = without_apart(full, full_stages) / floor_run.processor_seconds
    ratios = {
        "refresh_to_floor": of_floor,
        "whole_refresh_to_floor": full.processor_seconds / floor_run.processor_seconds,
        "day_to_full": day[0].processor_seconds / full.processor_seconds,
        "unchanged_to_full": same[0].processor_seconds / full.processor_seconds,
    }
    return {
        "lines": ground.lines,
        "seed": ground.seed,
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {
            "processors": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "duckdb": duckdb.__version__,
        },
        "repeat": repeat,
        "floor": described(floor_run),
        "full": described(full, full_stages),
        "unchanged": described(*same),
        "day": described(*day),
        "day_floor": described(day_floor),
        "bytes": written,
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "compared": {item.table: item.rows for item in compared},
    }


def main() -> None:
    """Measures a size, prints it, and draws all that were measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("data/bench"))
    options = parser.parse_args()
    folder = options.folder.resolve() / f"lines-{options.lines}"
    ground = Ground(folder, options.lines, options.seed)
    ground.generate([0, 1])
    result = measure(ground, options.repeat)
    for name, count in result["bytes"].items():
        print(f"  {name:24} {count / 1e6:10.1f} MB on disk")
    for name, ratio in result["ratios"].items():
        print(f"  {name.replace('_', ' '):24} {ratio:10.3f}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"lines-{options.lines}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"Written: {', '.join(map(str, [path, *bench_page.write(RESULTS)]))}")


if __name__ == "__main__":
    main()
