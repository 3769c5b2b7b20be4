{#-
The category of each product in which potential is counted and offers are made: its
subcategory where the setting potential.category_level says so, and where it has one.
-#}
with products as (
    select * from {{ ref("core_products") }}
),

potential_settings as (
    select * from {{ ref("core_potential_settings") }}
),

final as (
    select
        products.product_id,
        case
            when potential_settings.category_level = 'subcategory'
                then coalesce(products.subcategory, products.category)
            else products.category
        end as category
    from products
    cross join potential_settings
)

select * from final
