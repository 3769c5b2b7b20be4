with latest_contacts as (
    {{ latest(source("crm", "contacts")) }}
),

renamed as (
    select
        contact_id,
        'crm' as customer_source,
        account_id as source_customer_id,
        name as contact_name,
        job_title,
        role,
        influence,
        email,
        phone,
        owner,
        cast(last_contact_on as date) as last_contact_on
    from latest_contacts
)

select * from renamed
