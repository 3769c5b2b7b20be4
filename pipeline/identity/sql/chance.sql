{#- Of each comparison, how often two people agree by chance: n (n - 1) over its values,
    divided by the pairs of all. Records that say the same of a person are one, so that
    one who stands there twice is no coincidence. -#}
with people as (
    select distinct
        {{ agreements.values() | columns }}
    from {{ forms | sql }}
    where customer_type = {{ kind | literal }}
)

{% for name, column in agreements.items() %}
select
    {{ name | literal }} as comparison,
    sum(times) as records,
    sum(times * (times - 1)) / nullif(sum(times) * (sum(times) - 1), 0) as share
from (
    select cast(count(*) as double) as times
    from people
    where {{ column | identifier }} is not null
    group by {{ column | identifier }}
) as of_each
{% if not loop.last %}
union all
{% endif %}
{% endfor %}
