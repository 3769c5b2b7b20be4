"""Customers that a report names: the largest, those that fall or are silent, what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.reports import queries
from pipeline.reports.queries import Row

TOP_CUSTOMERS = 15
MAX_ATTENTION = 5  # of each kind
BADLY_SERVED = 10
MAX_ACTIONS = 15  # the first of the list; marts.customer_actions holds all
MAX_TODAY = 7
NOTHING_TO_DO = "serve"  # the verdict on whom nothing asks for more than the standard
MAX_LOSSES = 12
MAX_AT_RISK = 12
MAX_OWNERS = 25
# The stages of the life cycle in which money slips away, the nearest to help first.
SLIPPING = ["at risk", "declining", "dormant"]
SILENT_WITHOUT_RHYTHM = 180  # days
SILENT_GAPS = 2  # in multiples of the usual gap


@dataclass(frozen=True)
class Losses:
    """Who costs more than it brings: the counts and sums, and the large ones."""

    totals: Row
    customers: Sequence[Row]


@dataclass(frozen=True)
class Risk:
    """Money that slips away: by stage and type, and the customers that hold most of it."""

    stages: Sequence[Row]
    customers: Sequence[Row]


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

# The one rule of growth: the year against the year before, where both are whole. Growth
# from nothing or from a negative amount is no ratio.
GROWTH = """
    case
        when customer_value.has_growth_history
            and customer_value.revenue_previous_12m > 0
            then
                cast(customer_value.revenue_12m as double)
                / cast(customer_value.revenue_previous_12m as double) - 1
    end
"""

CUSTOMER = f"""
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
    {GROWTH} as growth,
    customer_value.last_order_date,
    customer_value.days_since_last_order,
    customer_value.order_count_12m,
    customer_value.has_growth_history,
    customer_value.usual_gap_days,
    customer_value.overdue_factor,
    customer_tiers.reason_en,
    customer_tiers.reason_zh
"""

CUSTOMERS = """
    from marts.customer_tiers
    inner join marts.customers
        on customer_tiers.customer_id = customers.customer_id
    inner join marts.customer_value
        on customer_tiers.customer_id = customer_value.customer_id
"""

# No order for twice the usual gap; of whom no gap is known, for half a year.
_IS_SILENT = f"""
    coalesce(
        overdue_factor > {SILENT_GAPS},
        days_since_last_order > {SILENT_WITHOUT_RHYTHM}
    )
"""

# The best tier, whatever the policy calls it.
_IS_KEY = "customer_tiers.tier_rank = (select min(tier_rank) from marts.tier_summary)"


def top_customers(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Those with the most revenue in 12 months, the largest first."""
    return queries.rows(
        connection,
        f"""
        select {CUSTOMER} {CUSTOMERS}
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
        with key_customers as (select {CUSTOMER} {CUSTOMERS} where {_IS_KEY})

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
        with key_customers as (select {CUSTOMER} {CUSTOMERS} where {_IS_KEY})

        select *
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
        with key_customers as (select {CUSTOMER} {CUSTOMERS} where {_IS_KEY})

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


ACTIONS = f"""
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
"""


def actions(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The first due actions of the list."""
    return queries.rows(
        connection,
        f"{ACTIONS} order by customer_actions.place limit ?",
        [MAX_ACTIONS],
    )


def with_keys(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]
) -> Sequence[Row]:
    """Adds `key`, by which the sources call each person, whose name may be masked.

    Args:
        connection: To the release's `warehouse.duckdb`.
        rows: Of customers; those of persons are changed in place.
    """
    persons = [
        row["customer_id"]
        for row in rows
        if row.get("customer_type") == "person" and row.get("customer_id")
    ]
    found = (
        {
            row["customer_id"]: row["key"]
            for row in queries.rows(
                connection,
                """
            select
                customer_id,
                min(source || ' ' || source_customer_id) as key
            from marts.customer_source_keys
            where customer_id in (select unnest(?::varchar[]))
            group by customer_id
            """,
                [persons],
            )
        }
        if persons
        else {}
    )
    for row in rows:
        row["key"] = found.get(row.get("customer_id"))
    return rows


def today(connection: duckdb.DuckDBPyConnection) -> Sequence[Row] | None:
    """The customers whom to call first, by their verdicts; None without verdicts."""
    needed = ("verdict", "verdict_name_zh", "at_stake_means_zh", "against_zh", "place")
    if not queries.has(connection, "marts", "customer_verdicts", *needed):
        return None
    return queries.rows(
        connection,
        f"""
        select
            customer_verdicts.*,
            {CALLED} as customer_name,
            customers.customer_type,
            customers.country
        from marts.customer_verdicts
        inner join marts.customers
            on customer_verdicts.customer_id = customers.customer_id
        where customer_verdicts.verdict <> ?
        order by customer_verdicts.place
        limit ?
        """,
        [NOTHING_TO_DO, MAX_TODAY],
    )


def losses(connection: duckdb.DuckDBPyConnection) -> Losses | None:
    """Customers of class A that cost more than they bring; None where nobody knows.

    Large is class A by revenue of the last 12 months within its type, the class of the
    mart; a loss is a profit below zero in the same months.
    """
    needed = ("profit_12m", "cost_to_serve_12m", "abc_class_12m")
    if not queries.has(connection, "marts", "customer_value", *needed):
        return None
    totals = queries.one(
        connection,
        """
        select
            count(profit_12m) as known,
            count(*) filter (profit_12m < 0) as losing,
            sum(profit_12m) filter (profit_12m < 0) as lost,
            count(*) filter (profit_12m < 0 and abc_class_12m = 'A') as large,
            sum(profit_12m) filter (profit_12m < 0 and abc_class_12m = 'A')
                as lost_by_large
        from marts.customer_value
        """,
    )
    if not totals["known"]:
        return None
    rows = queries.rows(
        connection,
        f"""
        select
            {CUSTOMER},
            customer_value.cost_to_serve_12m,
            customer_value.profit_12m
        {CUSTOMERS}
        where customer_value.profit_12m < 0 and customer_value.abc_class_12m = 'A'
        order by customer_value.profit_12m, customers.customer_id
        limit ?
        """,
        [MAX_LOSSES],
    )
    return Losses(totals, rows)


def at_risk(connection: duckdb.DuckDBPyConnection) -> Risk | None:
    """The money of those who slip: by stage of the life cycle, and the largest of them."""
    needed = ("lifecycle_stage", "overdue_factor", "no_purchase_probability_12m")
    if not queries.has(connection, "marts", "customer_value", *needed):
        return None
    stages = queries.rows(
        connection,
        """
        select
            customer_value.lifecycle_stage,
            customers.customer_type,
            count(*) as customers,
            sum(customer_value.revenue_12m) as revenue_12m,
            sum(customer_value.revenue_previous_12m) as revenue_previous_12m
        from marts.customer_value
        inner join marts.customers
            on customer_value.customer_id = customers.customer_id
        where customer_value.lifecycle_stage in (select unnest(?::varchar[]))
        group by customer_value.lifecycle_stage, customers.customer_type
        order by
            list_position(?::varchar[], customer_value.lifecycle_stage),
            customers.customer_type
        """,
        [SLIPPING, SLIPPING],
    )
    rows = queries.rows(
        connection,
        f"""
        select
            {CUSTOMER},
            customers.owner,
            customer_value.lifecycle_stage,
            customer_value.no_purchase_probability_12m
        {CUSTOMERS}
        where customer_value.lifecycle_stage in (select unnest(?::varchar[]))
            and customer_value.revenue_12m > 0
        order by customer_value.revenue_12m desc, customers.customer_id
        limit ?
        """,
        [SLIPPING, MAX_AT_RISK],
    )
    return Risk(stages, rows)


def due_by_owner(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What is due of each owner, the most overdue first; and what fits into the week."""
    stake = (
        "sum(customer_actions.at_stake)"
        if queries.has(connection, "marts", "customer_actions", "at_stake")
        else "cast(null as double)"
    )
    weeks = queries.has(connection, "marts", "owner_weeks", "actions_fitting")
    fitting = (
        "any_value(owner_weeks.actions_fitting)" if weeks else "cast(null as bigint)"
    )
    join = (
        "left join marts.owner_weeks on customer_actions.owner = owner_weeks.owner"
        if weeks
        else ""
    )
    return queries.rows(
        connection,
        f"""
        select
            customer_actions.owner,
            count(*) as actions,
            count(*) filter (customer_actions.is_overdue) as overdue,
            min(customer_actions.due_on) as first_due_on,
            {stake} as at_stake,
            {fitting} as actions_fitting,
            count(*) over () as owners
        from marts.customer_actions
        {join}
        group by customer_actions.owner
        order by overdue desc, actions desc, customer_actions.owner
        limit ?
        """,
        [MAX_OWNERS],
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

        select {CUSTOMER}, alarms.* exclude (customer_id)
        {CUSTOMERS}
        inner join alarms on customer_tiers.customer_id = alarms.customer_id
        order by customer_value.revenue_12m desc, customers.customer_id
        limit ?
        """,
        [BADLY_SERVED],
    )
