with latest_customers as (
    {{ latest(source("erp", "customers")) }}
)

select * from latest_customers
