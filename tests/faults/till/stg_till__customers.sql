select distinct
    customer as source_customer_id,
    'person' as customer_type,
    'Buyer ' || customer as customer_name
from {{ ref("base_till__sales") }}
