{#-
What the staging of each source gave against what stands in the marts, in rows and money of
the source's own currency. What an as-of day leaves out, and who was forgotten, is counted,
so that the difference must be zero. Both sides are counted, not joined: a row that only
one of them has is a difference, too.
-#}
{%- set entities = {
    "order_lines": [
        "currency", "net_amount", "order_date > refresh.as_of_date", none
    ],
    "payments": [
        "currency", "amount",
        "coalesce(invoiced_on, due_date) > refresh.as_of_date",
        ["source_currency", "source_amount", "amount"],
    ],
    "leads": [
        "currency", "amount", "false", ["source_currency", "source_amount", "amount"]
    ],
    "interactions": [
        "'-'", "0", "occurred_at >= refresh.known_until", ["'-'", "0", "0"]
    ],
    "service_tickets": ["'-'", "0", "false", ["'-'", "0", "0"]],
    "contacts": ["'-'", "0", "false", ["'-'", "0", "0"]],
    "products": ["'-'", "0", "false", none],
} -%}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

-- They are in the marts whether staging still has them or not.
forgotten as (
    {{ forgotten_customers() }}
),

staged_customers as (
    {{ provided("customers") }}
),
{%- for entity in entities %}

staged_{{ entity }} as (
    {{ provided(entity) }}
),
{%- endfor %}

parts as (
    select
        staged.source,
        'customers' as entity,
        '-' as currency,
        count(*) as staged_rows,
        count(forgotten.source) as forgotten_rows,
        0 as later_rows,
        0 as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        0 as mart_amount,
        0 as reporting_amount
    from staged_customers as staged
    left join forgotten
        on
            staged.source = forgotten.source
            and staged.source_customer_id = forgotten.source_customer_id
    group by staged.source
    union all
    select
        keys.source,
        'customers' as entity,
        '-' as currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        count(*) - count(forgotten.source) as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        0 as mart_amount,
        0 as reporting_amount
    from {{ ref("customer_source_keys") }} as keys
    left join forgotten
        on
            keys.source = forgotten.source
            and keys.source_customer_id = forgotten.source_customer_id
    group by keys.source
    {%- for entity, (currency, amount, is_later, mart) in entities.items() %}
    union all
    select
        staged.source,
        '{{ entity }}' as entity,
        coalesce({{ currency }}, '-') as currency,
        count(*) as staged_rows,
        0 as forgotten_rows,
        count(case when {{ is_later }} then 1 end) as later_rows,
        0 as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        coalesce(sum({{ amount }}), 0) as staged_amount,
        coalesce(sum(case when {{ is_later }} then {{ amount }} end), 0)
            as later_amount,
        0 as mart_amount,
        0 as reporting_amount
    from staged_{{ entity }} as staged
    cross join refresh
    group by staged.source, coalesce({{ currency }}, '-')
    {%- if mart %}
    union all
    select
        source,
        '{{ entity }}' as entity,
        coalesce({{ mart[0] }}, '-') as currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        count(*) as mart_rows,
        count(case when customer_id is null then 1 end) as unmatched_rows,
        count(case
            when {{ mart[1] }} is not null and {{ mart[2] }} is null then 1
        end) as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        coalesce(sum({{ mart[1] }}), 0) as mart_amount,
        coalesce(sum({{ mart[2] }}), 0) as reporting_amount
    from {{ ref(entity) }}
    group by source, coalesce({{ mart[0] }}, '-')
    {%- endif %}
    {%- endfor %}
    union all
    select
        source,
        'products' as entity,
        '-' as currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        count(*) as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        0 as mart_amount,
        0 as reporting_amount
    from {{ ref("products") }}
    group by source
    -- The days have counted the lines already; a line of no day is a difference. That
    -- no line is without a customer or a rate is a check of the mart.
    union all
    select
        source,
        'order_lines' as entity,
        currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        sum(events) as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        sum(source_amount) as mart_amount,
        sum(amount) as reporting_amount
    from {{ ref("event_days") }}
    where entity = 'order_lines'
    group by source, currency
),

compared as (
    select
        source,
        entity,
        currency,
        sum(staged_rows) as staged_rows,
        sum(forgotten_rows) as forgotten_rows,
        sum(later_rows) as later_rows,
        sum(mart_rows) as mart_rows,
        sum(unmatched_rows) as unmatched_rows,
        sum(unpriced_rows) as unpriced_rows,
        sum(staged_amount) as staged_amount,
        sum(later_amount) as later_amount,
        sum(mart_amount) as mart_amount,
        sum(reporting_amount) as reporting_amount
    from parts
    group by source, entity, currency
),

final as (
    select
        source,
        entity,
        currency,
        {%- for name in [
            "staged_rows", "forgotten_rows", "later_rows", "mart_rows",
            "unmatched_rows", "unpriced_rows",
        ] %}
        cast({{ name }} as bigint) as {{ name }},
        {%- endfor %}
        cast(staged_rows - forgotten_rows - later_rows - mart_rows as bigint)
            as row_difference,
        {%- for name in [
            "staged_amount", "later_amount", "mart_amount", "reporting_amount",
        ] %}
        cast({{ name }} as {{ type_money_sum() }}) as {{ name }},
        {%- endfor %}
        cast(staged_amount - later_amount - mart_amount as {{ type_money_sum() }})
            as amount_difference
    from compared
)

select * from final
