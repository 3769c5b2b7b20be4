with context as (
    select * from {{ source("refresh", "context") }}
),

final as (
    select
        refresh_id,
        as_of_date,
        known_until,
        '{{ var("time_zone") }}' as time_zone,
        '{{ var("reporting_currency") }}' as reporting_currency,
        {{ months_before("as_of_date", 12) }} as twelve_months_ago,
        {{ months_before("as_of_date", 24) }} as twenty_four_months_ago
    from context
)

select * from final
