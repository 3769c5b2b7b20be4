{#-
Profit of each customer over the whole past: margin less what serving and winning it cost.
Who never bought may have cost something all the same. Without the cost of what was bought
the margin is unknown, and so is the profit.
-#}
with customers as (
    select * from {{ ref("core_customers") }}
),

sales as (
    select
        customer_id,
        sum(net_amount) as revenue,
        sum(margin_amount) as margin
    from {{ ref("core_order_lines") }}
    group by customer_id
),

costs as (
    select
        customer_id,
        sum(case when cost_pool <> 'acquisition' then amount else 0 end)
            as cost_to_serve,
        sum(case when cost_pool = 'acquisition' then amount else 0 end)
            as acquisition_cost
    from {{ ref("core_cost_entries") }}
    where customer_id is not null
    group by customer_id
),

joined as (
    select
        customers.customer_id,
        coalesce(sales.revenue, 0) as revenue,
        case when sales.customer_id is null then 0 else sales.margin end as margin,
        coalesce(costs.cost_to_serve, 0) as cost_to_serve,
        coalesce(costs.acquisition_cost, 0) as acquisition_cost
    from customers
    left join sales on customers.customer_id = sales.customer_id
    left join costs on customers.customer_id = costs.customer_id
),

final as (
    select
        customer_id,
        cast(revenue as {{ type_money_sum() }}) as revenue,
        cast(margin as {{ type_money_sum() }}) as margin,
        cast(cost_to_serve as {{ type_money_sum() }}) as cost_to_serve,
        cast(acquisition_cost as {{ type_money_sum() }}) as acquisition_cost,
        cast(margin - cost_to_serve - acquisition_cost as {{ type_money_sum() }})
            as profit
    from joined
)

select * from final
