select
    'fxiaoke' as customer_source,
    source_customer_id,
    identity
from ({{ latest(source("fxiaoke", "known_identities")) }}) as newest
