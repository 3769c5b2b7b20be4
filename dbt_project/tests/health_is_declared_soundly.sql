-- Weights of a type sum to 1; every factor has anchors, which lie between 0 and 10 and
-- either rise or fall.
with weights as (
    select
        customer_type,
        'the weights sum to ' || cast(sum(weight) as {{ type_text() }}) as finding
    from {{ ref("health_factors") }}
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
    from {{ ref("health_anchors") }}
),

anchors as (
    select
        customer_type,
        factor,
        min(score) as least,
        max(score) as most,
        min(step) as deepest_step,
        max(step) as highest_step
    from steps
    group by customer_type, factor
)

select
    customer_type,
    finding
from weights
union all
select
    health_factors.customer_type,
    health_factors.factor || ' has no anchors within 0 and 10 in one direction'
        as finding
from {{ ref("health_factors") }} as health_factors
left join anchors
    on
        health_factors.customer_type = anchors.customer_type
        and health_factors.factor = anchors.factor
where
    anchors.factor is null
    or anchors.least < 0
    or anchors.most > 10
    or (anchors.deepest_step < 0 and anchors.highest_step > 0)
