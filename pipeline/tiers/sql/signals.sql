{#- What each rule and each switch found at each moment; see `stability.signals`. -#}
{%- from "expressions.sql" import earns, holds -%}
with scored as (
    {% include "scored.sql" %}

),

graded as (
    {% include "graded.sql" %}

),

signals as (
    select
        customer_id,
        moment_no,
        is_month_end,
        has_purchased,
        customer_type,
        value_score,
        potential_score,
        value_coverage,
        potential_coverage,
        {% for name in keep %}
        {{ name | identifier }},
        {% endfor %}
        {% for rule in policy.rules %}
        {% set band = policy.tier(rule.tier_code).band %}
        {{ holds(rule, 0.0) }} as holds_{{ rule.order }},
        {{ holds(rule, band) }} as enters_{{ rule.order }},
        {{ holds(rule, -band) }} as stays_{{ rule.order }},
        {% endfor %}
        {% for tier in policy.tiers %}
        {{ earns(policy, tier, tier.band) }} as raised_{{ tier.rank }},
        {{ earns(policy, tier, -tier.band) }} as lowered_{{ tier.rank }}
        {%- if not loop.last %},{% endif %}

        {% endfor %}
    from scored
)

select
    signals.*,
    graded.rule_order,
    graded.earned_rank,
    graded.earned_tier_code,
    graded.tier_rank,
    graded.tier_code
from signals
inner join graded
    on
        signals.customer_id = graded.customer_id
        and signals.moment_no = graded.moment_no
