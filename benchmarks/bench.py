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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import bench_page, floor
from benchmarks.company import generate
from benchmarks.measured import Stage, Usage, node_seconds, run, stages

RESULTS = Path(__file__).parent / "results"
# What the ratio leaves out of the refresh, with dbt's tests, as the floor has none of it.
APART = ("gate in", "gate out", "report")


def fingerprint(lines: int, seed: int) -> str:
    """What the generated files depend on: another one has them generated again."""
    digest = hashlib.sha256(f"{lines} {seed} {duckdb.__version__}".encode())
    sources = [generate.SQL, Path(generate.__file__), *generate.PROJECT.rglob("*")]
    for path in sorted(sources):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Refresh:
    """A refresh that was measured.

    Attributes:
        node_seconds: Layer of the dbt graph → seconds of its nodes.
        test_seconds: Of dbt's tests, as they were taken down with their outcomes.
    """

    usage: Usage
    stages: Sequence[Stage]
    node_seconds: Mapping[str, float]
    test_seconds: float

    def without_checks(self) -> float:
        """Processor seconds without gates, tests and report.

        A test is a query of a few milliseconds: its processor seconds are taken to be
        those of the wall.
        """
        apart = sum(
            stage.processor_seconds or 0.0
            for stage in self.stages
            if stage.name in APART
        )
        return self.usage.processor_seconds - apart - self.test_seconds

    def print(self, title: str) -> None:
        """Prints it, stage by stage and layer by layer."""
        print_usage(title, self.usage)
        for stage in self.stages:
            used = stage.processor_seconds
            processor = "" if used is None else f"{used:8.1f} s of processor"
            print(f"  {stage.name:24} {stage.wall_seconds:8.1f} s {processor}")
        for name, seconds in self.node_seconds.items():
            print(f"    dbt nodes: {name:11} {seconds:8.1f} s")
        print(f"    dbt tests              {self.test_seconds:8.1f} s", flush=True)

    def described(self) -> dict[str, Any]:
        """The refresh for the file of results."""
        return {
            **self.usage.figures(),
            "stages": [
                {
                    name: round(value, 2) if isinstance(value, float) else value
                    for name, value in asdict(stage).items()
                }
                for stage in self.stages
            ],
            "node_seconds": dict(self.node_seconds),
            "test_seconds": round(self.test_seconds, 2),
        }


def print_usage(title: str, usage: Usage) -> None:
    """Prints what a run used."""
    print(
        f"{title}: {usage.wall_seconds:.1f} s, {usage.processor_seconds:.1f} s of "
        f"processor, {usage.peak_megabytes:,.0f} MB at the peak",
        flush=True,
    )


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
        """The project, with what has been delivered so far."""
        return self.folder / "company"

    @property
    def home(self) -> Path:
        """The home of its refreshes."""
        return self.folder / "home"

    @property
    def floor_file(self) -> Path:
        """The file of the floor's tables."""
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
        return run(
            [*command, self.company, self.floor_file, "--as-of", as_of.isoformat()]
        )

    def refresh(self, as_of: dt.date) -> Refresh:
        """Refreshes, and finds what each part of it took."""
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
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            (tests,) = connection.execute(
                "select coalesce(sum(seconds), 0) from meta.check_results"
            ).fetchone() or (0.0,)
        return Refresh(usage, stages(log, usage), node_seconds(log), tests)

    def logs(self) -> list[Path]:
        """The logs of the refreshes so far."""
        return sorted((self.home / "logs" / "refreshes").glob("*.jsonl"))

    def compare(self) -> list[floor.Compared]:
        """Compares the floor with the release.

        Raises:
            SystemExit: A table differs.
        """
        compared, not_made = floor.compare(self.floor_file, self.warehouse)
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


def described(usage: Usage) -> dict[str, Any]:
    """A run for the file of results."""
    return {**usage.figures(), "stages": []}


def measure(ground: Ground, repeat: int) -> dict[str, Any]:
    """Measures one size.

    Returns:
        What goes into the file of results; units stand in the names.
    """
    as_of, next_day = generate.AS_OF, generate.AS_OF + dt.timedelta(days=1)
    floors: list[Usage] = []
    refreshes: list[Refresh] = []
    for _ in range(repeat):
        ground.begin()
        floors.append(ground.build_floor(as_of))
        print_usage("floor", floors[-1])
        refreshes.append(ground.refresh(as_of))
        refreshes[-1].print("full refresh")
    ground.compare()
    written = {
        "sources": size(ground.company / "files"),
        "floor": size(ground.floor_file),
        "landing": size(ground.home / "landing"),
        "release": size(ground.warehouse)
        + size(ground.warehouse.with_name("private.duckdb")),
        "home": size(ground.home),
    }

    same = ground.refresh(as_of)
    same.print("unchanged day")
    written["unchanged"] = size(ground.home) - written["home"]
    home = size(ground.home)

    ground.deliver(1)
    day_floor = ground.build_floor(next_day)
    print_usage("floor of the day with 0.1 % more", day_floor)
    day = ground.refresh(next_day)
    day.print("day with 0.1 % more")
    compared = ground.compare()
    written["day"] = size(ground.home) - home

    floor_run = middle(floors)
    full_run = middle([refresh.usage for refresh in refreshes])
    full = next(refresh for refresh in refreshes if refresh.usage is full_run)
    processor = full_run.processor_seconds
    ratios = {
        "refresh_to_floor": full.without_checks() / floor_run.processor_seconds,
        "whole_refresh_to_floor": processor / floor_run.processor_seconds,
        "day_to_full": day.usage.processor_seconds / processor,
        "unchanged_to_full": same.usage.processor_seconds / processor,
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
        "full": full.described(),
        "unchanged": same.described(),
        "day": day.described(),
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
