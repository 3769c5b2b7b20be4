{#-
The spells of each customer in one tier: they neither overlap nor leave a gap, and the last
is open. A spell begins on the day that caused it: the first order, the first day of an
override or of a policy, else the month end at which the customer was graded.
-#}
with tiers_held as (
    select * from {{ ref("int_tiers") }}
),

facts as (
    select * from {{ ref("int_tier_facts") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

policies as (
    select * from {{ ref("policies") }}
),

tier_rules as (
    select * from {{ ref("tier_rules") }}
),

tiers as (
    select * from {{ ref("tiers") }}
),

compared as (
    select
        *,
        lag(tier_code) over by_moment as previous_tier_code,
        lag(tier_rank) over by_moment as previous_rank,
        lag(policy_id) over by_moment as previous_policy_id,
        lag(has_purchased) over by_moment as had_purchased,
        lag(is_override) over by_moment as was_override,
        lag(override_expires_on) over by_moment as previous_expires_on,
        lag(as_of_date) over by_moment as previous_as_of_date
    from tiers_held
    window by_moment as (partition by customer_id order by moment_no)
),

changes as (
    select
        *,
        case
            when previous_tier_code is null then 'new'
            when is_override then 'override'
            when was_override then 'override ended'
            when policy_id <> previous_policy_id then 'policy'
            when has_purchased <> had_purchased then 'first order'
            when tier_rank < previous_rank then 'up'
            else 'down'
        end as change_kind
    from compared
    where previous_tier_code is null or tier_code <> previous_tier_code
),

dated as (
    select
        changes.*,
        case
            when changes.change_kind = 'new'
                then least(
                    customers.acquired_on,
                    facts.first_order_date,
                    changes.as_of_date
                )
            when changes.change_kind = 'override' then changes.override_valid_from
            when changes.change_kind = 'first order'
                then facts.first_order_date
            when changes.change_kind = 'override ended'
                then changes.previous_expires_on
            when changes.change_kind = 'policy'
                then policies.valid_from
            else changes.as_of_date
        end as caused_on
    from changes
    inner join customers on changes.customer_id = customers.customer_id
    inner join facts
        on
            changes.customer_id = facts.customer_id
            and changes.moment_no = facts.moment_no
    left join policies on changes.policy_id = policies.policy_id
),

worded as (
    select
        dated.*,
        -- What caused a change lies between this moment and the one before; where it
        -- does not (an override under which another one ended), the change is of now.
        case
            when
                dated.caused_on <= dated.as_of_date
                and (
                    dated.previous_as_of_date is null
                    or dated.caused_on > dated.previous_as_of_date
                )
                then dated.caused_on
            else dated.as_of_date
        end as valid_from,
        -- Only who is not graded has no rule.
        coalesce(tier_rules.rule_en, {{ no_rule_en("dated.customer_type") }})
            as rule_en,
        coalesce(tier_rules.rule_zh, {{ no_rule_zh("dated.customer_type") }})
            as rule_zh,
        previous_tiers.tier_name_en as previous_name_en,
        previous_tiers.tier_name_zh as previous_name_zh,
        coalesce(', value score ' || {{ one_decimal("dated.value_score") }}, '')
        || coalesce(
            ', potential score ' || {{ one_decimal("dated.potential_score") }}, ''
        ) as scores_en,
        coalesce('，价值得分' || {{ one_decimal("dated.value_score") }}, '')
        || coalesce(
            '，潜力得分' || {{ one_decimal("dated.potential_score") }}, ''
        ) as scores_zh
    from dated
    left join tier_rules
        on
            dated.policy_id = tier_rules.policy_id
            and dated.rule_order = tier_rules.rule_order
    left join tiers as previous_tiers
        on
            dated.previous_policy_id = previous_tiers.policy_id
            and dated.previous_tier_code = previous_tiers.tier_code
),

final as (
    select
        customer_id,
        valid_from,
        lead(valid_from) over (
            partition by customer_id order by moment_no
        ) as valid_to,
        tier_code,
        tier_rank,
        previous_tier_code,
        change_kind,
        case change_kind
            when 'new' then 'First graded: ' || rule_en || scores_en
            when
                'override'
                then 'Given by ' || override_author || ': ' || override_reason
            when 'override ended' then 'The override ended: ' || rule_en || scores_en
            when 'policy'
                then
                    'Policy ' || policy_id || ' came into force: ' || rule_en
                    || scores_en
            when 'first order' then 'First order: ' || rule_en || scores_en
            when
                'up'
                then 'Up from ' || previous_name_en || ': ' || rule_en || scores_en
            else 'Down from ' || previous_name_en || ': ' || rule_en || scores_en
        end as change_reason,
        case change_kind
            when 'new' then '首次评级：' || rule_zh || scores_zh
            when 'override' then override_author || '指定：' || override_reason
            when 'override ended' then '人工指定到期：' || rule_zh || scores_zh
            when 'policy' then '政策' || policy_id || '生效：' || rule_zh || scores_zh
            when 'first order' then '首次下单：' || rule_zh || scores_zh
            when 'up' then '由' || previous_name_zh || '升级：' || rule_zh || scores_zh
            else '由' || previous_name_zh || '降级：' || rule_zh || scores_zh
        end as change_reason_zh,
        value_score,
        potential_score,
        policy_id,
        is_override
    from worded
)

select * from final
