{#-
The categories of core_product_categories, numbered by revenue, each with a bit of its
own: what a customer has bought is then one number a customer. Of more than 60 categories the smallest
have no bit.
-#}
with products as (
    select * from {{ ref("core_product_categories") }}
),

order_lines as (
    select * from {{ ref("core_order_lines") }}
),

sold as (
    select
        product_id,
        sum(net_amount) as revenue
    from order_lines
    group by product_id
),

categories as (
    select
        products.category,
        sum(sold.revenue) as revenue
    from sold
    inner join products on sold.product_id = products.product_id
    where products.category is not null
    group by products.category
),

numbered as (
    select
        category,
        revenue,
        row_number() over (order by revenue desc, category) - 1 as category_no
    from categories
),

final as (
    select
        category,
        cast(category_no as integer) as category_no,
        revenue,
        case
            when category_no < 60 then cast(power(2, category_no) as bigint)
        end as category_bit
    from numbered
)

select * from final
