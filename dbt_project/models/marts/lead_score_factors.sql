{#-
Each factor of the score of each open lead: what was measured, its score on the anchors,
its weight and what it contributes. A factor that is not known is left out and its weight
shared among the others, so that the contributions sum to the score exactly.
-#}
with leads as (
    select *
    from {{ ref("core_leads") }}
    where is_open
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

lead_factors as (
    select * from {{ ref("lead_factors") }}
),

facts as (
    select
        leads.lead_id,
        leads.customer_id,
        leads.customer_type,
        cast(leads.probability as double) as probability,
        cast(leads.amount as double) as amount,
        cast(leads.annual_revenue as double) as company_size,
        cast(leads.yearly_income as double) as purchasing_power,
        {{ days_since("leads.last_contact_on", "refresh.as_of_date") }}
            as days_since_contact,
        {{ days_since("leads.created_on", "refresh.as_of_date") }} as age_days
    from leads
    cross join refresh
),

{%- set factors = [
    "probability", "amount", "company_size", "purchasing_power", "days_since_contact",
    "age_days",
] %}

measured as (
    {%- for factor in factors %}
    select
        lead_id,
        customer_id,
        customer_type,
        '{{ factor }}' as factor,
        cast({{ factor }} as double) as raw_value
    from facts
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- A factor that is not declared for the type of a lead is not weighed.
declared as (
    select
        measured.*,
        lead_factors.weight as declared_weight
    from measured
    inner join lead_factors
        on
            measured.customer_type = lead_factors.customer_type
            and measured.factor = lead_factors.factor
),

lead_anchors as (
    select * from {{ ref("lead_anchors") }}
),

scored as (
    {{ scored_by_anchors("declared", "lead_anchors") }}
),

weighted as (
    select
        *,
        case
            when score is not null
                then
                    cast(declared_weight as double)
                    / cast(sum(case
                        when score is not null then declared_weight
                    end) over (partition by lead_id) as double)
            else 0
        end as weight
    from scored
),

final as (
    select
        lead_id,
        customer_id,
        factor,
        raw_value,
        cast(score as {{ type_score() }}) as score,
        cast(declared_weight as {{ type_score() }}) as declared_weight,
        cast(weight as {{ type_score() }}) as weight,
        cast(coalesce(score * weight, 0) as {{ type_score() }}) as contribution
    from weighted
)

select * from final
