{#- There is no cost in the CRM: margin is not known until a file gives it. -#}
with latest_products as (
    {{ latest(source("fxiaoke", "products")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

renamed as (
    select
        latest_products._id as source_product_id,
        latest_products.name as product_name,
        {{ option_label("latest_products", "category") }} as category,
        latest_products.price as list_price
    from latest_products
    {{ join_options("latest_products", "ProductObj", "category") }}
)

select * from renamed
