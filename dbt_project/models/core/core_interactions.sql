{#- Visits, calls, e-mails and meetings known on the as-of day. Without a known customer
    they are kept: the minutes were spent all the same. -#}
with interactions as (
    {{ known("interactions") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        interactions.source || ':' || interactions.interaction_id as interaction_id,
        source_keys.customer_id,
        interactions.kind,
        interactions.occurred_at,
        {{ business_date("interactions.occurred_at") }} as occurred_on,
        interactions.minutes,
        interactions.owner,
        interactions.subject,
        interactions.source,
        interactions.customer_source,
        interactions.source_customer_id
    from interactions
    left join source_keys
        on
            interactions.customer_source = source_keys.source
            and interactions.source_customer_id = source_keys.source_customer_id
)

select * from final
