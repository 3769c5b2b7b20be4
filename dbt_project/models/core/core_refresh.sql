with context as (
    select * from {{ source("refresh", "context") }}
),

final as (
    select
        refresh_id,
        as_of_date,
        known_until,
        time_zone,
        reporting_currency,
        cast(as_of_date - interval '12' month as date) as twelve_months_ago,
        cast(as_of_date - interval '24' month as date) as twenty_four_months_ago
    from context
)

select * from final
