{#- Each customer of a release, its tier now and under another policy; an override holds
    if that policy has its tier. -#}
with anew as (
    {% include "anew.sql" %}

),

present as (
    select
        tiers.customer_id,
        customers.customer_type,
        tiers.tier_code,
        tiers.tier_rank,
        coalesce(
            tiers.is_override
            and tiers.tier_code in (
                {{ policy.tiers | map(attribute="code") | literals }}
            ),
            false
        ) as is_override,
        customer_value.revenue_12m,
        {% if holds_profit %}
        cast(customer_value.profit_12m as decimal(28, 4)) as profit_12m,
        {% else %}
        cast(null as decimal(28, 4)) as profit_12m,
        {% endif %}
        tiers.value_score,
        tiers.potential_score,
        tiers.policy_id
    from warehouse.marts.customer_tiers as tiers
    inner join warehouse.marts.customers as customers
        on tiers.customer_id = customers.customer_id
    inner join warehouse.marts.customer_value as customer_value
        on tiers.customer_id = customer_value.customer_id
),

compared as (
    select
        present.customer_id,
        present.customer_type,
        present.tier_code as tier_now,
        present.tier_rank as rank_now,
        case when present.is_override then present.tier_code else anew.tier_code end
            as tier_then,
        present.is_override,
        present.revenue_12m,
        present.profit_12m,
        present.value_score as value_score_now,
        present.potential_score as potential_score_now,
        anew.value_score,
        anew.potential_score,
        anew.total_score,
        anew.rule_order,
        present.policy_id as policy_now
    from present
    inner join anew on present.customer_id = anew.customer_id
)

select
    *,
    case tier_then
        {% for tier in policy.tiers %}
        when {{ tier.code | literal }} then {{ tier.rank }}
        {% endfor %}
    end as rank_then
from compared
