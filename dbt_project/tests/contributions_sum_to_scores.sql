select
    customer_tiers.customer_id,
    customer_tiers.value_score,
    customer_tiers.potential_score,
    sums.value_score as contributed_value,
    sums.potential_score as contributed_potential
from {{ ref("customer_tiers") }} as customer_tiers
inner join (
    select
        customer_id,
        sum(case when score_name = 'value' then contribution end) as value_score,
        sum(case when score_name = 'potential' then contribution end)
            as potential_score
    from {{ ref("customer_score_factors") }}
    group by customer_id
) as sums on customer_tiers.customer_id = sums.customer_id
where
    customer_tiers.value_score <> sums.value_score
    or customer_tiers.potential_score <> sums.potential_score
