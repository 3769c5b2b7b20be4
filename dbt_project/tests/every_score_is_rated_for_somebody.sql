{{ config(severity="warn") }}
-- A rule that asks for a score that nobody has holds for nobody.
with present as (
    select * from {{ ref("int_tiers") }}
    where is_present and rule_order is not null
),

scores as (
    {%- for score in ["value", "potential"] %}
    select
        policy_id,
        customer_type,
        '{{ score }}' as score_name,
        {{ score }}_score as score,
        {{ score }}_coverage as coverage
    from present
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    scores.policy_id,
    scores.customer_type,
    scores.score_name,
    count(*) as customers,
    count(scores.score) as rated_customers,
    max(scores.coverage) as highest_coverage,
    max(policy.min_coverage) as min_coverage
from scores
inner join {{ ref("core_policy") }} as policy on scores.policy_id = policy.policy_id
-- A score that the policy makes of nothing is asked for by no rule.
inner join (
    select distinct
        policy_id,
        customer_type,
        score
    from {{ ref("score_factors") }}
) as made
    on
        scores.policy_id = made.policy_id
        and scores.customer_type = made.customer_type
        and scores.score_name = made.score
group by scores.policy_id, scores.customer_type, scores.score_name
having count(scores.score) = 0
