with accounts as (
    select * from {{ ref("base_crm__accounts") }}
),

renamed as (
    select
        account_id as source_customer_id,
        'company' as customer_type,
        name as customer_name,
        country,
        -- `region` is a sales region, which the CRM does not have.
        city,
        postal_code,
        street,
        industry,
        owner,
        phone,
        website,
        parent_account as parent_source_customer_id,
        {{ local_to_utc("cast(updated_at as timestamp)") }} as updated_at
    from accounts
)

select * from renamed
