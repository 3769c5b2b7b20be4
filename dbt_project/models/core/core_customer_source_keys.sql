with keys as (
    select * from {{ ref("core_customer_keys") }}
),

final as (
    select
        source,
        source_customer_id,
        customer_id,
        match_rule,
        match_confidence
    from keys
)

select * from final
