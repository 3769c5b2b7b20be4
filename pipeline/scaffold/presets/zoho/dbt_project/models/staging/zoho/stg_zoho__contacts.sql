with latest_contacts as (
    {{ latest(source("zoho", "contacts")) }}
),

users as (
    select * from {{ ref("base_zoho__users") }}
),

renamed as (
    select
        latest_contacts.id as contact_id,
        'zoho' as customer_source,
        latest_contacts.Account_Name as source_customer_id,
        coalesce(latest_contacts.Full_Name, latest_contacts.Last_Name) as contact_name,
        latest_contacts.Title as job_title,
        latest_contacts.Email as email,
        coalesce(latest_contacts.Mobile, latest_contacts.Phone) as phone,
        coalesce(users.user_name, latest_contacts.Owner) as owner,
        {{ business_date(utc_time("latest_contacts.Last_Activity_Time")) }}
            as last_contact_on
    from latest_contacts
    left join users on latest_contacts.Owner = users.user_id
)

select * from renamed
