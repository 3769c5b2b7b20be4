with latest_accounts as (
    {{ latest(source("fxiaoke", "accounts")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

renamed as (
    select
        latest_accounts._id as source_customer_id,
        'company' as customer_type,
        latest_accounts.name as customer_name,
        -- 统一社会信用代码, the surest key to what other systems know.
        latest_accounts.uniform_social_credit_code as registration_number,
        {{ option_label("latest_accounts", "country") }} as country,
        {{ option_label("latest_accounts", "province") }} as region,
        {{ option_label("latest_accounts", "city") }} as city,
        latest_accounts.address as street,
        {{ option_label("latest_accounts", "industry_level1") }} as industry,
        latest_accounts.owner,
        latest_accounts.email,
        latest_accounts.tel as phone,
        latest_accounts.url as website,
        latest_accounts.parent_account_id as parent_source_customer_id,
        {{ option_label("latest_accounts", "account_source") }} as acquisition_source,
        -- When it became a customer the CRM does not say: the first order does.
        latest_accounts.last_modified_time as updated_at
    from latest_accounts
    {{ join_options("latest_accounts", "AccountObj", "country") }}
    {{ join_options("latest_accounts", "AccountObj", "province") }}
    {{ join_options("latest_accounts", "AccountObj", "city") }}
    {{ join_options("latest_accounts", "AccountObj", "industry_level1") }}
    {{ join_options("latest_accounts", "AccountObj", "account_source") }}
)

select * from renamed
