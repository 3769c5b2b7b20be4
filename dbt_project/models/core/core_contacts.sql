{#- People at customers, as every source that has them gives them; a contact of an
    unknown customer is kept, without one. A contact with it after the as-of day is not
    known. -#}
with contacts as (
    {{ known("contacts") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        contacts.source || ':' || contacts.contact_id as contact_id,
        source_keys.customer_id,
        contacts.contact_name,
        contacts.job_title,
        contacts.role,
        contacts.influence,
        contacts.email,
        contacts.phone,
        contacts.owner,
        contacts.last_contact_on,
        contacts.source
    from contacts
    left join source_keys
        on
            contacts.customer_source = source_keys.source
            and contacts.source_customer_id = source_keys.source_customer_id
)

select * from final
