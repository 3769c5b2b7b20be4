{#- Records with what keeps them apart, as `clusters.Limits` takes it: -1 for nothing.
    -#}
{%- from "conditions.sql" import by_type -%}
select
    record_no,
    source,
    source_customer_id,
    cast(
        coalesce({{ by_type("customer_type" | sql, rules, "max_cluster") }}, 1)
        as bigint
    ) as max_cluster,
    {% if rules.unique_sources %}
    cast(
        case
            when source in ({{ rules.unique_sources | sort | literals }})
                then dense_rank() over (order by source)
            else -1
        end as bigint
    ) as unique_source,
    {% else %}
    cast(-1 as bigint) as unique_source,
    {% endif %}
    cast(
        case
            when registration_key is not null
                then dense_rank() over (order by registration_key)
            else -1
        end as bigint
    ) as registration
from {{ forms | sql }}
order by record_no
