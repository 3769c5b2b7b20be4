-- The marts of what each customer is worth, out of 3_moments.sql.

create table customer_value_history as
select
    customer_id,
    as_of_date,
    customer_type,
    first_order_date,
    last_order_date,
    cast(days_since_last_order as integer) as days_since_last_order,
    cast(tenure_days as integer) as tenure_days,
    order_count,
    order_count_12m,
    order_days,
    cast(revenue as decimal(18, 4)) as revenue,
    cast(revenue_12m as decimal(18, 4)) as revenue_12m,
    cast(revenue_previous_12m as decimal(18, 4)) as revenue_previous_12m,
    cast(margin as decimal(18, 4)) as margin,
    cast(margin_12m as decimal(18, 4)) as margin_12m,
    cast(freight as decimal(18, 4)) as freight,
    cast(freight_12m as decimal(18, 4)) as freight_12m,
    cast(cost_to_serve as decimal(18, 4)) as cost_to_serve,
    cast(cost_to_serve_12m as decimal(18, 4)) as cost_to_serve_12m,
    cast(null as decimal(18, 4)) as acquisition_cost,
    cast(null as decimal(18, 4)) as acquisition_cost_12m,
    cast(profit as decimal(18, 4)) as profit,
    cast(profit_12m as decimal(18, 4)) as profit_12m,
    margin_coverage,
    margin_coverage_12m,
    margin_line_coverage,
    margin_line_coverage_12m,
    freight_coverage,
    freight_coverage_12m,
    ticket_count,
    ticket_count_12m,
    revenue_share_above_12m,
    abc_class_12m,
    revenue_to_class_a,
    revenue_to_class_b,
    margin_to_first_half,
    revenue_to_first_half,
    growth_to_best_quarter,
    orders_in_first_year,
    has_growth_history,
    growth_rate,
    usual_gap_days,
    overdue_factor,
    cast(pipeline_amount as decimal(18, 4)) as pipeline_amount,
    cast(null as decimal(18, 4)) as company_size,
    cast(null as decimal(18, 4)) as purchasing_power,
    cast(null as decimal(4, 2)) as market_influence,
    cast(null as decimal(4, 2)) as strategic_importance,
    lifecycle_stage
from measured
where not is_present;

create table customer_value as
with valued as (
    select * from measured
    where is_present
),

ranks as (
    select
        customer_id,
        rank() over (partition by customer_type order by last_order_date) as r_rank,
        rank() over (partition by customer_type order by order_count) as f_rank,
        rank() over (partition by customer_type order by revenue) as m_rank,
        cast(count(*) over (partition by customer_type) as double) as buyers
    from valued
    where order_count > 0
),

scores as (
    select
        customer_id,
        cast(1 + floor(5 * (r_rank - 1) / buyers) as integer) as r_score,
        cast(1 + floor(5 * (f_rank - 1) / buyers) as integer) as f_score,
        cast(1 + floor(5 * (m_rank - 1) / buyers) as integer) as m_score
    from ranks
),

rhythmic as (
    select
        valued.customer_id,
        valued.lifecycle_stage in ('new', 'active', 'growing', 'reactivated')
        or (
            valued.order_days >= 3
            and coalesce(valued.overdue_factor < 1.5, false)
            and coalesce(
                valued.days_since_last_order <= max(valued.usual_gap_days)
                    filter (order_count > 0) over (partition by customer_type),
                false
            )
        ) as is_in_rhythm,
        valued.lifecycle_stage <> 'new' and valued.order_days >= 3 as has_rhythm
    from valued
),

classes as (
    select
        customer_id,
        sum(revenue) over (partition by customer_type) as type_revenue,
        sum(revenue) over (
            partition by customer_type order by revenue desc
            range between unbounded preceding and current row
        ) - revenue * count(*) over (partition by customer_type, revenue)
            as revenue_above
    from valued
    where revenue > 0
)

select
    valued.customer_id,
    valued.as_of_date,
    valued.first_order_date,
    valued.last_order_date,
    cast(valued.days_since_last_order as integer) as days_since_last_order,
    cast(valued.tenure_days as integer) as tenure_days,
    valued.order_count,
    valued.order_count_12m,
    valued.order_days,
    cast(valued.revenue as decimal(28, 4)) as revenue,
    cast(valued.revenue_12m as decimal(28, 4)) as revenue_12m,
    cast(valued.revenue_previous_12m as decimal(28, 4)) as revenue_previous_12m,
    cast(valued.margin as decimal(28, 4)) as margin,
    cast(valued.margin_12m as decimal(28, 4)) as margin_12m,
    cast(valued.freight as decimal(28, 4)) as freight,
    cast(valued.freight_12m as decimal(28, 4)) as freight_12m,
    cast(valued.cost_to_serve as decimal(28, 4)) as cost_to_serve,
    cast(valued.cost_to_serve_12m as decimal(28, 4)) as cost_to_serve_12m,
    cast(null as decimal(28, 4)) as acquisition_cost,
    cast(null as decimal(28, 4)) as acquisition_cost_12m,
    cast(valued.profit as decimal(28, 4)) as profit,
    cast(valued.profit_12m as decimal(28, 4)) as profit_12m,
    valued.margin_coverage,
    valued.margin_coverage_12m,
    valued.margin_line_coverage,
    valued.margin_line_coverage_12m,
    valued.freight_coverage,
    valued.freight_coverage_12m,
    valued.ticket_count,
    valued.ticket_count_12m,
    scores.r_score,
    scores.f_score,
    scores.m_score,
    coalesce(rfm_segments.rfm_segment, 'never bought') as rfm_segment,
    case
        when classes.revenue_above < 0.80 * classes.type_revenue then 'A'
        when classes.revenue_above < 0.95 * classes.type_revenue then 'B'
        else 'C'
    end as abc_class,
    valued.revenue_share_above_12m,
    valued.abc_class_12m,
    valued.revenue_to_class_a,
    valued.revenue_to_class_b,
    valued.margin_to_first_half,
    valued.revenue_to_first_half,
    valued.growth_to_best_quarter,
    valued.orders_in_first_year,
    valued.has_growth_history,
    valued.growth_rate,
    valued.usual_gap_days,
    valued.overdue_factor,
    peers.peer_group,
    cast(null as decimal(28, 4)) as wallet_amount,
    cast(null as double) as wallet_share,
    cast(valued.pipeline_amount as decimal(28, 4)) as pipeline_amount,
    cast(valued.pipeline_deals as bigint) as pipeline_deals,
    cast(null as decimal(18, 4)) as company_size,
    cast(null as decimal(18, 4)) as purchasing_power,
    cast(null as decimal(4, 2)) as market_influence,
    cast(null as decimal(4, 2)) as strategic_importance,
    valued.lifecycle_stage
from valued
inner join peers on valued.customer_id = peers.customer_id
left join scores on valued.customer_id = scores.customer_id
left join rhythmic on valued.customer_id = rhythmic.customer_id
left join classes on valued.customer_id = classes.customer_id
left join rfm_segments
    on
        if(rhythmic.is_in_rhythm, greatest(scores.r_score, 3), scores.r_score)
        = rfm_segments.r_score
        and if(
            rhythmic.has_rhythm and scores.r_score = 5,
            greatest(scores.f_score, 4), scores.f_score
        ) = rfm_segments.f_score
        and scores.m_score = rfm_segments.m_score;

create table customer_concentration as
with members as (
    select
        customer_id,
        customer_type,
        cast(revenue as decimal(28, 4)) as revenue,
        cast(profit as decimal(28, 4)) as profit
    from measured
    where
        is_present
        and (
            revenue > 0
            or (
                profit is not null
                and (revenue <> 0 or margin <> 0 or cost_to_serve <> 0)
            )
        )
),

pareto as (
    select
        customer_id,
        row_number() over first_of_all as revenue_rank,
        cast(row_number() over first_of_all as double) / count(*) over ()
            as customer_share,
        cast(sum(revenue) over first_of_all as double)
        / cast(sum(revenue) over () as double) as cumulative_revenue_share,
        row_number() over first_of_type as type_revenue_rank,
        cast(row_number() over first_of_type as double)
        / count(*) over (partition by customer_type) as type_customer_share,
        cast(sum(revenue) over first_of_type as double)
        / cast(sum(revenue) over (partition by customer_type) as double)
            as type_cumulative_revenue_share
    from members
    where revenue > 0
    window
        first_of_all as (
            order by revenue desc, customer_id
            rows between unbounded preceding and current row
        ),
        first_of_type as (
            partition by customer_type order by revenue desc, customer_id
            rows between unbounded preceding and current row
        )
),

whale as (
    select
        customer_id,
        row_number() over first_of_all as profit_rank,
        sum(profit) over first_of_all as cumulative_profit,
        sum(profit) over () as total_profit,
        row_number() over first_of_type as type_profit_rank,
        sum(profit) over first_of_type as type_cumulative_profit,
        sum(profit) over (partition by customer_type) as type_total_profit
    from members
    where profit is not null
    window
        first_of_all as (
            order by profit desc, customer_id
            rows between unbounded preceding and current row
        ),
        first_of_type as (
            partition by customer_type order by profit desc, customer_id
            rows between unbounded preceding and current row
        )
)

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
    whale.profit_rank,
    members.profit,
    cast(whale.cumulative_profit as decimal(28, 4)) as cumulative_profit,
    if(
        whale.total_profit > 0,
        cast(whale.cumulative_profit as double) / cast(whale.total_profit as double),
        null
    ) as cumulative_profit_share,
    whale.type_profit_rank,
    cast(whale.type_cumulative_profit as decimal(28, 4)) as type_cumulative_profit,
    if(
        whale.type_total_profit > 0,
        cast(whale.type_cumulative_profit as double)
        / cast(whale.type_total_profit as double),
        null
    ) as type_cumulative_profit_share
from members
left join pareto on members.customer_id = pareto.customer_id
left join whale on members.customer_id = whale.customer_id;
