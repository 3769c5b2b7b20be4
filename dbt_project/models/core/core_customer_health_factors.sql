{#-
The health of each buyer in parts, at each origin: what was measured, its score on the
anchors of seed health_anchors, its weight and what it contributes. A factor that is not
known is left out and its weight shared among the others.
-#}
{%- set factors = [
    "overdue_factor", "growth_rate", "sla_met_rate_12m", "oldest_open_days",
    "reopened_share_12m", "complaints_per_100_orders_12m", "csat_12m", "nps_12m",
    "late_amount_share_12m", "contact_gap_days",
] -%}

with health_factors as (
    select * from {{ ref("health_factors") }}
),

health_anchors as (
    select * from {{ ref("health_anchors") }}
),

-- One row per type, one weight per column: the known weight of a customer is then a sum
-- along its row, without a window over all factors of all customers.
weights as (
    select
        {%- for factor in factors %}
        sum(case when factor = '{{ factor }}' then weight else 0 end)
            as weight_of_{{ factor }},
        {%- endfor %}
        customer_type
    from health_factors
    group by customer_type
),

facts as (
    select
        service.*,
        0
        {%- for factor in factors %}
        + case
            when service.{{ factor }} is not null
                then weights.weight_of_{{ factor }}
            else 0
        end
        {%- endfor %}
            as known_weight
    from {{ ref("core_customer_service") }} as service
    inner join weights on service.customer_type = weights.customer_type
    where service.has_purchased
),

measured as (
    {%- for factor in factors %}
    select
        customer_id,
        customer_type,
        moment_no,
        is_present,
        known_weight,
        '{{ factor }}' as factor,
        cast({{ factor }} as double) as raw_value
    from facts
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

declared as (
    select
        measured.*,
        health_factors.weight as declared_weight
    from measured
    inner join health_factors
        on
            measured.customer_type = health_factors.customer_type
            and measured.factor = health_factors.factor
),

scored as (
    {{ scored_by_anchors("declared", "health_anchors") }}
),

weighted as (
    select
        *,
        case
            when score is not null
                then cast(declared_weight as double) / cast(known_weight as double)
            else 0
        end as weight
    from scored
),

final as (
    select
        customer_id,
        customer_type,
        moment_no,
        is_present,
        factor,
        raw_value,
        cast(score as {{ type_score() }}) as score,
        cast(declared_weight as {{ type_score() }}) as declared_weight,
        cast(weight as {{ type_score() }}) as weight,
        -- Cut off, not rounded: a dozen parts rounded up would sum to more than 10. The
        -- thousandth keeps a product that is a hair below its last digit.
        cast(
            floor(coalesce(score * weight, 0) * 1000000 + 0.001) / 1000000
            as {{ type_score() }}
        ) as contribution
    from weighted
)

select * from final
