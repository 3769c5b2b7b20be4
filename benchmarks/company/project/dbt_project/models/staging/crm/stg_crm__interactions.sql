select
    interaction_number as interaction_id,
    'crm' as customer_source,
    account_id as source_customer_id,
    kind,
    occurred_at,
    minutes,
    owner
from ({{ latest(source("crm", "activities")) }}) as newest
