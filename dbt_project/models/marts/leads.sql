with leads as (
    select * from {{ ref("core_leads") }}
),

matches as (
    select * from {{ ref("core_lead_matches") }}
),

final as (
    select
        leads.lead_id,
        leads.customer_id,
        matches.matched_customer_id,
        matches.matched_by,
        case
            when leads.is_known_company then leads.lead_name
            else {{ masked_name("leads.lead_name") }}
        end as lead_name,
        leads.customer_type,
        leads.stage,
        leads.is_open,
        leads.amount,
        leads.currency,
        leads.source_amount,
        leads.source_currency,
        leads.probability,
        leads.expected_close_date,
        leads.owner,
        leads.created_on,
        leads.closed_on,
        leads.last_contact_on,
        leads.source,
        leads.customer_source,
        leads.source_customer_id
    from leads
    left join matches on leads.lead_id = matches.lead_id
)

select * from final
