select
    source,
    coalesce(nullif(trim(source_customer_id), ''), '(empty)') as customer_key,
    count(*) as order_lines,
    sum(net_amount) as net_amount,
    currency
from {{ ref("core_unplaced_lines") }}
where treatment = 'refuse'
group by source, source_customer_id, currency
order by order_lines desc, customer_key
