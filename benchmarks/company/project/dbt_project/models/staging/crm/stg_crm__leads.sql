select
    lead_number as lead_id,
    'crm' as customer_source,
    account_id as source_customer_id,
    lead_name,
    stage,
    is_open,
    amount,
    currency,
    probability,
    expected_close_date,
    owner,
    created_on,
    closed_on,
    last_contact_on,
    industry
from ({{ latest(source("crm", "deals")) }}) as newest
