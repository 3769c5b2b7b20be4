"""How long the month ends of the past take: 1 million customers, 20 million order lines.

    python benchmarks/value_history.py [--customers 1000000] [--lines 20000000]

Generates order lines over two years with a skew like a shop's, costs and tickets for some
of the customers, and runs the project's own compiled models on them in a file, one after
the other, with the seconds and the memory of each. The order lines are there already, as
core_order_lines gives them; everything from them to marts.customer_value_history counts.
The lines lie within two years, so 24 month ends are valued.

Measured on 2026-11-22 on two cores that other work kept busy, so that the seconds of
processor say more than those of the clock. For 200,000 customers and 4 million lines
24.6 s of processor and 1.9 GB (38.2 s and 3.1 GB at the same time with moments that are
written). The whole size: 123 s of processor, 5.6 GB, 144 s on the clock; the 60 s of the
target need two cores of their own and less than 120 s of processor, and are not shown yet.
Of the 123 s the 22 million rows of customer_value_history take 55, half of it to write
them, the running totals 20, the spells 20, the days of the lines 18, the rhythms 10.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path

from tests.models import Warehouse

PRESENT = dt.date(2024, 12, 31)
FIRST = dt.date(2023, 1, 15)
# What the value of a customer is made of, without forecasts and whitespace, which have
# benchmarks of their own.
MODELS = (
    "core_moments",
    "core_product_categories",
    "core_categories",
    "core_customer_days",
    "core_days",
    "core_customer_rhythms",
    "core_customer_totals",
    "core_customer_spells",
    "core_customer_moments",
    "core_revenue_shares",
    "core_type_moments",
    "core_measured_moments",
    "core_tier_bounds",
    "core_valued_moments",
    "customer_value_history",
)


def population(warehouse: Warehouse, customers: int, lines: int) -> None:
    """Lays out customers, products, order lines, costs and tickets."""
    days = (PRESENT - FIRST).days
    orders = lines * 2 // 5
    warehouse.seed("settings", "cost_rates").build(
        "core_lifecycle_settings", "core_potential_settings"
    )
    warehouse.lay(
        "core_refresh",
        {
            "as_of_date": "date",
            "twelve_months_ago": "date",
            "twenty_four_months_ago": "date",
        },
        [(PRESENT, dt.date(2023, 12, 31), dt.date(2022, 12, 31))],
    )
    warehouse.lay_query(
        "core_customers",
        f"""
        select printf('C%012X', hash(i) % 281474976710656) as customer_id,
            if(i % 20 = 0, 'company', 'person') as customer_type, i + 1 as customer_no,
            null::date as acquired_on, null::decimal(18, 4) as annual_revenue,
            null::decimal(18, 4) as yearly_income
        from range({customers}) as t (i)
        """,
    )
    warehouse.lay_query(
        "core_products",
        "select 'p' || i as product_id, 'c' || i % 5 as category, "
        "'s' || i % 20 as subcategory from range(1000) as t (i)",
    )
    warehouse.lay_query(
        "core_order_lines",
        f"""
        with orders as (
            select k, cast(pow(hash(k * 7 + 1) % 1000003 / 1000003.0, 2) * {customers}
                as bigint) as i,
                date '{FIRST}' + cast(hash(k * 3 + 5) % {days} as integer) as order_date
            from range({orders}) as t (k)
        )
        select 'o' || k as order_id, customer_id,
            'p' || hash(k + l) % 1000 as product_id, order_date,
            (1 + hash(k * 5 + l) % 20000 / 100.0)::decimal(18, 4) as net_amount,
            (hash(k * 5 + l) % 5000 / 100.0)::decimal(18, 4) as margin_amount,
            1.5::decimal(18, 4) as freight_amount, l = 4 and k % 50 = 0 as is_return
        from orders
        inner join {warehouse.relation("core_customers")} on customer_no = i + 1
        cross join range(5) as x (l)
        where hash(k * 11 + l) % 2 = 0
        """,
    )
    warehouse.lay_query(
        "core_service_tickets",
        f"""
        select customer_id, (date '{FIRST}' + cast(hash(customer_no) % {days} as integer))
            ::timestamp as opened_at
        from {warehouse.relation("core_customers")} where customer_no % 3 = 0
        """,
    )
    # Every order has a cost on its day, as order handling and freight have.
    warehouse.lay_query(
        "core_cost_entries",
        f"""
        select customer_id, order_date as cost_date, 'order_handling' as cost_pool,
            count(distinct order_id) * 4::decimal(18, 4) as amount
        from {warehouse.relation("core_order_lines")} group by all
        """,
    )
    money, forecast = "decimal(18, 4)", {"predicted_spend_12m": "double"}
    forecast |= {"predicted_orders_12m": "double", "value_model": "varchar"}
    warehouse.lay_query(
        "core_customer_peers",
        "select customer_id, customer_no, customer_type as peer_group "
        f"from {warehouse.relation('core_customers')}",
    )
    for name, columns in {
        "core_assessments": {
            "customer_id": "varchar",
            "market_influence": "decimal(4, 2)",
            "strategic_importance": "decimal(4, 2)",
            "scored_on": "date",
            "valid_to": "date",
        },
        "core_customer_forecasts": {"customer_id": "varchar", **forecast},
        "core_forecast_history": {
            "customer_id": "varchar",
            "moment_no": "integer",
            **forecast,
        },
        "core_leads": {
            "customer_id": "varchar",
            "created_on": "date",
            "amount": money,
        },
        "core_whitespace": {
            "moment_no": "integer",
            "peer_group": "varchar",
            "category_mask": "bigint",
            "whitespace_revenue": money,
            "whitespace_margin": money,
            "whitespace_categories": "integer",
        },
        "core_pipeline_moments": {
            "customer_id": "varchar",
            "moment_no": "integer",
            "pipeline_amount": money,
        },
    }.items():
        warehouse.lay(name, columns, [])


def main() -> None:
    """Prints the seconds of each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="value-history-") as folder:
        warehouse = Warehouse(str(Path(folder) / "work.duckdb"))
        warehouse.connection.execute(
            f"set threads = {options.threads}; set memory_limit = '12GB'"
        )
        population(warehouse, options.customers, options.lines)
        for name in ("core_order_lines", "core_customers"):
            (count,) = warehouse.rows(f"select count(*) as n from {{{name}}}")
            print(f"{name:28} {count['n']:>12,} rows")
        wall, processor = time.perf_counter(), time.process_time()
        for name in MODELS:
            began, used = time.perf_counter(), time.process_time()
            warehouse.build(name)
            (count,) = warehouse.rows(f"select count(*) as n from {{{name}}}")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{name:28} {count['n']:>12,} rows  {time.perf_counter() - began:6.1f} s"
                f"  {time.process_time() - used:6.1f} s of processor"
                f"  {peak:8,.0f} MB so far",
                flush=True,
            )
        print(
            f"{'all':28} {'':>17}  {time.perf_counter() - wall:6.1f} s"
            f"  {time.process_time() - processor:6.1f} s of processor"
        )


if __name__ == "__main__":
    main()
