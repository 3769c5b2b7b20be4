{#- Records with a hash of what their normal forms are made from; a birth date that
    stands for none is null. -#}
{%- macro texts(names) -%}
{% for name in names -%}
{% if not loop.first %}, {% endif -%}
cast({{ name | identifier }} as varchar)
{%- endfor %}
{%- endmacro -%}
select
    record_no,
    source,
    source_customer_id,
    {% if no_dates %}
    case
        when cast(birth_date as varchar) not in ({{ no_dates | literals }})
            then birth_date
    end as birth_date,
    {% else %}
    birth_date,
    {% endif %}
    hash({{ texts(input_columns) }}) as input_print,
    {{ input_columns | columns }}
from {{ records | sql }}
