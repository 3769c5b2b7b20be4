{#-
What the staging of each source gave against what stands in the marts, in rows and money of
the source's own currency. What an as-of day leaves out, who was forgotten, and what
sources.yaml leaves out is counted, so that the difference must be zero. Both sides are
counted, not joined: a row that only one of them has is a difference, too.
-#}
{#- Currency and money of staging, and of the mart: its currency, its money before and
    after conversion. An entity that does not stand here has rows only. -#}
{%- set sums = {
    "order_lines": ["currency", "net_amount", none],
    "payments": ["currency", "amount", ["source_currency", "source_amount", "amount"]],
    "leads": ["currency", "amount", ["source_currency", "source_amount", "amount"]],
    "interactions": ["'-'", "0", ["'-'", "0", "0"]],
    "service_tickets": ["'-'", "0", ["'-'", "0", "0"]],
    "contacts": ["'-'", "0", ["'-'", "0", "0"]],
    "survey_responses": ["'-'", "0", ["'-'", "0", "0"]],
    "campaigns": ["currency", "cost_amount", none],
} -%}
{#- Every canonical entity but customers: they may be forgotten, and stand apart. -#}
{%- set entities = {} -%}
{%- for entity in canonical_columns() if entity != "customers" -%}
{%- do entities.update({entity: sums.get(entity, ["'-'", "0", none])}) -%}
{%- endfor -%}
{#- What no reader sees as a mart is counted in the core or where that takes it. -#}
{%- set counted_in = {"survey_responses": "core_survey_responses"} -%}
{%- set counted_apart = ["order_lines", "products"] -%}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

-- They are in the marts whether staging still has them or not.
forgotten as (
    {{ forgotten_customers() }}
),

won_later as (
    select * from {{ ref("core_customers_won_later") }}
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
        count(case
            when forgotten.source is null then won_later.source
        end) as later_rows,
        count(case
            when {{ any_later("staged", "customers", ["acquired_on"]) }} then 1
        end) as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
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
    cross join refresh
    left join won_later
        on
            staged.source = won_later.source
            and staged.source_customer_id = won_later.source_customer_id
    group by staged.source
    union all
    select
        keys.source,
        'customers' as entity,
        '-' as currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        0 as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
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
    -- No source gives the customer of those who are unknown.
    where keys.source_customer_id <> {{ unknown_customer_key() }}
    group by keys.source
    {%- for entity, (currency, amount, mart) in entities.items() %}
    {%- set is_later = begins_later("staged", entity) %}
    union all
    select
        staged.source,
        '{{ entity }}' as entity,
        coalesce({{ currency }}, '-') as currency,
        count(*) as staged_rows,
        0 as forgotten_rows,
        count(case when {{ is_later }} then 1 end) as later_rows,
        count(case
            when
                {{ any_later("staged", entity, event_times(entity).get("later", [])) }}
                then 1
        end) as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
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
        0 as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
        count(*) as mart_rows,
        count(case when customer_id is null then 1 end) as unmatched_rows,
        count(case
            when {{ mart[1] }} is not null and {{ mart[2] }} is null then 1
        end) as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        coalesce(sum({{ mart[1] }}), 0) as mart_amount,
        coalesce(sum({{ mart[2] }}), 0) as reporting_amount
    from {{ ref(counted_in.get(entity, entity)) }}
    group by source, coalesce({{ mart[0] }}, '-')
    {%- elif entity not in counted_apart %}
    union all
    select
        source,
        '{{ entity }}' as entity,
        coalesce({{ currency }}, '-') as currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        0 as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
        count(*) as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        coalesce(sum({{ amount }}), 0) as mart_amount,
        0 as reporting_amount
    from (
        {{ known(entity, "staged_" ~ entity) }}
    ) as taken
    group by source, coalesce({{ currency }}, '-')
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
        0 as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
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
        0 as rows_with_later_times,
        0 as left_out_rows,
        0 as left_out_amount,
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
    union all
    select
        source,
        'order_lines' as entity,
        coalesce(currency, '-') as currency,
        0 as staged_rows,
        0 as forgotten_rows,
        0 as later_rows,
        0 as rows_with_later_times,
        count(*) as left_out_rows,
        coalesce(sum(net_amount), 0) as left_out_amount,
        0 as mart_rows,
        0 as unmatched_rows,
        0 as unpriced_rows,
        0 as staged_amount,
        0 as later_amount,
        0 as mart_amount,
        0 as reporting_amount
    from {{ ref("core_unplaced_lines") }}
    where treatment = 'leave_out'
    group by source, coalesce(currency, '-')
),

compared as (
    select
        source,
        entity,
        currency,
        sum(staged_rows) as staged_rows,
        sum(forgotten_rows) as forgotten_rows,
        sum(later_rows) as later_rows,
        sum(rows_with_later_times) as rows_with_later_times,
        sum(left_out_rows) as left_out_rows,
        sum(left_out_amount) as left_out_amount,
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
            "staged_rows", "forgotten_rows", "later_rows", "rows_with_later_times",
            "left_out_rows", "mart_rows", "unmatched_rows", "unpriced_rows",
        ] %}
        cast({{ name }} as bigint) as {{ name }},
        {%- endfor %}
        cast(
            staged_rows - forgotten_rows - later_rows - left_out_rows - mart_rows
            as bigint
        ) as row_difference,
        {%- for name in [
            "staged_amount", "later_amount", "left_out_amount", "mart_amount",
            "reporting_amount",
        ] %}
        cast({{ name }} as {{ type_money_sum() }}) as {{ name }},
        {%- endfor %}
        cast(
            staged_amount - later_amount - left_out_amount - mart_amount
            as {{ type_money_sum() }}
        ) as amount_difference
    from compared
)

select * from final
