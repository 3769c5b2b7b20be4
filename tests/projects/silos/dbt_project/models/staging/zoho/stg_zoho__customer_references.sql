select
    source_customer_id,
    other_source,
    other_source_customer_id
from ({{ latest(source("zoho", "customer_references")) }})
    as newest
