with latest_tickets as (
    {{ latest(source("zoho_desk", "tickets")) }}
),

latest_contacts as (
    {{ latest(source("zoho_desk", "contacts")) }}
),

labelled as (
    select
        latest_tickets.*,
        coalesce(latest_tickets.accountId, latest_contacts.accountId) as customer_id,
        lower(latest_tickets.priority) as priority_label,
        lower(latest_tickets.statusType) = 'closed' as is_closed
    from latest_tickets
    left join latest_contacts on latest_tickets.contactId = latest_contacts.id
),

renamed as (
    select
        id as ticket_id,
        'zoho_desk' as customer_source,
        customer_id as source_customer_id,
        createdTime as opened_at,
        -- When it was first answered the list does not say.
        case when is_closed then closedTime end as resolved_at,
        case when is_closed then closedTime end as closed_at,
        -- Put your own words in.
        case
            when priority_label in ('urgent', 'critical', '紧急') then 1
            when priority_label in ('high', '高') then 2
            when priority_label in ('medium', 'normal', '中') then 3
            when priority_label in ('low', '低') then 4
        end as priority,
        coalesce(category, classification) as category,
        channel,
        lower(classification) in ('complaint', 'complaints', '投诉') as is_complaint,
        case when is_closed then closedTime <= dueDate end as met_sla
    from labelled
)

select * from renamed
