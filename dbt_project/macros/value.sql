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

-- By distinct values, so that equal ones share the best class of their group, and so that
-- nothing but three columns is sorted.
revenues as (
    select
        moment_no,
        customer_type,
        revenue_12m,
        sum(revenue_12m) as revenue_of_all
    from moments
    where revenue_12m > 0
    group by moment_no, customer_type, revenue_12m
),

shares as (
    select
        moment_no,
        customer_type,
        revenue_12m,
        cast(
            sum(revenue_of_all) over (
                partition by moment_no, customer_type
                order by revenue_12m desc
                rows between unbounded preceding and current row
            ) - revenue_of_all
            as double
        )
        / cast(
            sum(revenue_of_all) over (partition by moment_no, customer_type) as double
        ) as revenue_share_above_12m
    from revenues
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
        moments.*,
        shares.revenue_share_above_12m,
        -- Where the cost of the goods is not known, nor is the profit.
        case
            when moments.costed_revenue <> 0 or moments.revenue = 0
                then
                    moments.margin
                    - moments.cost_to_serve
                    - moments.acquisition_cost
        end as profit,
        case
            when moments.costed_revenue <> 0 or moments.revenue = 0
                then
                    moments.margin_12m
                    - moments.cost_to_serve_12m
                    - moments.acquisition_cost_12m
        end as profit_12m,
        {{ days_between("moments.last_order_date", "moments.as_of_date") }}
            as days_since_last_order,
        {{ days_between("moments.first_order_date", "moments.as_of_date") }}
            as tenure_days,
        {{ days_between("moments.returned_on", "moments.as_of_date") }}
            as days_since_return,
        case
            when moments.order_days >= 3 then moments.median_gap_days
            else type_rhythms.median_gap_days
        end as usual_gap_days,
        cast(moments.revenue_12m as double) / cast(class_bounds.a_from as double)
            as revenue_to_class_a,
        cast(moments.revenue_12m as double) / cast(class_bounds.b_from as double)
            as revenue_to_class_b,
        -- With less than two years of history there is nothing to compare with.
        moments.first_order_date <= {{ months_before("moments.as_of_date", 24) }}
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
                when moments.order_days >= 3 and moments.costed_revenue > 0
                    then
                        cast(moments.margin as double)
                        / cast(moments.costed_revenue as double)
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
    from moments
    inner join customers on moments.customer_no = customers.customer_no
    inner join peers on moments.customer_no = peers.customer_no
    cross join leads
    left join whitespace
        on
            moments.moment_no = whitespace.moment_no
            and peers.peer_group = whitespace.peer_group
            and moments.bought_mask = whitespace.category_mask
    left join pipeline
        on
            moments.customer_id = pipeline.customer_id
            and moments.moment_no = pipeline.moment_no
    left join type_rhythms
        on
            moments.moment_no = type_rhythms.moment_no
            and moments.customer_type = type_rhythms.customer_type
    left join type_rates
        on
            moments.moment_no = type_rates.moment_no
            and moments.customer_type = type_rates.customer_type
    left join forecasts
        on
            moments.moment_no = forecasts.moment_no
            and moments.customer_id = forecasts.customer_id
    left join shares
        on
            moments.moment_no = shares.moment_no
            and moments.customer_type = shares.customer_type
            and moments.revenue_12m = shares.revenue_12m
    left join class_bounds
        on
            moments.moment_no = class_bounds.moment_no
            and moments.customer_type = class_bounds.customer_type
    left join assessments
        on
            moments.customer_id = assessments.customer_id
            and moments.as_of_date >= assessments.scored_on
            and moments.as_of_date < {{ end_of("assessments") }}
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
