with products as (
    {{ provided("products") }}
),

final as (
    select
        source || ':' || source_product_id as product_id,
        products.*
    from products
)

select * from final
