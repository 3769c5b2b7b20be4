{#-
Revenue by the month of the order, and by the tier that the customer held on its day: what
who is key today bought before it was key stands with the tier of that time.
-#}
with order_lines as (
    select * from {{ ref("order_lines") }}
),

customers as (
    select * from {{ ref("customers") }}
),

-- An end for each: `or valid_to is null` in the outer join below would have the engine
-- compare every line with every spell.
spells as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as ends_before
    from {{ ref("customer_tier_history") }}
),

tiers as (
    select * from {{ ref("core_tiers") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

held as (
    select
        cast(date_trunc('month', order_lines.order_date) as date) as revenue_month,
        customers.customer_type,
        spells.tier_code,
        tiers.tier_rank,
        tiers.tier_name_en,
        tiers.tier_name_zh,
        order_lines.customer_id,
        order_lines.order_id,
        order_lines.is_return,
        order_lines.net_amount,
        order_lines.margin_amount
    from order_lines
    inner join customers on order_lines.customer_id = customers.customer_id
    left join spells
        on
            order_lines.customer_id = spells.customer_id
            and order_lines.order_date >= spells.valid_from
            and order_lines.order_date < spells.ends_before
    left join tiers
        on spells.policy_id = tiers.policy_id and spells.tier_code = tiers.tier_code
),

summed as (
    select
        revenue_month,
        customer_type,
        tier_code,
        max(tier_rank) as tier_rank,
        max(tier_name_en) as tier_name_en,
        max(tier_name_zh) as tier_name_zh,
        count(distinct customer_id) as customers,
        count(distinct case when not is_return then order_id end) as orders,
        sum(net_amount) as revenue,
        sum(case when is_return then net_amount else 0 end) as returned,
        sum(margin_amount) as margin,
        sum(case when margin_amount is not null then net_amount end)
            as revenue_with_margin
    from held
    group by revenue_month, customer_type, tier_code
),

final as (
    select
        summed.revenue_month,
        summed.customer_type,
        summed.tier_code,
        cast(summed.tier_rank as integer) as tier_rank,
        summed.tier_name_en,
        summed.tier_name_zh,
        cast(summed.customers as bigint) as customers,
        cast(summed.orders as bigint) as orders,
        cast(summed.revenue as {{ type_money_sum() }}) as revenue,
        cast(summed.returned as {{ type_money_sum() }}) as returned,
        cast(summed.margin as {{ type_money_sum() }}) as margin,
        cast(summed.revenue_with_margin as {{ type_money_sum() }})
            as revenue_with_margin,
        summed.revenue_month
        < cast(
            date_trunc('month', {{ plus_days("refresh.as_of_date", 1) }}) as date
        ) as is_complete
    from summed
    cross join refresh
)

select * from final
