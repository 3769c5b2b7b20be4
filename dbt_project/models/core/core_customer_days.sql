{#-
What each customer bought on each day: the finest grain that its value needs. Returns lower
the revenue of their day and are no purchases. An order counts on the day of its first
line. Sums of what only some lines have are those of the lines that have it, beside how
many these are and what they move: whether a sum is known is decided from them, once, in
core_customer_spells.
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
        sum(abs(order_lines.net_amount)) as gross_amount,
        count(*) as lines,
        -- Of lines whose cost is known: how many they are, what they move and bring.
        count(order_lines.margin_amount) as costed_lines,
        sum(case
            when order_lines.margin_amount is null then 0
            else abs(order_lines.net_amount)
        end) as costed_amount,
        sum(case
            when order_lines.margin_amount is null then 0
            else order_lines.net_amount
        end) as costed_revenue,
        sum(coalesce(order_lines.margin_amount, 0)) as costed_margin,
        count(order_lines.freight_amount) as freighted_lines,
        sum(coalesce(order_lines.freight_amount, 0)) as known_freight,
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
        {%- for measure in [
            "gross_amount", "costed_amount", "costed_revenue", "costed_margin",
            "known_freight",
        ] %}
        cast(sum(by_order.{{ measure }}) as {{ type_money() }}) as {{ measure }},
        {%- endfor %}
        {%- for measure in ["lines", "costed_lines", "freighted_lines"] %}
        cast(sum(by_order.{{ measure }}) as bigint) as {{ measure }},
        {%- endfor %}
        bit_or(coalesce(by_order.category_mask, 0)) as category_mask
    from by_order
    left join split_orders
        on
            by_order.customer_no = split_orders.customer_no
            and by_order.order_id = split_orders.order_id
    group by by_order.customer_no, by_order.order_date
)

select * from final
