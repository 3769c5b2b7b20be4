-- The same money by another road: nothing is lost or doubled between line and customer.
with lines as (
    select
        sum(net_amount) as revenue,
        sum(margin_amount) as margin
    from {{ ref("order_lines") }}
),

customer_totals as (
    select
        sum(revenue) as revenue,
        sum(margin) as margin
    from {{ ref("customer_value") }}
)

select
    lines.revenue as line_revenue,
    customer_totals.revenue as customer_revenue
from lines
cross join customer_totals
where
    lines.revenue <> customer_totals.revenue
    or lines.margin <> customer_totals.margin
