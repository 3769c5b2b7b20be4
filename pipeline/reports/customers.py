"""Customers that a report names: the largest, those that fall or are silent, what is due."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.reports import queries
from pipeline.reports.queries import Row

TOP_CUSTOMERS = 15
MAX_ATTENTION = 5  # of each kind
BADLY_SERVED = 10
MAX_ACTIONS = 15  # the first of the list; marts.customer_actions holds all
# Two purchases make one gap; a rhythm takes at least two gaps.
ORDER_DAYS_FOR_RHYTHM = 3
SILENT_WITHOUT_RHYTHM = 180  # days

# A customer without a name in the source is called by its id, and a person, whose name is
# masked to letters that many share, by both.
CALLED = """
    case
        when nullif(trim(customers.customer_name), '') is null
            then customers.customer_id
        when customers.customer_type = 'person'
            then customers.customer_name || ' (' || customers.customer_id || ')'
        else customers.customer_name
    end
"""

_CUSTOMER = f"""
    customers.customer_id,
    {CALLED} as customer_name,
    customers.customer_type,
    customers.country,
    customer_tiers.tier_rank,
    customer_tiers.tier_name_en,
    customer_tiers.tier_name_zh,
    customer_value.revenue_12m,
    customer_value.revenue_previous_12m,
    customer_value.revenue_12m - customer_value.revenue_previous_12m
        as revenue_change,
    customer_value.margin_12m,
    exp(customer_value.growth_rate) - 1 as growth,
    customer_value.last_order_date,
    customer_value.days_since_last_order,
    customer_value.order_count_12m,
    case
        when customer_value.order_days >= {ORDER_DAYS_FOR_RHYTHM}
            then
                (customer_value.last_order_date - customer_value.first_order_date)
                / cast(customer_value.order_days - 1 as double)
    end as usual_days_between_orders,
    customer_tiers.reason_en,
    customer_tiers.reason_zh
"""

_CUSTOMERS = """
    from marts.customer_tiers
    inner join marts.customers
        on customer_tiers.customer_id = customers.customer_id
    inner join marts.customer_value
        on customer_tiers.customer_id = customer_value.customer_id
"""

# No order for twice the usual gap; of whom no gap is known, for half a year.
_IS_SILENT = f"""
    days_since_last_order
    > coalesce(2 * usual_days_between_orders, {SILENT_WITHOUT_RHYTHM})
"""

# The best tier, whatever the policy calls it.
_IS_KEY = "customer_tiers.tier_rank = (select min(tier_rank) from marts.tier_summary)"


def top_customers(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Those with the most revenue in 12 months, the largest first."""
    return queries.rows(
        connection,
        f"""
        select {_CUSTOMER} {_CUSTOMERS}
        where customer_value.revenue_12m > 0
        order by customer_value.revenue_12m desc, customers.customer_id
        limit ?
        """,
        [TOP_CUSTOMERS],
    )


def key_state(connection: duckdb.DuckDBPyConnection) -> Row:
    """How many key customers there are, fall and are silent, and what they lost."""
    return queries.one(
        connection,
        f"""
        with key_customers as (select {_CUSTOMER} {_CUSTOMERS} where {_IS_KEY})

        select
            count(*) as customers,
            count(*) filter (revenue_change < 0) as falling,
            coalesce(sum(revenue_change) filter (revenue_change < 0), 0)
                as revenue_lost,
            count(*) filter ({_IS_SILENT}) as silent
        from key_customers
        """,
    )


def falling(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Key customers whose revenue fell, the largest loss first."""
    return queries.rows(
        connection,
        f"""
        with key_customers as (select {_CUSTOMER} {_CUSTOMERS} where {_IS_KEY})

        select
            *,
            case
                when revenue_previous_12m > 0
                    then
                        cast(revenue_change as double)
                        / cast(revenue_previous_12m as double)
            end as relative_change
        from key_customers
        where revenue_change < 0
        order by revenue_change, customer_id
        limit ?
        """,
        [MAX_ATTENTION],
    )


def silent(
    connection: duckdb.DuckDBPyConnection, already_named: Sequence[str]
) -> list[Row]:
    """Key customers who are silent for long, bar those that are named already."""
    return queries.rows(
        connection,
        f"""
        with key_customers as (select {_CUSTOMER} {_CUSTOMERS} where {_IS_KEY})

        select *
        from key_customers
        where
            {_IS_SILENT}
            and not list_contains(cast(? as varchar[]), customer_id)
        order by days_since_last_order desc, revenue_12m desc, customer_id
        limit ?
        """,
        [list(already_named), MAX_ATTENTION],
    )


def actions(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The first due actions of the list."""
    return queries.rows(
        connection,
        f"""
        select
            customer_actions.*,
            coalesce(
                case
                    when nullif(trim(customers.customer_name), '') is not null
                        then {CALLED}
                end,
                case
                    when regexp_full_match(leads.lead_name, '(\\S\\.\\s*)+')
                        then leads.lead_name || ' (' || customer_actions.lead_id || ')'
                    else leads.lead_name
                end,
                customer_actions.customer_id, customer_actions.lead_id
            ) as customer_name,
            coalesce(customers.customer_type, 'lead') as customer_type,
            customers.country,
            customer_tiers.tier_rank,
            customer_tiers.tier_name_en,
            customer_tiers.tier_name_zh
        from marts.customer_actions
        left join marts.customers
            on customer_actions.customer_id = customers.customer_id
        left join marts.customer_tiers
            on customer_actions.customer_id = customer_tiers.customer_id
        left join marts.leads on customer_actions.lead_id = leads.lead_id
        order by customer_actions.place
        limit ?
        """,
        [MAX_ACTIONS],
    )


def action_kinds(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """How many of each action are due, and overdue."""
    return queries.rows(
        connection,
        """
        select
            action_name_en,
            action_name_zh,
            count(*) as actions,
            count(*) filter (is_overdue) as overdue
        from marts.customer_actions
        group by action_name_en, action_name_zh
        order by min(place)
        """,
    )


def badly_served(connection: duckdb.DuckDBPyConnection) -> list[Row] | None:
    """Customers of high value with every alarm that sounds for them, largest first."""
    there = queries.one(
        connection,
        "select count(*) as n from duckdb_tables() "
        "where schema_name = 'marts' and table_name = 'badly_served'",
    )["n"]
    if not there:
        return None
    return queries.rows(
        connection,
        f"""
        with alarms as (
            select
                customer_id,
                any_value(tickets_12m) as tickets_12m,
                any_value(sla_met_rate_12m) as sla_met_rate_12m,
                any_value(contact_gap_days) as contact_gap_days,
                list(reason_en order by rule_code) as reasons_en,
                list(reason_zh order by rule_code) as reasons_zh,
                count(*) over () as customers_in_all
            from marts.badly_served
            group by customer_id
        )

        select {_CUSTOMER}, alarms.* exclude (customer_id)
        {_CUSTOMERS}
        inner join alarms on customer_tiers.customer_id = alarms.customer_id
        order by customer_value.revenue_12m desc, customers.customer_id
        limit ?
        """,
        [BADLY_SERVED],
    )
