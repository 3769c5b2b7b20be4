{#- What policies may ask of a customer at a moment; see pipeline/tiers/policy.py. -#}
{{ config(materialized="view") }}

with customer_value as (
    select * from {{ ref("core_customer_value") }}
),

final as (
    select
        customer_id,
        customer_type,
        moment_no,
        as_of_date,
        is_month_end,
        is_present,
        order_days > 0 as has_purchased,
        cast(revenue_12m as double) as revenue_12m,
        cast(margin_12m as double) as margin_12m,
        cast(profit_12m as double) as profit_12m,
        cast(orders_12m as double) as order_count_12m,
        tenure_days / 365.25 as tenure_years,
        growth_rate,
        cast(predicted_margin_12m as double) as predicted_margin_12m,
        cast(whitespace_margin as double) as whitespace_margin,
        cast(pipeline_amount as double) as pipeline_amount,
        cast(company_size as double) as company_size,
        cast(purchasing_power as double) as purchasing_power,
        cast(market_influence as double) as market_influence,
        cast(strategic_importance as double) as strategic_importance,
        revenue_to_class_a,
        revenue_to_class_b
    from customer_value
)

select * from final
