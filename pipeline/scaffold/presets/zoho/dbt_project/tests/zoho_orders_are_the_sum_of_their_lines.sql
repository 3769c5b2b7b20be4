{#- Lines without tax come to what their order comes to without tax, its discount and its
    adjustment included. -#}
{{ config(severity="warn") }}
with latest_orders as (
    {{ latest(source("zoho", "orders")) }}
),

order_lines as (
    select * from {{ ref("stg_zoho__order_lines") }}
),

totals as (
    select
        order_id,
        sum(net_amount) as line_amount
    from order_lines
    group by order_id
),

amounts as (
    select
        id,
        SO_Number,
        coalesce(
            Grand_Total - coalesce(Tax, 0),
            Sub_Total - coalesce(Discount, 0) + coalesce(Adjustment, 0)
        ) as order_amount
    from latest_orders
)

select
    amounts.id,
    amounts.SO_Number,
    amounts.order_amount,
    totals.line_amount
from amounts
inner join totals on amounts.id = totals.order_id
where abs(totals.line_amount - amounts.order_amount) >= 0.01
order by amounts.id
