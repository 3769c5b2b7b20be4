select
    sale as order_id,
    1 as line_number,
    'till' as customer_source,
    customer as source_customer_id,
    product as source_product_id,
    cast(sold_on as timestamp) as ordered_at,
    sold_on as order_date,
    'store' as channel,
    quantity,
    quantity * price as net_amount,
    false as is_return,
    'GBP' as currency
from {{ ref("base_till__sales") }}
