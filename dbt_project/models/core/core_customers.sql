{#-
One customer over all sources. Each attribute comes from the record that is trusted most
for it (seed source_trust), then the one changed last, then the first; an empty value
never wins over a known one.
-#}
{%- set attributes = survivors() -%}
with records as (
    select * from {{ ref("core_customer_records") }}
),

keys as (
    select * from {{ ref("core_customer_keys") }}
),

trust as (
    select * from {{ ref("source_trust") }}
),

anybody as (
    select coalesce(max(trust), 1000) as trust
    from trust
    where source = '*' and attribute = '*'
),

-- One row per source, one rank per attribute: as declared, else that of the source.
ranks as (
    select
        records.source,
        {%- for attribute in attributes %}
        coalesce(
            max(case when trust.attribute = '{{ attribute }}' then trust.trust end),
            max(case when trust.attribute = '*' then trust.trust end),
            max(anybody.trust)
        ) as {{ attribute }}_rank
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from (select distinct source from records) as records
    cross join anybody
    left join trust on records.source = trust.source
    group by records.source
),

-- Smaller is better: newer first, then the first record.
aged as (
    select
        keys.customer_id,
        records.*,
        cast(99999999999 - coalesce({{ epoch_seconds("records.updated_at") }}, 0)
            as decimal(38, 0)) * 1000000000000 + records.record_no as age_rank
    from records
    inner join keys on records.record_no = keys.record_no
),

survived as (
    select
        aged.customer_id,
        max(case when aged.is_forgotten then 1 else 0 end) as is_forgotten
        {%- for attribute in attributes %},
        min_by(aged.{{ attribute }}, case
            when aged.{{ attribute }} is not null
                then ranks.{{ attribute }}_rank * {{ rank_step() }} + aged.age_rank
        end) as {{ attribute }},
        min_by(aged.source, case
            when aged.{{ attribute }} is not null
                then ranks.{{ attribute }}_rank * {{ rank_step() }} + aged.age_rank
        end) as {{ attribute }}_source
        {%- endfor %},
        count(*) as source_count
    from aged
    inner join ranks on aged.source = ranks.source
    group by aged.customer_id
),

final as (
    select
        customer_id
        {%- for attribute in attributes %},
        {% if attribute == "customer_name" -%}
        coalesce(customer_name, case when is_forgotten = 1 then 'forgotten' end)
            as customer_name,
        {%- else -%}
        {{ attribute }},
        {%- endif %}
        {{ attribute }}_source
        {%- endfor %},
        source_count
    from survived
)

select * from final
