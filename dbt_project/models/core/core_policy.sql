{#- The policy in force on the as-of day. A test holds that there is exactly one. -#}
with policies as (
    select * from {{ ref("policies") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

final as (
    select policies.*
    from policies
    inner join refresh
        on
            policies.valid_from <= refresh.as_of_date
            and (policies.valid_to is null or policies.valid_to > refresh.as_of_date)
    where policies.is_published
)

select * from final
