with order_lines as (
    select * from {{ ref("core_order_lines") }}
),

final as (
    select
        order_id,
        line_number,
        customer_id,
        product_id,
        ordered_at,
        order_date,
        channel,
        quantity,
        net_amount,
        cost_amount,
        margin_amount,
        freight_amount,
        is_return,
        currency,
        source_currency,
        source_net_amount,
        source,
        customer_source,
        source_customer_id
    from order_lines
)

select * from final
