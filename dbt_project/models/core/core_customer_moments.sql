{#-
What was known of each customer at each moment: its spell, once for every moment of it. A
view, so that the many rows are never written, and a reader makes the columns it asks for.
-#}
{{ config(materialized="view") }}

with spells as (
    select * from {{ ref("core_customer_spells") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

moments as (
    select * from {{ ref("core_moments") }}
),

ends as (
    select moment_no from moments
    union all
    select max(moment_no) + 1 as moment_no from moments
),

-- The few pairs of a moment at which a spell may begin and one at which it may end,
-- each with the moments between them.
spans as (
    select
        within.*,
        begins.moment_no as from_moment_no,
        ends.moment_no as until_moment_no
    from moments as begins
    inner join ends on begins.moment_no < ends.moment_no
    inner join moments as within
        on
            begins.moment_no <= within.moment_no
            and ends.moment_no > within.moment_no
),

final as (
    select
        spells.customer_no,
        customers.customer_id,
        spells.customer_type,
        spans.moment_no,
        spans.as_of_date,
        spans.is_month_end,
        spans.is_present,
        {%- for column in [
            "first_order_date", "last_order_date", "category_mask",
            "orders", "orders_12m", "order_days", "order_days_12m",
            "tickets", "tickets_12m", "spend",
            "revenue", "revenue_12m", "revenue_previous_12m",
            "gross_amount", "costed_amount", "costed_revenue", "costed_margin",
            "margin", "margin_12m", "margin_coverage", "margin_coverage_12m",
            "margin_line_coverage", "margin_line_coverage_12m",
            "freight", "freight_12m", "freight_coverage", "freight_coverage_12m",
            "cost_to_serve", "cost_to_serve_12m",
            "acquisition_cost", "acquisition_cost_12m", "profit", "profit_12m",
            "median_gap_days", "returned_on", "first_day_spend",
        ] %}
        spells.{{ column }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from spells
    inner join spans
        on
            spells.from_moment_no = spans.from_moment_no
            and spells.until_moment_no = spans.until_moment_no
    inner join customers on spells.customer_no = customers.customer_no
)

select * from final
