{#-
Each factor of each score: what was measured, its score on the policy's anchors, its
weight and what it contributes. A factor that is not known is left out and its weight
shared among the others, so that the contributions of a score sum to the score exactly.
-#}
with customer_value as (
    select * from {{ ref("customer_value") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

assessments as (
    select * from {{ ref("core_assessments") }}
),

policy as (
    select * from {{ ref("core_policy") }}
),

score_factors as (
    select score_factors.*
    from {{ ref("score_factors") }} as score_factors
    inner join policy on score_factors.policy_id = policy.policy_id
),

score_anchors as (
    select score_anchors.*
    from {{ ref("score_anchors") }} as score_anchors
    inner join policy on score_anchors.policy_id = policy.policy_id
),

facts as (
    select
        customer_value.customer_id,
        customers.customer_type,
        cast(customer_value.revenue_12m as double) as revenue_12m,
        cast(customer_value.margin_12m as double) as margin_12m,
        cast(customer_value.order_count_12m as double) as order_count_12m,
        customer_value.tenure_days / 365.25 as tenure_years,
        customer_value.growth_rate,
        cast(customers.annual_revenue as double) as company_size,
        cast(customers.yearly_income as double) as purchasing_power,
        cast(assessments.market_influence as double) as market_influence,
        cast(assessments.strategic_importance as double) as strategic_importance
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    left join assessments on customer_value.customer_id = assessments.customer_id
),

{%- set factors = [
    "revenue_12m", "margin_12m", "order_count_12m", "tenure_years", "growth_rate",
    "company_size", "purchasing_power", "market_influence", "strategic_importance",
] %}

measured as (
    {%- for factor in factors %}
    select
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

-- Between two anchors a score is on the straight line, beyond the last it stays.
segments as (
    select
        customer_type,
        factor,
        cast(raw_value as double) as from_value,
        cast(score as double) as from_score,
        lead(cast(raw_value as double)) over (
            partition by customer_type, factor order by raw_value
        ) as to_value,
        lead(cast(score as double)) over (
            partition by customer_type, factor order by raw_value
        ) as to_score,
        row_number() over (
            partition by customer_type, factor order by raw_value
        ) as place
    from score_anchors
),

scored as (
    select
        measured.customer_id,
        score_factors.score as score_name,
        measured.factor,
        measured.raw_value,
        score_factors.weight as declared_weight,
        case
            when measured.raw_value is null then null
            when measured.raw_value < segments.from_value then segments.from_score
            when segments.to_value is null then segments.from_score
            else
                segments.from_score
                + (segments.to_score - segments.from_score)
                * (measured.raw_value - segments.from_value)
                / (segments.to_value - segments.from_value)
        end as score
    from measured
    inner join score_factors
        on
            measured.customer_type = score_factors.customer_type
            and measured.factor = score_factors.factor
    left join segments
        on
            measured.customer_type = segments.customer_type
            and measured.factor = segments.factor
            and (
                measured.raw_value >= segments.from_value
                or segments.place = 1
            )
            and (measured.raw_value < segments.to_value or segments.to_value is null)
),

weighted as (
    select
        *,
        case
            when score is not null
                then
                    declared_weight
                    / sum(case when score is not null then declared_weight end) over (
                        partition by customer_id, score_name
                    )
            else 0
        end as weight
    from scored
),

final as (
    select
        customer_id,
        score_name,
        factor,
        raw_value,
        cast(score as {{ type_score() }}) as score,
        cast(declared_weight as {{ type_score() }}) as declared_weight,
        cast(weight as {{ type_score() }}) as weight,
        cast(coalesce(score * weight, 0) as {{ type_score() }}) as contribution
    from weighted
)

select * from final
