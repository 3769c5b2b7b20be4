with latest_company_profiles as (
    {{ latest(source("erp", "company_profiles")) }}
)

select * from latest_company_profiles
