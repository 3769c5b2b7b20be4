{#- There is no cost in the CRM: margin and profit stay unknown until a file gives it. -#}
with latest_products as (
    {{ latest(source("zoho", "products")) }}
),

options as (
    select * from {{ ref("base_zoho__options") }}
),

renamed as (
    select
        latest_products.id as source_product_id,
        latest_products.Product_Name as product_name,
        {{ option_label("latest_products", "Product_Category") }} as category,
        latest_products.Unit_Price as list_price
    from latest_products
    {{ join_options("latest_products", "Products", "Product_Category") }}
)

select * from renamed
