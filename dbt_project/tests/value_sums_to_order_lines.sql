-- The same money by another road: nothing is lost or doubled between line and customer.
-- Whose margin is not known (macros/coverage.sql) has none to sum.
with lines as (
    select
        sum(lines.net_amount) as revenue,
        sum(case when known.margin is not null then lines.margin_amount end) as margin
    from {{ ref("order_lines") }} as lines
    left join {{ ref("customer_value") }} as known
        on lines.customer_id = known.customer_id
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
    or coalesce(lines.margin, 0) <> coalesce(customer_totals.margin, 0)
