{#- Codes of values within one label that exclude each other. The value stands under its
    own name, as the condition of the veto has it. -#}
with codes as (
    select distinct
        {{ veto.value | identifier }} as code,
        {{ ("of_" ~ veto.value) | identifier }} as {{ veto.value | identifier }},
        registration_checked,
        customer_type
    from _identity_clustered
    where {{ ("of_" ~ veto.value) | identifier }} is not null
),

numbered as (
    select
        several.label,
        codes.*
        {%- if veto.value != "registration_key" %},
        -- Whether two records share a number is asked where two groups meet.
        cast(several.code as varchar) as registration_key
        {%- endif %}

    from _identity_several as several
    inner join codes on several.code = codes.code
)

select distinct
    l.code as left_code,
    r.code as right_code
from numbered as l
inner join numbered as r on l.label = r.label and l.code < r.code
where {{ veto.condition | sql }}
