{#- Accounts of the desk. Those that are linked with the CRM are one customer with it. -#}
with latest_accounts as (
    {{ latest(source("zoho_desk", "accounts")) }}
),

renamed as (
    select
        id as source_customer_id,
        'company' as customer_type,
        accountName as customer_name,
        country,
        industry,
        email,
        phone,
        website
    from latest_accounts
)

select * from renamed
