with source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        source,
        source_customer_id,
        customer_id,
        match_rule,
        match_confidence
    from source_keys
)

select * from final
