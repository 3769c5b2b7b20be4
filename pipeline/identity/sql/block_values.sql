{#- Each record's blocks that are small enough to be compared within; a block is a
    hash of its place among the blocks of the policy and of what its records share.
    -#}
{%- macro shared(block) -%}
{% for name, length in block.keys -%}
{% if not loop.first %}, {% endif -%}
{% if length %}left({{ name | identifier }}, {{ length }})
{%- else %}cast({{ name | identifier }} as varchar)
{%- endif %}
{%- endfor %}
{%- endmacro -%}
{%- macro is_in(block) -%}
customer_type = {{ block.customer_type | literal }}
{%- for name, length in block.keys %}
 and {% if length %}length({{ name | identifier }}) >= {{ length }}
{%- else %}{{ name | identifier }} is not null
{%- endif %}
{%- endfor %}
{%- endmacro -%}
{% for block in rules.blocks %}
select
    record_no,
    source,
    block
from (
    select
        record_no,
        source,
        hash({{ loop.index0 }}, {{ shared(block) }}) as block
    from {{ forms | sql }}
    where
        {{ is_in(block) }}
) as hashed
qualify count(*) over (partition by block) between 2 and {{ block.max_records }}
{% if not loop.last %}
union all
{% endif %}
{% endfor %}
