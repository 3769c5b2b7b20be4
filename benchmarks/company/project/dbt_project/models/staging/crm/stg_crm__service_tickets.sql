select
    ticket_number as ticket_id,
    customer_system as customer_source,
    customer_number as source_customer_id,
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
    csat_score
from ({{ latest(source("crm", "tickets")) }}) as newest
