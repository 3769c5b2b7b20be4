{#- Records with a hash of what their normal forms are made from. -#}
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
    birth_date,
    hash({{ texts(input_columns) }}) as input_print,
    {{ input_columns | columns }}
from {{ records | sql }}
