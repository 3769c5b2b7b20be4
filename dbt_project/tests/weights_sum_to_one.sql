select
    policy_id,
    customer_type,
    score,
    sum(weight) as weights
from {{ ref("score_factors") }}
group by policy_id, customer_type, score
having abs(sum(weight) - 1) > 0.000000001
