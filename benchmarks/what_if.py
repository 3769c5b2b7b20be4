"""A what-if of a policy against a synthetic release of a million customers.

    python -m benchmarks.what_if [--customers 1000000] [--policy FOLDER]

Bound (two cores): 10 s. Prints wall and processor seconds of laying out the release and
of the what-if itself, the peak memory of the process while it runs, and who moves.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.tiers import policy_tables, released, stability
from tests.models import seed_types

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
POLICY = (
    "policies",
    "tiers",
    "tier_rules",
    "tier_rule_facts",
    "score_factors",
    "score_anchors",
)
REFRESH = "r000001-20140131"
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def lay_out(root: Path, customers: int) -> None:
    """A home with one release that holds what a what-if reads.

    The base policy held, with every hundredth customer still in a tier that it no longer
    earns; so what moves is known.
    """
    folder = Home.open(root).releases / REFRESH
    folder.mkdir()
    (root / "current").symlink_to(Path("releases") / REFRESH)
    (folder / "release.json").write_text(
        json.dumps(
            {
                "refresh_id": REFRESH,
                "as_of_date": "2014-01-31",
                "sealed_at": "2014-02-01T05:00:00+00:00",
                "reporting_currency": "USD",
                "evidence": [],
            }
        )
    )
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(
            "set threads = 2; create schema marts; create schema meta; "
            "create macro drawn(id, which) as hash(id, which) / 18446744073709551615.0"
        )
        types = seed_types()
        for name in POLICY:
            kinds = ", ".join(f"'{key}': '{kind}'" for key, kind in types[name].items())
            connection.execute(
                f"create table meta.{name} as from read_csv('{SEEDS / name}.csv', "
                f"header = true, types = {{{kinds}}})"
            )
        connection.execute(
            f"""
            create table marts.customers as
            select
                'C' || substr(md5(i::varchar), 1, 12) as customer_id,
                'Customer ' || i as customer_name,
                case when i % 20 = 0 then 'company' else 'person' end as customer_type
            from range({customers}) as t (i)
            """
        )
        connection.execute(
            """
            create table marts.customer_value as
            with drawn as (
                select
                    customer_id, customer_type, drawn(customer_id, 1) as a,
                    drawn(customer_id, 2) as b, drawn(customer_id, 3) as c,
                    drawn(customer_id, 4) as d
                from marts.customers
            ),
            sized as (
                select *,
                    case when a < 0.1 then 0 else 1 + floor(6 * b * b)::bigint end
                        as orders,
                    case when customer_type = 'company' then 40000 else 600 end
                        * exp(3 * c - 1) as size
                from drawn
            )
            select
                customer_id, date '2014-01-31' as as_of_date,
                case when orders > 0 then date '2014-01-31' - (1400 * d)::integer end
                    as first_order_date,
                case when orders > 0 then (1400 * d)::integer end as tenure_days,
                orders as order_count, orders as order_count_12m, orders as order_days,
                (orders * size)::decimal(28, 4) as revenue,
                (orders * size)::decimal(28, 4) as revenue_12m,
                (orders * size * 0.3)::decimal(28, 4) as margin_12m,
                (orders * size * 0.2 - 50)::decimal(28, 4) as profit_12m,
                case when d > 0.5 then ln(0.5 + a) end as growth_rate,
                case when a < 0.95 and c < 0.1 then 1.0 / (0.1 + b) end
                    as revenue_to_class_a,
                case when a < 0.95 and c < 0.4 then 1.0 / (0.1 + b) end
                    as revenue_to_class_b,
                case when customer_type = 'company' then 3e6 * b end::decimal(18, 4)
                    as company_size,
                case when customer_type = 'person' then 1e5 * d end::decimal(18, 4)
                    as purchasing_power,
                case when a > 0.5 then 10 * c end::decimal(4, 2) as market_influence,
                case when a > 0.5 then 10 * d end::decimal(4, 2)
                    as strategic_importance
            from sized
            """
        )
        base = policy_tables.load_folder(SEEDS)[0]
        connection.execute(
            f"""
            create table marts.customer_tiers as
            select
                customer_id, case when hash(customer_id) % 100 = 0 then 'standard'
                    else tier_code end as tier_code,
                case when hash(customer_id) % 100 = 0 then 3 else tier_rank end
                    as tier_rank,
                tier_code as earned_tier_code, value_score, potential_score,
                false as is_override, policy_id
            from ({stability.anew(base, f"({released.present_facts(connection)})")})
            """
        )


def measure(root: Path, said: str) -> None:
    """Runs in a process of its own, so that its memory is that of the what-if."""
    from pipeline.release import catalogue
    from pipeline.tiers import what_if

    began, used = time.perf_counter(), time.process_time()
    found = what_if.run(catalogue.chosen(Home.open(root)), said)
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT
    print(
        f"  {said:14} {wall:5.1f} s, {cpu:5.1f} s of the processors, {peak / 1e6:,.0f} MB"
    )
    for row in found.moves:
        print(f"    {row['move']:9} {row['customers']:>9,}")


def main() -> None:
    """Lays out the release and prints what each policy's what-if costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--policy", action="append")
    parser.add_argument("--in", dest="root", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.root is not None:
        measure(arguments.root, arguments.policy[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        began = time.perf_counter()
        lay_out(root, arguments.customers)
        print(
            f"{arguments.customers:,} customers, laid out in "
            f"{time.perf_counter() - began:.1f} s"
        )
        for said in arguments.policy or ["base-2010", "pareto-2014"]:
            subprocess.run(
                [
                    *(sys.executable, "-m", "benchmarks.what_if"),
                    *("--in", str(root), "--policy", said),
                ],
                check=True,
            )


if __name__ == "__main__":
    main()
