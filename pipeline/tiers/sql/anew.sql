{#- The tier that each row earns by itself; see `stability.anew`. -#}
{%- from "expressions.sql" import code_of_rank, first_rule, rank_of -%}
with scored as (
    {% include "scored.sql" %}

),

ruled as (
    select
        *,
        {{ first_rule(policy, 0.0) }} as rule_order
    from scored
),

earned as (
    select
        *,
        {{ rank_of(policy, "rule_order" | sql) }} as earned_rank
    from ruled
)

select
    customer_id,
    customer_type,
    moment_no,
    {{ policy.policy_id | literal }} as policy_id,
    value_score,
    potential_score,
    total_score,
    value_coverage,
    potential_coverage,
    score_coverage,
    rule_order,
    earned_rank,
    {{ code_of_rank(policy, "earned_rank" | sql) }} as earned_tier_code,
    earned_rank as tier_rank,
    {{ code_of_rank(policy, "earned_rank" | sql) }} as tier_code
from earned
