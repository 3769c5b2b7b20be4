{#-
What each customer has been worth up to the as-of day. RFM and ABC compare a customer
with those of its own type: a bicycle shop and a cyclist have nothing to say about each
other's rank.
-#}
with customers as (
    select * from {{ ref("core_customers") }}
),

order_lines as (
    select * from {{ ref("core_order_lines") }}
),

service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

rfm_segments as (
    select * from {{ ref("rfm_segments") }}
),

forecasts as (
    select * from {{ ref("core_customer_forecasts") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

totals as (
    select
        order_lines.customer_id,
        min(case when not order_lines.is_return then order_lines.order_date end)
            as first_order_date,
        max(case when not order_lines.is_return then order_lines.order_date end)
            as last_order_date,
        count(distinct case
            when not order_lines.is_return then order_lines.order_id
        end) as order_count,
        count(distinct case
            when
                not order_lines.is_return
                and order_lines.order_date > refresh.twelve_months_ago
                then order_lines.order_id
        end) as order_count_12m,
        count(distinct case
            when not order_lines.is_return then order_lines.order_date
        end) as order_days,
        sum(order_lines.net_amount) as revenue,
        sum(case
            when order_lines.order_date > refresh.twelve_months_ago
                then order_lines.net_amount
            else 0
        end) as revenue_12m,
        sum(case
            when
                order_lines.order_date > refresh.twenty_four_months_ago
                and order_lines.order_date <= refresh.twelve_months_ago
                then order_lines.net_amount
            else 0
        end) as revenue_previous_12m,
        sum(order_lines.margin_amount) as margin,
        sum(case
            when order_lines.order_date > refresh.twelve_months_ago
                then order_lines.margin_amount
            else 0
        end) as margin_12m,
        sum(order_lines.freight_amount) as freight,
        sum(case
            when order_lines.order_date > refresh.twelve_months_ago
                then order_lines.freight_amount
            else 0
        end) as freight_12m
    from order_lines
    cross join refresh
    group by order_lines.customer_id
),

tickets as (
    select
        service_tickets.customer_id,
        count(*) as ticket_count,
        count(case
            when
                {{ business_date("service_tickets.opened_at") }}
                > refresh.twelve_months_ago
                then 1
        end) as ticket_count_12m
    from service_tickets
    cross join refresh
    where service_tickets.customer_id is not null
    group by service_tickets.customer_id
),

valued as (
    select
        customers.customer_id,
        customers.customer_type,
        refresh.as_of_date,
        refresh.twenty_four_months_ago,
        totals.first_order_date,
        totals.last_order_date,
        {{ days_between("totals.last_order_date", "refresh.as_of_date") }}
            as days_since_last_order,
        {{ days_between("totals.first_order_date", "refresh.as_of_date") }}
            as tenure_days,
        coalesce(totals.order_count, 0) as order_count,
        coalesce(totals.order_count_12m, 0) as order_count_12m,
        coalesce(totals.order_days, 0) as order_days,
        coalesce(totals.revenue, 0) as revenue,
        coalesce(totals.revenue_12m, 0) as revenue_12m,
        coalesce(totals.revenue_previous_12m, 0) as revenue_previous_12m,
        coalesce(totals.margin, 0) as margin,
        coalesce(totals.margin_12m, 0) as margin_12m,
        coalesce(totals.freight, 0) as freight,
        coalesce(totals.freight_12m, 0) as freight_12m,
        coalesce(tickets.ticket_count, 0) as ticket_count,
        coalesce(tickets.ticket_count_12m, 0) as ticket_count_12m
    from customers
    cross join refresh
    left join totals on customers.customer_id = totals.customer_id
    left join tickets on customers.customer_id = tickets.customer_id
),

-- A score is the share of the type's buyers that are strictly worse, in fifths: equal
-- values get equal scores, which NTILE does not give.
rfm_ranks as (
    select
        customer_id,
        rank() over (partition by customer_type order by last_order_date) as r_rank,
        rank() over (partition by customer_type order by order_count) as f_rank,
        rank() over (partition by customer_type order by revenue) as m_rank,
        cast(count(*) over (partition by customer_type) as double) as buyers
    from valued
    where order_count > 0
),

rfm_scores as (
    select
        customer_id,
        cast(1 + floor(5 * (r_rank - 1) / buyers) as integer) as r_score,
        cast(1 + floor(5 * (f_rank - 1) / buyers) as integer) as f_score,
        cast(1 + floor(5 * (m_rank - 1) / buyers) as integer) as m_score
    from rfm_ranks
),

-- A customer's class is set by the revenue of everybody above it. The window is by
-- value, so that equal values share the best class of their group.
shares as (
    select
        customer_id,
        revenue,
        sum(revenue) over (partition by customer_type) as type_revenue,
        sum(revenue) over (
            partition by customer_type
            order by revenue desc
            range between unbounded preceding and current row
        ) - revenue * count(*) over (partition by customer_type, revenue)
            as revenue_above
    from valued
    where revenue > 0
),

abc_classes as (
    select
        customer_id,
        case
            when revenue_above < 0.80 * type_revenue then 'A'
            when revenue_above < 0.95 * type_revenue then 'B'
            else 'C'
        end as abc_class
    from shares
),

-- What is bought at full price comes back in part: returns are no purchases, and so are
-- not forecast one by one.
type_rates as (
    select
        customers.customer_type,
        sum(order_lines.net_amount)
        / nullif(sum(case
            when not order_lines.is_return then order_lines.net_amount
        end), 0) as kept_share,
        sum(order_lines.margin_amount) / nullif(sum(case
            when order_lines.margin_amount is not null then order_lines.net_amount
        end), 0) as margin_rate
    from order_lines
    inner join customers on order_lines.customer_id = customers.customer_id
    group by customers.customer_type
),

-- A margin rate of a customer's own after three purchase days, else that of its type.
foreseen as (
    select
        forecasts.customer_id,
        forecasts.value_model,
        forecasts.predicted_orders_12m,
        forecasts.no_purchase_probability_12m,
        forecasts.predicted_spend_12m * coalesce(type_rates.kept_share, 1)
            as predicted_revenue_12m,
        forecasts.discounted_spend_12m * coalesce(type_rates.kept_share, 1)
            as discounted_revenue_12m,
        case
            when valued.order_days >= 3 and valued.revenue > 0
                then valued.margin / valued.revenue
            else type_rates.margin_rate
        end as margin_rate
    from forecasts
    inner join valued on forecasts.customer_id = valued.customer_id
    inner join type_rates on valued.customer_type = type_rates.customer_type
),

predicted as (
    select
        *,
        predicted_revenue_12m * margin_rate as predicted_margin_12m,
        discounted_revenue_12m * margin_rate as clv
    from foreseen
),

final as (
    select
        valued.customer_id,
        valued.as_of_date,
        valued.first_order_date,
        valued.last_order_date,
        cast(valued.days_since_last_order as integer) as days_since_last_order,
        cast(valued.tenure_days as integer) as tenure_days,
        cast(valued.order_count as bigint) as order_count,
        cast(valued.order_count_12m as bigint) as order_count_12m,
        cast(valued.order_days as bigint) as order_days,
        cast(valued.revenue as {{ type_money_sum() }}) as revenue,
        cast(valued.revenue_12m as {{ type_money_sum() }}) as revenue_12m,
        cast(valued.revenue_previous_12m as {{ type_money_sum() }})
            as revenue_previous_12m,
        cast(valued.margin as {{ type_money_sum() }}) as margin,
        cast(valued.margin_12m as {{ type_money_sum() }}) as margin_12m,
        cast(valued.freight as {{ type_money_sum() }}) as freight,
        cast(valued.freight_12m as {{ type_money_sum() }}) as freight_12m,
        cast(valued.ticket_count as bigint) as ticket_count,
        cast(valued.ticket_count_12m as bigint) as ticket_count_12m,
        rfm_scores.r_score,
        rfm_scores.f_score,
        rfm_scores.m_score,
        coalesce(rfm_segments.rfm_segment, 'never bought') as rfm_segment,
        coalesce(abc_classes.abc_class, 'C') as abc_class,
        -- With less than two years of history there is nothing to compare with: null,
        -- which is not the same as no growth.
        case
            when
                valued.first_order_date <= valued.twenty_four_months_ago
                and (valued.revenue_12m > 0 or valued.revenue_previous_12m > 0)
                then ln(
                    (greatest(cast(valued.revenue_12m as double), 0) + 1)
                    / (greatest(cast(valued.revenue_previous_12m as double), 0) + 1)
                )
        end as growth_rate,
        predicted.value_model,
        cast(predicted.predicted_orders_12m as double) as predicted_orders_12m,
        cast(predicted.predicted_revenue_12m as {{ type_money_sum() }})
            as predicted_revenue_12m,
        cast(predicted.predicted_margin_12m as {{ type_money_sum() }})
            as predicted_margin_12m,
        cast(predicted.discounted_revenue_12m as {{ type_money_sum() }})
            as discounted_revenue_12m,
        cast(predicted.clv as {{ type_money_sum() }}) as clv,
        cast(predicted.no_purchase_probability_12m as double)
            as no_purchase_probability_12m
    from valued
    left join predicted on valued.customer_id = predicted.customer_id
    left join rfm_scores on valued.customer_id = rfm_scores.customer_id
    left join rfm_segments
        on
            rfm_scores.r_score = rfm_segments.r_score
            and rfm_scores.f_score = rfm_segments.f_score
            and rfm_scores.m_score = rfm_segments.m_score
    left join abc_classes on valued.customer_id = abc_classes.customer_id
)

select * from final
