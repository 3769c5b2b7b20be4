{{ config(severity="warn") }}
-- At any moment, not only today: a rule that never came first is not needed, or asks
-- for what nobody can have. Of few customers it says nothing; a company all of whose
-- customers have bought is right. A rule that compares customers with each other asks
-- for no figure of another company: it may wait for its day beside others of its tier.
{%- set relative_facts = [
    "revenue_to_class_a", "revenue_to_class_b", "margin_to_first_half",
    "revenue_to_first_half", "growth_to_best_quarter", "predicted_to_best_fifth",
    "orders_in_first_year",
] %}
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
),

reached_tiers as (
    select distinct
        tier_rules.policy_id,
        tier_rules.tier_code
    from {{ ref("tier_rules") }} as tier_rules
    inner join decided
        on
            tier_rules.policy_id = decided.policy_id
            and tier_rules.rule_order = decided.rule_order
),

relative_facts as (
    {%- for fact in relative_facts %}
    select '{{ fact }}' as fact
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

relative_rules as (
    select
        tier_rules.policy_id,
        tier_rules.rule_order
    from {{ ref("tier_rules") }} as tier_rules
    inner join {{ ref("tier_rule_facts") }} as facts
        on
            tier_rules.policy_id = facts.policy_id
            and tier_rules.rule_order = facts.rule_order
    left join relative_facts on facts.fact = relative_facts.fact
    where
        tier_rules.min_value_score is null
        and tier_rules.min_potential_score is null
    group by tier_rules.policy_id, tier_rules.rule_order
    having count(*) = count(relative_facts.fact)
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
left join reached_tiers
    on
        tier_rules.policy_id = reached_tiers.policy_id
        and tier_rules.tier_code = reached_tiers.tier_code
left join relative_rules
    on
        tier_rules.policy_id = relative_rules.policy_id
        and tier_rules.rule_order = relative_rules.rule_order
where
    decided.rule_order is null
    and (reached_tiers.tier_code is null or relative_rules.rule_order is null)
    and customers.customers >= 20
    and coalesce(tier_rules.has_purchased, true)
