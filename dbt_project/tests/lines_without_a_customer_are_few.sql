{{ config(severity="warn") }}
-- What sources.yaml lets pass is named all the same: the keys that no source gives a
-- customer for, and where their lines went.
select
    source,
    treatment,
    coalesce(nullif(trim(source_customer_id), ''), '(empty)') as customer_key,
    count(*) as order_lines,
    sum(net_amount) as net_amount,
    currency
from {{ ref("core_unplaced_lines") }}
where treatment <> 'refuse'
group by all
order by count(*) desc, customer_key
