with tiers as (
    select tiers.*
    from {{ ref("tiers") }} as tiers
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

-- A tier without a customer is a row too: nobody should have to ask where it is.
filled as (
    select
        tiers.tier_code,
        tiers.tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        coalesce(totals.customers, 0) as customers,
        coalesce(totals.revenue, 0) as revenue,
        coalesce(totals.revenue_12m, 0) as revenue_12m,
        coalesce(totals.margin, 0) as margin,
        coalesce(totals.margin_12m, 0) as margin_12m,
        coalesce(totals.cost_to_serve_12m, 0) as cost_to_serve_12m,
        case when totals.tier_code is null then 0 else totals.profit end as profit,
        case when totals.tier_code is null then 0 else totals.profit_12m end
            as profit_12m,
        coalesce(totals.order_count_12m, 0) as order_count_12m,
        coalesce(totals.ticket_count_12m, 0) as ticket_count_12m,
        totals.average_tenure_years,
        effort.planned as planned_hours,
        effort.actual_12m as actual_hours_12m,
        effort.share_of_planned as share_of_planned_hours,
        effort.share_of_actual as share_of_actual_hours_12m
    from tiers
    left join totals on tiers.tier_code = totals.tier_code
    left join effort on tiers.tier_code = effort.tier_code
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
