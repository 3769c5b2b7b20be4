{#-
One recommendation a customer: what its figures say together, the money at stake, why, and
what speaks against it. Which verdict holds is decided in int_verdicts by the seed
verdicts; the facts stand in verdict_evidence one by one.
-#}
with found as (
    select * from {{ ref("int_verdicts") }}
),

verdicts as (
    select * from {{ ref("verdicts") }}
),

present as (
    select * from {{ ref("int_served_customers") }}
),

owners as (
    select * from {{ ref("int_customer_owners") }}
),

evidence as (
    select
        *,
        row_number() over (partition by customer_id, speaks order by position) as place
    from {{ ref("verdict_evidence") }}
),

-- Of the reasons the first three, of what speaks against it all that there can be.
sentences as (
    select
        customer_id,
        {%- for language, separator in [("en", "; "), ("zh", "；")] %}
        {%- for name, side, most in [("reason", "for", 3), ("against", "against", 5)] %}
        max(case
            when speaks = '{{ side }}' and place = 1 then text_{{ language }}
        end)
        {%- for place in range(2, most + 1) %}
        || coalesce(
            '{{ separator }}'
            || max(case
                when speaks = '{{ side }}' and place = {{ place }}
                    then text_{{ language }}
            end), ''
        )
        {%- endfor %} as {{ name }}_{{ language }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from evidence
    group by customer_id
),

final as (
    select
        found.customer_id,
        found.verdict,
        verdicts.name_en as verdict_name_en,
        verdicts.name_zh as verdict_name_zh,
        found.at_stake,
        {%- for language in ["en", "zh"] %}
        case
            when found.is_other_stake then verdicts.otherwise_{{ language }}
            when found.at_stake is not null then verdicts.at_stake_{{ language }}
        end as at_stake_means_{{ language }},
        {%- endfor %}
        verdicts.recommendation_en,
        verdicts.recommendation_zh,
        {%- for name in ["reason", "against"] %}
        upper(substring(sentences.{{ name }}_en, 1, 1))
        || substring(sentences.{{ name }}_en, 2) || '.' as {{ name }}_en,
        sentences.{{ name }}_zh || '。' as {{ name }}_zh,
        {%- endfor %}
        cast(row_number() over (
            order by
                verdicts.urgency,
                found.at_stake desc nulls last,
                present.tier_rank,
                found.customer_id
        ) as integer) as place,
        owners.owner,
        present.tier_code,
        present.as_of_date
    from found
    inner join verdicts on found.verdict = verdicts.verdict
    inner join present on found.customer_id = present.customer_id
    inner join owners on found.customer_id = owners.customer_id
    left join sentences on found.customer_id = sentences.customer_id
)

select * from final
