{#-
What every customer is worth at some moments of core_moments, with everything that a tier
may depend on. The past and the present go through this one query, so that what the history
says of a month end is what a refresh as of that day would have said.
-#}
{% macro valued_moments(which) %}
with moments as (
    select
        *,
        -- What a customer that never bought leaves unbought is not known.
        case when orders > 0 then category_mask end as bought_mask
    from {{ ref("core_customer_moments") }}
    where {{ which }}
),

peers as (
    select * from {{ ref("core_customer_peers") }}
),

whitespace as (
    select * from {{ ref("core_whitespace") }}
),

pipeline as (
    select * from {{ ref("core_pipeline_moments") }}
),

-- Without any lead of a customer nothing is known of deals; with some, none is zero.
leads as (
    select count(customer_id) as leads_of_customers from {{ ref("core_leads") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

assessments as (
    select * from {{ ref("core_assessments") }}
),

lifecycle_settings as (
    select * from {{ ref("lifecycle_settings") }}
),

forecasts as (
    select
        forecasts.customer_id,
        moments.moment_no,
        forecasts.value_model,
        forecasts.predicted_orders_12m,
        forecasts.predicted_spend_12m
    from {{ ref("core_customer_forecasts") }} as forecasts
    inner join {{ ref("core_moments") }} as moments
        on moments.is_present and not moments.is_month_end
    union all
    select
        customer_id,
        moment_no,
        value_model,
        predicted_orders_12m,
        predicted_spend_12m
    from {{ ref("core_forecast_history") }}
),

-- What is bought at full price comes back in part: returns are no purchases, and so are
-- not forecast one by one.
type_rates as (
    select
        moment_no,
        customer_type,
        cast(sum(revenue) as double) / nullif(cast(sum(spend) as double), 0)
            as kept_share,
        cast(sum(margin) as double)
        / nullif(cast(sum(costed_revenue) as double), 0) as margin_rate
    from moments
    group by moment_no, customer_type
),

-- For customers with too few purchases for a rhythm of their own.
type_rhythms as (
    select
        moment_no,
        customer_type,
        {{ median("median_gap_days") }} as median_gap_days
    from moments
    where order_days >= 3
    group by moment_no, customer_type
),

type_totals as (
    select
        moment_no,
        customer_type,
        sum(revenue_12m) as revenue_12m
    from moments
    where revenue_12m > 0
    group by moment_no, customer_type
),

-- The sum of all who have more, so that equal values share the best class of their group.
placed as (
    select
        *,
        sum(case when revenue_12m > 0 then revenue_12m end) over (
            partition by moment_no, customer_type
            order by revenue_12m desc
            range between unbounded preceding and 0.0001 preceding
        ) as revenue_above
    from moments
),

shares as (
    select
        placed.*,
        case
            when placed.revenue_12m > 0
                then
                    cast(coalesce(placed.revenue_above, 0) as double)
                    / cast(type_totals.revenue_12m as double)
        end as revenue_share_above_12m
    from placed
    left join type_totals
        on
            placed.moment_no = type_totals.moment_no
            and placed.customer_type = type_totals.customer_type
),

-- The revenue from which on that day a customer is in class A, and in A or B.
class_bounds as (
    select
        moment_no,
        customer_type,
        min(case when revenue_share_above_12m < 0.80 then revenue_12m end) as a_from,
        min(case when revenue_share_above_12m < 0.95 then revenue_12m end) as b_from
    from shares
    group by moment_no, customer_type
),

measured as (
    select
        shares.*,
        -- Where the cost of the goods is not known, nor is the profit.
        case
            when shares.costed_revenue <> 0 or shares.revenue = 0
                then
                    shares.margin
                    - shares.cost_to_serve
                    - shares.acquisition_cost
        end as profit,
        case
            when shares.costed_revenue <> 0 or shares.revenue = 0
                then
                    shares.margin_12m
                    - shares.cost_to_serve_12m
                    - shares.acquisition_cost_12m
        end as profit_12m,
        {{ days_between("shares.last_order_date", "shares.as_of_date") }}
            as days_since_last_order,
        {{ days_between("shares.first_order_date", "shares.as_of_date") }}
            as tenure_days,
        {{ days_between("shares.returned_on", "shares.as_of_date") }}
            as days_since_return,
        case
            when shares.order_days >= 3 then shares.median_gap_days
            else type_rhythms.median_gap_days
        end as usual_gap_days,
        cast(shares.revenue_12m as double) / cast(class_bounds.a_from as double)
            as revenue_to_class_a,
        cast(shares.revenue_12m as double) / cast(class_bounds.b_from as double)
            as revenue_to_class_b,
        -- With less than two years of history there is nothing to compare with.
        shares.first_order_date <= {{ months_before("shares.as_of_date", 24) }}
            as has_growth_history,
        forecasts.value_model,
        forecasts.predicted_orders_12m,
        cast(
            forecasts.predicted_spend_12m * coalesce(type_rates.kept_share, 1)
            as {{ type_money() }}
        ) as predicted_revenue_12m,
        -- A margin rate of a customer's own after three purchase days, else its type's.
        cast(
            forecasts.predicted_spend_12m * coalesce(type_rates.kept_share, 1)
            * case
                when shares.order_days >= 3 and shares.costed_revenue > 0
                    then
                        cast(shares.margin as double)
                        / cast(shares.costed_revenue as double)
                else type_rates.margin_rate
            end
            as {{ type_money() }}
        ) as predicted_margin_12m,
        whitespace.whitespace_revenue,
        whitespace.whitespace_margin,
        whitespace.whitespace_categories,
        case
            when leads.leads_of_customers > 0
                then coalesce(pipeline.pipeline_amount, 0)
        end as pipeline_amount,
        customers.annual_revenue as company_size,
        customers.yearly_income as purchasing_power,
        assessments.market_influence,
        assessments.strategic_importance
    from shares
    inner join customers on shares.customer_no = customers.customer_no
    inner join peers on shares.customer_no = peers.customer_no
    cross join leads
    left join whitespace
        on
            shares.moment_no = whitespace.moment_no
            and peers.peer_group = whitespace.peer_group
            and shares.bought_mask = whitespace.category_mask
    left join pipeline
        on
            shares.customer_id = pipeline.customer_id
            and shares.moment_no = pipeline.moment_no
    left join type_rhythms
        on
            shares.moment_no = type_rhythms.moment_no
            and shares.customer_type = type_rhythms.customer_type
    left join type_rates
        on
            shares.moment_no = type_rates.moment_no
            and shares.customer_type = type_rates.customer_type
    left join forecasts
        on
            shares.moment_no = forecasts.moment_no
            and shares.customer_id = forecasts.customer_id
    left join class_bounds
        on
            shares.moment_no = class_bounds.moment_no
            and shares.customer_type = class_bounds.customer_type
    left join assessments
        on
            shares.customer_id = assessments.customer_id
            and shares.as_of_date >= assessments.scored_on
            and shares.as_of_date < {{ end_of("assessments") }}
),

compared as (
    select
        *,
        days_since_last_order / greatest(usual_gap_days, 1.0) as overdue_factor,
        case
            when
                has_growth_history
                and (revenue_12m > 0 or revenue_previous_12m > 0)
                then ln(
                    (greatest(cast(revenue_12m as double), 0) + 1)
                    / (greatest(cast(revenue_previous_12m as double), 0) + 1)
                )
        end as growth_rate,
        case
            when revenue_share_above_12m < 0.80 then 'A'
            when revenue_share_above_12m < 0.95 then 'B'
            else 'C'
        end as abc_class_12m
    from measured
)

select
    compared.*,
    case
        when compared.first_order_date is null then 'prospect'
        when
            compared.days_since_last_order > lifecycle_settings.lost_days
            then 'lost'
        when
            compared.days_since_last_order > lifecycle_settings.dormant_days
            then 'dormant'
        when compared.tenure_days < lifecycle_settings.new_days then 'new'
        when
            compared.days_since_return < lifecycle_settings.reactivated_days
            then 'reactivated'
        when
            compared.overdue_factor >= lifecycle_settings.at_risk_overdue
            then 'at risk'
        when
            compared.growth_rate >= lifecycle_settings.growing_from
            then 'growing'
        when
            compared.growth_rate <= lifecycle_settings.declining_to
            then 'declining'
        else 'active'
    end as lifecycle_stage
from compared
inner join lifecycle_settings
    on compared.customer_type = lifecycle_settings.customer_type
{% endmacro %}
