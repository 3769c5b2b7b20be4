-- Before anything is made of a line its customer must be known: here are the keys that no
-- source gives a customer for, with their lines and money. Mend the key, bring the
-- customer, or say in sources.yaml what is to be done (unknown_customers).
select
    source,
    customer_source,
    coalesce(nullif(trim(source_customer_id), ''), '(empty)') as customer_key,
    count(*) as order_lines,
    sum(net_amount) as net_amount,
    currency,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date,
    'unknown_customers: unknown_customer or leave_out in sources.yaml lets them pass'
        as what_to_do
from {{ ref("core_unplaced_lines") }}
where treatment = 'refuse'
group by all
order by count(*) desc, customer_key
