select
    source_customer_id,
    other_source,
    other_source_customer_id
from ({{ latest(source("fxiaoke", "customer_references")) }})
    as newest
