{#-
What every customer is worth at each moment, measured by itself. The past and the present go
through this one query, so that what the history says of a month end is what a refresh as
of that day would have said. A view: the many rows are written once, in
customer_value_history, and a reader computes the moments that it asks for. How a customer
stands among those of its type is added in core_valued_moments.
-#}
{{ config(materialized="view") }}

with customer_moments as (
    select * from {{ ref("core_customer_moments") }}
),

type_moments as (
    select * from {{ ref("core_type_moments") }}
),

shares as (
    select * from {{ ref("core_revenue_shares") }}
),

whitespace as (
    select * from {{ ref("core_whitespace") }}
),

pipeline as (
    select * from {{ ref("core_pipeline_moments") }}
),

-- From the first deal with an amount on, no deal is none.
recorded as (
    {{ deals_recorded() }}
),

customers as (
    select
        customers.customer_no,
        customers.customer_id,
        customers.annual_revenue,
        customers.yearly_income,
        peers.peer_group
    from {{ ref("core_customers") }} as customers
    inner join {{ ref("core_customer_peers") }} as peers
        on customers.customer_no = peers.customer_no
),

assessments as (
    select * from {{ ref("core_assessments") }}
),

lifecycle_settings as (
    select * from {{ ref("core_lifecycle_settings") }}
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

moments as (
    select
        customer_moments.*,
        moments.twelve_months_ago,
        moments.twenty_four_months_ago,
        customers.annual_revenue as company_size,
        customers.yearly_income as purchasing_power,
        customers.peer_group,
        -- What a customer that never bought leaves unbought is not known.
        case
            when customer_moments.orders > 0 then customer_moments.category_mask
        end as bought_mask
    from customer_moments
    inner join {{ ref("core_moments") }} as moments
        on customer_moments.moment_no = moments.moment_no
    inner join customers on customer_moments.customer_no = customers.customer_no
),

measured as (
    select
        moments.*,
        shares.revenue_share_above_12m,
        {{ days_since("moments.last_order_date", "moments.as_of_date") }}
            as days_since_last_order,
        {{ days_since("moments.first_order_date", "moments.as_of_date") }}
            as tenure_days,
        {{ days_since("moments.returned_on", "moments.as_of_date") }}
            as days_since_return,
        case
            when {{ has_rhythm("moments.order_days") }} then moments.median_gap_days
            else type_moments.median_gap_days
        end as usual_gap_days,
        cast(moments.revenue_12m as double) / cast(type_moments.a_from as double)
            as revenue_to_class_a,
        cast(moments.revenue_12m as double) / cast(type_moments.b_from as double)
            as revenue_to_class_b,
        -- With less than two years of history there is nothing to compare with.
        moments.first_order_date <= moments.twenty_four_months_ago
            as has_growth_history,
        forecasts.value_model,
        forecasts.predicted_orders_12m,
        {{ rounded(
            "forecasts.predicted_spend_12m * coalesce(type_moments.kept_share, 1)",
            type_money()
        ) }} as predicted_revenue_12m,
        -- A margin rate of a customer's own after three purchase days, else its type's.
        cast(
            forecasts.predicted_spend_12m * coalesce(type_moments.kept_share, 1)
            * case
                when
                    moments.order_days >= 3
                    and moments.margin_coverage >= {{ least_coverage() }}
                    and moments.costed_revenue > 0
                    then
                        cast(moments.costed_margin as double)
                        / cast(moments.costed_revenue as double)
                else type_moments.margin_rate
            end
            as {{ type_money() }}
        ) as predicted_margin_12m,
        whitespace.whitespace_revenue,
        whitespace.whitespace_margin,
        whitespace.whitespace_categories,
        {{ pipeline_amount("moments.moment_no") }} as pipeline_amount,
        assessments.market_influence,
        assessments.strategic_importance,
        lifecycle_settings.lost_days,
        lifecycle_settings.dormant_days,
        lifecycle_settings.new_days,
        lifecycle_settings.reactivated_days,
        lifecycle_settings.at_risk_overdue,
        lifecycle_settings.growing_from,
        lifecycle_settings.declining_to
    from moments
    inner join type_moments
        on
            moments.moment_no = type_moments.moment_no
            and moments.customer_type = type_moments.customer_type
    left join lifecycle_settings
        on moments.customer_type = lifecycle_settings.customer_type
    cross join recorded
    left join whitespace
        on
            moments.moment_no = whitespace.moment_no
            and moments.peer_group = whitespace.peer_group
            and moments.bought_mask = whitespace.category_mask
    left join pipeline
        on
            moments.customer_id = pipeline.customer_id
            and moments.moment_no = pipeline.moment_no
    left join forecasts
        on
            moments.moment_no = forecasts.moment_no
            and moments.customer_id = forecasts.customer_id
    left join shares
        on
            moments.moment_no = shares.moment_no
            and moments.customer_type = shares.customer_type
            and moments.revenue_12m = shares.revenue_12m
    left join assessments
        on
            moments.customer_id = assessments.customer_id
            and moments.as_of_date >= assessments.scored_on
            and moments.as_of_date < {{ end_of("assessments") }}
),

compared as (
    select
        *,
        -- Where nobody of a type has a rhythm, no silence is long.
        case
            when customer_type <> {{ unknown_type() }} and usual_gap_days is not null
                then days_since_last_order / greatest(usual_gap_days, 1.0)
        end as overdue_factor,
        case
            when
                has_growth_history
                and (revenue_12m > 0 or revenue_previous_12m > 0)
                then ln(
                    (greatest(cast(revenue_12m as double), 0) + 1)
                    / (greatest(cast(revenue_previous_12m as double), 0) + 1)
                )
        end as growth_rate,
        {% if some_source_gives("order_lines") -%}
        case
            when customer_type = {{ unknown_type() }} then null
            when revenue_share_above_12m < 0.80 then 'A'
            when revenue_share_above_12m < 0.95 then 'B'
            else 'C'
        end
        {%- else -%}
        cast(null as {{ type_text() }})
        {%- endif %} as abc_class_12m
    from measured
),

final as (
    select
        *,
        case
            when customer_type = {{ unknown_type() }} then 'not recorded'
            {%- if some_source_gives("order_lines") %}
            when first_order_date is null then 'prospect'
            {%- else %}
            when first_order_date is null then 'not recorded'
            {%- endif %}
            when days_since_last_order > lost_days then 'lost'
            when days_since_last_order > dormant_days then 'dormant'
            when tenure_days < new_days then 'new'
            when days_since_return < reactivated_days then 'reactivated'
            when overdue_factor >= at_risk_overdue then 'at risk'
            when growth_rate >= growing_from then 'growing'
            when growth_rate <= declining_to then 'declining'
            else 'active'
        end as lifecycle_stage
    from compared
)

select * from final
