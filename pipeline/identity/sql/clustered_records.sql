{#- Records with what keeps them apart, as `clusters.Limits` takes it: -1 for nothing. A
    code is a hash of the value; where one is met, its forms stand beside it. -#}
{%- from "conditions.sql" import by_type -%}
select
    record_no,
    customer_type,
    registration_checked,
    {% for veto in vetoes %}
    {%- set all_of_it = veto.values | map("identifier") | join(" is not null and ") %}
    cast(
        case
            when {{ all_of_it }} is not null
                then hash({{ veto.values | columns }}) >> 1
            else -1
        end as bigint
    ) as {{ veto.name | identifier }},
    {% endfor %}
    {% for name in vetoes | map(attribute="values") | sum(start=()) | unique %}
    {{ name | identifier }},
    {% endfor %}
    {% if rules.unique_sources %}
    cast(
        case
            when source in ({{ rules.unique_sources | sort | literals }})
                then hash(source) >> 1
            else -1
        end as bigint
    ) as unique_source,
    {% else %}
    cast(-1 as bigint) as unique_source,
    {% endif %}
    cast(
        coalesce({{ by_type("customer_type" | sql, rules, "max_cluster") }}, 1)
        as bigint
    ) as usual_size
from {{ forms | sql }}
