with latest_products as (
    {{ latest(source("erp", "products")) }}
)

select * from latest_products
