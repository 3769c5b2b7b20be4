"""Service of a release, by tier and by category."""

from __future__ import annotations

import duckdb

from pipeline.reports import queries
from pipeline.reports.periods import Period
from pipeline.reports.queries import Row


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
