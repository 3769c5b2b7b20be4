{#-
What each customer was worth at each month end of the past, by the query that values the
present.
-#}
with valued as (
    select *
    from {{ ref("core_valued_moments") }}
    where is_month_end
),

final as (
    select
        customer_id,
        as_of_date,
        customer_type,
        first_order_date,
        last_order_date,
        cast(days_since_last_order as integer) as days_since_last_order,
        cast(tenure_days as integer) as tenure_days,
        orders as order_count,
        orders_12m as order_count_12m,
        order_days,
        {%- for measure in [
            "revenue", "revenue_12m", "revenue_previous_12m", "margin", "margin_12m",
            "freight", "freight_12m", "cost_to_serve", "cost_to_serve_12m",
            "acquisition_cost", "acquisition_cost_12m", "profit", "profit_12m",
        ] %}
        cast({{ measure }} as {{ type_money() }}) as {{ measure }},
        {%- endfor %}
        {%- for coverage in [
            "margin_coverage", "margin_coverage_12m", "margin_line_coverage",
            "margin_line_coverage_12m", "freight_coverage", "freight_coverage_12m",
        ] %}
        cast({{ coverage }} as double) as {{ coverage }},
        {%- endfor %}
        tickets as ticket_count,
        tickets_12m as ticket_count_12m,
        revenue_share_above_12m,
        abc_class_12m,
        revenue_to_class_a,
        revenue_to_class_b,
        margin_to_first_half,
        revenue_to_first_half,
        growth_to_best_quarter,
        predicted_to_best_fifth,
        orders_in_first_year,
        has_growth_history,
        growth_rate,
        cast(usual_gap_days as double) as usual_gap_days,
        cast(overdue_factor as double) as overdue_factor,
        value_model,
        cast(predicted_orders_12m as double) as predicted_orders_12m,
        predicted_revenue_12m,
        predicted_margin_12m,
        cast(whitespace_margin as {{ type_money() }}) as whitespace_margin,
        cast(pipeline_amount as {{ type_money() }}) as pipeline_amount,
        company_size,
        purchasing_power,
        market_influence,
        strategic_importance,
        lifecycle_stage
    from valued
)

select * from final
