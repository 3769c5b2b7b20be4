select
    policy_id,
    dimension,
    sum(weight) as weights
from {{ ref("matrix_factors") }}
group by policy_id, dimension
having abs(sum(weight) - 1) > 0.000000001
