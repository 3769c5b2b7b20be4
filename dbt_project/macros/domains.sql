{#-
Which values of the canonical columns are suspicious in any company's data. One list for
all sources: a column that is not here is text or a truth value, which a test holds.
-#}

{#- Entity → column → what is suspicious of it: the bounds between which it lies (`none`
    for no bound), `nonzero`, or `varied` for what is never the same in every row. -#}
{% macro canonical_domains() %}
    {% set money = {"least": 0} %}
    {% set signed = {} %}
    {% set share = {"least": 0, "most": 1} %}
    {% set mark = {"least": 0, "most": 10} %}
    {% set times = {"least_date": "1900-01-02", "most_date": "2200-01-01"} %}
    {{ return({
        "customers": {
            "birth_date": times, "acquired_on": times, "updated_at": times,
            "annual_revenue": money, "employee_count": money, "yearly_income": money,
        },
        "contacts": {"influence": mark, "last_contact_on": times},
        "products": {"list_price": money, "unit_cost": money},
        "order_lines": {
            "line_number": money, "ordered_at": times, "order_date": times,
            "quantity": {"nonzero": true}, "net_amount": {"varied": true},
            "cost_amount": {"varied": true}, "freight_amount": signed,
        },
        "service_tickets": {
            "opened_at": times, "first_response_at": times, "resolved_at": times,
            "closed_at": times, "priority": {"least": 1, "most": 9},
            "reopen_count": money, "csat_score": {"least": 1, "most": 5},
        },
        "interactions": {
            "occurred_at": times, "minutes": {"least": 0, "most": 1440},
        },
        "payments": {
            "invoiced_on": times, "due_date": times, "paid_at": times,
            "amount": {"nonzero": true, "varied": true},
        },
        "campaigns": {"started_on": times, "ended_on": times, "cost_amount": money},
        "survey_responses": {"score": mark, "responded_at": times},
        "leads": {
            "amount": {"least": 0, "varied": true}, "probability": share,
            "expected_close_date": times, "created_on": times, "closed_on": times,
            "last_contact_on": times, "annual_revenue": money, "yearly_income": money,
        },
        "assessments": {
            "market_influence": mark, "strategic_importance": mark, "scored_on": times,
        },
        "factor_scores": {"score": mark, "scored_on": times},
        "financial_statements": {
            "fiscal_year": {"least": 1900, "most": 2200}, "revenue": money,
            "net_income": signed, "current_assets": money, "current_liabilities": money,
            "total_assets": money, "total_liabilities": money,
        },
        "fx_rates": {"rate_date": times, "rate": {"least": 0, "nonzero": true}},
    }) }}
{% endmacro %}

{#- The problem that a value has, in words; null where it has none. -#}
{% macro domain_problem(column, domain) -%}
    case
        {%- if "least" in domain %}
        when {{ column }} < {{ domain["least"] }} then 'below {{ domain["least"] }}'
        {%- endif %}
        {%- if "most" in domain %}
        when {{ column }} > {{ domain["most"] }} then 'above {{ domain["most"] }}'
        {%- endif %}
        {%- if "least_date" in domain %}
        when {{ column }} < cast('{{ domain["least_date"] }}' as date)
            then 'before {{ domain["least_date"] }}'
        when {{ column }} >= cast('{{ domain["most_date"] }}' as date)
            then 'from {{ domain["most_date"] }} on'
        {%- endif %}
        {%- if domain.get("nonzero") %}
        when {{ column }} = 0 then 'zero'
        {%- endif %}
    end
{%- endmacro %}

{#- Rows from which on a column that holds one value throughout is suspicious. -#}
{% macro rows_that_vary() -%} 20 {%- endmacro %}
