-- Before the mart is built, whose contract would say only that a value is missing.
select
    source,
    source_currency as currency,
    count(*) as order_lines,
    sum(source_net_amount) as net_amount,
    min(order_date) as first_day,
    max(order_date) as last_day
from {{ ref("core_order_lines") }}
where net_amount is null and source_net_amount is not null
group by source, source_currency
