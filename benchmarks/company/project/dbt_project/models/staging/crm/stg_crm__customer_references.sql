select
    account_id as source_customer_id,
    'erp' as other_source,
    erp_number as other_source_customer_id
from ({{ latest(source("crm", "accounts")) }}) as newest
where erp_number is not null
