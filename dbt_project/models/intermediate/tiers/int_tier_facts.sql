{#- What policies may ask of a customer at a moment; see pipeline/tiers/policy.py. -#}
{{ config(materialized="view") }}

{%- set columns = [
    "customer_id", "customer_type", "as_of_date", "first_order_date",
    "lifecycle_stage", "order_days", "revenue_12m", "margin_12m", "profit_12m",
    "tenure_days", "growth_rate", "predicted_margin_12m", "whitespace_margin",
    "pipeline_amount", "company_size", "purchasing_power", "market_influence",
    "strategic_importance", "revenue_to_class_a", "revenue_to_class_b",
    "margin_to_first_half", "revenue_to_first_half", "growth_to_best_quarter",
    "predicted_to_best_fifth", "orders_in_first_year",
] -%}

with moments as (
    select * from {{ ref("core_moments") }}
),

valued as (
    select
        {{ columns | join(",\n        ") }},
        order_count_12m as orders_12m
    from {{ ref("customer_value_history") }}
    union all
    select
        {{ columns | join(",\n        ") }},
        orders_12m
    from {{ ref("core_customer_value") }}
    where is_present and not is_month_end
),

final as (
    select
        valued.customer_id,
        valued.customer_type,
        moments.moment_no,
        valued.as_of_date,
        moments.is_month_end,
        moments.is_present,
        valued.first_order_date,
        valued.lifecycle_stage,
        coalesce(valued.order_days > 0, false) as has_purchased,
        cast(valued.revenue_12m as double) as revenue_12m,
        cast(valued.margin_12m as double) as margin_12m,
        cast(valued.profit_12m as double) as profit_12m,
        cast(valued.orders_12m as double) as order_count_12m,
        cast(valued.tenure_days as double) / 365.25 as tenure_years,
        valued.growth_rate,
        cast(valued.predicted_margin_12m as double) as predicted_margin_12m,
        cast(valued.whitespace_margin as double) as whitespace_margin,
        cast(valued.pipeline_amount as double) as pipeline_amount,
        cast(valued.company_size as double) as company_size,
        cast(valued.purchasing_power as double) as purchasing_power,
        cast(valued.market_influence as double) as market_influence,
        cast(valued.strategic_importance as double) as strategic_importance,
        valued.revenue_to_class_a,
        valued.revenue_to_class_b,
        valued.margin_to_first_half,
        valued.revenue_to_first_half,
        valued.growth_to_best_quarter,
        valued.predicted_to_best_fifth,
        valued.orders_in_first_year
    from valued
    inner join moments on valued.as_of_date = moments.as_of_date
)

select * from final
