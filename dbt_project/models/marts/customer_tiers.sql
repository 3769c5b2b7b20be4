{#-
The tier of each customer: the first rule of the policy that holds. Every customer has
exactly one tier; a test holds the rules to that.
-#}
with customer_value as (
    select * from {{ ref("customer_value") }}
),

score_factors as (
    select * from {{ ref("customer_score_factors") }}
),

factor_names as (
    select
        score_factors.customer_type,
        score_factors.score as score_name,
        score_factors.factor,
        score_factors.factor_name_en,
        score_factors.factor_name_zh
    from {{ ref("score_factors") }} as score_factors
    inner join {{ ref("core_policy") }} as policy
        on score_factors.policy_id = policy.policy_id
),

customers as (
    select * from {{ ref("core_customers") }}
),

policy as (
    select * from {{ ref("core_policy") }}
),

tiers as (
    select tiers.*
    from {{ ref("tiers") }} as tiers
    inner join policy on tiers.policy_id = policy.policy_id
),

tier_rules as (
    select tier_rules.*
    from {{ ref("tier_rules") }} as tier_rules
    inner join policy on tier_rules.policy_id = policy.policy_id
),

scores as (
    select
        customer_id,
        sum(case when score_name = 'value' then contribution end) as value_score,
        case
            when
                count(case when score_name = 'potential' then score end) > 0
                then sum(case when score_name = 'potential' then contribution end)
        end as potential_score,
        sum(case when score is not null then declared_weight else 0 end)
        / sum(declared_weight) as score_coverage
    from score_factors
    group by customer_id
),

-- The factor that gives most is what a person wants to hear first.
ranked_factors as (
    select
        score_factors.customer_id,
        score_factors.score_name,
        factor_names.factor_name_en,
        factor_names.factor_name_zh,
        score_factors.score,
        row_number() over (
            partition by score_factors.customer_id, score_factors.score_name
            order by score_factors.contribution desc, score_factors.factor
        ) as place
    from score_factors
    inner join customers on score_factors.customer_id = customers.customer_id
    inner join factor_names
        on
            customers.customer_type = factor_names.customer_type
            and score_factors.score_name = factor_names.score_name
            and score_factors.factor = factor_names.factor
    where score_factors.score is not null
),

facts as (
    select
        customer_value.customer_id,
        customer_value.order_count > 0 as has_purchased,
        customer_value.revenue_12m,
        customer_value.order_count_12m,
        scores.value_score,
        scores.potential_score,
        scores.score_coverage
    from customer_value
    inner join scores on customer_value.customer_id = scores.customer_id
),

holding_rules as (
    select
        facts.customer_id,
        tier_rules.tier_code,
        tier_rules.rule_en,
        tier_rules.rule_zh,
        tier_rules.min_value_score,
        tier_rules.min_potential_score,
        row_number() over (
            partition by facts.customer_id order by tier_rules.rule_order
        ) as place
    from facts
    inner join tier_rules
        on
            facts.has_purchased
            = coalesce(tier_rules.has_purchased, facts.has_purchased)
            and (
                tier_rules.min_value_score is null
                or facts.value_score >= tier_rules.min_value_score
            )
            and (
                tier_rules.min_potential_score is null
                or facts.potential_score >= tier_rules.min_potential_score
            )
),

final as (
    select
        facts.customer_id,
        tiers.tier_code,
        cast(tiers.tier_rank as integer) as tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        tiers.vip_class,
        cast(facts.value_score as {{ type_score() }}) as value_score,
        cast(facts.potential_score as {{ type_score() }}) as potential_score,
        cast(case
            when facts.potential_score is null then facts.value_score
            else
                policy.value_weight * facts.value_score
                + policy.potential_weight * facts.potential_score
        end as {{ type_score() }}) as total_score,
        cast(facts.score_coverage as {{ type_score() }}) as score_coverage,
        tiers.tier_name_en || ': ' || holding_rules.rule_en || '. '
        || case
            when facts.has_purchased
                then
                    'Value score ' || {{ one_decimal("facts.value_score") }}
                    || ', strongest in ' || value_factor.factor_name_en
                    || coalesce(
                        '; potential score '
                        || {{ one_decimal("facts.potential_score") }}
                        || ', strongest in ' || potential_factor.factor_name_en,
                        ''
                    )
                    || '; ' || {{ thousands("facts.revenue_12m") }}
                    || ' {{ var("reporting_currency") }} in '
                    || cast(facts.order_count_12m as varchar)
                    || case
                        when facts.order_count_12m = 1 then ' order' else ' orders'
                    end
                    || ' in the last 12 months.'
            else 'Known, with no order so far.'
        end as reason_en,
        tiers.tier_name_zh || '：' || holding_rules.rule_zh || '。'
        || case
            when facts.has_purchased
                then
                    '价值得分' || {{ one_decimal("facts.value_score") }}
                    || '，最强项为' || value_factor.factor_name_zh
                    || coalesce(
                        '；潜力得分'
                        || {{ one_decimal("facts.potential_score") }}
                        || '，最强项为' || potential_factor.factor_name_zh,
                        ''
                    )
                    || '；近12个月' || cast(facts.order_count_12m as varchar)
                    || '张订单，金额' || {{ thousands("facts.revenue_12m") }}
                    || ' {{ var("reporting_currency") }}。'
            else '已知客户，尚无订单。'
        end as reason_zh,
        policy.policy_id
    from facts
    cross join policy
    inner join holding_rules
        on facts.customer_id = holding_rules.customer_id and holding_rules.place = 1
    inner join tiers on holding_rules.tier_code = tiers.tier_code
    left join ranked_factors as value_factor
        on
            facts.customer_id = value_factor.customer_id
            and value_factor.score_name = 'value'
            and value_factor.place = 1
    left join ranked_factors as potential_factor
        on
            facts.customer_id = potential_factor.customer_id
            and potential_factor.score_name = 'potential'
            and potential_factor.place = 1
)

select * from final
