"""How long all expectations on the marts take with 20 million order lines.

    python benchmarks/gates.py RELEASE [--lines 20000000] [--customers 1000000]

Takes a published release of the demonstration (its folder), and multiplies it: every
order line becomes so many, each of another copy of its customer; customers and what hangs
on them are multiplied until there are enough. Then `gate.gate_out` looks at the file as
it does in a refresh, in a process of its own. What the checks say of the multiplied
company does not matter here, and is printed in one line; a check that fails costs more,
because its examples are fetched.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import resource
import tempfile
import time
from pathlib import Path

import duckdb

from pipeline.common.settings import PROJECT_ROOT
from pipeline.gates import judgement
from pipeline.release import layout
from pipeline.release.layout import Candidate

# Columns whose value names one row or one customer, and so differs from copy to copy.
OWN = ("customer_id", "order_id", "ticket_id", "lead_id", "parent_customer_id")
# Month ends of customers: 40 rows a customer, which no expectation needs a million times.
FEW = ("customer_value_history",)


def multiply(source: Path, target: Path, lines: int, customers: int) -> None:
    """Writes the multiplied release."""
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{source}' as one (read_only)")
        connection.execute("set preserve_insertion_order = false")
        counted = connection.execute(
            "select (select count(*) from one.marts.order_lines), "
            "(select count(*) from one.marts.customers)"
        ).fetchone()
        assert counted is not None
        of_lines = math.ceil(lines / counted[0])
        of_customers = math.ceil(customers / counted[1])
        for schema in ("marts", "meta"):
            connection.execute(f"create schema {schema}")
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'one' order by all"
        ).fetchall():
            columns = [
                column
                for (column,) in connection.execute(
                    "select column_name from duckdb_columns() where database_name = 'one' "
                    "and schema_name = ? and table_name = ?",
                    [schema, name],
                ).fetchall()
            ]
            times = of_lines if name == "order_lines" else of_customers
            if schema == "meta" or "customer_id" not in columns:
                times = 1
            if name in FEW:
                times = min(times, 3)
            named = ", ".join(
                f"{column} || '-' || (copy % {of_customers}) as {column}"
                if column != "order_id"
                else "order_id || '-' || copy as order_id"
                for column in OWN
                if column in columns
            )
            replaced = f"replace ({named})" if named and times > 1 else ""
            connection.execute(
                f"create table {schema}.{name} as select * exclude (copy) {replaced} "
                f"from one.{schema}.{name} cross join range({times}) as copies (copy)"
            )
        connection.execute("checkpoint")


def main() -> None:
    """Multiplies, runs the gate and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gates-") as folder:
        candidate = Candidate(
            path=Path(folder),
            refresh_id="r000001-20140131",
            run_id="benchmark",
            as_of_date=dt.date(2014, 1, 31),
            time_zone="UTC",
            reporting_currency="USD",
            opened_at="2014-02-01T00:00:00+00:00",
        )
        candidate.release_folder.mkdir()
        multiply(
            (chosen.release / layout.WAREHOUSE).resolve(),
            candidate.warehouse_file,
            chosen.lines,
            chosen.customers,
        )
        size = candidate.warehouse_file.stat().st_size
        print(f"{size / 1e9:.2f} GB, {os.cpu_count()} processors", flush=True)
        pid = os.fork()
        if pid == 0:
            began, busy = time.monotonic(), time.process_time()
            found = judgement.gate_out(candidate, (), PROJECT_ROOT / "expectations")
            told = {
                "checks": len(found.checks),
                "not passed": sum(c.outcome == "failed" for c in found.checks),
                "crashed": [c.id for c in found.checks if c.outcome == "crashed"],
                "seconds": round(time.monotonic() - began, 1),
                "processor seconds": round(time.process_time() - busy, 1),
                "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            print(json.dumps(told, indent=2), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
