with summary as (
    select
        sum(customers) as customers,
        sum(revenue) as revenue
    from {{ ref("tier_summary") }}
),

customer_totals as (
    select
        count(*) as customers,
        sum(revenue) as revenue
    from {{ ref("customer_value") }}
)

select
    summary.customers as summarised,
    customer_totals.customers as counted
from summary
cross join customer_totals
where
    summary.customers <> customer_totals.customers
    or summary.revenue <> customer_totals.revenue
