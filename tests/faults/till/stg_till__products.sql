select distinct
    product as source_product_id,
    'Product ' || product as product_name
from {{ ref("base_till__sales") }}
