with latest_accounts as (
    {{ latest(source("zoho", "accounts")) }}
),

latest_leads as (
    {{ latest(source("zoho", "leads")) }}
),

users as (
    select * from {{ ref("base_zoho__users") }}
),

options as (
    select * from {{ ref("base_zoho__options") }}
),

-- What won a customer stands with the lead that it was.
origins as (
    select
        Converted_Account as account_id,
        min_by(Lead_Source, Created_Time) as acquisition_source
    from latest_leads
    where Converted_Account is not null and Lead_Source is not null
    group by Converted_Account
),

renamed as (
    select
        latest_accounts.id as source_customer_id,
        'company' as customer_type,
        latest_accounts.Account_Name as customer_name,
        latest_accounts.registration_number,
        latest_accounts.Billing_Country as country,
        latest_accounts.Billing_State as region,
        latest_accounts.Billing_City as city,
        latest_accounts.Billing_Code as postal_code,
        latest_accounts.Billing_Street as street,
        {{ option_label("latest_accounts", "Industry") }} as industry,
        coalesce(users.user_name, latest_accounts.Owner) as owner,
        latest_accounts.Phone as phone,
        latest_accounts.Website as website,
        latest_accounts.Parent_Account as parent_source_customer_id,
        origins.acquisition_source,
        -- In the reporting currency, or not at all.
        case
            when
                coalesce(latest_accounts.Currency, '{{ var("reporting_currency") }}')
                = '{{ var("reporting_currency") }}'
                then latest_accounts.Annual_Revenue
        end as annual_revenue,
        latest_accounts.Employees as employee_count,
        -- When it became a customer Zoho does not say: the first order does.
        latest_accounts.Modified_Time as updated_at
    from latest_accounts
    left join users on latest_accounts.Owner = users.user_id
    left join origins on latest_accounts.id = origins.account_id
    {{ join_options("latest_accounts", "Accounts", "Industry") }}
)

select * from renamed
