{#-
What is due because a tier may be lost, or a better one is within reach.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

tiers as (
    select * from {{ ref("tiers") }}
),

score_factors as (
    select * from {{ ref("score_factors") }}
),

-- An override holds a tier against the figures until it expires.
falling as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'tier_falling' as action_code,
        last_day({{ plus_days("present.as_of_date", 1) }}) as due_from,
        'The figures of ' || cast(present.as_of_date as {{ type_text() }}) || ' earn '
        || earned_tiers.tier_name_en || ' only; from the month end '
        || cast(last_day({{ plus_days("present.as_of_date", 1) }}) as {{ type_text() }})
        || ' on '
        || present.tier_name_en || ' may be lost.' as reason_en,
        cast(present.as_of_date as {{ type_text() }}) || '的数据仅达到'
        || earned_tiers.tier_name_zh || '；自月末'
        || cast(last_day({{ plus_days("present.as_of_date", 1) }}) as {{ type_text() }})
        || '起可能失去' || present.tier_name_zh || '。' as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "tier_falling") }}
    inner join tiers as earned_tiers
        on
            present.policy_id = earned_tiers.policy_id
            and present.earned_tier_code = earned_tiers.tier_code
            and present.tier_rank < earned_tiers.tier_rank
    where
        present.override_expires_on is null
        or present.override_expires_on
        <= last_day({{ plus_days("present.as_of_date", 1) }})
),

-- Only where work with the customer can close the gap; who is merely waiting for a
-- confirmation, or for another forecast, needs nobody.
within_reach as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'tier_within_reach' as action_code,
        present.as_of_date as due_from,
        next_tiers.tier_name_en || ' is within reach: '
        || present.next_tier_measure_en || ' is '
        || {{ plain_number("present.next_tier_gap") }} || ' short'
        || coalesce(
            '; the nearest way is ' || score_factors.factor_name_en || ', from '
            || {{ plain_number("present.next_tier_factor_now") }} || ' to '
            || {{ plain_number("present.next_tier_factor_needed") }}, ''
        ) || '.' as reason_en,
        '接近' || next_tiers.tier_name_zh || '：'
        || present.next_tier_measure_zh || '差'
        || {{ plain_number("present.next_tier_gap") }}
        || coalesce(
            '；最近的途径是' || score_factors.factor_name_zh || '由'
            || {{ plain_number("present.next_tier_factor_now") }} || '提高到'
            || {{ plain_number("present.next_tier_factor_needed") }}, ''
        ) || '。' as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "tier_within_reach") }}
    inner join tiers as next_tiers
        on
            present.policy_id = next_tiers.policy_id
            and present.next_tier_code = next_tiers.tier_code
    left join score_factors
        on
            present.policy_id = score_factors.policy_id
            and present.customer_type = score_factors.customer_type
            and present.next_tier_measure = score_factors.score || '_score'
            and present.next_tier_factor = score_factors.factor
    where
        present.next_tier_gap <= rules.threshold
        and present.next_tier_measure not in (
            'first order', 'confirmation', 'predicted_to_best_fifth'
        )
        and (
            score_factors.factor is not null
            or present.next_tier_measure not in ('value_score', 'potential_score')
        )
),

final as (
    select * from falling
    union all
    select * from within_reach
)

select * from final
