with latest_contacts as (
    {{ latest(source("fxiaoke", "contacts")) }}
),

options as (
    select * from {{ ref("base_fxiaoke__options") }}
),

renamed as (
    select
        latest_contacts._id as contact_id,
        'fxiaoke' as customer_source,
        latest_contacts.account_id as source_customer_id,
        latest_contacts.name as contact_name,
        latest_contacts.job_title,
        -- 是否关键决策人 says it of some; what the others decide is not known.
        case
            when
                lower({{ option_label("latest_contacts", "primary_contact") }})
                in ('是', 'true', 'yes', '1')
                then 'decision_maker'
        end as role,
        latest_contacts.email,
        coalesce(latest_contacts.mobile1, latest_contacts.tel1) as phone,
        latest_contacts.owner
    from latest_contacts
    {{ join_options("latest_contacts", "ContactObj", "primary_contact") }}
)

select * from renamed
