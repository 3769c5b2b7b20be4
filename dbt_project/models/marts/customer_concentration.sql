{#-
Two curves over customers. Pareto: by revenue, and what the first ones hold together.
Whale: by profit after cost to serve; it rises as long as customers earn something and
falls where they cost more, so its peak is what there was before the others took it away.
A share of a total that is not positive says nothing, so it is null: read the amounts.
-#}
with customer_profit as (
    select * from {{ ref("core_customer_profit") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

members as (
    select
        customer_profit.customer_id,
        customers.customer_type,
        customer_profit.revenue,
        customer_profit.profit
    from customer_profit
    inner join customers on customer_profit.customer_id = customers.customer_id
    where
        customers.customer_type <> {{ unknown_type() }}
        and (
            customer_profit.revenue > 0
            or (
                customer_profit.profit is not null
                and (
                    customer_profit.revenue <> 0
                    or customer_profit.margin <> 0
                    or customer_profit.cost_to_serve <> 0
                    or coalesce(customer_profit.acquisition_cost, 0) <> 0
                )
            )
        )
),

buyers as (
    select
        customer_id,
        customer_type,
        revenue,
        row_number() over (order by revenue desc, customer_id) as revenue_rank,
        row_number() over (
            partition by customer_type order by revenue desc, customer_id
        ) as type_revenue_rank
    from members
    where revenue > 0
),

pareto as (
    select
        customer_id,
        revenue_rank,
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
    from buyers
),

earners as (
    select
        customer_id,
        customer_type,
        profit,
        row_number() over (order by profit desc, customer_id) as profit_rank,
        row_number() over (
            partition by customer_type order by profit desc, customer_id
        ) as type_profit_rank
    from members
    where profit is not null
),

cumulated as (
    select
        customer_id,
        profit_rank,
        sum(profit) over (
            order by profit_rank rows between unbounded preceding and current row
        ) as cumulative_profit,
        sum(profit) over () as total_profit,
        type_profit_rank,
        sum(profit) over (
            partition by customer_type
            order by type_profit_rank
            rows between unbounded preceding and current row
        ) as type_cumulative_profit,
        sum(profit) over (partition by customer_type) as type_total_profit
    from earners
),

final as (
    select
        members.customer_id,
        members.customer_type,
        pareto.revenue_rank,
        members.revenue,
        pareto.customer_share,
        pareto.cumulative_revenue_share,
        pareto.type_revenue_rank,
        pareto.type_customer_share,
        pareto.type_cumulative_revenue_share,
        cumulated.profit_rank,
        members.profit,
        cast(cumulated.cumulative_profit as {{ type_money_sum() }})
            as cumulative_profit,
        case
            when cumulated.total_profit > 0
                then
                    cast(cumulated.cumulative_profit as double)
                    / cast(cumulated.total_profit as double)
        end as cumulative_profit_share,
        cumulated.type_profit_rank,
        cast(cumulated.type_cumulative_profit as {{ type_money_sum() }})
            as type_cumulative_profit,
        case
            when cumulated.type_total_profit > 0
                then
                    cast(cumulated.type_cumulative_profit as double)
                    / cast(cumulated.type_total_profit as double)
        end as type_cumulative_profit_share
    from members
    left join pareto on members.customer_id = pareto.customer_id
    left join cumulated on members.customer_id = cumulated.customer_id
)

select * from final
