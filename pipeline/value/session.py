"""What the value models read of a company: its purchase days in dbt's session.

The engine reduces them to one row a customer at each origin (`reduction`); the models see
arrays of these. Not here: what is made of them (`forecasts` for the present,
`forecast_history` for the past).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from pipeline.value import reduction
from pipeline.value.backtest import is_too_coarse, plan_origins
from pipeline.value.histories import Floats

YEAR: Final = 365
EVERYBODY: Final = "all"


def purchase_days(
    connection: duckdb.DuckDBPyConnection, days: str, customers: str
) -> None:
    """Makes `_purchase_days`, and of them `_busiest` (`reduction.BUSIEST`).

    One row per customer and day on which it bought.

    Args:
        connection: dbt's session.
        days: Relation of customers' days (core_customer_days): customer_no, order_date,
            is_purchase_day, orders, spend.
        customers: Relation of customer_id, customer_no and customer_type.
    """
    connection.execute(
        f"""
        create or replace temp table _purchase_days as
        select
            customers.customer_id, customers.customer_no, customers.customer_type,
            days.order_date as purchase_date, days.spend, days.orders
        from {days} as days
        inner join {customers} as customers using (customer_no)
        where days.is_purchase_day = 1
        """
    )
    connection.execute(
        "create or replace temp table _busiest as "
        + reduction.BUSIEST.format(purchase_days="_purchase_days")
    )


def snapshot(
    connection: duckdb.DuckDBPyConnection,
    group: str,
    origin: dt.date,
    horizon_days: int,
    opportunity_days: int,
) -> tuple[list[str], reduction.Snapshot]:
    """The customers of a group as known at an origin, and what they are called."""
    found = connection.execute(
        reduction.SNAPSHOT.format(
            purchase_days=f"(from _purchase_days where {of_group(group)})"
        ),
        {
            "origin": origin,
            "horizon_days": horizon_days,
            "opportunity_days": opportunity_days,
        },
    ).to_arrow_table()

    def column(name: str) -> Floats:
        values = found.column(name).cast(pa.float64(), safe=False)
        return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)

    most_days, _ = busiest(connection, group, origin)
    return found.column("customer_id").to_pylist(), reduction.Snapshot(
        origin=origin,
        horizon_days=horizon_days,
        opportunity_days=opportunity_days,
        customer=np.arange(found.num_rows),
        x=column("x"),
        t_x_days=column("t_x_days"),
        age_days=column("age_days"),
        recent=column("recent"),
        holdout=column("holdout"),
        m=column("m"),
        recent_spend=column("recent_spend"),
        holdout_spend=column("holdout_spend"),
        opportunities=column("opportunities"),
        opportunities_used=column("opportunities_used"),
        last_opportunity=column("last_opportunity"),
        opportunity_purchases=column("opportunity_purchases"),
        busiest=most_days,
    )


def busiest(
    connection: duckdb.DuckDBPyConnection, group: str, until: dt.date
) -> tuple[float, float]:
    """The most purchase days and the most orders of a customer within a year.

    Args:
        connection: dbt's session, with `_busiest`.
        group: The customers.
        until: The last day that is known.

    Returns:
        What the busiest customer of the group had done within 365 days by that day, as
        that of a year (`reduction.in_a_year`); infinity where nobody had bought.
    """
    row = connection.execute(
        f"""
        select max(most_purchase_days), max(most_orders), min(purchase_date)
        from _busiest where purchase_date <= ? and {of_group(group)}
        """,
        [until],
    ).fetchone()
    if row is None or row[2] is None:
        return math.inf, math.inf
    observed = (until - row[2]).days + 1
    return (
        min(reduction.in_a_year(row[0], observed), YEAR),
        max(reduction.in_a_year(row[1], observed), 1.0),
    )


def orders_a_day(connection: duckdb.DuckDBPyConnection, group: str) -> float:
    """Orders on a purchase day of the group, on the average; NaN without any."""
    row = connection.execute(
        "select cast(sum(orders) as double) / count(*) from _purchase_days "
        f"where {of_group(group)}"
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else math.nan


@dataclass(frozen=True)
class Plan:
    """What a group of customers is tested on.

    Attributes:
        until: The last day of the past that it is tested on.
        horizon_days: The horizon.
        origins: The origins, ascending; none where nothing can be tested.
        opportunity_days: The length of an opportunity.
        is_too_coarse: Purchases stand so far apart, as sums of years do, that nothing is
            forecast.
    """

    until: dt.date
    horizon_days: int = YEAR
    origins: tuple[dt.date, ...] = ()
    opportunity_days: int = 28
    is_too_coarse: bool = False


def plan(connection: duckdb.DuckDBPyConnection, group: str, as_of: dt.date) -> Plan:
    """What a group is tested on: the past until the last month end that is over.

    So who is champion is asked once a month, and in between only where something of that
    past comes to be known otherwise; and whoever has the same past finds the same
    champion. Where it is too short to test anything by that month end, and is not by the
    as-of day, all of it counts.
    """
    closed = as_of
    if (as_of + dt.timedelta(days=1)).month == as_of.month:
        closed = as_of.replace(day=1) - dt.timedelta(days=1)
    found = _plan(connection, group, closed)
    return found if found.origins else _plan(connection, group, as_of)


def _plan(connection: duckdb.DuckDBPyConnection, group: str, until: dt.date) -> Plan:
    row = connection.execute(
        f"""
        with known as (
            select customer_id, purchase_date
            from _purchase_days
            where purchase_date <= ? and {of_group(group)}
        ),

        gaps as (
            select
                min(purchase_date) as first_date,
                (max(purchase_date) - min(purchase_date)) / nullif(count(*) - 1, 0)
                    as gap
            from known
            group by customer_id
        )

        select min(first_date), median(gap), (
            select
                (max(purchase_date) - min(purchase_date))
                / nullif(count(distinct purchase_date) - 1, 0)
            from known
        )
        from gaps
        """,
        [until],
    ).fetchone()
    if row is None or row[0] is None:
        return Plan(until)
    gap = row[2] or 0
    horizon, origins = plan_origins(row[0], until, gap=gap)
    opportunity = reduction.opportunity_days(row[1] or math.nan)
    return Plan(until, horizon, origins, opportunity, is_too_coarse(gap))


def mean_of_days(
    connection: duckdb.DuckDBPyConnection, group: str, until: dt.date
) -> float:
    """The mean spend of the purchase days up to a day.

    All that there is to know of spend as long as nobody has bought twice; NaN where no
    spend is known.
    """
    row = connection.execute(
        "select cast(avg(spend) as double) from _purchase_days "
        f"where purchase_date <= ? and {of_group(group)}",
        [until],
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else math.nan


def customer_types(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The types of customers that ever bought."""
    return [
        str(kind)
        for (kind,) in connection.execute(
            "select distinct customer_type from _purchase_days order by all"
        ).fetchall()
    ]


def of_group(group: str) -> str:
    """The condition that a row is of a group of customers, on customer_type."""
    if group == EVERYBODY:
        return "true"
    name = group.replace("'", "''")
    return f"customer_type = '{name}'"


def grid_days(known: reduction.Snapshot) -> int:
    """The grid on which these customers are learnt from."""
    return reduction.grid_days(len(known.population().cells.triples))
