{#- Customers that belong together, with what the group buys. -#}
with customers as (
    select * from {{ ref("customers") }}
),

customer_value as (
    select * from {{ ref("customer_value") }}
),

sums as (
    select
        customers.ultimate_parent_customer_id,
        count(*) as members,
        count(case when customer_value.order_count > 0 then 1 end) as buying_members,
        sum(customer_value.revenue) as revenue,
        sum(customer_value.revenue_12m) as revenue_12m,
        sum(customer_value.margin) as margin
    from customers
    inner join customer_value on customers.customer_id = customer_value.customer_id
    group by customers.ultimate_parent_customer_id
),

final as (
    select
        sums.ultimate_parent_customer_id,
        parents.customer_name as group_name,
        cast(sums.members as integer) as members,
        cast(sums.buying_members as integer) as buying_members,
        cast(sums.revenue as {{ type_money_sum() }}) as revenue,
        cast(sums.revenue_12m as {{ type_money_sum() }}) as revenue_12m,
        cast(sums.margin as {{ type_money_sum() }}) as margin
    from sums
    inner join customers as parents
        on sums.ultimate_parent_customer_id = parents.customer_id
    where sums.members > 1
)

select * from final
