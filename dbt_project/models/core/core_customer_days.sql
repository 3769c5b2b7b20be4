{#-
What each customer bought on each day: the finest grain that its value needs. Returns lower
the revenue of their day and are no purchases. An order counts on the day of its first
line.
-#}
with order_lines as (
    select * from {{ ref("core_order_lines") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

products as (
    select * from {{ ref("core_product_categories") }}
),

categories as (
    select * from {{ ref("core_categories") }}
),

product_bits as (
    select
        products.product_id,
        categories.category_bit
    from products
    inner join categories on products.category = categories.category
),

by_order as (
    select
        customers.customer_no,
        order_lines.order_id,
        order_lines.order_date,
        max(case when order_lines.is_return then 0 else 1 end) as is_purchase,
        sum(case
            when order_lines.is_return then 0 else order_lines.net_amount
        end) as spend,
        sum(order_lines.net_amount) as revenue,
        -- Where the cost of the goods is not known, there is no margin.
        sum(case
            when order_lines.margin_amount is null then 0
            else order_lines.net_amount
        end) as costed_revenue,
        sum(coalesce(order_lines.margin_amount, 0)) as margin,
        sum(coalesce(order_lines.freight_amount, 0)) as freight,
        bit_or(case
            when order_lines.is_return then 0 else product_bits.category_bit
        end) as category_mask
    from order_lines
    inner join customers on order_lines.customer_id = customers.customer_id
    left join product_bits on order_lines.product_id = product_bits.product_id
    group by customers.customer_no, order_lines.order_id, order_lines.order_date
),

-- Of an order with lines of several days only the first day's counts.
split_orders as (
    select
        customer_no,
        order_id,
        min(order_date) as first_date
    from by_order
    where is_purchase = 1
    group by customer_no, order_id
    having count(*) > 1
),

final as (
    select
        by_order.customer_no,
        by_order.order_date,
        cast(sum(case
            when by_order.order_date > split_orders.first_date then 0
            else by_order.is_purchase
        end) as integer) as orders,
        max(by_order.is_purchase) as is_purchase_day,
        cast(sum(by_order.spend) as {{ type_money() }}) as spend,
        cast(sum(by_order.revenue) as {{ type_money() }}) as revenue,
        cast(sum(by_order.costed_revenue) as {{ type_money() }}) as costed_revenue,
        cast(sum(by_order.margin) as {{ type_money() }}) as margin,
        cast(sum(by_order.freight) as {{ type_money() }}) as freight,
        bit_or(coalesce(by_order.category_mask, 0)) as category_mask
    from by_order
    left join split_orders
        on
            by_order.customer_no = split_orders.customer_no
            and by_order.order_id = split_orders.order_id
    group by by_order.customer_no, by_order.order_date
)

select * from final
