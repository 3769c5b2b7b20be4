{#- Every id that was ever given, so that none is given twice. -#}
with keys as (
    select * from {{ ref("core_customer_keys") }}
),

earlier as (
    select * from {{ source("refresh", "customer_ids") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

last_number as (
    select coalesce(max(minted_no), 0) as minted_no
    from earlier
),

new_ids as (
    select
        customer_id,
        min(record_no) as record_no
    from keys
    where is_new
    group by customer_id
),

final as (
    select
        customer_id,
        minted_no,
        minted_in,
        minted_on
    from earlier
    union all
    select
        new_ids.customer_id,
        last_number.minted_no
        + row_number() over (order by new_ids.record_no) as minted_no,
        refresh.refresh_id as minted_in,
        refresh.as_of_date as minted_on
    from new_ids
    cross join last_number
    cross join refresh
)

select * from final
