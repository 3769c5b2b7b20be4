{{ config(severity="warn") }}
-- Of few customers an empty tier says nothing; nor does one that no buyer can have.
with present as (
    select * from {{ ref("int_tiers") }}
    where is_present and rule_order is not null
),

buyers as (
    select count(*) as buyers from present
    where has_purchased
),

for_buyers as (
    select distinct
        tier_rules.policy_id,
        tier_rules.tier_code
    from {{ ref("tier_rules") }} as tier_rules
    inner join {{ ref("core_policy") }} as policy
        on tier_rules.policy_id = policy.policy_id
    where coalesce(tier_rules.has_purchased, true)
)

select
    for_buyers.policy_id,
    for_buyers.tier_code,
    buyers.buyers,
    count(present.customer_id) as customers
from for_buyers
cross join buyers
left join present on for_buyers.tier_code = present.tier_code
where buyers.buyers >= 20
group by for_buyers.policy_id, for_buyers.tier_code, buyers.buyers
having count(present.customer_id) = 0
