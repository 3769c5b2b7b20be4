with lines as (
    select * from {{ ref("base_shop__invoice_lines") }}
),

newest as (
    select
        stock_code,
        description,
        unit_price,
        row_number() over (
            partition by stock_code
            order by invoiced_at_local desc, invoice_number desc, row_in_invoice desc
        ) as recency
    from lines
)

select
    stock_code as source_product_id,
    coalesce(description, stock_code) as product_name,
    null as category,
    null as subcategory,
    unit_price as list_price,
    null as unit_cost
from newest
where recency = 1
