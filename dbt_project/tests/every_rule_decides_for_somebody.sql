{{ config(severity="warn") }}
-- At any moment, not only today: a rule that never came first is not needed, or asks
-- for what nobody can have. Of few customers it says nothing; a company all of whose
-- customers have bought is right.
with graded as (
    select
        policy_id,
        rule_order,
        customer_id
    from {{ ref("int_earned_tiers") }}
    where is_published and rule_order is not null
),

customers as (
    select
        policy_id,
        count(distinct customer_id) as customers
    from graded
    group by policy_id
),

decided as (
    select distinct
        policy_id,
        rule_order
    from graded
)

select
    tier_rules.policy_id,
    tier_rules.rule_order,
    tier_rules.tier_code,
    tier_rules.rule_en,
    customers.customers
from {{ ref("tier_rules") }} as tier_rules
inner join {{ ref("core_policy") }} as policy on tier_rules.policy_id = policy.policy_id
inner join customers on tier_rules.policy_id = customers.policy_id
left join decided
    on
        tier_rules.policy_id = decided.policy_id
        and tier_rules.rule_order = decided.rule_order
where
    decided.rule_order is null
    and customers.customers >= 20
    and coalesce(tier_rules.has_purchased, true)
