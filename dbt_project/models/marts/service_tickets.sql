with service_tickets as (
    select * from {{ ref("core_service_tickets") }}
),

spells as (
    select
        customer_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to,
        tier_code
    from {{ ref("int_tier_spells") }}
),

final as (
    select
        service_tickets.ticket_id,
        service_tickets.customer_id,
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
        spells.tier_code as tier_at_opening,
        service_tickets.source_customer_id
    from service_tickets
    left join spells
        on
            service_tickets.customer_id = spells.customer_id
            and {{ business_date("service_tickets.opened_at") }} >= spells.valid_from
            and {{ business_date("service_tickets.opened_at") }} < spells.valid_to
)

select * from final
