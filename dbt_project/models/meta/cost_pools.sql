{#- What money was spent on, and what found no customer: see core_cost_pools. -#}
with pools as (
    select * from {{ ref("core_cost_pools") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

final as (
    select
        refresh.refresh_id,
        pools.*
    from pools
    cross join refresh
)

select * from final
