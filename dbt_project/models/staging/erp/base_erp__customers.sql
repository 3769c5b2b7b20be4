with latest_customers as (
    {{ latest(source("erp", "customers"), ["customer_number"]) }}
)

select * from latest_customers
