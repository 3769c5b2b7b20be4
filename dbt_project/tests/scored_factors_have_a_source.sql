-- A factor that is scored although no row of its source has a value gives points for
-- nothing, and takes its weight from what is known. A factor that is not in this list
-- has no source that could be asked, and fails as well.
{%- set sources = {
    "revenue_12m": ["core_order_lines", "net_amount"],
    "order_count_12m": ["core_order_lines", "order_id"],
    "tenure_years": ["core_order_lines", "order_date"],
    "growth_rate": ["core_order_lines", "net_amount"],
    "revenue_to_class_a": ["core_order_lines", "net_amount"],
    "revenue_to_class_b": ["core_order_lines", "net_amount"],
    "margin_12m": ["core_order_lines", "margin_amount"],
    "profit_12m": ["core_order_lines", "margin_amount"],
    "predicted_margin_12m": ["core_order_lines", "margin_amount"],
    "whitespace_margin": ["core_order_lines", "margin_amount"],
    "pipeline_amount": ["core_leads", "amount"],
    "company_size": ["core_customers", "annual_revenue"],
    "purchasing_power": ["core_customers", "yearly_income"],
    "market_influence": ["core_assessments", "market_influence"],
    "strategic_importance": ["core_assessments", "strategic_importance"],
    "overdue_factor": ["core_order_lines", "order_date"],
    "sla_met_rate_12m": ["core_service_tickets", "met_sla"],
    "oldest_open_days": ["core_service_tickets", "opened_at"],
    "reopened_share_12m": ["core_service_tickets", "reopen_count"],
    "complaints_per_100_orders_12m": ["core_service_tickets", "is_complaint"],
    "csat_12m": [
        "core_service_tickets", "csat_score", "core_survey_responses", "score",
    ],
    "nps_12m": ["core_survey_responses", "score"],
    "late_amount_share_12m": ["core_payments", "due_date"],
    "contact_gap_days": ["core_interactions", "occurred_at"],
} %}
with scored as (
    select
        factor,
        count(*) as scored_customers
    from {{ ref("customer_score_factors") }}
    where score is not null
    group by factor
    union all
    select
        factor,
        count(*) as scored_customers
    from {{ ref("customer_health_factors") }}
    where score is not null
    group by factor
),

recorded as (
    {%- for factor, columns in sources.items() %}
    {%- for place in range(0, columns | length, 2) %}
    select
        '{{ factor }}' as factor,
        count({{ columns[place + 1] }}) as recorded_rows
    from {{ ref(columns[place]) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

sums as (
    select
        factor,
        sum(recorded_rows) as recorded_rows
    from recorded
    group by factor
)

select
    scored.factor,
    scored.scored_customers,
    sums.recorded_rows
from scored
left join sums on scored.factor = sums.factor
where coalesce(sums.recorded_rows, 0) = 0
