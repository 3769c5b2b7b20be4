{#- Codes of registration numbers within one label that exclude each other. -#}
{%- from "conditions.sql" import contradicts -%}
with codes as (
    select distinct
        dense_rank() over (order by registration_key) as code,
        registration_key,
        registration_checked,
        customer_type
    from {{ forms | sql }}
    where registration_key is not null
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
where {{ contradicts(rules) }}
