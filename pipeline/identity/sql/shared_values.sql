{#- Values that more names carry than a customer has. -#}
{%- from "conditions.sql" import by_type -%}
with carried as (
    select
        customer_type,
        {{ carrier.keys | columns }},
        count(
            distinct case
                when customer_type = 'person'
                    then left(coalesce(family_key, given_key), 4)
                else left(name_sound, 4)
            end
        ) as names
    from {{ forms | sql }}
    where {{ carrier.is_there | sql }}
    group by customer_type, {{ carrier.keys | columns }}
)

select
    customer_type,
    {{ carrier.keys | columns }}
from carried
{% if carrier.is_crowded %}
qualify
    names > 3 * {{ by_type("customer_type" | sql, rules, "most_names") }}
    and names > 5 * avg(names) over (partition by customer_type)
{% else %}
where names > {{ by_type("customer_type" | sql, rules, "most_names") }}
{% endif %}
