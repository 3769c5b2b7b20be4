{#-
The verdict of each customer: of those that hold the first in the order of the seed
verdicts, and the money at stake behind it.
-#}
with facts as (
    select * from {{ ref("int_verdict_facts") }}
),

verdicts as (
    select * from {{ ref("verdicts") }}
),

holding as (
    {%- for verdict, condition in verdict_conditions().items() %}
    select
        facts.customer_id,
        '{{ verdict }}' as verdict
    from facts
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

first_orders as (
    select
        holding.customer_id,
        min(verdicts.verdict_order) as verdict_order
    from holding
    inner join verdicts on holding.verdict = verdicts.verdict
    group by holding.customer_id
),

stakes as (
    select
        facts.customer_id,
        verdicts.verdict,
        cast(case verdicts.verdict
            {%- for verdict, stakes in verdict_stakes().items() %}
            when '{{ verdict }}' then {{ stakes[0] }}
            {%- endfor %}
        end as {{ type_money_sum() }}) as first_stake,
        cast(case verdicts.verdict
            {%- for verdict, stakes in verdict_stakes().items() %}
            when '{{ verdict }}' then {{ stakes[1] }}
            {%- endfor %}
        end as {{ type_money_sum() }}) as other_stake
    from facts
    inner join first_orders on facts.customer_id = first_orders.customer_id
    inner join verdicts on first_orders.verdict_order = verdicts.verdict_order
),

final as (
    select
        customer_id,
        verdict,
        cast(coalesce(first_stake, other_stake) as {{ type_money_sum() }}) as at_stake,
        first_stake is null and other_stake is not null as is_other_stake
    from stakes
)

select * from final
