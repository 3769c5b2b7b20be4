with lines as (
    select * from {{ ref("base_shop__invoice_lines") }}
)

select
    invoice_number as order_id,
    row_in_invoice as line_number,
    'shop' as customer_source,
    customer_number as source_customer_id,
    stock_code as source_product_id,
    {{ local_to_utc("invoiced_at_local") }} as ordered_at,
    cast(invoiced_at_local as date) as order_date,
    'web' as channel,
    quantity,
    quantity * unit_price as net_amount,
    null as cost_amount,
    null as freight_amount,
    false as is_return,
    'GBP' as currency
from lines
