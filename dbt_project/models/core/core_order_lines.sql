{#- Every order line that was known on the as-of day, in the reporting currency at the
    rate of the order's day. A line without a customer or a rate is kept, and fails a
    test: it must not vanish in a join. -#}
with order_lines as (
    {{ provided("order_lines") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

fx_rates as (
    select * from {{ ref("core_fx_rates") }}
),

known as (
    select order_lines.*
    from order_lines
    cross join refresh
    where order_lines.order_date <= refresh.as_of_date
),

resolved as (
    select
        known.*,
        source_keys.customer_id,
        known.source || ':' || known.source_product_id as product_id,
        {{ fx_rate("known") }} as fx_rate
    from known
    left join source_keys
        on
            known.customer_source = source_keys.source
            and known.source_customer_id = source_keys.source_customer_id
    left join fx_rates
        on
            known.currency = fx_rates.currency
            and known.order_date >= fx_rates.valid_from
            and known.order_date < {{ end_of("fx_rates") }}
),

converted as (
    select
        source || ':' || order_id as order_id,
        line_number,
        customer_id,
        product_id,
        ordered_at,
        order_date,
        channel,
        quantity,
        cast(net_amount * fx_rate as {{ type_money() }}) as net_amount,
        cast(cost_amount * fx_rate as {{ type_money() }}) as cost_amount,
        cast(freight_amount * fx_rate as {{ type_money() }}) as freight_amount,
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
