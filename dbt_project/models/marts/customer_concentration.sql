{#- The Pareto curve: customers by revenue, and what the first ones hold together. -#}
with customer_value as (
    select * from {{ ref("customer_value") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

buyers as (
    select
        customer_value.customer_id,
        customers.customer_type,
        customer_value.revenue
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    where customer_value.revenue > 0
),

ranked as (
    select
        customer_id,
        customer_type,
        revenue,
        row_number() over (order by revenue desc, customer_id) as revenue_rank,
        row_number() over (
            partition by customer_type order by revenue desc, customer_id
        ) as type_revenue_rank
    from buyers
),

final as (
    select
        customer_id,
        customer_type,
        revenue_rank,
        revenue,
        cast(revenue_rank as double) / count(*) over () as customer_share,
        cast(sum(revenue) over (
            order by revenue_rank rows between unbounded preceding and current row
        ) as double) / cast(sum(revenue) over () as double)
            as cumulative_revenue_share,
        type_revenue_rank,
        cast(type_revenue_rank as double)
        / count(*) over (partition by customer_type) as type_customer_share,
        cast(sum(revenue) over (
            partition by customer_type
            order by type_revenue_rank
            rows between unbounded preceding and current row
        ) as double)
        / cast(sum(revenue) over (partition by customer_type) as double)
            as type_cumulative_revenue_share
    from ranked
)

select * from final
