{{ config(severity="warn") }}
-- Its weight goes to the other factors of everybody, so that the policy says one thing
-- and does another.
with present as (
    select
        customer_id,
        customer_type,
        policy_id
    from {{ ref("int_tiers") }}
    where is_present and rule_order is not null
)

select
    present.policy_id,
    present.customer_type,
    factors.score_name,
    factors.factor,
    max(factors.declared_weight) as declared_weight,
    count(*) as customers,
    count(factors.score) as customers_with_it
from {{ ref("customer_score_factors") }} as factors
inner join present on factors.customer_id = present.customer_id
where factors.declared_weight > 0
group by
    present.policy_id, present.customer_type, factors.score_name, factors.factor
having count(factors.score) = 0
