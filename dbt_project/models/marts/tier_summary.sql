{%- set sums = [
    "revenue", "revenue_12m", "margin", "margin_12m", "cost_to_serve_12m", "profit",
    "profit_12m", "order_count_12m", "ticket_count_12m",
] -%}
with tiers as (
    select tiers.*
    from {{ ref("core_tiers") }} as tiers
    inner join {{ ref("core_policy") }} as policy on tiers.policy_id = policy.policy_id
),

customer_tiers as (
    select * from {{ ref("customer_tiers") }}
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

effort as (
    select *
    from {{ ref("resource_allocation") }}
    where kind = 'hours'
),

totals as (
    select
        customer_tiers.tier_code,
        count(*) as customers,
        sum(customer_value.revenue) as revenue,
        sum(customer_value.revenue_12m) as revenue_12m,
        sum(customer_value.margin) as margin,
        sum(customer_value.margin_12m) as margin_12m,
        sum(case when customer_value.margin is not null then customer_value.revenue end)
            as revenue_with_margin,
        sum(customer_value.cost_to_serve_12m) as cost_to_serve_12m,
        sum(customer_value.profit) as profit,
        sum(customer_value.profit_12m) as profit_12m,
        sum(customer_value.order_count_12m) as order_count_12m,
        sum(customer_value.ticket_count_12m) as ticket_count_12m,
        avg(customer_value.tenure_days) / 365.25 as average_tenure_years
    from customer_tiers
    inner join customer_value on customer_tiers.customer_id = customer_value.customer_id
    group by customer_tiers.tier_code
),

anybody as (
    -- The linter takes a comma that a loop writes for a line of its own.
    -- noqa: disable=LT02
    select
        {%- for measure in sums %}
        max({{ measure }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    -- noqa: enable=LT02
    from totals
),

-- A tier without a customer is a row too: nobody should have to ask where it is. It has
-- none of what is known of any other.
filled as (
    select
        tiers.tier_code,
        tiers.tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        coalesce(totals.customers, 0) as customers,
        {%- for measure in sums %}
        case
            when totals.tier_code is null and anybody.{{ measure }} is not null then 0
            else totals.{{ measure }}
        end as {{ measure }},
        {%- endfor %}
        cast(totals.revenue_with_margin as double)
        / nullif(cast(totals.revenue as double), 0) as margin_coverage,
        totals.average_tenure_years,
        effort.planned as planned_hours,
        effort.actual_12m as actual_hours_12m,
        effort.share_of_planned as share_of_planned_hours,
        effort.share_of_actual as share_of_actual_hours_12m
    from tiers
    cross join anybody
    left join totals on tiers.tier_code = totals.tier_code
    left join effort on tiers.tier_code = effort.tier_code
    where tiers.is_graded or totals.tier_code is not null
),

final as (
    select
        tier_code,
        cast(tier_rank as integer) as tier_rank,
        tier_name_en,
        tier_name_zh,
        cast(customers as bigint) as customers,
        {{ share_of_total("customers") }} as share_of_customers,
        cast(revenue as {{ type_money_sum() }}) as revenue,
        {{ share_of_total("revenue") }} as share_of_revenue,
        cast(revenue_12m as {{ type_money_sum() }}) as revenue_12m,
        {{ share_of_total("revenue_12m") }} as share_of_revenue_12m,
        cast(margin as {{ type_money_sum() }}) as margin,
        {{ share_of_total("margin") }} as share_of_margin,
        margin_coverage,
        cast(margin_12m as {{ type_money_sum() }}) as margin_12m,
        cast(cost_to_serve_12m as {{ type_money_sum() }}) as cost_to_serve_12m,
        cast(profit as {{ type_money_sum() }}) as profit,
        {{ share_of_total("profit") }} as share_of_profit,
        cast(profit_12m as {{ type_money_sum() }}) as profit_12m,
        {{ share_of_total("profit_12m") }} as share_of_profit_12m,
        cast(order_count_12m as bigint) as order_count_12m,
        cast(ticket_count_12m as bigint) as ticket_count_12m,
        average_tenure_years,
        planned_hours,
        actual_hours_12m,
        share_of_planned_hours,
        share_of_actual_hours_12m
    from filled
)

select * from final
