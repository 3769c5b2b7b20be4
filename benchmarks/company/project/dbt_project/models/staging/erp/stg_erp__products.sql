select
    product_no as source_product_id,
    product_name,
    category,
    subcategory,
    list_price,
    unit_cost
from ({{ latest(source("erp", "products")) }}) as newest
