select
    'zoho' as customer_source,
    source_customer_id,
    identity
from ({{ latest(source("zoho", "known_identities")) }}) as newest
