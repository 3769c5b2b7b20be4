with lines as (
    select * from {{ ref("base_shop__invoice_lines") }}
),

newest as (
    select
        customer_number,
        country,
        row_number() over (
            partition by customer_number
            order by invoiced_at_local desc, invoice_number desc, row_in_invoice desc
        ) as recency
    from lines
)

select
    customer_number as source_customer_id,
    'person' as customer_type,
    'Customer ' || customer_number as customer_name,
    country,
    null as region,
    null as city,
    null as postal_code,
    null as industry,
    null as owner,
    null as email,
    null as phone,
    null as acquisition_source,
    null as acquired_on,
    null as annual_revenue,
    null as employee_count,
    null as yearly_income
from newest
where recency = 1
