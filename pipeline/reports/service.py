"""Service of a release: promised against kept, what customers said of it, what it cost.

Of the last 12 months, by the tier of today, except where a mart has the tier of then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.common import calendar
from pipeline.reports import customers, queries
from pipeline.reports.periods import Period
from pipeline.reports.queries import Row
from pipeline.reports.site import Site


@dataclass(frozen=True)
class Service:
    """What the page shows.

    Attributes:
        tickets: By tier; the row without a tier holds those of nobody known.
        effort: Visits, calls and hours that were planned and done, by tier.
        voices: What customers answered, by the tier that they had then.
        months: The same and the service level of all, month by month.
        costs: What serving a tier cost.
        badly_served: None where the release is older than that table.
    """

    tickets: Sequence[Row]
    categories: Sequence[Row]
    promises: Sequence[Row]
    effort: Sequence[Row]
    voices: Sequence[Row]
    months: Sequence[Row]
    costs: Sequence[Row]
    badly_served: Sequence[Row] | None


def collect(connection: duckdb.DuckDBPyConnection, site: Site) -> Service:
    """Asks the release what the page of service shows."""
    badly = customers.badly_served(connection)
    customers.with_keys(connection, badly or [])
    return Service(
        tickets=service(connection, site.period),
        categories=categories(connection, site.period),
        promises=promises(connection),
        effort=effort(connection),
        voices=voices(connection, site),
        months=months(connection, site),
        costs=costs(connection),
        badly_served=badly,
    )


def promises(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What the service policies in force promise to each tier and type of customer."""
    needed = ("first_response_hours", "resolution_hours", "channel_zh")
    if not queries.has(connection, "meta", "service_policies", *needed):
        return []
    return queries.rows(
        connection,
        """
        select
            tier_summary.tier_rank,
            tier_summary.tier_name_en,
            tier_summary.tier_name_zh,
            policies.customer_type,
            policies.first_response_hours,
            policies.resolution_hours,
            policies.visit_every_days,
            policies.call_every_days,
            policies.channel_en,
            policies.channel_zh
        from meta.service_policies as policies
        inner join marts.tier_summary
            on policies.tier_code = tier_summary.tier_code
        where
            coalesce(
                policies.first_response_hours, policies.resolution_hours,
                policies.visit_every_days, policies.call_every_days
            ) is not null
            and policies.policy_id in (select policy_id from marts.customer_tiers)
            and policies.customer_type
            in (select customer_type from marts.customers)
        order by policies.customer_type, tier_summary.tier_rank, policies.policy_id
        """,
    )


def effort(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Planned and done of each kind and tier; kinds that nobody plans are left out."""
    if not queries.has(connection, "marts", "resource_allocation", "planned"):
        return []
    return queries.rows(
        connection,
        """
        select *
        from marts.resource_allocation
        where planned is not null
        order by kind desc, tier_rank
        """,
    )


def voices(connection: duckdb.DuckDBPyConnection, site: Site) -> list[Row]:
    """Answers of the last 12 months by tier; the mean of the months by their answers."""
    return _levels(connection, site, "tier_code", "service_levels.tier_code <> 'all'")


def months(connection: duckdb.DuckDBPyConnection, site: Site) -> list[Row]:
    """The service of all customers in each of the last 12 months."""
    return _levels(connection, site, "month_start", "service_levels.tier_code = 'all'")


def _levels(
    connection: duckdb.DuckDBPyConnection, site: Site, by: str, which: str
) -> list[Row]:
    needed = ("csat", "csat_answers", "nps", "nps_answers", "met_sla_rate", "sla_known")
    if not queries.has(connection, "marts", "service_levels", *needed):
        return []
    # The month of the as-of day and the eleven before it, whole ones.
    first = calendar.months_before(site.seal.as_of_date.replace(day=1), 11)
    return queries.rows(
        connection,
        f"""
        select
            service_levels.{by},
            min(tier_summary.tier_rank) as tier_rank,
            sum(tickets) as tickets,
            sum(sla_known) as sla_known,
            sum(met_sla_rate * sla_known)
            / nullif(cast(sum(sla_known) as double), 0) as met_sla_rate,
            coalesce(sum(csat_answers), 0) as csat_answers,
            sum(csat * csat_answers)
            / nullif(cast(sum(csat_answers) as double), 0) as csat,
            coalesce(sum(nps_answers), 0) as nps_answers,
            sum(nps * nps_answers)
            / nullif(cast(sum(nps_answers) as double), 0) as nps
        from marts.service_levels
        left join marts.tier_summary
            on service_levels.tier_code = tier_summary.tier_code
        where service_levels.month_start >= ? and {which}
        group by service_levels.{by}
        order by tier_rank nulls last, service_levels.{by}
        """,
        [first],
    )


def costs(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What serving the customers of each tier cost; empty where no rate is known."""
    needed = ("cost_to_serve_12m", "profit_12m")
    if not queries.has(connection, "marts", "tier_summary", *needed):
        return []
    rows = queries.rows(
        connection,
        """
        select
            tier_rank,
            tier_name_en,
            tier_name_zh,
            customers,
            cost_to_serve_12m,
            cost_to_serve_12m / nullif(customers, 0) as cost_a_customer,
            case
                when revenue_12m > 0
                    then cast(cost_to_serve_12m as double) / cast(revenue_12m as double)
            end as cost_share_of_revenue,
            revenue_12m,
            profit_12m
        from marts.tier_summary
        order by tier_rank
        """,
    )
    known = any(row["cost_to_serve_12m"] is not None for row in rows)
    return rows if known else []


def service(connection: duckdb.DuckDBPyConnection, period: Period) -> list[Row]:
    """Tickets a tier of today; the row without a tier holds those of nobody known."""
    return queries.rows(
        connection,
        """
        with tickets as (
            select
                customer_tiers.tier_code,
                count(*) as tickets,
                count(service_tickets.met_sla) as tickets_with_sla,
                count(*) filter (service_tickets.met_sla) as tickets_met_sla,
                median(
                    date_diff(
                        'minute', service_tickets.opened_at, service_tickets.resolved_at
                    ) / 60
                ) as median_hours_to_resolve,
                count(*) filter (service_tickets.resolved_at is null) as unresolved
            from marts.service_tickets
            left join marts.customer_tiers
                on service_tickets.customer_id = customer_tiers.customer_id
            where service_tickets.opened_at >= ?
            group by customer_tiers.tier_code
        )

        select
            tier_summary.tier_rank,
            tier_summary.tier_name_en,
            tier_summary.tier_name_zh,
            tier_summary.order_count_12m,
            coalesce(tickets.tickets, 0) as tickets,
            coalesce(tickets.unresolved, 0) as unresolved,
            coalesce(tickets.tickets_with_sla, 0) as tickets_with_sla,
            coalesce(tickets.tickets_met_sla, 0) as tickets_met_sla,
            tickets.tickets_met_sla
            / nullif(cast(tickets.tickets_with_sla as double), 0) as share_met_sla,
            tickets.median_hours_to_resolve,
            100.0 * tickets.tickets
            / nullif(cast(tier_summary.order_count_12m as double), 0)
                as tickets_per_100_orders
        from marts.tier_summary
        full outer join tickets on tier_summary.tier_code = tickets.tier_code
        order by tier_summary.tier_rank nulls last
        """,
        [period.tickets_from],
    )


# Categories beyond these are one line: the table in marts holds all.
MOST_CATEGORIES = 10


def categories(connection: duckdb.DuckDBPyConnection, period: Period) -> list[Row]:
    """Tickets a category, most first; the last row, without one, is all the rest.

    Empty where no ticket has a category.
    """
    return queries.rows(
        connection,
        """
        with tickets as (
            select
                category,
                resolved_at,
                closed_at,
                is_complaint,
                met_sla,
                date_diff('minute', opened_at, resolved_at) / 60 as hours
            from marts.service_tickets
            where opened_at >= ?
        ),

        ranked as (
            select
                category,
                row_number() over (order by count(*) desc, category) as place
            from tickets
            where category is not null
            group by category
        ),

        placed as (
            select
                tickets.*,
                case when ranked.place <= ? then tickets.category end as named
            from tickets
            left join ranked on tickets.category = ranked.category
            where exists (select 1 from ranked)
        )

        select
            named as category,
            count(*) as tickets,
            count(*) / cast(sum(count(*)) over () as double) as share_of_tickets,
            count(*) filter (resolved_at is null) as unresolved,
            median(hours) as median_hours_to_resolve,
            count(*) filter (is_complaint) as complaints,
            count(is_complaint) > 0 as are_complaints_known,
            count(met_sla) as tickets_with_sla,
            count(*) filter (met_sla) as tickets_met_sla
        from placed
        group by named
        order by named is null, tickets desc, named
        """,
        [period.tickets_from, MOST_CATEGORIES],
    )
