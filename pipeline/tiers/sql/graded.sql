{#- The earned and the held tier of each row; see `stability.graded`.

    A switch is the threshold between a tier and the next worse one: `raised` and `lowered`
    say what each moment signals, `up` and `down` are the last moments that it takes to
    close or open it. -#}
{%- from "expressions.sql" import code_of_rank, earns, first_rule, rank_of -%}
{%- macro any_closes(switches) -%}
{% for tier in switches -%}
{% if not loop.first %} or {% endif -%}
(min(raised_{{ loop.index0 }}) over up_{{ loop.index0 }} = 1
and count(*) over up_{{ loop.index0 }} = {{ tier.confirmations }})
{%- endfor %}
{%- endmacro -%}
{%- macro any_opens(switches, first) -%}
{% for tier in switches -%}
{% set place = first + loop.index0 -%}
{% if not loop.first %} or {% endif -%}
(max(lowered_{{ place }}) over down_{{ place }} = 0
and count(*) over down_{{ place }} = {{ tier.grace }})
{%- endfor %}
{%- endmacro -%}
{%- set switches = policy.tiers[:-1] -%}
{%- set last_rank = policy.tiers[-1].rank -%}
with scored as (
    {% include "scored.sql" %}

),

ruled as (
    select
        customer_id,
        customer_type,
        moment_no,
        is_month_end,
        has_purchased,
        value_score,
        potential_score,
        total_score,
        value_coverage,
        potential_coverage,
        score_coverage,
        {% for tier in switches %}
        case when {{ earns(policy, tier, tier.band) }} then 1 else 0 end
            as raised_{{ loop.index0 }},
        case when {{ earns(policy, tier, -tier.band) }} then 1 else 0 end
            as lowered_{{ loop.index0 }},
        {% endfor %}
        {{ first_rule(policy, 0.0) }} as rule_order
    from scored
),

earned as (
    select
        *,
        {{ rank_of(policy, "rule_order" | sql) }} as earned_rank,
        row_number() over (
            partition by customer_id, has_purchased
            order by moment_no
        ) as place
    from ruled
),

signalled as (
    select
        {% for tier in switches %}
        {% set this = loop.index0 %}
        case
            when place = 1 and earned_rank <= {{ tier.rank }} then 1
            when place = 1 then 0
            when not is_month_end then null
            when
                {{ any_closes(switches[: this + 1]) }}
                then 1
            when
                {{ any_opens(switches[this:], this) }}
                then 0
        end as signal_{{ this }},
        {% endfor %}
        *
    from earned
    {% for tier in switches %}
    {% if loop.first %}window{% endif %}

        up_{{ loop.index0 }} as (
            partition by customer_id, has_purchased
            order by moment_no
            rows between {{ tier.confirmations - 1 }} preceding and current row
        ),
        down_{{ loop.index0 }} as (
            partition by customer_id, has_purchased
            order by moment_no
            rows between {{ tier.grace - 1 }} preceding and current row
        ){% if not loop.last %},{% endif %}

    {% endfor %}
),

held as (
    select
        *,
        {% if switches %}
        case
            {% for tier in switches %}
            when last_value(signal_{{ loop.index0 }} ignore nulls) over so_far = 1
                then {{ tier.rank }}
            {% endfor %}
            else {{ last_rank }}
        end as tier_rank
        {% else %}
        {{ last_rank }} as tier_rank
        {% endif %}
    from signalled
    window
        so_far as (
            partition by customer_id, has_purchased
            order by moment_no
            rows between unbounded preceding and current row
        )
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
    tier_rank,
    {{ code_of_rank(policy, "tier_rank" | sql) }} as tier_code
from held
