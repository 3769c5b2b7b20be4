{#- Every record that was ever a customer, with the id that it had last. A record that
    its source no longer has keeps its line, so that it gets its id back if it returns. -#}
with keys as (
    select * from {{ ref("core_customer_keys") }}
),

earlier as (
    select * from {{ source("refresh", "customer_registry") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

final as (
    select
        keys.source,
        keys.source_customer_id,
        keys.customer_id,
        coalesce(earlier.first_seen_in, refresh.refresh_id) as first_seen_in,
        refresh.refresh_id as last_seen_in
    from keys
    cross join refresh
    left join earlier
        on
            keys.source = earlier.source
            and keys.source_customer_id = earlier.source_customer_id
    union all
    select
        earlier.source,
        earlier.source_customer_id,
        earlier.customer_id,
        earlier.first_seen_in,
        earlier.last_seen_in
    from earlier
    left join keys
        on
            earlier.source = keys.source
            and earlier.source_customer_id = keys.source_customer_id
    where keys.customer_id is null
)

select * from final
