select
    order_id,
    1 as line_number,
    'erp' as customer_source,
    source_customer_id,
    'any' as source_product_id,
    cast(order_date as timestamp) as ordered_at,
    order_date,
    'sales' as channel,
    1 as quantity,
    net_amount,
    net_amount * 0.8 as cost_amount,
    0 as freight_amount,
    false as is_return,
    'USD' as currency
from ({{ latest(source("erp", "order_lines")) }}) as newest
