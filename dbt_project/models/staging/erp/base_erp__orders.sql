with latest_orders as (
    {{ latest(source("erp", "orders")) }}
)

select * from latest_orders
