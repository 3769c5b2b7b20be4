with latest_orders as (
    {{ latest(source("erp", "orders"), ["order_number"]) }}
)

select * from latest_orders
