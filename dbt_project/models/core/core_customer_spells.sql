{#-
The spells of moments (core_moments) at which the figures of a customer stay the same: a
spell begins where something comes to count or falls out of the last 12 months or of the
12 before. A customer is known from the day it was won, its first order, or the first
ticket or cost; where no source knows any of these, from the first moment on.
-#}
{%- set counts = ["orders", "order_days", "tickets"] -%}
{%- set amounts = ["margin", "freight", "cost_to_serve", "acquisition_cost"] -%}

with totals as (
    select * from {{ ref("core_customer_totals") }}
),

rhythms as (
    select * from {{ ref("core_customer_rhythms") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

days as (
    select * from {{ ref("core_days") }}
),

moments as (
    select * from {{ ref("core_moments") }}
),

periods as (
    select distinct
        period_no,
        enters,
        leaves_12m,
        leaves_24m
    from days
),

present as (
    select moment_no from moments
    where is_present
),

first_days as (
    select
        customer_no,
        min(first_order_date) as first_order_date
    from totals
    group by customer_no
),

known_on as (
    select
        customers.customer_no,
        -- Nulls do not count for the least.
        least(customers.acquired_on, first_days.first_order_date) as known_on
    from customers
    left join first_days on customers.customer_no = first_days.customer_no
),

known as (
    select
        known_on.customer_no,
        case
            when known_on.known_on is null then 1
            else coalesce(days.enters, present.moment_no)
        end as moment_no
    from known_on
    cross join present
    left join days on known_on.known_on = days.day_date
),

-- The last period that has come to count at a moment, and the last that has left.
changes as (
    select
        customer_no,
        moment_no,
        0 as period_no,
        0 as left_12m_no,
        0 as left_24m_no
    from known
    union all
    select
        totals.customer_no,
        periods.enters as moment_no,
        totals.period_no,
        0 as left_12m_no,
        0 as left_24m_no
    from totals
    inner join periods on totals.period_no = periods.period_no
    union all
    select
        totals.customer_no,
        periods.leaves_12m as moment_no,
        0 as period_no,
        totals.period_no as left_12m_no,
        0 as left_24m_no
    from totals
    inner join periods on totals.period_no = periods.period_no
    where periods.leaves_12m is not null
    union all
    select
        totals.customer_no,
        periods.leaves_24m as moment_no,
        0 as period_no,
        0 as left_12m_no,
        totals.period_no as left_24m_no
    from totals
    inner join periods on totals.period_no = periods.period_no
    where periods.leaves_24m is not null
),

change_moments as (
    select
        customer_no,
        moment_no,
        max(period_no) as period_no,
        max(left_12m_no) as left_12m_no,
        max(left_24m_no) as left_24m_no
    from changes
    group by customer_no, moment_no
),

spells as (
    select
        change_moments.customer_no,
        change_moments.moment_no as from_moment_no,
        coalesce(
            lead(change_moments.moment_no) over (
                partition by change_moments.customer_no
                order by change_moments.moment_no
            ),
            present.moment_no + 1
        ) as until_moment_no,
        max(change_moments.period_no) over so_far as period_no,
        max(change_moments.left_12m_no) over so_far as left_12m_no,
        max(change_moments.left_24m_no) over so_far as left_24m_no
    from change_moments
    cross join present
    window so_far as (
        partition by change_moments.customer_no order by change_moments.moment_no
        rows between unbounded preceding and current row
    )
),

figures as (
    select
        customers.customer_no,
        customers.customer_type,
        spells.from_moment_no,
        spells.until_moment_no,
        so_far.first_order_date,
        so_far.last_order_date,
        coalesce(so_far.category_mask, 0) as category_mask,
        {%- for measure in counts %}
        coalesce(so_far.{{ measure }}, 0) as {{ measure }},
        coalesce(so_far.{{ measure }}, 0) - coalesce(left_12m.{{ measure }}, 0)
            as {{ measure }}_12m,
        {%- endfor %}
        {%- for measure in ["spend", "costed_revenue", "revenue"] + amounts %}
        coalesce(so_far.{{ measure }}, 0) as {{ measure }},
        {%- endfor %}
        {%- for measure in ["revenue"] + amounts %}
        cast(
            coalesce(so_far.{{ measure }}, 0) - coalesce(left_12m.{{ measure }}, 0)
            as {{ type_money() }}
        ) as {{ measure }}_12m,
        {%- endfor %}
        cast(
            coalesce(left_12m.revenue, 0) - coalesce(left_24m.revenue, 0)
            as {{ type_money() }}
        ) as revenue_previous_12m,
        rhythms.median_gap_days,
        rhythms.returned_on,
        rhythms.first_day_spend
    from spells
    inner join customers on spells.customer_no = customers.customer_no
    left join totals as so_far
        on
            spells.customer_no = so_far.customer_no
            and spells.period_no = so_far.period_no
    left join totals as left_12m
        on
            spells.customer_no = left_12m.customer_no
            and spells.left_12m_no = left_12m.period_no
    left join totals as left_24m
        on
            spells.customer_no = left_24m.customer_no
            and spells.left_24m_no = left_24m.period_no
    left join rhythms
        on
            so_far.customer_no = rhythms.customer_no
            and so_far.last_order_date = rhythms.last_order_date
),

-- Where the cost of the goods is not known, nor is the profit.
final as (
    select
        *,
        cast(case
            when costed_revenue <> 0 or revenue = 0
                then margin - cost_to_serve - acquisition_cost
        end as {{ type_money() }}) as profit,
        cast(case
            when costed_revenue <> 0 or revenue = 0
                then margin_12m - cost_to_serve_12m - acquisition_cost_12m
        end as {{ type_money() }}) as profit_12m
    from figures
)

select * from final
