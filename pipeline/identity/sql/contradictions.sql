{#- Codes of values within one label that exclude each other. The value stands under its
    own name, as the condition of the veto has it; whether two records share a number
    besides is asked where two groups meet. -#}
with codes as (
    select distinct
        {{ veto.value | identifier }} as code,
        {{ values | sql }},
        registration_checked,
        customer_type
    from _identity_clustered
    where {{ ("of_" ~ veto.value) | identifier }} is not null
),

numbered as (
    select
        several.label,
        codes.*
    from _identity_several as several
    inner join codes on several.code = codes.code
)

select distinct
    l.code as left_code,
    r.code as right_code
from numbered as l
inner join numbered as r on l.label = r.label and l.code < r.code
where {{ veto.condition | sql }}
