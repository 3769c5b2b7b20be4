with contacts as (
    select * from {{ ref("core_contacts") }}
),

final as (
    select
        contact_id,
        customer_id,
        {{ masked_name("contact_name") }} as contact_name,
        job_title,
        role,
        influence,
        {{ masked_email("email") }} as email_masked,
        {{ masked_phone("phone") }} as phone_masked,
        owner,
        last_contact_on,
        source
    from contacts
)

select * from final
