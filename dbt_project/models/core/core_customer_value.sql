{#-
What every customer is worth on the as-of day and on the few earlier days for which health
is measured; marts.customer_value_history has every month end, by the same query.
-#}
with origins as (
    select * from {{ ref("core_health_origins") }}
),

final as (
    select valued.*
    from {{ ref("core_valued_moments") }} as valued
    where valued.moment_no in (select origins.moment_no from origins)
)

select * from final
