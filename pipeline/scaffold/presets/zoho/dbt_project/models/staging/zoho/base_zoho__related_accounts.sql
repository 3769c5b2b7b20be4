{#- The account that is behind what an activity is about: an account, a deal, a case, an
    order or a person. One row per record that has one. -#}
with latest_accounts as (
    {{ latest(source("zoho", "accounts")) }}
),

latest_contacts as (
    {{ latest(source("zoho", "contacts")) }}
),

latest_deals as (
    {{ latest(source("zoho", "deals")) }}
),

latest_cases as (
    {{ latest(source("zoho", "cases")) }}
),

latest_orders as (
    {{ latest(source("zoho", "orders")) }}
),

related as (
    select
        id as record_id,
        id as account_id
    from latest_accounts
    union all
    select
        id as record_id,
        Account_Name as account_id
    from latest_contacts
    union all
    select
        id as record_id,
        Account_Name as account_id
    from latest_deals
    union all
    select
        id as record_id,
        Account_Name as account_id
    from latest_cases
    union all
    select
        id as record_id,
        Account_Name as account_id
    from latest_orders
)

select *
from related
where account_id is not null
