{#-
What each customer has been worth up to the as-of day. RFM and ABC compare a customer
with those of its own type: a bicycle shop and a cyclist have nothing to say about each
other's rank.
-#}
with valued as (
    select *
    from {{ ref("core_customer_value") }}
    where is_present
),

potential as (
    select * from {{ ref("core_customer_potential") }}
),

health as (
    select *
    from {{ ref("core_customer_health") }}
    where is_present
),

tiers_held as (
    select *
    from {{ ref("int_tiers") }}
    where is_present
),

rfm_segments as (
    select * from {{ ref("rfm_segments") }}
),

forecasts as (
    select * from {{ ref("core_customer_forecasts") }}
),

-- A score is the share of the type's buyers that are strictly worse, in fifths: equal
-- values get equal scores, which NTILE does not give.
rfm_ranks as (
    select
        customer_id,
        rank() over (partition by customer_type order by last_order_date) as r_rank,
        rank() over (partition by customer_type order by orders) as f_rank,
        rank() over (partition by customer_type order by revenue) as m_rank,
        cast(count(*) over (partition by customer_type) as double) as buyers
    from valued
    where orders > 0 and customer_type <> {{ unknown_type() }}
),

rfm_scores as (
    select
        customer_id,
        cast(1 + floor(5 * (r_rank - 1) / buyers) as integer) as r_score,
        cast(1 + floor(5 * (f_rank - 1) / buyers) as integer) as f_score,
        cast(1 + floor(5 * (m_rank - 1) / buyers) as integer) as m_score
    from rfm_ranks
),

-- Ranks compare customers, a state compares a customer with itself. Who buys in its own
-- rhythm is neither slipping nor at risk, dormant or lost, however many buy more often.
longest_gaps as (
    select
        customer_type,
        max(usual_gap_days) as usual_gap_days
    from valued
    where orders > 0
    group by customer_type
),

rhythms as (
    select
        valued.customer_id,
        valued.lifecycle_stage in ('new', 'active', 'growing', 'reactivated')
        or (
            {{ has_rhythm("valued.order_days") }}
            and coalesce(valued.overdue_factor < {{ in_rhythm_below() }}, false)
            and coalesce(
                valued.days_since_last_order <= longest_gaps.usual_gap_days, false
            )
        ) as is_in_rhythm,
        valued.lifecycle_stage <> 'new'
        and {{ has_rhythm("valued.order_days") }} as has_rhythm
    from valued
    left join longest_gaps on valued.customer_type = longest_gaps.customer_type
),

segment_scores as (
    select
        rfm_scores.*,
        -- The middle of the ranks says nothing of silence.
        case
            when rhythms.is_in_rhythm then greatest(rfm_scores.r_score, 3)
            else rfm_scores.r_score
        end as segment_r_score,
        -- Who has a rhythm is not new, however few its orders are beside others'.
        case
            when rhythms.has_rhythm and rfm_scores.r_score = 5
                then greatest(rfm_scores.f_score, 4)
            else rfm_scores.f_score
        end as segment_f_score
    from rfm_scores
    inner join rhythms on rfm_scores.customer_id = rhythms.customer_id
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
    where revenue > 0 and customer_type <> {{ unknown_type() }}
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

-- What is discounted keeps the shares of what is not.
predicted as (
    select
        valued.customer_id,
        forecasts.no_purchase_probability_12m,
        case
            when forecasts.predicted_spend_12m > 0
                then
                    forecasts.discounted_spend_12m / forecasts.predicted_spend_12m
            else 1
        end as discount_factor
    from valued
    inner join forecasts on valued.customer_id = forecasts.customer_id
),

final as (
    select
        valued.customer_id,
        valued.as_of_date,
        valued.first_order_date,
        valued.last_order_date,
        cast(valued.days_since_last_order as integer) as days_since_last_order,
        cast(valued.tenure_days as integer) as tenure_days,
        valued.orders as order_count,
        valued.orders_12m as order_count_12m,
        valued.order_days,
        {%- for measure in [
            "revenue", "revenue_12m", "revenue_previous_12m", "margin", "margin_12m",
            "freight", "freight_12m", "cost_to_serve", "cost_to_serve_12m",
            "acquisition_cost", "acquisition_cost_12m", "profit", "profit_12m",
        ] %}
        cast(valued.{{ measure }} as {{ type_money_sum() }}) as {{ measure }},
        {%- endfor %}
        {%- for coverage in [
            "margin_coverage", "margin_coverage_12m", "margin_line_coverage",
            "margin_line_coverage_12m", "freight_coverage", "freight_coverage_12m",
        ] %}
        cast(valued.{{ coverage }} as double) as {{ coverage }},
        {%- endfor %}
        valued.tickets as ticket_count,
        valued.tickets_12m as ticket_count_12m,
        rfm_scores.r_score,
        rfm_scores.f_score,
        rfm_scores.m_score,
        coalesce(
            rfm_segments.rfm_segment,
            case
                when valued.customer_type = {{ unknown_type() }} then 'not recorded'
            end,
            {% if some_source_gives("order_lines") -%} 'never bought'
            {%- else -%} 'not recorded' {%- endif %}
        ) as rfm_segment,
        {% if some_source_gives("order_lines") -%}
        case
            when valued.customer_type <> {{ unknown_type() }}
                then coalesce(abc_classes.abc_class, 'C')
        end
        {%- else -%}
        cast(null as {{ type_text() }})
        {%- endif %} as abc_class,
        valued.revenue_share_above_12m,
        valued.abc_class_12m,
        valued.revenue_to_class_a,
        valued.revenue_to_class_b,
        valued.margin_to_first_half,
        valued.revenue_to_first_half,
        valued.growth_to_best_quarter,
        valued.predicted_to_best_fifth,
        valued.orders_in_first_year,
        valued.has_growth_history,
        valued.growth_rate,
        cast(valued.usual_gap_days as double) as usual_gap_days,
        cast(valued.overdue_factor as double) as overdue_factor,
        potential.peer_group,
        cast(potential.whitespace_revenue as {{ type_money_sum() }})
            as whitespace_revenue,
        cast(valued.whitespace_margin as {{ type_money_sum() }}) as whitespace_margin,
        cast(potential.whitespace_categories as integer) as whitespace_categories,
        cast(potential.wallet_amount as {{ type_money_sum() }}) as wallet_amount,
        cast(potential.wallet_share as double) as wallet_share,
        cast(valued.pipeline_amount as {{ type_money_sum() }}) as pipeline_amount,
        cast(potential.pipeline_deals as bigint) as pipeline_deals,
        cast(tiers_held.potential_score as {{ type_score() }}) as potential_score,
        cast(health.health_score as {{ type_score() }}) as health_score,
        cast(health.health_coverage as {{ type_score() }}) as health_coverage,
        health.weakest_health_factor,
        valued.company_size,
        valued.purchasing_power,
        valued.market_influence,
        valued.strategic_importance,
        valued.lifecycle_stage,
        valued.value_model,
        cast(valued.predicted_orders_12m as double) as predicted_orders_12m,
        cast(valued.predicted_revenue_12m as {{ type_money_sum() }})
            as predicted_revenue_12m,
        cast(valued.predicted_margin_12m as {{ type_money_sum() }})
            as predicted_margin_12m,
        {{ rounded(
            "cast(valued.predicted_revenue_12m as double) * predicted.discount_factor",
            type_money_sum()
        ) }} as discounted_revenue_12m,
        {{ rounded(
            "cast(valued.predicted_margin_12m as double) * predicted.discount_factor",
            type_money_sum()
        ) }} as clv,
        cast(predicted.no_purchase_probability_12m as double)
            as no_purchase_probability_12m
    from valued
    left join predicted on valued.customer_id = predicted.customer_id
    inner join potential on valued.customer_id = potential.customer_id
    left join health on valued.customer_id = health.customer_id
    left join tiers_held on valued.customer_id = tiers_held.customer_id
    left join segment_scores as rfm_scores
        on valued.customer_id = rfm_scores.customer_id
    left join rfm_segments
        on
            rfm_scores.segment_r_score = rfm_segments.r_score
            and rfm_scores.segment_f_score = rfm_segments.f_score
            and rfm_scores.m_score = rfm_segments.m_score
    left join abc_classes on valued.customer_id = abc_classes.customer_id
)

select * from final
