"""How long a CSV takes into the landing, against DuckDB copying it to Parquet.

    .venv/bin/python benchmarks/csv_to_landing.py [--rows 5000000] [--repeat 2]

Each runs in a process of its own, in turn, on the same file of 15 columns; the best of
the repeats counts. The bounds are those of the project: at most twice the time, at most
1 GB of memory. Everything lies in a temporary folder (`TMPDIR`) that goes away.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

GENERATE = """
copy (
    select
        i as order_id,
        'C' || (i * 7919 % 50000) as customer_number,
        date '2014-01-01' + (i % 700)::integer as order_date,
        i % 97 + 1 as quantity,
        round((i * 31 % 100000) / 100.0, 2) as unit_price,
        'product ' || (i % 5000) as product,
        ['Shanghai', '北京', 'Zürich'][i % 3 + 1] as city,
        md5(i::varchar) as reference,
        i % 2 = 0 as is_paid,
        timestamp '2014-01-01' + to_seconds(i) as ordered_at,
        (i % 13) / 100 as discount,
        'a, b "' || (i % 10) || '"' as note,
        case when i % 1000 = 0 then E'two\\nlines' else 'one' end as comment,
        i * 2 as invoice_id,
        'USD' as currency
    from range({rows}) numbers(i)
) to '{path}' (header)
"""

BARE = """
import duckdb
duckdb.execute("set enable_progress_bar = false")
duckdb.execute(
    "copy (select * from read_csv(?)) to '" + folder + "/bare.parquet'", [path]
)
"""

OURS = """
import datetime as dt

from pipeline.common.home import Home
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import land
from pipeline.sources import Entity, Source, open_reader
entity = Entity(
    name="lines", key=["order_id"], files=pathlib.Path(path).name, settle_seconds=0,
    columns=json.loads(columns),
)
source = Source(
    name="shop", kind="files", path=folder, entities={"lines": entity}, provides=[]
)
with open_reader(source) as reader:
    (batch,) = land(
        LandedEntity(Home.open(pathlib.Path(folder) / home), "shop", entity), reader,
        now=dt.datetime.now(dt.UTC),
    ).batches
assert (batch.rows_landed, batch.rows_quarantined) == (int(rows), 0), batch
"""

AROUND = """
import json, pathlib, resource, shutil, sys, time
folder, path, rows, columns = sys.argv[1:5]
home = "home"
begun = time.perf_counter()
{code}
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{
    "seconds": time.perf_counter() - begun,
    "cpu": used.ru_utime + used.ru_stime,
    "megabytes": used.ru_maxrss / 1024,
}}))
shutil.rmtree(pathlib.Path(folder) / home, ignore_errors=True)
"""

TYPES = {
    "order_date": "date",
    "quantity": "integer",
    "unit_price": "decimal(12,2)",
    "is_paid": "boolean",
    "ordered_at": "timestamp",
    "discount": "decimal(6,3)",
    "invoice_id": "integer",
}


def measured(code: str, *arguments: object) -> dict[str, float]:
    """What a process that runs the code says about itself."""
    done = subprocess.run(
        [sys.executable, "-c", AROUND.format(code=code), *map(str, arguments)],
        check=True,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Prints the table."""
    import duckdb

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csv-to-landing-") as folder:
        path = Path(folder) / "lines.csv"
        duckdb.execute(GENERATE.format(rows=options.rows, path=path))
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
        best: dict[str, dict[str, float]] = {}
        for _ in range(options.repeat):
            for name, code, columns in [
                ("bare DuckDB copy", BARE, {}),
                ("landing, text", OURS, {}),
                ("landing, 7 declared columns", OURS, TYPES),
            ]:
                found = measured(code, folder, path, options.rows, json.dumps(columns))
                if name not in best or found["seconds"] < best[name]["seconds"]:
                    best[name] = found
        bare = best["bare DuckDB copy"]
        for name, found in best.items():
            print(
                f"{found['seconds']:7.2f} s  {found['cpu']:7.2f} s of CPU  "
                f"{found['megabytes']:7,.0f} MB  "
                f"{found['seconds'] / bare['seconds']:5.2f} times  {name}"
            )


if __name__ == "__main__":
    main()
