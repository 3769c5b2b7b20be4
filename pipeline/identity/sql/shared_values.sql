{#- Values that more names carry than a customer has. -#}
{%- from "conditions.sql" import by_type -%}
select
    customer_type,
    {{ carrier.keys | columns }}
from {{ forms | sql }}
where {{ carrier.is_there | sql }}
group by customer_type, {{ carrier.keys | columns }}
having
    count(
        distinct case
            when customer_type = 'person' then left(coalesce(family_key, given_key), 4)
            else left(name_sound, 4)
        end
    ) > {{ by_type("customer_type" | sql, rules, "most_names") }}
