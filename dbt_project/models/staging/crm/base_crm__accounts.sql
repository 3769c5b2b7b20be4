with latest_accounts as (
    {{ latest(source("crm", "accounts")) }}
)

select * from latest_accounts
