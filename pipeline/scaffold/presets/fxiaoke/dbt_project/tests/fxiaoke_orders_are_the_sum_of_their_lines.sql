{#- A discount on the whole order (整单折扣) is in the order's amount and in no line: the
    revenue of its lines is too high by as much. -#}
{{ config(severity="warn") }}
with latest_orders as (
    {{ latest(source("fxiaoke", "orders")) }}
),

latest_order_products as (
    {{ latest(source("fxiaoke", "order_products")) }}
),

totals as (
    select
        order_id,
        sum(subtotal) as line_amount
    from latest_order_products
    group by order_id
)

select
    latest_orders._id,
    latest_orders.name,
    latest_orders.order_amount,
    totals.line_amount
from latest_orders
left join totals on latest_orders._id = totals.order_id
where
    latest_orders.life_status in ('normal', 'in_change')
    and abs(coalesce(totals.line_amount, 0) - latest_orders.order_amount) >= 0.01
order by latest_orders._id
