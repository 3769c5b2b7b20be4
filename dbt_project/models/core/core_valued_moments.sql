{#-
What every customer is worth at each moment, with everything that a tier may depend on: what
was measured of it, and how far it is from the bounds of its type. A view, as what it is
made of is. Who is lost is among nobody's first half, best quarter or fifth.
-#}
{{ config(materialized="view") }}

with measured as (
    select * from {{ ref("core_measured_moments") }}
),

bounds as (
    select * from {{ ref("core_tier_bounds") }}
),

final as (
    select
        measured.*,
        case
            when bounds.is_by_margin and measured.lifecycle_stage <> 'lost'
                then
                    cast(measured.margin_12m as double)
                    / cast(bounds.first_half_from as double)
        end as margin_to_first_half,
        case
            when not bounds.is_by_margin and measured.lifecycle_stage <> 'lost'
                then
                    cast(measured.revenue_12m as double)
                    / cast(bounds.first_half_from as double)
        end as revenue_to_first_half,
        -- A growth rate is a logarithm: a difference of two is a ratio of ratios.
        case
            when measured.lifecycle_stage <> 'lost'
                then exp(measured.growth_rate - bounds.growth_from)
        end as growth_to_best_quarter,
        case
            when measured.lifecycle_stage = 'lost' then null
            when bounds.is_predicted_by_margin
                then
                    cast(measured.predicted_margin_12m as double)
                    / cast(bounds.predicted_from as double)
            else
                cast(measured.predicted_revenue_12m as double)
                / cast(bounds.predicted_from as double)
        end as predicted_to_best_fifth,
        -- Where sales are recorded for less than two years, a customer may be older
        -- than its first order says.
        case
            when
                measured.lifecycle_stage <> 'lost'
                and measured.first_order_date > measured.twelve_months_ago
                and bounds.first_sale_on <= measured.twenty_four_months_ago
                then cast(measured.orders as double)
        end as orders_in_first_year
    from measured
    left join bounds
        on
            measured.moment_no = bounds.moment_no
            and measured.customer_type = bounds.customer_type
)

select * from final
