with orders as (
    select * from {{ ref("base_erp__orders") }}
),

order_lines as (
    select * from {{ ref("base_erp__order_lines") }}
),

renamed as (
    select
        order_lines.order_number as order_id,
        order_lines.line_number,
        'erp' as customer_source,
        orders.customer_number as source_customer_id,
        cast(order_lines.product_id as {{ type_text() }}) as source_product_id,
        -- The ERP knows the day of an order and not the hour.
        {{ local_to_utc("cast(orders.order_date as timestamp)") }} as ordered_at,
        orders.order_date,
        orders.channel,
        order_lines.quantity,
        order_lines.sales_amount as net_amount,
        order_lines.total_product_cost as cost_amount,
        order_lines.freight_amount,
        order_lines.quantity < 0 as is_return,
        -- Amounts are booked in this currency, whatever the customer is invoiced in.
        orders.booked_currency as currency
    from order_lines
    left join orders on order_lines.order_number = orders.order_number
)

select * from renamed
