select
    'erp' as customer_source,
    source_customer_id,
    identity
from ({{ latest(source("erp", "known_identities")) }}) as newest
