"""One million source records resolved, and again with one per cent of them changed.

    python -m benchmarks.identity [--companies 455000]

Bounds (two cores): 3 minutes and 6 GB for all, a quarter of that for the second. Prints
each step, precision and recall over pairs against the population's truth, and the peak
memory of the process, which includes the population's own tables.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.populations import companies
from tests.unit.identity.ground import Ground

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def told(step: str, seconds: float) -> None:
    """Prints a step."""
    print(f"  {step:24} {seconds:7.1f} s")


def main() -> None:
    """Runs both and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=455_000)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    population = companies.generate(arguments.companies, arguments.seed)
    print(
        f"{population.records.num_rows:,} records of {arguments.companies:,} companies"
    )
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(str(Path(folder) / "work.duckdb"), told)
        connection = ground.connection
        connection.execute("set threads = 2; set memory_limit = '4GB'")

        began = time.perf_counter()
        ground.resolve(population.records, population.references)
        whole = time.perf_counter() - began
        told("all records", whole)
        connection.register("truth", population.truth)
        connection.execute(
            """
            create table pairs as
            with known as (
                select customer_id, identity
                from core.keys inner join truth using (source, source_customer_id)
            )
            select
                (select sum(n * (n - 1) / 2) from (
                    select count(*) as n from known group by customer_id)) as found,
                (select sum(n * (n - 1) / 2) from (
                    select count(*) as n from known group by identity)) as there,
                (select sum(n * (n - 1) / 2) from (
                    select count(*) as n from known
                    group by customer_id, identity)) as right_ones
            """
        )
        quality = connection.execute(
            "select right_ones / found, right_ones / there from pairs"
        ).fetchone()
        assert quality is not None
        print("  precision {:.4f}, recall {:.4f}".format(*quality))
        ground.publish()
        connection.register("before", population.records)
        changed = connection.execute(
            """
            select * replace (
                case when hash(source_customer_id) % 100 = 0
                    then customer_name || ' Renamed' else customer_name end
                as customer_name)
            from before
            """
        ).to_arrow_table()
        began = time.perf_counter()
        ground.resolve(changed, population.references)
        again = time.perf_counter() - began
        told("1 % changed", again)
        print(f"  {again / whole:.2f} of the time for all")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT
    print(f"  peak memory {peak / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
