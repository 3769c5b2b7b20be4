-- Before the mart is built, whose contract would name one column and no source.
{%- set needed = {
    "order_date": "order_date",
    "quantity": "quantity",
    "net_amount": "source_net_amount",
    "currency": "source_currency",
} %}

with lines as (
    select * from {{ ref("core_order_lines") }}
),

lacking as (
    {%- for name, column in needed.items() %}
    select
        source,
        '{{ name }}' as lacks,
        order_id
    from lines
    where {{ column }} is null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    source,
    lacks,
    count(*) as order_lines,
    min(order_id) as first_order
from lacking
group by source, lacks
