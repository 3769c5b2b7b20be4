with leads as (
    {{ provided("leads") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        leads.source || ':' || leads.lead_id as lead_id,
        source_keys.customer_id,
        leads.lead_name,
        leads.stage,
        leads.amount,
        leads.currency,
        leads.probability,
        leads.expected_close_date,
        leads.owner,
        leads.created_on,
        leads.last_contact_on,
        leads.source,
        leads.customer_source,
        leads.source_customer_id
    from leads
    left join source_keys
        on
            leads.customer_source = source_keys.source
            and leads.source_customer_id = source_keys.source_customer_id
)

select * from final
