with interactions as (
    select * from {{ ref("core_interactions") }}
),

final as (
    select
        interaction_id,
        customer_id,
        kind,
        occurred_at,
        minutes,
        owner,
        subject,
        source,
        customer_source,
        source_customer_id
    from interactions
)

select * from final
