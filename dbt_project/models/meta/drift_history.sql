{#-
Every figure of drift of every published refresh, carried from release to release; of one
as-of day the last refresh alone.
-#}
with drift as (
    select * from {{ ref("drift") }}
),

earlier as (
    select * from {{ source("refresh", "drift_history") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

final as (
    select
        earlier.refresh_id,
        earlier.as_of_date,
        earlier.mart,
        earlier.metric,
        earlier.subject,
        earlier.value,
        earlier.lower_bound,
        earlier.upper_bound,
        earlier.outcome,
        earlier.severity
    from earlier
    cross join refresh
    where earlier.as_of_date <> refresh.as_of_date
    union all
    select
        refresh_id,
        as_of_date,
        mart,
        metric,
        subject,
        value,
        lower_bound,
        upper_bound,
        outcome,
        severity
    from drift
)

select * from final
