"""What a report says: the questions to a release, asked in SQL.

One function a section; at most a few hundred rows come to Python. A ratio to a total
that is not positive is None here, never a number, and so is what no source knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from pipeline import evidence, warehouse

Row = dict[str, Any]

TOP_CUSTOMERS = 15
NEED_A_LOOK = 5  # of each kind
BADLY_SERVED = 10
ACTIONS_SHOWN = 15  # the first of the list; marts.customer_actions holds all
ROWS_SHOWN = 12  # of quarantined rows and of checks; the tables in meta hold all
MONTHS = 24
CURVE_POINTS = 180
# Two purchases make one gap; a rhythm takes at least two gaps.
ORDER_DAYS_FOR_RHYTHM = 3
SILENT_WITHOUT_RHYTHM = 180  # days


@dataclass(frozen=True)
class Seal:
    """What `release.json` says of the release, and whether it still holds.

    Attributes:
        time_zone: The business's own, where the record names it, else UTC.
        currency: The reporting currency, where the record names it.
        accepted: Checks that failed and were accepted by a person; no warnings.
        problems: Why this release could not be published as it lies there.
    """

    refresh_id: str
    as_of_date: dt.date
    sealed_at: dt.datetime
    time_zone: str
    currency: str | None
    checks: int
    passed: int
    warnings: int
    accepted: int
    problems: Sequence[str]


@dataclass(frozen=True)
class Period:
    """The 12 months that end on the as-of day; the first days of them and before."""

    first_day: dt.date
    last_day: dt.date
    previous_first_day: dt.date
    tickets_from: dt.datetime


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


@dataclass(frozen=True)
class Facts:
    """All that the report shows; money in the reporting currency.

    Attributes:
        badly_served: None where the release is older than that table.
        actions: The first ones of the list; None where the release has no such list.
        action_kinds: How many of each action are due, all of them.
    """

    currency: str | None
    policies: str | None
    period: Period
    headline: Row
    months: Sequence[Month]
    tiers: Sequence[Row]
    concentration: Sequence[Concentration]
    top_customers: Sequence[Row]
    key_state: Row
    falling: Sequence[Row]
    silent: Sequence[Row]
    actions: Sequence[Row] | None
    action_kinds: Sequence[Row]
    segments: Sequence[Row]
    service: Sequence[Row]
    badly_served: Sequence[Row] | None
    freshness: Sequence[Row]
    reconciliation: Sequence[Row]
    quarantined: int
    quarantine: Sequence[Row]
    findings: Sequence[Row]


def seal_of(record: Mapping[str, Any], *, problems: Sequence[str]) -> Seal:
    """The record of a release in the words of the report."""
    checks = [
        check
        for item in record["evidence"]
        for check in evidence.from_json(item).checks
    ]
    passed = sum(check.outcome == "passed" for check in checks)
    return Seal(
        refresh_id=record["refresh_id"],
        as_of_date=dt.date.fromisoformat(record["as_of_date"]),
        sealed_at=dt.datetime.fromisoformat(record["sealed_at"]),
        time_zone=record.get("time_zone", "UTC"),
        currency=record.get("reporting_currency"),
        checks=len(checks),
        passed=passed,
        warnings=sum(
            c.outcome != "passed" and not c.blocks and not c.is_accepted for c in checks
        ),
        accepted=sum(c.is_accepted for c in checks),
        problems=problems,
    )


def collect(connection: duckdb.DuckDBPyConnection, seal: Seal) -> Facts:
    """Asks the release everything that the report shows.

    Args:
        connection: To the release's `warehouse.duckdb`.
        seal: Its record; the as-of day and the time zone set the periods.
    """
    period = _period(connection, seal)
    curves = _concentration(connection)
    falling = _falling(connection)
    lists_actions = _has_table(connection, "marts", "customer_actions")
    return Facts(
        currency=seal.currency or _booked_currency(connection),
        policies=_one(
            connection,
            "select string_agg(distinct policy_id, ', ' order by policy_id) "
            "as policies from marts.customer_tiers",
        )["policies"],
        period=period,
        headline=_headline(connection, period),
        months=_months(connection, seal),
        tiers=_tiers(connection),
        concentration=curves,
        top_customers=_top_customers(connection),
        key_state=_key_state(connection),
        falling=falling,
        silent=_silent(connection, [row["customer_id"] for row in falling]),
        actions=_actions(connection) if lists_actions else None,
        action_kinds=_action_kinds(connection) if lists_actions else [],
        segments=_segments(connection),
        service=_service(connection, period),
        badly_served=_badly_served(connection),
        freshness=_rows(
            connection,
            """
            select *, rows_read = rows_landed + rows_quarantined as adds_up
            from meta.source_freshness
            order by source, entity
            """,
        ),
        reconciliation=_rows(
            connection,
            """
            select *, row_difference = 0 and amount_difference = 0 as adds_up
            from meta.reconciliation
            order by source, entity, currency
            """,
        ),
        quarantined=_one(connection, "select count(*) as n from meta.quarantine")["n"],
        # The text of a row may hold personal data, and a report travels.
        quarantine=_rows(
            connection,
            """
            select source, entity, source_file, line, reason
            from meta.quarantine
            order by quarantined_at desc, source, entity, source_file, line
            limit ?
            """,
            [ROWS_SHOWN],
        ),
        findings=_rows(
            connection,
            """
            select *
            from meta.check_results
            where outcome != 'passed'
            order by severity, gate, subject, check_name
            """,
        ),
    )


def _period(connection: duckdb.DuckDBPyConnection, seal: Seal) -> Period:
    row = _one(
        connection,
        """
        select
            cast(as_of_date - interval 12 month as date) as year_ago,
            cast(as_of_date - interval 12 month as date) + 1 as first_day,
            as_of_date as last_day,
            cast(as_of_date - interval 24 month as date) + 1 as previous_first_day
        from (select cast(? as date) as as_of_date)
        """,
        [seal.as_of_date],
    )
    return Period(
        first_day=row["first_day"],
        last_day=row["last_day"],
        previous_first_day=row["previous_first_day"],
        tickets_from=warehouse.known_until(row["year_ago"], seal.time_zone),
    )


def _booked_currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    found = _rows(connection, "select currency from marts.order_lines limit 1")
    return found[0]["currency"] if found else None


def _headline(connection: duckdb.DuckDBPyConnection, period: Period) -> Row:
    totals = _one(
        connection,
        """
        select
            count(*) as customers,
            count(*) filter (customers.customer_type = 'company') as companies,
            count(*) filter (customers.customer_type = 'person') as persons,
            count(*) filter (customer_value.order_count = 0) as without_order,
            coalesce(sum(customer_value.revenue_12m), 0) as revenue_12m,
            coalesce(sum(customer_value.revenue_previous_12m), 0)
                as revenue_previous_12m,
            sum(customer_value.margin_12m) as margin_12m,
            sum(customer_value.revenue_12m)
                filter (customer_value.margin_12m is not null) as revenue_with_margin,
            min(customer_value.first_order_date) as first_order_date
        from marts.customers
        inner join marts.customer_value
            on customers.customer_id = customer_value.customer_id
        """,
    )
    costs = _one(
        connection,
        """
        select
            count(*) > 0 and count(margin_amount) = 0 as cost_unknown,
            sum(net_amount) filter (margin_amount is not null) as revenue_with_cost,
            sum(net_amount) as revenue
        from marts.order_lines
        where order_date between ? and ?
        """,
        [period.first_day, period.last_day],
    )
    totals["latest"] = _rows(
        connection,
        """
        select
            customers.customer_type,
            max(customer_value.last_order_date) as last_order_date,
            cast(? as date) - max(customer_value.last_order_date) as days
        from marts.customers
        inner join marts.customer_value
            on customers.customer_id = customer_value.customer_id
        where customer_value.last_order_date is not null
        group by customers.customer_type
        order by customers.customer_type
        """,
        [period.last_day],
    )
    revenue, previous = totals["revenue_12m"], totals["revenue_previous_12m"]
    first = totals["first_order_date"]
    totals["revenue_growth"] = _ratio(revenue - previous, previous)
    totals["previous_is_whole"] = (
        first is not None and first <= period.previous_first_day
    )
    totals["margin_rate"] = (
        None
        if totals["margin_12m"] is None
        else _ratio(totals["margin_12m"], totals["revenue_with_margin"])
    )
    totals["cost_unknown"] = costs["cost_unknown"]
    totals["cost_coverage"] = _ratio(
        costs["revenue_with_cost"] or Decimal(0), costs["revenue"]
    )
    if costs["cost_unknown"]:
        totals["margin_12m"] = totals["margin_rate"] = None
    return totals


def _months(connection: duckdb.DuckDBPyConnection, seal: Seal) -> list[Month]:
    rows = _rows(
        connection,
        """
        with days as (
            select order_date, sum(net_amount) as revenue
            from marts.order_lines
            where order_date > cast($as_of as date) - to_months($months)
            group by order_date
        ),

        months as (
            select
                n,
                cast(cast($as_of as date) - to_months(n) as date) as last_day,
                cast(cast($as_of as date) - to_months(n + 1) as date) as day_before
            from range($months) as numbers (n)
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
        {"as_of": seal.as_of_date, "months": MONTHS},
    )
    return [Month(**row) for row in rows]


def _tiers(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
        connection,
        """
        select
            tier_code,
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
        order by tier_rank
        """,
    )


def _concentration(connection: duckdb.DuckDBPyConnection) -> list[Concentration]:
    # Gini = sum((2i - n - 1) v_i) / (n sum(v)) with v ascending; the place i from
    # below is n + 1 - rank.
    figures = _rows(
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
    points = _rows(
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


# A customer without a name in the source is called by its id, and a person, whose name is
# masked to letters that many share, by both.
_CALLED = """
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
    {_CALLED} as customer_name,
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

# The best tier, whatever the policy calls it.
_IS_KEY = "customer_tiers.tier_rank = (select min(tier_rank) from marts.tier_summary)"


def _top_customers(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
        connection,
        f"""
        select {_CUSTOMER} {_CUSTOMERS}
        where customer_value.revenue_12m > 0
        order by customer_value.revenue_12m desc, customers.customer_id
        limit ?
        """,
        [TOP_CUSTOMERS],
    )


def _key_state(connection: duckdb.DuckDBPyConnection) -> Row:
    return _one(
        connection,
        f"""
        with key_customers as (select {_CUSTOMER} {_CUSTOMERS} where {_IS_KEY})

        select
            count(*) as customers,
            count(*) filter (revenue_change < 0) as falling,
            coalesce(sum(revenue_change) filter (revenue_change < 0), 0)
                as revenue_lost,
            count(*) filter (
                days_since_last_order
                > coalesce(2 * usual_days_between_orders, {SILENT_WITHOUT_RHYTHM})
            ) as silent
        from key_customers
        """,
    )


def _falling(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
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
        [NEED_A_LOOK],
    )


def _silent(
    connection: duckdb.DuckDBPyConnection, already_named: Sequence[str]
) -> list[Row]:
    return _rows(
        connection,
        f"""
        with key_customers as (select {_CUSTOMER} {_CUSTOMERS} where {_IS_KEY})

        select *
        from key_customers
        where
            days_since_last_order
            > coalesce(2 * usual_days_between_orders, {SILENT_WITHOUT_RHYTHM})
            and not list_contains(cast(? as varchar[]), customer_id)
        order by days_since_last_order desc, revenue_12m desc, customer_id
        limit ?
        """,
        [list(already_named), NEED_A_LOOK],
    )


def _has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the release is young enough to have the table."""
    return bool(
        _rows(
            connection,
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?",
            [schema, table],
        )
    )


def _actions(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
        connection,
        f"""
        select
            customer_actions.*,
            coalesce(
                case
                    when nullif(trim(customers.customer_name), '') is not null
                        then {_CALLED}
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
        [ACTIONS_SHOWN],
    )


def _action_kinds(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
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


def _segments(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return _rows(
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


def _service(connection: duckdb.DuckDBPyConnection, period: Period) -> list[Row]:
    """Tickets a tier of today; the row without a tier holds those of nobody known."""
    return _rows(
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


def _badly_served(connection: duckdb.DuckDBPyConnection) -> list[Row] | None:
    """Customers of high value with every alarm that sounds for them, largest first."""
    there = _one(
        connection,
        "select count(*) as n from duckdb_tables() "
        "where schema_name = 'marts' and table_name = 'badly_served'",
    )["n"]
    if not there:
        return None
    return _rows(
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


def _ratio(part: Decimal, whole: Decimal | None) -> float | None:
    # A ratio to nothing, or to a loss, says nothing.
    return float(part) / float(whole) if whole is not None and whole > 0 else None


def _rows(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[Row]:
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _one(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> Row:
    return _rows(connection, query, parameters)[0]
