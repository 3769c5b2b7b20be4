{#- Lines come to what their order comes to, a discount of the whole order (整单折扣)
    included. An order without a line that counts is found as well. -#}
{{ config(severity="warn") }}
with latest_orders as (
    {{ latest(source("fxiaoke", "orders")) }}
),

order_lines as (
    select * from {{ ref("stg_fxiaoke__order_lines") }}
),

totals as (
    select
        order_id,
        sum(net_amount) as line_amount
    from order_lines
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
    and latest_orders.order_time is not null
    and abs(coalesce(totals.line_amount, 0) - latest_orders.order_amount) >= 0.01
order by latest_orders._id
