with products as (
    select * from {{ ref("core_products") }}
),

final as (
    select
        product_id,
        product_name,
        category,
        subcategory,
        list_price,
        unit_cost,
        source
    from products
)

select * from final
