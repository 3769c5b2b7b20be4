"""Copies and pages of a release of two million customers and twenty million lines.

    python -m benchmarks.large_release HOME [--customers 2000000] [--lines 20000000]
        [--only duckdb parquet postgres report] [--keep FOLDER]

HOME holds a release of the demonstration (`make refresh`). Its customers, and all that
belongs to them, are multiplied under other ids into a release of a home of its own in a
temporary folder: the marts are those of a company of that size in rows and width, though
not in content. Measured are the copies that `export` makes and the pages that `report`
makes, each in a process of its own: seconds, processor seconds, bytes, peak memory; each
is printed as soon as it is known. With `--keep` the large home stays for the next time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg

from benchmarks.export_postgres import server
from pipeline.common.files import read_json
from pipeline.common.home import Home
from pipeline.journal import evidence
from pipeline.release import candidates, duckdb_files, promotion, sealing
from pipeline.release.layout import DATABASES, WAREHOUSE

# What is somebody's own; whoever is multiplied has other ids of these.
OWN = (
    "customer_id",
    "parent_customer_id",
    "ultimate_parent_customer_id",
    "matched_customer_id",
    "source_customer_id",
    "lead_id",
    "source_lead_id",
    "order_id",
    "ticket_id",
    "interaction_id",
    "payment_id",
    "contact_id",
)
# Places in an order of all, of which everybody has one.
PLACES = ("place", "revenue_rank", "profit_rank")
LINES = "order_lines"
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def multiply(old: Path, new: Path, times: int, lines: int) -> None:
    """Fills a database with the tables of another, what is somebody's own many times."""
    with duckdb.connect(str(new)) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach '{old}' as old (read_only)")
        columns: dict[tuple[str, str], list[str]] = {}
        for schema, table, column in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where database_name = 'old' and not internal order by all"
        ).fetchall():
            columns.setdefault((schema, table), []).append(column)
        for (schema, table), names in columns.items():
            connection.execute(f"create schema if not exists {schema}")
            own = [name for name in names if name in OWN and schema == "marts"]
            rows = count(connection, f"old.{schema}.{table}")
            copies = -(-lines // rows) if table == LINES else times if own else 1
            changed = [f"{name} || '-' || k % {times} as {name}" for name in own]
            if own:
                changed += [
                    f"{name} + 1000000 * (k % {times}) as {name}"
                    for name in names
                    if name in PLACES
                ]
            if table == LINES:  # an order has more of them where they are to be more
                changed.append(f"line_number + 100000 * (k // {times}) as line_number")
            replaced = f"replace ({', '.join(changed)})" if changed else ""
            connection.execute(
                f"create table {schema}.{table} as select t.* {replaced} "
                f"from old.{schema}.{table} as t, range({copies}) as r(k)"
            )


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """The rows of a table."""
    (found,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(found)


def publish(old: Path, home: Home, customers: int, lines: int) -> Path:
    """Publishes the multiplied release with the evidence of the old one; its folder."""
    record = read_json(old / "release.json")
    candidate = candidates.open_candidate(
        home,
        run_id="benchmark",
        as_of_date=dt.date.fromisoformat(record["as_of_date"]),
        time_zone=record["time_zone"],
        reporting_currency=record["reporting_currency"],
    )
    with duckdb_files.connect(old / WAREHOUSE, read_only=True) as marts:
        times = -(-customers // count(marts, "marts.customers"))
    for file in DATABASES.values():
        multiply(old / file, candidate.release_folder / file, times, lines)
    for gate in record["evidence"]:
        found = replace(evidence.from_json(gate), refresh_id=candidate.refresh_id)
        evidence.save(candidate.evidence_folder, found)
    sealing.seal(candidate, record["gates"], relations=record["relations"])
    promotion.promote(home, candidate.refresh_id, record["gates"])
    return home.releases / candidate.refresh_id


def measured(home: Path, *arguments: str, **settings: str) -> dict[str, float]:
    """Runs a command in a process of its own; its seconds and its peak memory in MB.

    Processor seconds are its own, without those of a database server.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments, "--home", str(home)],
        env={**os.environ, "CUSTOMER_TIERS_ALERTS": "none", **settings},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, arguments
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_megabytes": round(used.ru_maxrss * PEAK_UNIT / 1e6),
    }


def size(path: Path) -> int:
    """Megabytes of a file or of all that a folder holds; a link counts nothing."""
    files = [path] if path.is_file() else list(path.rglob("*"))
    return round(
        sum(
            each.stat().st_size
            for each in files
            if each.is_file() and not each.is_symlink()
        )
        / 1e6
    )


def large_home(folder: Path, small: Path, customers: int, lines: int) -> Home:
    """The home of the large release, which is made where it is not there yet."""
    home = Home.open(folder / "home")
    if not home.current.exists():
        # In a process of its own: what is started from a process that was large once is
        # said to have been as large.
        arguments = ((small / "current").resolve(), home, customers, lines)
        making = multiprocessing.get_context("spawn").Process(
            target=publish, args=arguments
        )
        making.start()
        making.join()
        assert making.exitcode == 0
    return home


def copied(kind: str, home: Path, folder: Path) -> dict[str, float]:
    """What making a copy takes, and how large it is."""
    if kind == "postgres":
        with server() as url:
            setting = {"CUSTOMER_TIERS_POSTGRES_URL": url}
            figures = measured(home, "export", kind, **setting)
            with psycopg.connect(url) as connection:
                query = "select pg_database_size(current_database())"
                (taken,) = connection.execute(query).fetchone() or (0,)
        return {**figures, "megabytes": round(taken / 1e6)}
    target = folder / kind
    figures = measured(home, "export", kind, str(target))
    taken_by_files = size(target)
    shutil.rmtree(target)
    return {**figures, "megabytes": taken_by_files}


def pages(home: Home) -> dict[str, float]:
    """What making the pages takes."""
    figures = measured(home.root, "report")
    made = list((home.current / "reports").rglob("*.html"))
    return {**figures, "largest_page_megabytes": max(map(size, made))}


KINDS = ("duckdb", "parquet", "postgres", "report")


def main() -> None:
    """Measures copies and pages, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--customers", type=int, default=2_000_000)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = given.keep or Path(place)
        home = large_home(folder, given.home, given.customers, given.lines)
        release = home.current.resolve()
        found: dict[str, object] = {"release_megabytes": size(release)}
        with duckdb_files.connect(release / WAREHOUSE, read_only=True) as marts:
            found["customers"] = count(marts, "marts.customers")
            found["lines"] = count(marts, f"marts.{LINES}")
            found["rows"] = sum(
                count(marts, f"{schema}.{table}")
                for schema, table in marts.execute(
                    "select schema_name, table_name from duckdb_tables()"
                ).fetchall()
            )
        said("release", found)
        for kind in given.only:
            said(
                kind,
                pages(home) if kind == "report" else copied(kind, home.root, folder),
            )


def said(what: str, figures: object) -> None:
    """Prints figures, whoever may end this before the next are known."""
    print(json.dumps({what: figures}), flush=True)


if __name__ == "__main__":
    main()
