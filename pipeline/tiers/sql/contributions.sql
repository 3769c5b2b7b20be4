{#- Each factor of each customer, one row per customer, score and factor; its columns
    stand at `scoring.contributions`. -#}
{%- from "expressions.sql" import coverage -%}
with scored as (
    {% include "scored.sql" %}

)

{% for term in terms %}
select
    customer_id,
    customer_type,
    moment_no,
    is_month_end,
    has_purchased,
    {{ term.score | literal }} as score_name,
    {{ term.factor | literal }} as factor,
    cast({{ term.factor | identifier }} as double) as raw_value,
    cast(score_{{ term.place }} as decimal(12, 6)) as score,
    cast({{ term.weight | number }} as decimal(12, 6)) as declared_weight,
    cast(
        case
            when score_{{ term.place }} is not null
                then {{ term.weight | number }} / {{ coverage(term.score) }}
            else 0
        end as decimal(12, 6)
    ) as weight,
    coalesce(contribution_{{ term.place }}, 0) as contribution
from scored
where customer_type = {{ term.customer_type | literal }}
{% if not loop.last %}
union all
{% endif %}
{% else %}
select
    customer_id,
    customer_type,
    moment_no,
    is_month_end,
    has_purchased,
    cast(null as varchar) as score_name,
    cast(null as varchar) as factor,
    cast(null as double) as raw_value,
    cast(null as decimal(12, 6)) as score,
    cast(null as decimal(12, 6)) as declared_weight,
    cast(null as decimal(12, 6)) as weight,
    cast(null as decimal(12, 6)) as contribution
from scored
where false
{% endfor %}
