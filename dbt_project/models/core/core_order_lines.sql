{#- Every order line that was known on the as-of day, in the reporting currency at the
    rate of the order's day. A line without a rate is kept, and fails a test: it must not
    vanish in a join. What becomes of a line without a known customer is declared
    (core_unplaced_lines). -#}
with known as (
    {{ known("order_lines") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

unknown_customers as (
    select
        source,
        customer_id
    from source_keys
    where source_customer_id = {{ unknown_customer_key() }}
),

resolved as (
    select
        known.*,
        coalesce(source_keys.customer_id, unknown_customers.customer_id)
            as customer_id,
        known.source || ':' || known.source_product_id as product_id,
        fx_rates.rate as fx_rate
    from known
    left join source_keys
        on
            known.customer_source = source_keys.source
            and known.source_customer_id = source_keys.source_customer_id
    left join unknown_customers on known.source = unknown_customers.source
    {{ join_fx_rates("known", "known.order_date") }}
    where
        source_keys.customer_id is not null
        or not ({{ unknown_customers_are("leave_out", "known.source") }})
),

converted as (
    select
        source || ':' || order_id as order_id,
        line_number,
        customer_id,
        product_id,
        coalesce(
            ordered_at,
            cast({{ local_to_utc("cast(order_date as timestamp)") }} as timestamp)
        ) as ordered_at,
        order_date,
        channel,
        quantity,
        {%- for amount in ["net_amount", "cost_amount", "freight_amount"] %}
        {{ in_reporting_currency(amount, "resolved", "fx_rate") }} as {{ amount }},
        {%- endfor %}
        is_return,
        currency as source_currency,
        net_amount as source_net_amount,
        source,
        customer_source,
        source_customer_id
    from resolved
),

final as (
    select
        *,
        '{{ var("reporting_currency") }}' as currency,
        cast(net_amount - cost_amount as {{ type_money() }}) as margin_amount
    from converted
)

select * from final
