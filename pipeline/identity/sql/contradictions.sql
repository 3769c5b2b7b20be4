{#- Codes of values within one label that exclude each other. Whether two records share
    a number besides is asked where two groups meet. -#}
with codes as (
    select distinct
        {{ veto.name | identifier }} as code,
        {{ veto.values | columns }},
        {% if "registration_key" not in veto.values %}
        cast(null as varchar) as registration_key, -- noqa: AL08
        {% endif %}
        registration_checked,
        customer_type
    from _identity_clustered
    where {{ veto.name | identifier }} >= 0
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
