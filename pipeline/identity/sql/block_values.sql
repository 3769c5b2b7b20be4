{#- Each record's blocks; a block is a hash of its place among the blocks of the policy
    and of what its records share. A block that is too large to be compared within is
    taken in the order of names and cut into overlapping parts, so that each record meets
    its neighbours. `whole` is the block before, `chunk` its place in it, null where it was
    not cut. -#}
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
with hashed as (
    {% for block in rules.blocks %}
    select
        record_no,
        source,
        hash({{ loop.index0 }}, {{ shared(block) }}) as whole,
        count(*) over (
            partition by hash({{ loop.index0 }}, {{ shared(block) }})
        ) as records,
        {{ block.max_records }} as max_records
    from {{ forms | sql }}
    where
        {{ is_in(block) }}
    qualify records > 1
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

placed as (
    select
        hashed.*,
        (
            row_number() over (
                partition by hashed.whole
                order by
                    forms.name_sound, forms.family_key, forms.given_key,
                    forms.city_key, forms.record_no
            ) - 1
        ) // greatest(1, hashed.max_records // 4) as chunk
    from hashed
    inner join {{ forms | sql }} as forms on hashed.record_no = forms.record_no
    where hashed.records > hashed.max_records
)

select
    record_no,
    source,
    whole as block,
    whole,
    cast(null as bigint) as chunk
from hashed
where records <= max_records
union all
select
    record_no,
    source,
    hash(whole, chunk) as block,
    whole,
    chunk
from placed
union all
select
    record_no,
    source,
    hash(whole, chunk + 1) as block,
    whole,
    chunk
from placed
