{#-
What each verdict rests on, and what speaks against it: the facts that the seed
verdict_speaks names for the verdict and that hold for the customer, in its order.
-#}
with facts as (
    select
        facts.*,
        verdicts.verdict
    from {{ ref("int_verdict_facts") }} as facts
    inner join {{ ref("int_verdicts") }} as verdicts
        on facts.customer_id = verdicts.customer_id
),

speaks as (
    select * from {{ ref("verdict_speaks") }}
),

words as (
    select * from {{ ref("verdict_facts") }}
),

lifecycle as (
    select * from {{ ref("core_lifecycle_settings") }}
),

applied as (
    {%- for fact, (condition, value, unit) in verdict_facts().items() %}
    select
        facts.customer_id,
        speaks.fact,
        speaks.speaks,
        speaks.position as place,
        cast({{ value or "null" }} as double) as value,
        {{ verdict_figure(value, unit) }} as figure,
        facts.service_days,
        {%- for language in ["en", "zh"] %}
        {% if unit == "tier" -%} facts.tier_name_{{ language }}
        {%- elif unit == "element" -%} facts.loss_element_{{ language }}
        {%- elif unit == "strategy" -%} facts.strategy_{{ language }}
        {%- else -%} cast(null as {{ type_text() }})
        {%- endif %} as name_{{ language }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from facts
    inner join lifecycle on facts.customer_type = lifecycle.customer_type
    inner join speaks
        on facts.verdict = speaks.verdict and speaks.fact = '{{ fact }}'
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        applied.customer_id,
        cast(row_number() over (
            partition by applied.customer_id
            order by applied.speaks desc, applied.place, applied.fact
        ) as integer) as position,
        applied.speaks,
        applied.fact,
        {%- for language in ["en", "zh"] %}
        replace(
            replace(
                replace(
                    replace(
                        words.text_{{ language }},
                        '{value}',
                        coalesce(applied.figure, '')
                    ),
                    '{currency}',
                    '{{ var("reporting_currency") }}'
                ),
                '{days}',
                coalesce(cast(applied.service_days as {{ type_text() }}), '')
            ),
            '{name}',
            coalesce(applied.name_{{ language }}, '')
        ) as text_{{ language }},
        {%- endfor %}
        applied.value
    from applied
    inner join words on applied.fact = words.fact
)

select * from final
