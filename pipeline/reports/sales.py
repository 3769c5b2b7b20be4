"""Sales of a release: headline, months, tiers, concentration and segments.

A ratio to a total that is not positive is None, never a number, and so is what no source
knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb

from pipeline import metrics
from pipeline.common import calendar
from pipeline.reports import queries
from pipeline.reports.periods import Seal
from pipeline.reports.queries import Row

MONTHS = 24
CURVE_POINTS = 180


@dataclass(frozen=True)
class Month:
    """Revenue of one month; the last one ends on the as-of day."""

    last_day: dt.date
    revenue: Decimal
    is_last_12: bool


@dataclass(frozen=True)
class Concentration:
    """How unequal the customers of one type are, by revenue over the whole past.

    Attributes:
        top_customers: How many customers the top 20 % are, rounded up.
        top_revenue_share: What they hold of the revenue; None below five customers.
        customers_for_80: How many customers, highest first, make 80 % of the revenue.
        top_against_rest: Mean revenue of the top 20 % over that of the others.
        points: (share of customers, share of revenue), without the origin.
    """

    customer_type: str
    customers: int
    gini: float
    top_customers: int
    top_customer_share: float | None
    top_revenue_share: float | None
    customers_for_80: int
    top_against_rest: float | None
    points: Sequence[tuple[float, float]]


def booked_currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The currency of the order lines, for a record that names none."""
    found = queries.rows(connection, "select currency from marts.order_lines limit 1")
    return found[0]["currency"] if found else None


HEADLINE: Final = (
    "customers",
    "customers_without_order",
    "revenue_12m",
    "revenue_previous_12m",
    "revenue_growth",
    "margin_12m",
    "margin_rate",
    "cost_coverage",
    "profit_12m",
    "key_share_of_revenue",
)


def headline(connection: duckdb.DuckDBPyConnection) -> Row:
    """Customers, revenue and margin of the 12 months, and how far their costs are known.

    The figures are those of `metrics`, by their ids, None where one is not known; beside
    them is what the words around them need.
    """
    figures = metrics.ask(connection, HEADLINE)
    by_type = metrics.ask_by(connection, "customer_type", ["customers", "profit_12m"])
    of_type = by_type["customers"]
    totals: Row = {name: figure.value for name, figure in figures.items()}
    counted = {kind: figure.value for kind, figure in of_type.items()}
    totals["companies"] = counted.get("company", 0)
    totals["persons"] = counted.get("person", 0)
    totals["sales_recorded"] = figures["revenue_12m"].value is not None
    totals["profit_by_type"] = [
        {"customer_type": kind, "profit_12m": figure.value}
        for kind, figure in sorted(by_type["profit_12m"].items())
    ]
    # Why one is not known, in the words of the metric.
    for name in ("margin", "profit"):
        reason = figures[f"{name}_12m"].reason
        totals[f"{name}_reason"] = (
            None if reason is None else {"text_en": reason.en, "text_zh": reason.zh}
        )
    totals["cost_unknown"] = figures["margin_12m"].reason_id == "no_costs"
    totals["previous_is_whole"] = figures["revenue_growth"].reason_id not in {
        "no_sales",
        "no_year_before",
    }
    totals["first_order_date"] = queries.one(
        connection,
        "select min(first_order_date) as first_day from marts.customer_value",
    )["first_day"]
    totals["latest"] = queries.rows(
        connection,
        """
        select
            customers.customer_type,
            max(customer_value.last_order_date) as last_order_date,
            min(customer_value.days_since_last_order) as days
        from marts.customers
        inner join marts.customer_value
            on customers.customer_id = customer_value.customer_id
        where
            customer_value.last_order_date is not null
            and customers.customer_type <> 'unknown'
        group by customers.customer_type
        order by customers.customer_type
        """,
    )
    return totals


def months(connection: duckdb.DuckDBPyConnection, seal: Seal) -> list[Month]:
    """The months back from the as-of day, cut where the marts cut their 12 months."""
    cuts = [calendar.months_before(seal.as_of_date, n) for n in range(MONTHS + 1)]
    rows = queries.rows(
        connection,
        """
        with days as (
            select order_date, sum(net_amount) as revenue
            from marts.order_lines
            group by order_date
        ),

        months as (
            select
                unnest(range($months)) as n,
                unnest($last_days::date[]) as last_day,
                unnest($days_before::date[]) as day_before
        )

        select
            months.last_day,
            coalesce(sum(days.revenue), 0) as revenue,
            months.n < 12 as is_last_12
        from months
        left join days
            on
                days.order_date > months.day_before
                and days.order_date <= months.last_day
        group by months.n, months.last_day
        order by months.n desc
        """,
        {"months": MONTHS, "last_days": cuts[:-1], "days_before": cuts[1:]},
    )
    return [Month(**row) for row in rows]


def tiers(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Customers and money of each tier, the best first."""
    profit = (
        "profit_12m"
        if queries.has(connection, "marts", "tier_summary", "profit_12m")
        else "null as profit_12m"
    )
    return queries.rows(
        connection,
        f"""
        with kinds as (
            select
                customer_tiers.tier_code,
                count(*) filter (customers.customer_type = 'company') as companies,
                count(*) filter (customers.customer_type = 'person') as persons
            from marts.customer_tiers
            inner join marts.customers
                on customer_tiers.customer_id = customers.customer_id
            group by customer_tiers.tier_code
        )

        select
            tier_summary.tier_code,
            coalesce(kinds.companies, 0) as companies,
            coalesce(kinds.persons, 0) as persons,
            {profit},
            tier_rank,
            tier_name_en,
            tier_name_zh,
            customers,
            revenue_12m,
            margin_12m,
            order_count_12m,
            ticket_count_12m,
            average_tenure_years,
            customers / nullif(cast(sum(customers) over () as double), 0)
                as share_of_customers,
            case
                when sum(revenue_12m) over () > 0
                    then
                        cast(revenue_12m as double)
                        / cast(sum(revenue_12m) over () as double)
            end as share_of_revenue_12m,
            case
                when sum(margin_12m) over () > 0
                    then
                        cast(margin_12m as double)
                        / cast(sum(margin_12m) over () as double)
            end as share_of_margin_12m
        from marts.tier_summary
        left join kinds on tier_summary.tier_code = kinds.tier_code
        order by tier_rank
        """,
    )


def concentration(connection: duckdb.DuckDBPyConnection) -> list[Concentration]:
    """How unequal the customers of each type are."""
    # Gini = sum((2i - n - 1) v_i) / (n sum(v)) with v ascending; the place i from
    # below is n + 1 - rank.
    figures = queries.rows(
        connection,
        """
        with buyers as (
            select
                customer_type,
                type_revenue_rank as place,
                cast(revenue as double) as revenue,
                type_customer_share,
                type_cumulative_revenue_share,
                count(*) over (partition by customer_type) as customers,
                case when customers >= 5 then (customers + 4) // 5 else 0 end as top
            from marts.customer_concentration
            where revenue > 0
        )

        select
            customer_type,
            count(*) as customers,
            sum((customers + 1 - 2 * place) * revenue)
            / (count(*) * sum(revenue)) as gini,
            any_value(top) as top_customers,
            max(type_customer_share) filter (place = top)
                as top_customer_share,
            max(type_cumulative_revenue_share) filter (place = top)
                as top_revenue_share,
            min(place) filter (type_cumulative_revenue_share >= 0.8 - 1e-12)
                as customers_for_80,
            avg(revenue) filter (place <= top)
            / avg(revenue) filter (place > top) as top_against_rest
        from buyers
        group by customer_type
        order by customer_type
        """,
    )
    points = queries.rows(
        connection,
        """
        with buyers as (
            select
                customer_type,
                type_revenue_rank as place,
                type_customer_share as x,
                type_cumulative_revenue_share as y,
                count(*) over (partition by customer_type) as customers
            from marts.customer_concentration
            where revenue > 0
        )

        select customer_type, list({'x': x, 'y': y} order by place) as points
        from buyers
        where
            place in (1, customers // 5)
            or place * $points // customers > (place - 1) * $points // customers
        group by customer_type
        """,
        {"points": CURVE_POINTS},
    )
    by_type = {row["customer_type"]: row["points"] for row in points}
    return [
        Concentration(
            **row,
            points=[
                (point["x"], point["y"]) for point in by_type[row["customer_type"]]
            ],
        )
        for row in figures
    ]


def segments(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Customers and money of each segment, the strongest first."""
    found = queries.rows(
        connection,
        """
        with names as (
            select
                rfm_segment,
                min(rfm_segment_zh) as rfm_segment_zh,
                avg(r_score + f_score + m_score) as strength
            from meta.rfm_segments
            group by rfm_segment
        ),

        counted as (
            select
                customer_value.rfm_segment,
                count(*) as customers,
                count(*) filter (customers.customer_type = 'company') as companies,
                count(*) filter (customers.customer_type = 'person') as persons,
                sum(customer_value.revenue_12m) as revenue_12m
            from marts.customer_value
            inner join marts.customers
                on customer_value.customer_id = customers.customer_id
            group by customer_value.rfm_segment
        )

        select
            counted.*,
            names.rfm_segment_zh,
            counted.customers
            / nullif(cast(sum(counted.customers) over () as double), 0)
                as share_of_customers,
            case
                when sum(counted.revenue_12m) over () > 0
                    then
                        cast(counted.revenue_12m as double)
                        / cast(sum(counted.revenue_12m) over () as double)
            end as share_of_revenue_12m
        from counted
        left join names on counted.rfm_segment = names.rfm_segment
        order by names.strength desc nulls last, counted.rfm_segment
        """,
    )
    for row in found:
        row["segment_en"] = row["rfm_segment"].capitalize()
        row["segment_zh"] = row["rfm_segment_zh"]
    return found
