{#-
Of each metric as many references as one of its bounds (drift_bounds) needs.
-#}
{{ config(materialized="view") }}

with bounds as (
    select * from {{ ref("drift_bounds") }}
),

final as (
    select
        mart,
        metric,
        max(compared_with) as compared_with,
        max(most_references) as most_references
    from bounds
    group by mart, metric
)

select * from final
