{#-
How the marts of this refresh stand: customers, shares, mean scores, and what is empty.
-#}
{%- set columns = {
    "customers": ["country", "region", "industry", "owner", "acquired_on",
                  "email_masked", "phone_masked"],
    "products": ["category", "list_price", "unit_cost"],
    "customer_value": ["growth_rate", "profit", "predicted_revenue_12m", "clv",
                       "health_score", "whitespace_revenue"],
    "payments": ["customer_id", "due_date", "paid_at"],
    "service_tickets": ["customer_id", "priority", "category", "resolved_at"],
    "interactions": ["customer_id", "minutes", "owner"],
    "leads": ["amount", "probability", "expected_close_date"],
} -%}
with typed as (
    select
        customers.customer_type,
        valued.lifecycle_stage,
        valued.order_count
    from {{ ref("customer_value") }} as valued
    inner join {{ ref("customers") }} as customers
        on valued.customer_id = customers.customer_id
),

graded as (
    select * from {{ ref("customer_tiers") }}
),

scores as (
    select
        {{ mean("value_score") }} as value_score,
        {{ mean("potential_score") }} as potential_score,
        {{ mean("total_score") }} as total_score
    from graded
),
{%- for mart, names in columns.items() %}

nulls_of_{{ mart }} as (
    select
        {%- for name in names %}
        1 - cast(count({{ name }}) as double) / nullif(count(*), 0) as {{ name }},
        {%- endfor %}
        count(*) as all_rows
    from {{ ref(mart) }}
),
{%- endfor %}

final as (
    select
        'customers' as mart,
        'customers' as metric,
        customer_type as subject,
        cast(count(*) as double) as value
    from typed
    group by customer_type
    union all
    select
        'customer_value' as mart,
        'lost_share' as metric,
        customer_type as subject,
        {{ mean(
            "case when lifecycle_stage in ('dormant', 'lost') then 1.0 else 0.0 end"
        ) }}
            as value
    from typed
    where order_count > 0
    group by customer_type
    union all
    select
        'customer_tiers' as mart,
        'tier_share' as metric,
        graded.tier_code as subject,
        cast(count(*) as double) / max(everybody.customers) as value
    from graded
    cross join (select count(*) as customers from {{ ref("customer_tiers") }})
        as everybody
    group by graded.tier_code
    {%- for score in ["value_score", "potential_score", "total_score"] %}
    union all
    select
        'customer_tiers' as mart,
        'score_mean' as metric,
        '{{ score }}' as subject,
        cast({{ score }} as double) as value
    from scores
    {%- endfor %}
    {%- for mart, names in columns.items() %}
    {%- for name in names %}
    union all
    select
        '{{ mart }}' as mart,
        'null_share' as metric,
        '{{ name }}' as subject,
        {{ name }} as value
    from nulls_of_{{ mart }}
    where all_rows > 0
    {%- endfor %}
    {%- endfor %}
)

select * from final
