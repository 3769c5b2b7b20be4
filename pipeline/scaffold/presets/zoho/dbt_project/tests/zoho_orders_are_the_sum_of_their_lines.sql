{#- Without tax. A discount or an adjustment of the whole order is in no line: the revenue of
    its lines is another by as much. -#}
{{ config(severity="warn") }}
with latest_orders as (
    {{ latest(source("zoho", "orders")) }}
),

latest_order_items as (
    {{ latest(source("zoho", "order_items")) }}
),

totals as (
    select
        Parent_Id as order_id,
        sum(
            cast(Quantity as decimal(18, 4))
            * cast(coalesce(List_Price, ListPrice) as decimal(18, 4))
            - coalesce(cast(Discount as decimal(18, 4)), 0)
        ) as line_amount
    from latest_order_items
    group by Parent_Id
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
