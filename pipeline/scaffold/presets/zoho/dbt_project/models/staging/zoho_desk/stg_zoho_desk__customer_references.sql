with latest_accounts as (
    {{ latest(source("zoho_desk", "accounts")) }}
),

renamed as (
    select
        id as source_customer_id,
        'zoho' as other_source,
        crmAccountId as other_source_customer_id
    from latest_accounts
    where crmAccountId is not null
)

select * from renamed
