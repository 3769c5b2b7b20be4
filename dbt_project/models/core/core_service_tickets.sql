{#- Tickets that were opened by the as-of day, as they stood then: what was answered,
    resolved or closed later is open. A ticket without a known customer is kept. -#}
with service_tickets as (
    {{ known("service_tickets") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        service_tickets.source || ':' || service_tickets.ticket_id as ticket_id,
        source_keys.customer_id,
        service_tickets.opened_at,
        service_tickets.first_response_at,
        service_tickets.resolved_at,
        service_tickets.closed_at,
        service_tickets.priority,
        service_tickets.category,
        service_tickets.channel,
        service_tickets.is_complaint,
        service_tickets.reopen_count,
        service_tickets.met_sla,
        service_tickets.csat_score,
        service_tickets.source,
        service_tickets.customer_source,
        service_tickets.source_customer_id
    from service_tickets
    left join source_keys
        on
            service_tickets.customer_source = source_keys.source
            and service_tickets.source_customer_id = source_keys.source_customer_id
)

select * from final
