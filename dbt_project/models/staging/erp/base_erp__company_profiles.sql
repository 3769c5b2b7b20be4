with latest_company_profiles as (
    {{ latest(source("erp", "company_profiles"), ["customer_number"]) }}
)

select * from latest_company_profiles
