{#-
The tier of each customer on the as-of day, why, since when, and what would move it up.
Every customer has exactly one tier; the policy's rules are held to that before use.
-#}
with present as (
    select *
    from {{ ref("int_tiers") }}
    where is_present
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

customer_score_factors as (
    select * from {{ ref("customer_score_factors") }}
),

spells as (
    select *
    from {{ ref("int_tier_spells") }}
    where valid_to is null
),

next_tiers as (
    select * from {{ ref("int_next_tiers") }}
),

tiers as (
    select * from {{ ref("core_tiers") }}
),

tier_rules as (
    select * from {{ ref("tier_rules") }}
),

relationships as (
    select
        assessments.customer_id,
        assessments.relationship_level
    from {{ ref("core_assessments") }} as assessments
    where assessments.valid_to is null
),

relationship_levels as (
    select * from {{ ref("relationship_levels") }}
),

factor_names as (
    select
        policy_id,
        customer_type,
        score as score_name,
        factor,
        factor_name_en,
        factor_name_zh
    from {{ ref("score_factors") }}
),

-- A score that the policy makes of nothing is not worth a word.
made_scores as (
    select
        policy_id,
        customer_type,
        count(case when score_name = 'value' then 1 end) > 0 as makes_value_score,
        count(case when score_name = 'potential' then 1 end) > 0
            as makes_potential_score
    from factor_names
    group by policy_id, customer_type
),

-- The factor that gives most is what a person wants to hear first.
ranked_factors as (
    select
        customer_score_factors.customer_id,
        customer_score_factors.score_name,
        factor_names.factor_name_en,
        factor_names.factor_name_zh,
        row_number() over (
            partition by
                customer_score_factors.customer_id, customer_score_factors.score_name
            order by
                customer_score_factors.contribution desc,
                customer_score_factors.factor
        ) as place
    from customer_score_factors
    inner join present on customer_score_factors.customer_id = present.customer_id
    inner join factor_names
        on
            present.policy_id = factor_names.policy_id
            and present.customer_type = factor_names.customer_type
            and customer_score_factors.score_name = factor_names.score_name
            and customer_score_factors.factor = factor_names.factor
    where customer_score_factors.score is not null
),

facts as (
    select
        present.*,
        customer_value.revenue_12m,
        customer_value.order_count_12m,
        customer_value.ticket_count_12m,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        tiers.vip_class,
        earned_tiers.tier_name_en as earned_name_en,
        earned_tiers.tier_name_zh as earned_name_zh,
        -- Only who is not graded has no rule.
        coalesce(tier_rules.rule_en, {{ no_rule_en("present.customer_type") }})
            as rule_en,
        coalesce(tier_rules.rule_zh, {{ no_rule_zh("present.customer_type") }})
            as rule_zh,
        tiers.is_graded and earned_tiers.is_graded as is_graded,
        coalesce(made_scores.makes_value_score, false) as makes_value_score,
        coalesce(made_scores.makes_potential_score, false) as makes_potential_score,
        value_factor.factor_name_en as value_factor_en,
        value_factor.factor_name_zh as value_factor_zh,
        potential_factor.factor_name_en as potential_factor_en,
        potential_factor.factor_name_zh as potential_factor_zh,
        spells.valid_from as tier_since,
        spells.previous_tier_code,
        next_tiers.next_tier_code,
        next_tiers.next_tier_measure,
        next_tiers.next_tier_gap,
        next_tiers.next_tier_factor,
        next_tiers.next_tier_factor_now,
        next_tiers.next_tier_factor_needed,
        coalesce(relationships.relationship_level, 'ordinary') as relationship_level,
        relationship_levels.name_en as relationship_name_en,
        relationship_levels.name_zh as relationship_name_zh
    from present
    inner join customer_value on present.customer_id = customer_value.customer_id
    inner join tiers
        on
            present.policy_id = tiers.policy_id
            and present.tier_code = tiers.tier_code
    inner join tiers as earned_tiers
        on
            present.policy_id = earned_tiers.policy_id
            and present.earned_tier_code = earned_tiers.tier_code
    left join tier_rules
        on
            present.policy_id = tier_rules.policy_id
            and present.rule_order = tier_rules.rule_order
    inner join spells on present.customer_id = spells.customer_id
    left join next_tiers on present.customer_id = next_tiers.customer_id
    left join made_scores
        on
            present.policy_id = made_scores.policy_id
            and present.customer_type = made_scores.customer_type
    left join relationships on present.customer_id = relationships.customer_id
    left join relationship_levels
        on
            coalesce(relationships.relationship_level, 'ordinary')
            = relationship_levels.relationship_level
    left join ranked_factors as value_factor
        on
            present.customer_id = value_factor.customer_id
            and value_factor.score_name = 'value'
            and value_factor.place = 1
    left join ranked_factors as potential_factor
        on
            present.customer_id = potential_factor.customer_id
            and potential_factor.score_name = 'potential'
            and potential_factor.place = 1
),

-- First how the customer came to the tier, then what speaks for it.
worded as (
    select
        *,
        case
            when is_override
                then
                    'given by ' || override_author || ' until '
                    || cast(override_expires_on as {{ type_text() }}) || ': '
                    || override_reason
            when tier_code = earned_tier_code then rule_en
            when tier_rank < earned_rank
                then
                    'held, though the last month earns ' || earned_name_en || ' ('
                    || rule_en || ')'
            else
                'not yet ' || earned_name_en || ' (' || rule_en
                || '), which must be confirmed'
        end as why_en,
        case
            when is_override
                then
                    override_author || '指定至'
                    || cast(override_expires_on as {{ type_text() }})
                    || '：' || override_reason
            when tier_code = earned_tier_code then rule_zh
            when tier_rank < earned_rank
                then '维持，尽管本月仅达到' || earned_name_zh || '（' || rule_zh || '）'
            else '尚未升为' || earned_name_zh || '（' || rule_zh || '），待确认'
        end as why_zh
    from facts
),

final as (
    select
        customer_id,
        tier_code,
        cast(tier_rank as integer) as tier_rank,
        tier_name_en,
        tier_name_zh,
        vip_class,
        cast(value_score as {{ type_score() }}) as value_score,
        cast(potential_score as {{ type_score() }}) as potential_score,
        cast(total_score as {{ type_score() }}) as total_score,
        cast(score_coverage as {{ type_score() }}) as score_coverage,
        earned_tier_code,
        tier_since,
        previous_tier_code,
        tier_name_en || ': ' || why_en || '. '
        || case
            when not is_graded and customer_type <> {{ unknown_type() }}
                then
                    coalesce(
                        cast(ticket_count_12m as {{ type_text() }})
                        || case
                            when ticket_count_12m = 1 then ' service ticket'
                            else ' service tickets'
                        end || ' in the last 12 months.',
                        'Known by name.'
                    )
            when not has_purchased then 'Known, with no order so far.'
            else
                case
                    when makes_value_score
                        then
                            coalesce(
                                'Value score ' || {{ one_decimal("value_score") }}
                                || ', strongest in ' || value_factor_en,
                                'Value not rated: too little is known'
                            ) || '; '
                    else ''
                end
                || case
                    when makes_potential_score
                        then
                            coalesce(
                                'potential score '
                                || {{ one_decimal("potential_score") }}
                                || ', strongest in ' || potential_factor_en,
                                'potential not rated: too little is known'
                            ) || '; '
                    else ''
                end
                || {{ thousands("revenue_12m") }}
                || ' {{ var("reporting_currency") }} in '
                || cast(order_count_12m as {{ type_text() }})
                || case when order_count_12m = 1 then ' order' else ' orders' end
                || ' in the last 12 months.'
        end as reason_en,
        tier_name_zh || '：' || why_zh || '。'
        || case
            when not is_graded and customer_type <> {{ unknown_type() }}
                then
                    coalesce(
                        '近12个月' || cast(ticket_count_12m as {{ type_text() }})
                        || '张服务工单。',
                        '仅有客户资料。'
                    )
            when not has_purchased then '已知客户，尚无订单。'
            else
                case
                    when makes_value_score
                        then
                            coalesce(
                                '价值得分' || {{ one_decimal("value_score") }}
                                || '，最强项为' || value_factor_zh,
                                '价值未评级：资料不足'
                            ) || '；'
                    else ''
                end
                || case
                    when makes_potential_score
                        then
                            coalesce(
                                '潜力得分' || {{ one_decimal("potential_score") }}
                                || '，最强项为' || potential_factor_zh,
                                '潜力未评级：资料不足'
                            ) || '；'
                    else ''
                end
                || '近12个月' || cast(order_count_12m as {{ type_text() }})
                || '张订单，金额' || {{ thousands("revenue_12m") }}
                || ' {{ var("reporting_currency") }}。'
        end as reason_zh,
        next_tier_code,
        next_tier_measure,
        cast(next_tier_gap as double) as next_tier_gap,
        next_tier_factor,
        cast(next_tier_factor_now as double) as next_tier_factor_now,
        cast(next_tier_factor_needed as double) as next_tier_factor_needed,
        is_override,
        override_reason,
        override_author,
        override_expires_on,
        relationship_level,
        relationship_name_en,
        relationship_name_zh,
        policy_id
    from worded
)

select * from final
