select
    'any' as source_product_id,
    'Anything' as product_name
