{#-
What happened on each day, counted: the one scan of the facts that drift needs for the whole
past, and what the next refresh compares the same days with.
-#}
{%- set entities = {
    "order_lines": ["order_date", "source_currency", "net_amount", "source_net_amount"],
    "payments": [
        "coalesce(invoiced_on, due_date, " ~ business_date("paid_at") ~ ")",
        "source_currency", "amount", "source_amount",
    ],
    "service_tickets": [business_date("opened_at"), "'-'", "0", "0"],
    "interactions": [business_date("occurred_at"), "'-'", "0", "0"],
} -%}
with
{%- for entity, (day, currency, amount, source_amount) in entities.items() %}

{{ entity }} as (
    select
        '{{ entity }}' as entity,
        source,
        {{ currency }} as currency,
        {{ day }} as event_day,
        {{ amount }} as amount,
        {{ source_amount }} as source_amount
    from {{ ref(entity) }}
),
{%- endfor %}

events as (
    {%- for entity in entities %}
    select * from {{ entity }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        entity,
        source,
        coalesce(currency, '-') as currency,
        event_day,
        cast(count(*) as bigint) as events,
        cast(coalesce(sum(amount), 0) as {{ type_money_sum() }}) as amount,
        cast(coalesce(sum(source_amount), 0) as {{ type_money_sum() }})
            as source_amount
    from events
    where event_day is not null
    group by entity, source, currency, event_day
)

select * from final
