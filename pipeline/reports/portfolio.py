"""The portfolio: how unequal customers are, how they move, stay and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from pipeline.common import calendar
from pipeline.reports import customers, diagrams, drawing, queries, sales
from pipeline.reports.periods import ONE_DAY
from pipeline.reports.queries import Row
from pipeline.reports.sales import Concentration
from pipeline.reports.site import Site

COHORTS: Final = 18
COHORT_MONTHS: Final = 12
FIRST_FEW: Final = (1, 5, 10, 20, 50)
MAX_GROUPS: Final = 10


@dataclass(frozen=True)
class Profits:
    """The whale curve of the customers of one type, over the whole past.

    Attributes:
        customers: Of how many profit is known.
        at_peak: How many of them, the most profitable first, earn the most together.
        peak: What these earn.
        total: What is left of it with all customers.
        points: (share of customers, profit up to there), without the origin.
    """

    customer_type: str
    customers: int
    at_peak: int
    peak: float
    total: float
    points: Sequence[tuple[float, float]]

    @property
    def drawn(self) -> diagrams.Whale:
        """The curve."""
        return diagrams.whale(self.points)


@dataclass(frozen=True)
class Cohort:
    """The customers of a month, and how many of them bought in the months after.

    Attributes:
        active: Month number → customers with an order; only months that have ended.
    """

    month: object
    customers: int
    active: Mapping[int, int]


@dataclass(frozen=True)
class Migration:
    """Moves from one month end to the next, over the last twelve month ends.

    Attributes:
        counts: (from, to) → customers, summed over the months; `totals` by `from`.
    """

    first_month: object
    last_month: object
    froms: Sequence[str]
    tos: Sequence[str]
    counts: Mapping[tuple[str, str], int]
    totals: Mapping[str, int]


@dataclass(frozen=True)
class Portfolio:
    """What the page shows.

    Attributes:
        risks: What the largest customers hold of the revenue of 12 months, by type.
        profits: None where nobody's profit is known. Likewise `migration` and the rest.
    """

    sales_recorded: bool
    concentration: Sequence[Concentration]
    profits: Sequence[Profits] | None
    risks: Sequence[Row]
    groups: Sequence[Row]
    migration: Migration | None
    cohorts: Sequence[Cohort]
    top_customers: Sequence[Row]
    segments: Sequence[Row]

    @property
    def curves(self) -> list[drawing.Curve]:
        """The Pareto curves as drawings."""
        return [drawing.pareto(item) for item in self.concentration]


def collect(
    connection: duckdb.DuckDBPyConnection, site: Site, *, sales_recorded: bool
) -> Portfolio:
    """Asks the release what the portfolio shows."""
    top = customers.top_customers(connection)
    customers.with_keys(connection, top)
    return Portfolio(
        sales_recorded=sales_recorded,
        concentration=sales.concentration(connection),
        profits=_profits(connection),
        risks=_risks(connection),
        groups=_groups(connection),
        migration=_migration(connection, site),
        cohorts=_cohorts(connection, site),
        top_customers=top,
        segments=sales.segments(connection),
    )


def _profits(connection: duckdb.DuckDBPyConnection) -> list[Profits] | None:
    needed = ("type_profit_rank", "type_cumulative_profit", "profit")
    if not queries.has(connection, "marts", "customer_concentration", *needed):
        return None
    found = queries.rows(
        connection,
        """
        with known as (
            select
                customer_type,
                type_profit_rank as place,
                cast(type_cumulative_profit as double) as profit,
                count(*) over (partition by customer_type) as customers
            from marts.customer_concentration
            where profit is not null
        ),

        peaks as (
            select
                customer_type,
                arg_max(place, profit) as at_peak,
                max(profit) as peak,
                arg_max(profit, place) as total
            from known
            group by customer_type
        )

        select
            known.customer_type,
            any_value(known.customers) as customers,
            any_value(peaks.at_peak) as at_peak,
            any_value(peaks.peak) as peak,
            any_value(peaks.total) as total,
            list(
                {'x': known.place / known.customers, 'y': known.profit}
                order by known.place
            ) as points
        from known
        inner join peaks on known.customer_type = peaks.customer_type
        where
            known.place in (1, peaks.at_peak)
            or known.place * $points // known.customers
            > (known.place - 1) * $points // known.customers
        group by known.customer_type
        order by known.customer_type
        """,
        {"points": sales.CURVE_POINTS},
    )
    return [
        Profits(**row | {"points": [(p["x"], p["y"]) for p in row["points"]]})
        for row in found
    ] or None


def _risks(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What the first 1, 5, 10 … hold of the revenue of 12 months of their type."""
    return queries.rows(
        connection,
        """
        with bought as (
            select
                customers.customer_type,
                cast(customer_value.revenue_12m as double) as revenue,
                row_number() over (
                    partition by customers.customer_type
                    order by customer_value.revenue_12m desc
                ) as place
            from marts.customer_value
            inner join marts.customers
                on customer_value.customer_id = customers.customer_id
            where
                customer_value.revenue_12m > 0
                and customers.customer_type <> 'unknown'
        ),

        few as (select unnest(?::integer[]) as first_few)

        select
            bought.customer_type,
            few.first_few,
            sum(bought.revenue) filter (bought.place <= few.first_few) as revenue_12m,
            sum(bought.revenue) filter (bought.place <= few.first_few)
            / sum(bought.revenue) as share_of_revenue,
            count(*) as buyers
        from bought
        cross join few
        group by bought.customer_type, few.first_few
        having count(*) > few.first_few
        order by bought.customer_type, few.first_few
        """,
        [list(FIRST_FEW)],
    )


def _groups(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The groups of companies that buy most."""
    if not queries.has(connection, "marts", "customer_groups", "revenue_12m"):
        return []
    return queries.rows(
        connection,
        """
        select
            ultimate_parent_customer_id as customer_id,
            group_name,
            members,
            buying_members,
            revenue_12m,
            count(*) over () as groups
        from marts.customer_groups
        where revenue_12m > 0
        order by revenue_12m desc, customer_id
        limit ?
        """,
        [MAX_GROUPS],
    )


def _migration(connection: duckdb.DuckDBPyConnection, site: Site) -> Migration | None:
    if not queries.has(connection, "marts", "tier_migration", "from_tier", "to_tier"):
        return None
    rows = queries.rows(
        connection,
        """
        with months as (
            select distinct month
            from marts.tier_migration
            order by month desc
            limit 12
        )

        select
            from_tier,
            to_tier,
            cast(sum(customers) as bigint) as customers,
            (select min(month) from months) as first_month,
            (select max(month) from months) as last_month
        from marts.tier_migration
        where month in (select month from months)
        group by from_tier, to_tier
        """,
    )
    if not rows:
        return None
    order = {code: place for place, code in enumerate(_in_order(connection))}
    counts = {(row["from_tier"], row["to_tier"]): row["customers"] for row in rows}
    totals: dict[str, int] = {}
    for (start, _), count in counts.items():
        totals[start] = totals.get(start, 0) + count

    def place(code: str) -> tuple[int, str]:
        return order.get(code, 99), code

    return Migration(
        first_month=rows[0]["first_month"],
        last_month=rows[0]["last_month"],
        froms=sorted({start for start, _ in counts}, key=place),
        tos=sorted({end for _, end in counts}, key=place),
        counts=counts,
        totals=totals,
    )


def _in_order(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        row["tier_code"]
        for row in queries.rows(
            connection,
            "select tier_code from marts.tier_summary order by tier_rank, tier_code",
        )
    ]


def _cohorts(connection: duckdb.DuckDBPyConnection, site: Site) -> list[Cohort]:
    """The newest cohorts that can have come back, the oldest first."""
    if not queries.has(connection, "marts", "cohort_retention", "active"):
        return []
    first = calendar.months_before(site.seal.as_of_date, COHORTS).replace(day=1)
    rows = queries.rows(
        connection,
        """
        select
            cohort_month,
            max(customers) as customers,
            map(list(month_number), list(active)) as active,
            date_diff('month', cohort_month, $ended) as months
        from marts.cohort_retention
        where
            cohort_month >= $first
            and month_number between 0 and $months
        group by cohort_month
        order by cohort_month
        """,
        {
            "first": first,
            "months": COHORT_MONTHS,
            # The newest month that has ended by the as-of day.
            "ended": _last_whole_month(site),
        },
    )
    return [
        Cohort(
            month=row["cohort_month"],
            customers=row["customers"],
            active={
                number: row["active"].get(number, 0)
                for number in range(1, min(row["months"], COHORT_MONTHS) + 1)
            },
        )
        for row in rows
        if row["months"] >= 1
    ]


def _last_whole_month(site: Site) -> object:
    """The first day of the newest month whose last day is not after the as-of day."""
    day = site.seal.as_of_date
    first = day.replace(day=1)
    ended = (day + ONE_DAY).day == 1
    return first if ended else calendar.months_before(first, 1)
