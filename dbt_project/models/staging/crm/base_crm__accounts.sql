with latest_accounts as (
    {{ latest(source("crm", "accounts"), ["account_id"]) }}
)

select * from latest_accounts
