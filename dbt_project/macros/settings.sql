{#-
What the business decides in single values: the seed `settings`, typed. Each setting is
declared here with its type; the test settings_are_whole holds the seed to it.
-#}

{#- Subject → what its rows are for, and its settings with their types. -#}
{% macro declared_settings() %}
    {{ return({
        "lifecycle": {
            "per": "customer_type",
            "types": {
                "new_days": "integer",
                "reactivated_days": "integer",
                "at_risk_overdue": "decimal(9, 4)",
                "dormant_days": "integer",
                "lost_days": "integer",
                "growing_from": "decimal(9, 4)",
                "declining_to": "decimal(9, 4)",
            },
        },
        "matrix": {
            "per": "policy_id",
            "types": {
                "midpoint": "decimal(4, 2)",
                "window_months": "integer",
                "trend_step": "decimal(4, 2)",
                "max_rated_accounts": "integer",
            },
        },
        "potential": {
            "per": none,
            "types": {
                "category_level": type_text(),
                "min_peers": "integer",
                "min_peer_share": "decimal(9, 6)",
                "min_support": "integer",
                "min_lift": "decimal(9, 6)",
                "offers_per_customer": "integer",
                "unknown_probability": "decimal(5, 4)",
            },
        },
        "value": {
            "per": none,
            "types": {"yearly_discount": "decimal(9, 6)"},
        },
    }) }}
{% endmacro %}

{#- What a subject's settings may apply to, one row each: the customer types, the
    policies, or everything. -#}
{% macro settings_scopes(per, policies=none) -%}
    {%- if per == "customer_type" -%}
    select 'company' as scope
    union all
    select 'person' as scope
    {%- elif per == "policy_id" -%}
    select policy_id as scope from {{ policies }}
    {%- else -%}
    select '*' as scope
    {%- endif -%}
{%- endmacro %}

{#- A subject's settings, one column each, one row per customer type or policy where they
    may differ by it. A row of its own counts before one for all (`*`). The seeds are
    arguments, so that a model names what it reads. -#}
{% macro settings(subject, seed, policies=none) -%}
{%- set declared = declared_settings()[subject] -%}
with scopes as (
    {{ settings_scopes(declared.per, policies) }}
),

given as (
    select
        scopes.scope,
        settings.name,
        coalesce(
            max(case when settings.applies_to = scopes.scope then settings.value end),
            max(settings.value)
        ) as value
    from scopes
    inner join {{ seed }} as settings
        on settings.applies_to in (scopes.scope, '*')
    where settings.name like '{{ subject }}.%'
    group by scopes.scope, settings.name
),

final as (
    select
        {%- if declared.per %}
        scope as {{ declared.per }},
        {%- endif %}
        {%- for name, type in declared.types.items() %}
        max(case
            when name = '{{ subject }}.{{ name }}' then cast(value as {{ type }})
        end) as {{ name }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from given
    group by scope
)

select * from final
{%- endmacro %}
