{#-
What a person wants to see of a customer first, on one row: the columns of other marts, in
the order in which they are asked for, with the words of both languages beside each code.
-#}
with customers as (
    select * from {{ ref("customers") }}
),

tiers as (
    select * from {{ ref("customer_tiers") }}
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

actions as (
    select * from {{ ref("customer_actions") }}
    where customer_id is not null
),

due as (
    select
        customer_id,
        count(*) as actions_due,
        min(place) as next_place
    from actions
    group by customer_id
),

verdicts as (
    select * from {{ ref("customer_verdicts") }}
),

figure_quality as (
    select * from {{ ref("figure_quality") }}
),

labels as (
    select * from {{ ref("code_labels") }}
),

segments as (
    select
        rfm_segment,
        max(rfm_segment_zh) as rfm_segment_zh
    from {{ ref("rfm_segments") }}
    group by rfm_segment
),

health_factors as (
    select * from {{ ref("health_factors") }}
),

final as (
    select
        customers.customer_id,
        customers.customer_label,
        customers.customer_name,
        customers.customer_type,
        types.label_zh as customer_type_zh,
        tiers.tier_code,
        tiers.tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        tiers.vip_class,
        tiers.tier_since,
        tiers.previous_tier_code,
        tiers.reason_en,
        tiers.reason_zh,
        customer_value.revenue_12m,
        customer_value.revenue_previous_12m,
        customer_value.has_growth_history,
        customer_value.margin_12m,
        customer_value.profit_12m,
        customer_value.predicted_orders_12m,
        customer_value.predicted_revenue_12m,
        customer_value.clv,
        customer_value.no_purchase_probability_12m,
        customer_value.health_score,
        customer_value.weakest_health_factor,
        health_factors.factor_name_en as weakest_health_factor_en,
        health_factors.factor_name_zh as weakest_health_factor_zh,
        customer_value.lifecycle_stage,
        stages.label_en as lifecycle_stage_en,
        stages.label_zh as lifecycle_stage_zh,
        customer_value.rfm_segment,
        coalesce(segments.rfm_segment_zh, no_segments.label_zh) as rfm_segment_zh,
        customer_value.first_order_date,
        customer_value.last_order_date,
        customer_value.days_since_last_order,
        customer_value.usual_gap_days,
        customers.owner,
        cast(coalesce(due.actions_due, 0) as bigint) as actions_due,
        next_action.action as next_action,
        next_action.action_name_en as next_action_en,
        next_action.action_name_zh as next_action_zh,
        next_action.due_on as next_action_due_on,
        next_action.reason_en as next_action_reason_en,
        next_action.reason_zh as next_action_reason_zh,
        next_action.owner as next_action_owner,
        customers.industry,
        customers.city,
        customers.country,
        customer_value.as_of_date,
        verdicts.verdict,
        verdicts.verdict_name_en,
        verdicts.verdict_name_zh,
        verdicts.at_stake,
        health_quality.is_reliable as is_health_reliable,
        forecast_quality.is_reliable as is_forecast_reliable,
        chance_quality.is_reliable as is_chance_reliable
    from customers
    inner join tiers on customers.customer_id = tiers.customer_id
    inner join customer_value on customers.customer_id = customer_value.customer_id
    left join verdicts on customers.customer_id = verdicts.customer_id
    {%- for figure, alias in [
        ("health", "health_quality"),
        ("forecast", "forecast_quality"),
        ("no_purchase", "chance_quality"),
    ] %}
    left join figure_quality as {{ alias }}
        on
            customers.customer_type = {{ alias }}.customer_type
            and {{ alias }}.figure = '{{ figure }}'
    {%- endfor %}
    left join due on customers.customer_id = due.customer_id
    left join actions as next_action on due.next_place = next_action.place
    left join labels as types
        on types.code_kind = 'customer_type' and customers.customer_type = types.code
    left join labels as stages
        on
            stages.code_kind = 'lifecycle_stage'
            and customer_value.lifecycle_stage = stages.code
    left join segments on customer_value.rfm_segment = segments.rfm_segment
    left join labels as no_segments
        on
            no_segments.code_kind = 'rfm_segment'
            and customer_value.rfm_segment = no_segments.code
    left join health_factors
        on
            customers.customer_type = health_factors.customer_type
            and customer_value.weakest_health_factor = health_factors.factor
)

select * from final
