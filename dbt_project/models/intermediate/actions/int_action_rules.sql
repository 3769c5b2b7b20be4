{#-
The rules that are on, one row per action, tier of the policy in force and customer type.
`*` stands for what is not known of a lead that is no customer yet.
-#}
{{ config(materialized="view") }}

with action_rules as (
    select *
    from {{ ref("action_rules") }}
    where is_on
),

policy as (
    select * from {{ ref("core_policy") }}
),

tiers as (
    select tiers.tier_code
    from {{ ref("core_tiers") }} as tiers
    inner join policy on tiers.policy_id = policy.policy_id
    union all
    select '*' as tier_code
),

customer_types as (
    select 'company' as customer_type
    union all
    select 'person' as customer_type
    union all
    select '*' as customer_type
),

by_tier as (
    {{ by_word("action_rules", "tier_codes") }}
),

final as (
    select
        by_tier.action_code,
        tiers.tier_code,
        customer_types.customer_type,
        by_tier.days,
        by_tier.threshold,
        by_tier.occurrences,
        by_tier.priority,
        by_tier.due_in_days,
        by_tier.owner_role_en,
        by_tier.owner_role_zh,
        by_tier.name_en,
        by_tier.name_zh
    from by_tier
    inner join tiers on by_tier.word in (tiers.tier_code, '*')
    inner join customer_types
        on by_tier.customer_type in (customer_types.customer_type, '*')
)

select * from final
