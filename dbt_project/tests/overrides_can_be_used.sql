-- An override that gives no tier of the policy in force, or never counts, would be
-- passed over without a word.
with tier_overrides as (
    select * from {{ ref("tier_overrides") }}
),

tiers as (
    select tiers.tier_code
    from {{ ref("tiers") }} as tiers
    inner join {{ ref("core_policy") }} as policy on tiers.policy_id = policy.policy_id
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
)

select
    tier_overrides.source,
    tier_overrides.source_customer_id,
    tier_overrides.tier_code,
    case
        when tiers.tier_code is null then 'the policy in force has no such tier'
        when source_keys.customer_id is null then 'there is no such customer'
        else 'it expires before it begins'
    end as problem
from tier_overrides
left join tiers on tier_overrides.tier_code = tiers.tier_code
left join source_keys
    on
        tier_overrides.source = source_keys.source
        and tier_overrides.source_customer_id = source_keys.source_customer_id
where
    tiers.tier_code is null
    or source_keys.customer_id is null
    or tier_overrides.expires_on <= tier_overrides.valid_from
