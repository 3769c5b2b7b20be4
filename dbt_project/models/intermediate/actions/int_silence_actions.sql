{#-
What is due because a customer has not bought for longer than it usually does.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

-- Who has been silent for so long that it counts as dormant is no late buyer any more.
rhythms_missed as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'rhythm_missed' as action_code,
        {{ plus_days(
            "present.last_order_date",
            "ceil(rules.threshold * greatest(present.usual_gap_days, 1.0))",
        ) }} as due_from,
        'No order for ' || cast(present.days_since_last_order as {{ type_text() }})
        || ' days, '
        || {{ plain_number("present.overdue_factor", 1) }} || ' times the usual gap of '
        || {{ plain_number("present.usual_gap_days", 1) }} || ' days; bought on '
        || cast(present.order_days as {{ type_text() }})
        || ' days so far.' as reason_en,
        '已' || cast(present.days_since_last_order as {{ type_text() }}) || '天未下单，为通常间隔'
        || {{ plain_number("present.usual_gap_days", 1) }} || '天的'
        || {{ plain_number("present.overdue_factor", 1) }} || '倍；至今在'
        || cast(present.order_days as {{ type_text() }}) || '个日期下过单。' as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "rhythm_missed") }}
    where
        present.overdue_factor >= rules.threshold
        and present.order_days >= rules.occurrences
        and present.lifecycle_stage not in ('dormant', 'lost')
),

dormant as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'dormant_customer' as action_code,
        {{ plus_days("present.last_order_date", "rules.days") }} as due_from,
        'No order since ' || cast(present.last_order_date as {{ type_text() }})
        || ', for '
        || cast(present.days_since_last_order as {{ type_text() }}) || ' days; '
        || {{ thousands("present.revenue") }}
        || ' {{ var("reporting_currency") }} over the whole past.' as reason_en,
        '自' || cast(present.last_order_date as {{ type_text() }}) || '起'
        || cast(present.days_since_last_order as {{ type_text() }}) || '天未下单；历史销售额'
        || {{ thousands("present.revenue") }}
        || ' {{ var("reporting_currency") }}。' as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "dormant_customer") }}
    where
        present.lifecycle_stage in ('dormant', 'lost')
        and present.days_since_last_order >= rules.days
),

final as (
    select * from rhythms_missed
    union all
    select * from dormant
)

select * from final
