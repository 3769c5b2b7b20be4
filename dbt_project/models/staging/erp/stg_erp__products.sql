with products as (
    select * from {{ ref("base_erp__products") }}
),

renamed as (
    select
        cast(product_id as {{ type_text() }}) as source_product_id,
        product_name,
        category,
        subcategory,
        list_price,
        standard_cost as unit_cost
    from products
)

select * from renamed
