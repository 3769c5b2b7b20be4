-- A score that falls while the value rises would take a customer down for doing better.
select
    policy_id,
    customer_type,
    factor,
    raw_value,
    score
from (
    select
        score_anchors.*,
        lag(score) over (
            partition by policy_id, customer_type, factor order by raw_value
        ) as score_before
    from {{ ref("score_anchors") }} as score_anchors
) as steps
where score < score_before or score < 0 or score > 10
