"""Online Retail as a shop lives it: 305 daily files, a refresh after each, as of that day.

    .venv/bin/python -m benchmarks.daily_files [--days 305] [--home DIR]

Each refresh is the whole way to a published release, in a process of its own, forked
from one that has imported everything already; a command would take some 5 s longer. The
as-of day moves with the files, as in production. Afterwards a second home gets the same
files at once, as of the last day: every mart must be the same, row for row. Times are of
the wall and of the processor, because 305 refreshes are seldom alone on a machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import os
import re
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb

from tests.integration.shop import Shop, export_days, same_marts

# What a refresh imports on its way, some of it late.
IMPORTED = [
    "dbt.adapters.duckdb",
    "dbt.cli.main",
    "great_expectations",
    "pandas",
    "pipeline.gates.source_trial",
    "pipeline.cli.main",
    "pipeline.orchestration.definitions",
    "pipeline.gates.gx_duckdb",
    "pipeline.cli.rendering.progress",
    "pipeline.orchestration.refresh",
    "pipeline.sources.files",
]


def refresh(
    arguments: Sequence[str], variables: dict[str, str], log: Path, told: Connection
) -> None:
    """Runs the command in this process; tells its exit code and seconds of processor."""
    from pipeline.cli.main import main

    os.environ.update(variables)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        main(["refresh", *arguments])
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told.send((code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))


def refreshed(shop: Shop, day: dt.date, log: Path) -> tuple[float, float, float]:
    """Seconds of the wall and of the processor, and the MB at the peak, of a refresh."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    told, telling = context.Pipe(duplex=False)
    arguments = ["--home", str(shop.home), "--as-of", day.isoformat()]
    process = context.Process(
        target=refresh, args=(arguments, shop.variables, log, telling)
    )
    begun = time.perf_counter()
    process.start()
    telling.close()
    code, processor, megabytes = told.recv()
    process.join()
    if code:
        raise SystemExit(f"as of {day}: exit code {code}\n{log.read_text()}")
    return time.perf_counter() - begun, processor, megabytes


def day_of(path: Path) -> dt.date:
    """The day whose invoices the file holds."""
    return dt.date(*map(int, re.findall(r"\d+", path.name)))


def main() -> None:
    """Refreshes, compares and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=305)
    parser.add_argument("--home", type=Path, help="Keep the homes below this folder.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="daily-files-") as name:
        folder: Path = options.home or Path(name)
        exports = Path(name) / "exports"
        exports.mkdir()
        days = export_days(exports)[: options.days]
        daily = Shop(folder / "daily")
        measured = []
        for path in days:
            daily.drop([path])
            day = day_of(path)
            measured.append(refreshed(daily, day, folder / f"{day}.log"))
            wall, processor, megabytes = measured[-1]
            print(
                f"{len(measured):4} as of {day}: {wall:6.1f} s, {processor:6.1f} s of "
                f"processor, {megabytes:5.0f} MB",
                flush=True,
            )
        at_once = Shop(folder / "at_once")
        at_once.drop(days)
        wall, processor, _ = refreshed(at_once, day, folder / "at_once.log")
        print(f"at once: {wall:.1f} s, {processor:.1f} s of processor")
        same_marts(daily.warehouse(), at_once.warehouse())
        with duckdb.connect(str(daily.warehouse()), read_only=True) as connection:
            rows = connection.execute(
                "select table_name, estimated_size from duckdb_tables() "
                "where schema_name = 'marts' order by all"
            ).fetchall()
    print("the same rows in both: " + ", ".join(f"{n} {size:,}" for n, size in rows))
    print(f"{len(measured)} refreshes in {sum(w for w, *_ in measured) / 60:.1f} min")
    for what, part in (("first", measured[:10]), ("last", measured[-10:])):
        print(
            f"{what} {len(part)}: mean {statistics.mean(w for w, *_ in part):.1f} s, "
            f"{statistics.mean(p for _, p, _ in part):.1f} s of processor"
        )


if __name__ == "__main__":
    main()
