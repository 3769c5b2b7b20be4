{#-
What the staging of each source gave against what stands in the marts, in rows and, for
order lines, in money of the source's own currency. What an as-of day leaves out is
counted, so that the difference must be zero.
-#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

order_lines as (
    {{ provided("order_lines") }}
),

staged_order_lines as (
    select
        order_lines.source,
        count(*) as staged_rows,
        sum(order_lines.net_amount) as staged_amount,
        count(case when order_lines.order_date > refresh.as_of_date then 1 end)
            as later_rows,
        coalesce(sum(case
            when order_lines.order_date > refresh.as_of_date then order_lines.net_amount
        end), 0) as later_amount
    from order_lines
    cross join refresh
    group by order_lines.source
),

mart_order_lines as (
    select
        source,
        count(*) as mart_rows,
        sum(source_net_amount) as mart_amount
    from {{ ref("order_lines") }}
    group by source
),

-- They are in the marts whether staging still has them or not.
forgotten as (
    {{ forgotten_customers() }}
),

customers as (
    {{ provided("customers") }}
),

staged_customers as (
    select
        customers.source,
        count(*) as staged_rows,
        0 as later_rows
    from customers
    left join forgotten
        on
            customers.source = forgotten.source
            and customers.source_customer_id = forgotten.source_customer_id
    where forgotten.source is null
    group by customers.source
),

mart_customers as (
    select
        keys.source,
        count(*) as mart_rows
    from {{ ref("core_customer_source_keys") }} as keys
    left join forgotten
        on
            keys.source = forgotten.source
            and keys.source_customer_id = forgotten.source_customer_id
    where forgotten.source is null
    group by keys.source
),

{%- set plain = {
    "products": "false",
    "service_tickets": "false",
    "leads": "false",
    "interactions": "occurred_at >= refresh.known_until",
    "payments": "coalesce(invoiced_on, due_date) > refresh.as_of_date",
} %}
{%- for entity, is_later in plain.items() %}

staged_{{ entity }} as (
    select
        staged.source,
        count(*) as staged_rows,
        count(case when {{ is_later }} then 1 end) as later_rows
    from ({{ provided(entity) }}) as staged
    cross join refresh
    group by staged.source
),

mart_{{ entity }} as (
    select
        source,
        count(*) as mart_rows
    from {{ ref(entity) }}
    group by source
),
{%- endfor %}

compared as (
    select
        staged.source,
        'order_lines' as entity,
        staged.staged_rows,
        staged.later_rows,
        coalesce(mart.mart_rows, 0) as mart_rows,
        staged.staged_amount,
        staged.later_amount,
        coalesce(mart.mart_amount, 0) as mart_amount
    from staged_order_lines as staged
    left join mart_order_lines as mart on staged.source = mart.source
    {%- for entity in ["customers"] + plain | list %}
    union all
    select
        staged.source,
        '{{ entity }}' as entity,
        staged.staged_rows,
        staged.later_rows,
        coalesce(mart.mart_rows, 0) as mart_rows,
        0 as staged_amount,
        0 as later_amount,
        0 as mart_amount
    from staged_{{ entity }} as staged
    left join mart_{{ entity }} as mart on staged.source = mart.source
    {%- endfor %}
),

final as (
    select
        source,
        entity,
        cast(staged_rows as bigint) as staged_rows,
        cast(later_rows as bigint) as later_rows,
        cast(mart_rows as bigint) as mart_rows,
        cast(staged_rows - later_rows - mart_rows as bigint) as row_difference,
        cast(staged_amount as {{ type_money_sum() }}) as staged_amount,
        cast(later_amount as {{ type_money_sum() }}) as later_amount,
        cast(mart_amount as {{ type_money_sum() }}) as mart_amount,
        cast(staged_amount - later_amount - mart_amount as {{ type_money_sum() }})
            as amount_difference
    from compared
)

select * from final
