-- Weights sum to 1, scores go one way between 0 and 10, and each factor has anchors.
with weights as (
    select
        customer_type,
        sum(weight) as weights
    from {{ ref("lead_factors") }}
    group by customer_type
    having abs(sum(weight) - 1) > 0.000000001
),

steps as (
    select
        customer_type,
        factor,
        score,
        score - lag(score) over (
            partition by customer_type, factor order by raw_value
        ) as step
    from {{ ref("lead_anchors") }}
),

bent as (
    select
        customer_type,
        factor
    from steps
    group by customer_type, factor
    having
        (max(step) > 0 and min(step) < 0)
        or min(score) < 0
        or max(score) > 10
),

bare as (
    select
        factors.customer_type,
        factors.factor
    from {{ ref("lead_factors") }} as factors
    left join {{ ref("lead_anchors") }} as anchors
        on
            factors.customer_type = anchors.customer_type
            and factors.factor = anchors.factor
    where anchors.factor is null
)

select
    customer_type,
    'weights' as wrong
from weights
union all
select
    customer_type,
    factor as wrong
from bent
union all
select
    customer_type,
    factor as wrong
from bare
