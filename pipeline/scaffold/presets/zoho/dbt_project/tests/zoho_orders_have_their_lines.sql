{#- An order that has an amount has lines: without them its revenue would be missing. -#}
with latest_orders as (
    {{ latest(source("zoho", "orders")) }}
),

latest_order_items as (
    {{ latest(source("zoho", "order_items")) }}
)

select
    latest_orders.id,
    latest_orders.SO_Number,
    latest_orders.Sub_Total
from latest_orders
left join latest_order_items on latest_orders.id = latest_order_items.Parent_Id
where
    latest_order_items.id is null
    and coalesce(latest_orders.Sub_Total, latest_orders.Grand_Total, 0) <> 0
order by latest_orders.id
