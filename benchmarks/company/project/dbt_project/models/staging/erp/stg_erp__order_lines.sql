with orders as (
    {{ latest(source("erp", "orders")) }}
),

order_lines as (
    {{ latest(source("erp", "order_lines")) }}
)

select
    order_lines.order_number as order_id,
    order_lines.line_number,
    'erp' as customer_source,
    orders.customer_no as source_customer_id,
    order_lines.product_no as source_product_id,
    orders.ordered_at,
    orders.order_date,
    orders.channel,
    order_lines.quantity,
    order_lines.net_amount,
    order_lines.cost_amount,
    order_lines.freight_amount,
    order_lines.is_return,
    orders.currency
from order_lines
left join orders on order_lines.order_number = orders.order_number
