{#-
The spells of moments (core_moments) at which the figures of a customer stay the same: a
spell begins where something comes to count or falls out of the last 12 months or of the
12 before. A customer is known from the day it was won, its first order, or the first
ticket or cost; where no source knows any of these, from the first moment on.

Here is decided, once, what of it is known: the margin where the cost of enough of the
money is (macros/coverage.sql), the freight where enough lines have it, and of everything
else that nothing is none from the moment on at which anybody has had such a thing.
-#}
{%- set counts = [
    "orders", "order_days", "tickets", "lines", "costed_lines", "freighted_lines",
] -%}
{%- set amounts = [
    "revenue", "gross_amount", "costed_amount", "costed_margin", "known_freight",
    "cost_to_serve", "acquisition_cost",
] -%}
{#- What is recorded since when: the running total that is not zero from then on. -#}
{%- set recorded_by = {
    "sales": "lines <> 0",
    "margin": "costed_lines <> 0",
    "freight": "freighted_lines <> 0",
    "cost_to_serve": "cost_to_serve <> 0 and rates.cost_rates > 0",
    "acquisition": "acquisition_cost <> 0",
    "tickets": "tickets <> 0",
} -%}

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

rates as (
    select count(*) as cost_rates from {{ ref("cost_rates") }}
),

-- Nobody has bought, asked or cost anything before somebody has. Without any rate,
-- serving a customer costs what nobody knows: freight alone is not the whole.
recorded as (
    -- The linter takes a comma that a loop writes for a line of its own.
    -- noqa: disable=LT02
    select
        {%- for thing, condition in recorded_by.items() %}
        min(case when totals.{{ condition }} then periods.enters end)
            as {{ thing }}_moment_no
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    -- noqa: enable=LT02
    from totals
    inner join periods on totals.period_no = periods.period_no
    cross join rates
),

-- Where such a record begins, the figures of all who are known change from unknown to
-- none.
recorded_moments as (
    {%- for thing in recorded_by %}
    select {{ thing }}_moment_no as moment_no from recorded
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
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

first_changes as (
    select
        customer_no,
        min(moment_no) as moment_no
    from changes
    group by customer_no
),

all_changes as (
    select * from changes
    union all
    select
        first_changes.customer_no,
        recorded_moments.moment_no,
        0 as period_no,
        0 as left_12m_no,
        0 as left_24m_no
    from first_changes
    inner join recorded_moments
        on first_changes.moment_no < recorded_moments.moment_no
),

change_moments as (
    select
        customer_no,
        moment_no,
        max(period_no) as period_no,
        max(left_12m_no) as left_12m_no,
        max(left_24m_no) as left_24m_no
    from all_changes
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
        {%- for thing in recorded_by %}
        coalesce(spells.from_moment_no >= recorded.{{ thing }}_moment_no, false)
            as has_{{ thing }},
        {%- endfor %}
        so_far.first_order_date,
        so_far.last_order_date,
        coalesce(so_far.category_mask, 0) as category_mask,
        {%- for measure in counts %}
        coalesce(so_far.{{ measure }}, 0) as {{ measure }},
        coalesce(so_far.{{ measure }}, 0) - coalesce(left_12m.{{ measure }}, 0)
            as {{ measure }}_12m,
        {%- endfor %}
        {%- for measure in ["spend", "costed_revenue"] + amounts %}
        coalesce(so_far.{{ measure }}, 0) as {{ measure }},
        {%- endfor %}
        {%- for measure in amounts %}
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
    cross join recorded
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

covered as (
    -- noqa: disable=LT02
    select
        *,
        {%- for span in ["", "_12m"] %}
        {{ money_coverage(
            "costed_amount" ~ span, "gross_amount" ~ span,
            "costed_lines" ~ span, "lines" ~ span,
        ) }} as margin_coverage{{ span }},
        cast(costed_lines{{ span }} as double) / nullif(lines{{ span }}, 0)
            as margin_line_coverage{{ span }},
        cast(freighted_lines{{ span }} as double) / nullif(lines{{ span }}, 0)
            as freight_coverage{{ span }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    -- noqa: enable=LT02
    from figures
),

measured as (
    select
        customer_no,
        customer_type,
        from_moment_no,
        until_moment_no,
        first_order_date,
        last_order_date,
        category_mask,
        spend,
        gross_amount,
        costed_amount,
        costed_revenue,
        costed_margin,
        median_gap_days,
        returned_on,
        first_day_spend,
        case when has_sales then revenue_previous_12m end as revenue_previous_12m,
        {%- for span in ["", "_12m"] %}
        {%- for measure in ["orders", "order_days", "revenue"] %}
        case when has_sales then {{ measure }}{{ span }} end as {{ measure }}{{ span }},
        {%- endfor %}
        case when has_tickets then tickets{{ span }} end as tickets{{ span }},
        margin_coverage{{ span }},
        margin_line_coverage{{ span }},
        freight_coverage{{ span }},
        cast({{ known_sum(
            "costed_margin" ~ span, "margin_coverage" ~ span, "lines" ~ span, "has_margin"
        ) }} as {{ type_money() }}) as margin{{ span }},
        cast({{ known_sum(
            "known_freight" ~ span, "freight_coverage" ~ span, "lines" ~ span,
            "has_freight",
        ) }} as {{ type_money() }}) as freight{{ span }},
        cast(case
            when has_cost_to_serve then cost_to_serve{{ span }}
        end as {{ type_money() }}) as cost_to_serve{{ span }},
        cast(case
            when has_acquisition then acquisition_cost{{ span }}
        end as {{ type_money() }}) as acquisition_cost{{ span }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from covered
),

-- Where the margin or the whole cost to serve is not known, nor is the profit. What was
-- spent to win customers is taken off where somebody records it.
final as (
    -- noqa: disable=LT02
    select
        *,
        {%- for span in ["", "_12m"] %}
        cast(
            margin{{ span }} - cost_to_serve{{ span }}
            - coalesce(acquisition_cost{{ span }}, 0)
            as {{ type_money() }}
        ) as profit{{ span }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    -- noqa: enable=LT02
    from measured
)

select * from final
