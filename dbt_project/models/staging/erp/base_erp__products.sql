with latest_products as (
    {{ latest(source("erp", "products"), ["product_id"]) }}
)

select * from latest_products
