with service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

final as (
    select
        ticket_id,
        customer_id,
        opened_at,
        first_response_at,
        resolved_at,
        closed_at,
        priority,
        category,
        channel,
        is_complaint,
        reopen_count,
        met_sla,
        csat_score,
        source,
        customer_source,
        source_customer_id
    from service_tickets
)

select * from final
